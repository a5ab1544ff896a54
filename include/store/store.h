/* Rows as structs. One function per question; policy is elsewhere. All strings lie in the arena given. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/rng.h"
#include "db/db.h"

struct user {
    const char *id, *name, *email;
    bool email_verified;
    const char *image; /* NULL when unset */
    int64_t created_at, updated_at;
};

struct session {
    const char *id, *user_id;
    int64_t expires_at;
    const char *ip, *agent; /* "" when unknown */
    int64_t created_at, updated_at;
    bool remember;
    int64_t authenticated_at, dies_at, last_seen_at;
    const char *last_ip; /* "" when unknown */
};

/* What a sign-in needs of an account. */
struct credential {
    struct user user;
    const char *password; /* hash; NULL: this user has no password */
    bool disabled;
};

struct user_summary {
    struct user user;
    bool disabled;
    int64_t disabled_at;
    int64_t sessions; /* rows, expired ones not yet swept included */
};

struct session_summary {
    struct session session;
    const char *email;
};

/* --- users (store/users.c) --- ERR_NONE: no such user; ERR_DB_DUPLICATE: the e-mail is taken. */
MUST_USE enum err users_add(struct db *db, const struct user *u);
MUST_USE enum err users_by_id(struct db *db, struct arena *a, const char *id, struct user *out);
MUST_USE enum err users_by_email(struct db *db, struct arena *a, const char *email, struct user *out);
MUST_USE enum err users_count(struct db *db, struct arena *a, int64_t *out);
/* Up to limit users with id > after, by id; "" begins. */
MUST_USE enum err users_page(struct db *db, struct arena *a, const char *after, int64_t limit,
                             struct user_summary **out, size_t *n);
/* Deletes the user with sessions, accounts and our row; caller holds the transaction and the lock. ERR_NONE. */
MUST_USE enum err users_delete(struct db *db, const char *id);
/* Takes the per-user lock: first thing in a transaction that adds sessions, ends several, or changes a credential or
 * the user's state. Held until commit. */
MUST_USE enum err users_lock(struct db *db, const char *id);
/* The locks of all users at once. */
MUST_USE enum err users_lock_all(struct db *db);
/* ERR_NONE: already in that state. Caller holds the lock. */
MUST_USE enum err users_disable(struct db *db, const char *id, int64_t now);
MUST_USE enum err users_enable(struct db *db, const char *id);

/* --- accounts (store/accounts.c) --- */
MUST_USE enum err accounts_add(struct db *db, const char *user_id, const char *password, int64_t now);
/* ERR_NONE: no user of that e-mail. */
MUST_USE enum err accounts_find(struct db *db, struct arena *a, const char *email, struct credential *out);
/* Replaces the hash `from` by `to`; ERR_NONE if it is no longer `from`. */
MUST_USE enum err accounts_rehash(struct db *db, const char *user_id, const char *from, const char *to, int64_t now);
/* Sets the hash, adding a password account where there is none. Caller holds the lock. */
MUST_USE enum err accounts_set(struct db *db, const char *user_id, const char *password, int64_t now);

/* --- sessions (store/sessions.c); token_hash as token_hash() makes it --- */
/* Adds s if the user is enabled and his password hash is still `password`; ERR_NONE otherwise. Caller holds the lock.
 */
MUST_USE enum err sessions_add(struct db *db, const struct session *s, const char *token_hash, const char *password);
/* The session and its user, dead or alive. ERR_NONE. */
MUST_USE enum err sessions_find(struct db *db, struct arena *a, const char *token_hash, struct session *s,
                                struct user *u);
/* Living sessions of a user, oldest first. */
MUST_USE enum err sessions_list(struct db *db, struct arena *a, const char *user_id, int64_t now, struct session **out,
                                size_t *n);
MUST_USE enum err sessions_count_live(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t *out);
/* Ends the n living sessions of a user that were used least lately. Caller holds the lock. */
MUST_USE enum err sessions_end_oldest(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t n);
/* Moves expiry, update and last use; ERR_NONE if expires_at is no longer `was` (moved by another, or ended). */
MUST_USE enum err sessions_slide(struct db *db, const struct session *s, int64_t was);
/* Writes last use; ERR_NONE if last_seen_at is no longer `was`. */
MUST_USE enum err sessions_seen(struct db *db, const struct session *s, int64_t was);
/* Ends one. ERR_NONE: there was none (for own: of that user and alive). */
MUST_USE enum err sessions_end_own(struct db *db, const char *id, const char *user_id, int64_t now);
MUST_USE enum err sessions_end_token(struct db *db, const char *token_hash);
MUST_USE enum err sessions_end_id(struct db *db, const char *id);
/* End many; *n (may be NULL) tells how many rows. keep: id of the session that stays, NULL for none. */
MUST_USE enum err sessions_end_user(struct db *db, const char *user_id, const char *keep, int64_t *n);
MUST_USE enum err sessions_end_everybody(struct db *db, int64_t *n);
MUST_USE enum err sessions_count(struct db *db, struct arena *a, int64_t now, int64_t *all, int64_t *live);
/* Up to limit living sessions of anybody with id > after, by id. */
MUST_USE enum err sessions_page(struct db *db, struct arena *a, int64_t now, const char *after, int64_t limit,
                                struct session_summary **out, size_t *n);
/* Deletes at most about `batch` expired rows, the longest expired first; *n: how many. Repeat until it is 0. */
MUST_USE enum err sessions_sweep(struct db *db, struct arena *a, int64_t now, int64_t batch, int64_t *n);

/* --- meta (store/meta.c) --- */
/* Checks the fingerprints of our secrets against the database's row, or writes it; moves it to our newest secret.
 * ERR_SECRET (logged): none of ours matches: this database belongs to other secrets. */
struct keys;
MUST_USE enum err meta_check_secret(struct db *db, struct arena *a, const struct keys *k);
/* The same without writing; a database that knows no secret yet is fine. */
MUST_USE enum err meta_knows_secret(struct db *db, struct arena *a, const struct keys *k);
/* Makes the newest of `to` the secret it knows, if the one it knows is among `from`. ERR_SECRET otherwise. */
MUST_USE enum err meta_move_secret(struct db *db, struct arena *a, const struct keys *from, const struct keys *to);

#endif
