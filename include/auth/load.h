/* Test data to try out sizes with: sessions by the million, of users who cannot sign in. Session i (from 0) and its user
 * are the same rows each time, so that what was broken off can be finished and what is there extended. */
#ifndef AUTH_LOAD_H
#define AUTH_LOAD_H

#include "auth/auth.h"

#define LOAD_MAX INT64_C(1000000000)

/* The token of session i: 128 bits of an HMAC under the newest secret, so that nobody else knows it, and so that cookies
 * can be made again although the store has but a hash. `expired`: of those that are loaded as expired. ERR_INTERNAL. */
MUST_USE enum err load_token(const struct keys *k, bool expired, int64_t i, char out[static RNG_ID_SIZE]);
/* Is there anybody who was not loaded? */
MUST_USE enum err load_others(struct auth *au, bool *yes);
struct load {
    int64_t n;     /* how many there shall be, at most LOAD_MAX */
    bool expired;  /* ended in the last week, the lower their number the longer ago; else they begin now */
    int64_t done;  /* of n; from 0 on */
    int64_t added; /* of those done: were not there before */
};
/* Adds the next few thousand sessions, with their users, in one transaction, while done < n. What is there stays as it is.
 * ERR_DB_DUPLICATE: an e-mail is somebody else's. */
MUST_USE enum err load_add(struct auth *au, struct load *l);

struct load_gone {
    int64_t users, sessions;
    char last[256]; /* e-mail of the last one */
};
/* Deletes some users who were loaded, with their sessions, in one transaction. a: for the length of the call. ERR_NONE:
 * there are no more. */
MUST_USE enum err load_remove(struct auth *au, struct arena *a, struct load_gone *gone);

#endif
