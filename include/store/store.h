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

/* One way to sign in that a user has. */
struct account {
    const char *account_id, *provider, *user_id;
    int64_t created_at, updated_at;
    const char *id, *scope; /* scope NULL: none */
};

/* A one-time token as the store has it: never the token itself. */
struct ticket {
    const char *id;         /* purpose and user: there is one at a time */
    const char *identifier; /* purpose and hash of the token */
    const char *value;      /* what it is bound to */
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

/* One event of the audit log. NULL: not known, or none. */
struct audit {
    int64_t id; /* in order of being written */
    int64_t at;
    const char *event, *user_id, *session_id, *actor, *reason, *email, *ip, *agent, *request;
};

/* Why sessions end, and how long that is kept. */
struct ended {
    const char *reason;
    int64_t expires_at;
};

/* A counter of tries. */
struct limit {
    const char *name, *subject; /* subject: user, address, … it counts for */
    int64_t tries, free_at;     /* free_at: ms since 1970 */
    int64_t expires_at;         /* from then on it is as if it were not there */
    bool there;                 /* the store has it */
};

/* A key that signs JWTs, without its private half. */
struct signing_key {
    const char *id;         /* the kid */
    const char *public_key; /* JSON Web Key, without kid and alg */
    const char *alg, *crv;
    int64_t created_at; /* it signs from then on */
    int64_t expires_at; /* and no more from then on; 0: no end yet */
};

struct device {
    const char *name;
    int64_t last_seen_at;
};

/* A mail that waits to be sent. */
struct mail {
    int64_t id;
    const char *ref;       /* random, its own for ever */
    const char *kind;      /* a word of auth/mails.def */
    const char *recipient; /* NULL: nobody */
    const char *data;      /* what it tells, sealed */
    int64_t created_at, due_at, tries, expires_at;
    const char *error; /* of the last try; NULL: none yet, or one is under way */
};

/* --- users (store/users.c) --- ERR_NONE: no such user; ERR_DB_DUPLICATE: the e-mail is taken. */
MUST_USE enum err users_add(struct db *db, const struct user *u);
MUST_USE enum err users_by_id(struct db *db, struct arena *a, const char *id, struct user *out);
MUST_USE enum err users_by_email(struct db *db, struct arena *a, const char *email, struct user *out);
MUST_USE enum err users_count(struct db *db, struct arena *a, int64_t *out);
/* Up to limit users with id > after, by id; "" begins. */
MUST_USE enum err users_page(struct db *db, struct arena *a, const char *after, int64_t limit,
                             struct user_summary **out, size_t *n);
/* Changes name (NULL: it stays) and image (only if set_image; NULL: none). ERR_NONE. */
MUST_USE enum err users_update(struct db *db, const char *id, const char *name, bool set_image, const char *image,
                               int64_t now);
/* Notes that the address is the user's. ERR_NONE: it was known, or he has another one. */
MUST_USE enum err users_verify(struct db *db, const char *id, const char *email, int64_t now);
/* Gives a user who has `from` the address `to`, which is proven. ERR_NONE: he has it not; ERR_DB_DUPLICATE. */
MUST_USE enum err users_set_email(struct db *db, const char *id, const char *from, const char *to, int64_t now);
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
/* The same of a user by id. ERR_NONE: no such user. */
MUST_USE enum err accounts_of(struct db *db, struct arena *a, const char *user_id, struct credential *out);
/* All ways in that a user has, oldest first. */
MUST_USE enum err accounts_list(struct db *db, struct arena *a, const char *user_id, struct account **out, size_t *n);
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
/* Names of the groups of a user. */
struct groups {
    size_t n;
    const char **v;
};
/* As sessions_find, but of session and user only what the gate needs (stmts.def): the rest is 0 or NULL. groups not NULL:
 * and all groups of the user. One round trip. */
MUST_USE enum err sessions_find_gate(struct db *db, struct arena *a, const char *token_hash, struct session *s,
                                     struct user *u, struct groups *groups);
/* As sessions_find, and all groups of the user. One round trip. */
MUST_USE enum err sessions_find_groups(struct db *db, struct arena *a, const char *token_hash, struct session *s,
                                       struct user *u, struct groups *groups);
/* Living sessions of a user, oldest first. */
MUST_USE enum err sessions_list(struct db *db, struct arena *a, const char *user_id, int64_t now, struct session **out,
                                size_t *n);
MUST_USE enum err sessions_count_live(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t *out);
/* Moves expiry, update and last use; ERR_NONE if expires_at is no longer `was` (moved by another, or ended). */
MUST_USE enum err sessions_slide(struct db *db, const struct session *s, int64_t was);
/* Writes last use; ERR_NONE if last_seen_at is no longer `was`. */
MUST_USE enum err sessions_seen(struct db *db, const struct session *s, int64_t was);
/* Notes that the password was given now, if its hash is still `password`; ERR_NONE: it is not, or the session ended. */
MUST_USE enum err sessions_renew(struct db *db, const struct session *s, const char *password, int64_t now);
/* ERR_NONE: it has ended. */
MUST_USE enum err sessions_there(struct db *db, struct arena *a, const struct session *s, int64_t now);
/* Ends one that is of that user and alive at `now`. ERR_NONE: there is none. */
MUST_USE enum err sessions_end_own(struct db *db, const char *id, const char *user_id, int64_t now);
MUST_USE enum err sessions_user_of(struct db *db, struct arena *a, const char *id, const char **user_id);
/* Id and user of the session with this token. ERR_NONE. */
MUST_USE enum err sessions_id_of(struct db *db, struct arena *a, const char *token_hash, const char **id,
                                 const char **user_id);
/* Ids of all of a user's sessions but `keep` (NULL: none is kept). */
MUST_USE enum err sessions_ids(struct db *db, struct arena *a, const char *user_id, const char *keep, const char ***out,
                               size_t *n);
/* Ids of the n living sessions of a user that were used least lately. */
MUST_USE enum err sessions_oldest(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t n,
                                  const char ***out, size_t *got);
/* End many; *n (may be NULL) tells how many rows. keep: id of the session that stays, NULL for none. */
MUST_USE enum err sessions_end_user(struct db *db, const char *user_id, const char *keep, int64_t *n);
MUST_USE enum err sessions_end_everybody(struct db *db, int64_t *n);
MUST_USE enum err sessions_count(struct db *db, struct arena *a, int64_t now, int64_t *all, int64_t *live);
/* Of up to 2000 living sessions: how many users have them, from how many addresses, and one of those. */
MUST_USE enum err sessions_crowd(struct db *db, struct arena *a, int64_t now, int64_t *users, int64_t *addresses,
                                 const char **address);
/* Up to limit living sessions of anybody with id > after, by id. */
MUST_USE enum err sessions_page(struct db *db, struct arena *a, int64_t now, const char *after, int64_t limit,
                                struct session_summary **out, size_t *n);
/* Deletes at most about `batch` expired rows, the longest expired first; *n: how many. Repeat until it is 0. *from: as
 * of sweep_table. */
MUST_USE enum err sessions_sweep(struct db *db, struct arena *a, int64_t *from, int64_t now, int64_t batch,
                                 int64_t *n);

/* --- one-time tokens (store/tickets.c) --- */
/* Adds t in place of the one with its id. Caller holds the user's lock, if it is a user's. ERR_DB_CONFLICT: another was
 * added at the same time. */
MUST_USE enum err tickets_put(struct db *db, const struct ticket *t, int64_t expires_at, int64_t now);
/* ERR_NONE: unknown, spent or expired. */
MUST_USE enum err tickets_find(struct db *db, struct arena *a, const char *identifier, int64_t now, struct ticket *out);
/* ERR_NONE: somebody else was quicker. */
MUST_USE enum err tickets_spend(struct db *db, const struct ticket *t, int64_t now);
/* Takes away the one with this id, if there is one. */
MUST_USE enum err tickets_drop(struct db *db, const char *id);
/* All whose ids begin with this one and a colon. */
MUST_USE enum err tickets_drop_below(struct db *db, struct arena *a, const char *id);

/* --- audit log, and why sessions ended (store/audits.c) --- */
MUST_USE enum err audits_add(struct db *db, const struct audit *e);
/* The same event for each session of e->user_id but `keep` (NULL: for all). */
MUST_USE enum err audits_add_sessions(struct db *db, const struct audit *e, const char *keep);
/* Up to limit events with id > after, not before `since`, in order; user_id NULL: of everybody. */
MUST_USE enum err audits_page(struct db *db, struct arena *a, const char *user_id, int64_t since, int64_t after,
                              int64_t limit, struct audit **out, size_t *n);
/* Takes out of all events who and from where this user was. */
MUST_USE enum err audits_forget(struct db *db, const char *user_id, const char *email);
/* Before the statement that ends them, with the same guards, in the same transaction. */
MUST_USE enum err ended_add_own(struct db *db, const char *id, const char *user_id, int64_t now,
                                const struct ended *why);
MUST_USE enum err ended_add_user(struct db *db, const char *user_id, const char *keep, const struct ended *why);
MUST_USE enum err ended_add_everybody(struct db *db, const struct ended *why);
/* ERR_NONE: not known, or not any more. */
MUST_USE enum err ended_find(struct db *db, struct arena *a, const char *token_hash, int64_t now, const char **reason);

/* --- limits and devices (store/limits.c) --- */
/* One that is not there has no tries. */
MUST_USE enum err limits_get(struct db *db, struct arena *a, const char *name, struct limit *out);
/* Replaces what was read. ERR_NONE: it has changed since. */
MUST_USE enum err limits_set(struct db *db, const struct limit *was, const struct limit *is);
/* Moves free_at back. One that is gone is fine. */
MUST_USE enum err limits_refund(struct db *db, const char *name, int64_t ms);
MUST_USE enum err limits_drop(struct db *db, const char *name);
/* All of a subject; NULL: of everybody. */
MUST_USE enum err limits_clear(struct db *db, const char *subject, int64_t *n);
/* Up to limit counters with name > after that count now, by name. */
MUST_USE enum err limits_page(struct db *db, struct arena *a, int64_t now, const char *after, int64_t limit,
                              struct limit **out, size_t *n);
/* ERR_NONE: the user never signed in from there, or too long ago. */
MUST_USE enum err devices_find(struct db *db, struct arena *a, const char *user_id, const char *device, int64_t now,
                               int64_t *last_seen);
/* Caller holds the user's lock. */
MUST_USE enum err devices_seen(struct db *db, const char *user_id, const char *device, int64_t now, int64_t expires_at);
MUST_USE enum err devices_forget(struct db *db, const char *user_id);
MUST_USE enum err devices_list(struct db *db, struct arena *a, const char *user_id, struct device **out, size_t *n);

/* --- mails that wait (store/mails.c) --- */
/* id, tries and error do not count. */
MUST_USE enum err mails_add(struct db *db, const struct mail *m);
/* When the next one is due. ERR_NONE: none waits. */
MUST_USE enum err mails_next(struct db *db, struct arena *a, int64_t *due_at);
/* Up to limit that are due, the longest due first. */
MUST_USE enum err mails_due(struct db *db, struct arena *a, int64_t now, int64_t limit, struct mail **out, size_t *n);
/* Up to limit with id > after, by id. */
MUST_USE enum err mails_page(struct db *db, struct arena *a, int64_t after, int64_t limit, struct mail **out,
                             size_t *n);
/* Before m is sent: counts the try and keeps all others from it until `until`; m is changed alike. ERR_NONE: another
 * was quicker. */
MUST_USE enum err mails_claim(struct db *db, struct mail *m, int64_t until);
/* After the try m could not be sent by. ERR_NONE: it is gone, or another tries since. */
MUST_USE enum err mails_later(struct db *db, const struct mail *m, int64_t due_at, const char *error);
/* ERR_NONE: it is gone. */
MUST_USE enum err mails_drop(struct db *db, int64_t id);
/* Those that wait for this address, oldest first; only kind and created_at are filled in. */
MUST_USE enum err mails_of(struct db *db, struct arena *a, const char *recipient, struct mail **out, size_t *n);
/* All that wait for this address. */
MUST_USE enum err mails_forget(struct db *db, const char *recipient);
/* Those of two kinds that wait for any address that an event of this user tells of. */
MUST_USE enum err mails_forget_of(struct db *db, const char *kind, const char *other_kind, const char *user_id);
/* How many wait, and how many of those have been tried. */
MUST_USE enum err mails_count(struct db *db, struct arena *a, int64_t *all, int64_t *tried);

/* --- keys that sign JWTs (store/jwks.c) --- */
/* Those not expired by `since`, by created_at, without their private halves. */
MUST_USE enum err jwks_list(struct db *db, struct arena *a, int64_t since, struct signing_key **out, size_t *n);
/* The sealed private half. ERR_NONE: no such key. */
MUST_USE enum err jwks_private(struct db *db, struct arena *a, const char *id, const char **sealed);
MUST_USE enum err jwks_add(struct db *db, const struct signing_key *k, const char *sealed);
/* One that had no end gets one; any other keeps the end it has. */
MUST_USE enum err jwks_expire(struct db *db, const char *id, int64_t at);
/* Replaces the seal `was`. ERR_NONE: it has changed since. */
MUST_USE enum err jwks_reseal(struct db *db, const char *id, const char *was, const char *is);
/* ERR_NONE: no such key. */
MUST_USE enum err jwks_delete(struct db *db, const char *id);
/* First thing in a transaction that adds or changes keys. Held until commit. */
MUST_USE enum err jwks_lock(struct db *db);

/* --- sweeping (store/sweep.c; sessions by sessions_sweep) --- */
/* Events last: there are accounts that may not delete them. */
enum sweep {
    SWEEP_OF_LIMITS,
    SWEEP_OF_DEVICES,
    SWEEP_OF_ENDED,
    SWEEP_OF_TICKETS,
    SWEEP_OF_MAILS,
    SWEEP_OF_JWKS,
    SWEEP_OF_AUDITS,
    SWEEPS
};
/* Deletes up to `batch` rows that expired (events: happened) from *from until `until`, the oldest first; *n: how many.
 * *from: 0 to begin with; moved to where the batch ended, and nothing before it is looked at by the next one. */
MUST_USE enum err sweep_table(struct db *db, struct arena *a, enum sweep which, int64_t *from, int64_t until,
                              int64_t batch, int64_t *n);

/* --- meta (store/meta.c) --- */
/* Checks the fingerprints of our secrets against the database's row, or writes it; moves it to our newest secret.
 * ERR_SECRET (logged): none of ours matches: this database belongs to other secrets. */
struct keys;
MUST_USE enum err meta_check_secret(struct db *db, struct arena *a, const struct keys *k);
/* Does the database know any secret? */
MUST_USE enum err meta_has_secret(struct db *db, struct arena *a, bool *yes);
/* The same without writing; a database that knows no secret yet is fine. */
MUST_USE enum err meta_knows_secret(struct db *db, struct arena *a, const struct keys *k);
/* Makes the newest of `to` the secret it knows, if the one it knows is among `from`. ERR_SECRET otherwise. */
MUST_USE enum err meta_move_secret(struct db *db, struct arena *a, const struct keys *from, const struct keys *to);

/* --- hosts that share a database (store/lease.c) --- */
/* One who would keep house. */
struct lease {
    char holder[RNG_ID_SIZE];
    int64_t length; /* ms it lasts */
};
/* Takes the lease if nobody has it, or renews ours once half of it has passed. One that ends later than any of that
 * length could was written by a wrong clock and counts as ended. ERR_NONE: another has it. */
MUST_USE enum err lease_take(struct db *db, struct arena *a, const struct lease *l, int64_t now);
/* Ends it. ERR_NONE: it was not ours. */
MUST_USE enum err lease_give(struct db *db, struct arena *a, const struct lease *l);
/* ms by which our clock is ahead of the database's (negative: behind); 0 while the time of asking explains it. For
 * comparison only: no row is ever judged by the database's clock. */
MUST_USE enum err store_clock_apart(struct db *db, struct arena *a, int64_t *apart);
/* Further apart deserves a warning. */
#define STORE_CLOCK_TOLERATED (5 * CLOCK_SECOND)

/* --- groups.c --- */
struct group_count {
    const char *name;
    int64_t members;
};
/* By name. */
MUST_USE enum err groups_of(struct db *db, struct arena *a, const char *user_id, struct groups *out);
/* ERR_DB_DUPLICATE: he is in it. */
MUST_USE enum err groups_add(struct db *db, const char *user_id, const char *name);
/* ERR_NONE: he is not in it. */
MUST_USE enum err groups_remove(struct db *db, const char *user_id, const char *name);
/* Groups that have members, by name. */
MUST_USE enum err groups_list(struct db *db, struct arena *a, struct group_count **out, size_t *n);
/* A page of the members of a group, by id, those after `after` ("": from the first). */
MUST_USE enum err groups_members(struct db *db, struct arena *a, const char *name, const char *after, int64_t limit,
                                 struct user **out, size_t *n);

#endif
