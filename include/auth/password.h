/* Passwords, for auth/ only: what is verified here is what the guards of later statements name. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "auth/auth.h"

/* Whose password is tried, for the limits: subject as throttle_take wants it; device NULL: a stranger's. */
struct tried {
    const char *subject, *device;
};
/* A new hash at the configured cost, under a slot. In the arena. t: counted as a try; NULL: it is none. ERR_LIMITED,
 * ERR_HASH_BUSY. */
MUST_USE enum err password_hash(struct auth *au, const struct tried *t, const char *password, const char **out);
/* Counts a try, unless this request has counted one, and compares, under one slot; stored NULL (an unknown user, or one
 * without a password) costs the same as a wrong password. The only place where passwords are compared. *fresh: a new
 * hash to store, when the old one is of a weaker kind; else NULL. ERR_LIMITED, ERR_HASH_BUSY: nothing was counted. */
MUST_USE enum err password_try(struct auth *au, const struct tried *t, const char *password, const char *stored,
                               bool *match, const char **fresh);
/* A try of a signed-in user, which is counted: his credential, if password is his; out->password is the hash to guard
 * what follows with. ERR_INVALID_PASSWORD, ERR_PASSWORD_LONG, ERR_NO_CREDENTIAL (he has none), ERR_UNAUTHORIZED (he is
 * gone), ERR_LIMITED, ERR_HASH_BUSY. */
MUST_USE enum err password_prove(struct auth *au, const struct checked *who, const char *password,
                                 struct credential *out);

#endif
