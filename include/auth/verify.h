/* E-mail addresses: proving that one is the user's, and changing to another. */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include "auth/auth.h"

/* Queues a mail with a link that proves the address of c; inside a transaction under the user's lock. back: where the
 * browser goes afterwards; may be NULL. to NULL: as mail_queue. row: names the ticket. For auth/ only. */
MUST_USE enum err verify_offer(struct auth *au, const struct credential *c, const char *row, const char *to,
                               const char *back);
/* Notes, inside a transaction under his lock, that u has shown the address to be his. For auth/ only. */
MUST_USE enum err verify_proven(struct auth *au, const struct user *u);
/* The same on request. who NULL: by a stranger, who learns nothing. ERR_VERIFY_DISABLED (there is no mail),
 * ERR_EMAIL_MISMATCH, ERR_EMAIL_VERIFIED (who only), ERR_LIMITED. */
MUST_USE enum err verify_request(struct auth *au, const struct checked *who, const char *email, const char *back);
/* A link was followed, of verify_request or change_email_request; once more is fine while it is good. ERR_VERIFY_TOKEN,
 * ERR_VERIFY_EXPIRED. */
MUST_USE enum err verify_email(struct auth *au, const char *token);
/* Is the link good? Does nothing. The same. */
MUST_USE enum err verify_known(struct auth *au, const char *token);
/* Queues a mail to the new address with a link that makes it the user's. Whether it is another user's shows nowhere.
 * ERR_CHANGE_EMAIL_DISABLED, ERR_EMAIL_SAME, ERR_LIMITED, ERR_UNAUTHORIZED. */
MUST_USE enum err change_email_request(struct auth *au, const struct checked *who, const char *email, const char *back);

#endif
