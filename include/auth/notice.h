/* "Was this you?": the mail after a sign-in from a device that is not known. */
#ifndef AUTH_NOTICE_H
#define AUTH_NOTICE_H

#include "auth/auth.h"

/* Inside the transaction that opens the session: queues the mail, unless it is switched off. For auth/ only. */
MUST_USE enum err notice_new_device(struct auth *au, const struct credential *c, const struct session *s);
/* The link of such a mail: is there still something to end? ERR_RESET_TOKEN. */
MUST_USE enum err notice_known(struct auth *au, const char *token);
/* Spends it and ends that session. ERR_RESET_TOKEN: unknown, spent or expired. A session that has ended is fine. */
MUST_USE enum err notice_not_me(struct auth *au, const char *token);

#endif
