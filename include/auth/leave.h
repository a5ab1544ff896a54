/* Deleting one's own account. */
#ifndef AUTH_LEAVE_H
#define AUTH_LEAVE_H

#include "auth/auth.h"

/* Deletes the user who asks, with everything of his; or with auth.delete_user = mail sends him a link to do it
 * (*mailed). password NULL: his session is fresh. back: where the browser goes then; may be NULL. ERR_NOT_FOUND:
 * switched off. Others as for account_change_password. */
MUST_USE enum err leave_start(struct auth *au, const struct checked *who, const char *password, const char *back,
                              bool *mailed);
/* Is token, from a mail, good for who asks? Spends nothing. ERR_DELETE_TOKEN. */
MUST_USE enum err leave_known(struct auth *au, const struct checked *who, const char *token);
/* Spends it and deletes the user. The same, and ERR_UNAUTHORIZED (his session ended meanwhile). */
MUST_USE enum err leave_by_token(struct auth *au, const struct checked *who, const char *token);

#endif
