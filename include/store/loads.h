/* Test data in bulk: rows by the hundred in one statement. Only for `latchkeyctl load-test-data`. */
#ifndef STORE_LOADS_H
#define STORE_LOADS_H

#include "store/store.h"

#define LOADS_WIDTH 128 /* characters of a row, all ASCII */
#define LOADS_DROP 30   /* users that loads_drop takes */

/* n rows of id (32), name (32) and e-mail (64), the last two padded with blanks; one whose id is there stays as it is.
 * Caller holds the transaction. *added: those that were not there. ERR_DB_DUPLICATE: an e-mail is somebody else's. */
MUST_USE enum err loads_users(struct db *db, const char *rows, int64_t n, int64_t now, int64_t *added);
/* n rows of id (32), hash of the token (64) and id of the user (32), all else as `like` has it; likewise. */
MUST_USE enum err loads_sessions(struct db *db, const char *rows, int64_t n, const struct session *like,
                                 int64_t *added);
/* Is anybody there who was not loaded? */
MUST_USE enum err loads_others(struct db *db, struct arena *a, bool *yes);
/* Up to LOADS_DROP users who were loaded, with e-mail > after, by e-mail; "" begins. Only id and email are filled in. */
MUST_USE enum err loads_page(struct db *db, struct arena *a, const char *after, struct user **out, size_t *n);
/* Deletes up to LOADS_DROP of them with all they have. Caller holds the transaction. *sessions: theirs. */
MUST_USE enum err loads_drop(struct db *db, const struct user *users, size_t n, int64_t *sessions);

#endif
