/* One-time tokens that are sent by mail: 190 random bits, stored as a hash, bound to purpose, user and what he was when
 * they were given out; of each purpose and subject the newest alone is good. */
#ifndef AUTH_TICKET_H
#define AUTH_TICKET_H

#include "auth/auth.h"

enum ticket_bound { BOUND_NOTHING, BOUND_EMAIL, BOUND_BOTH }; /* both: e-mail and password */
enum ticket_kind {
#define TICKET(name, word, bound) TICKET_##name,
#include "auth/tickets.def"
#undef TICKET
    TICKET_KINDS
};

/* What a token turned out to be good for. */
struct grant {
    enum ticket_kind kind;
    struct ticket row;
    const char *user_id, *epoch;
    const char *extra; /* the new address, the session; "" */
};

/* What is to be given out. c->user.id NULL: to nobody; all the same is written, which is good for nothing. */
struct offer {
    enum ticket_kind kind;
    const struct credential *c;
    const char *subject; /* of one subject the newest is good; the user's id where he has one at a time */
    const char *extra;   /* NULL: none */
    int64_t life;        /* ms */
};
/* The subject of one that a user has many of at a time, each of something: `of` is its id. */
const char *ticket_subject(struct auth *au, const char *user_id, const char *of);
/* Inside a transaction, under the user's lock. The token goes to `token` and nowhere else. ERR_RANDOM, ERR_INTERNAL. */
MUST_USE enum err ticket_offer(struct auth *au, const struct offer *o, char token[static RNG_ID_SIZE]);
/* Looks, and spends nothing. token may be NULL. ERR_NONE: unknown, spent, voided or expired. */
MUST_USE enum err ticket_read(struct auth *au, enum ticket_kind kind, const char *token, struct grant *out);
/* The same, and it still holds, as far as can be told without the lock: for pages that only ask. ERR_NONE. */
MUST_USE enum err ticket_good(struct auth *au, enum ticket_kind kind, const char *token, struct grant *out);
/* Is it one that was good until it expired? ERR_NONE. */
MUST_USE enum err ticket_expired(struct auth *au, enum ticket_kind kind, const char *token);
/* Inside a transaction, under the lock of g->user_id: is he still what he was? *c is as he is now. ERR_NONE: not so. */
MUST_USE enum err ticket_holds(struct auth *au, const struct grant *g, struct credential *c);
/* The same, and spends it: of many at once one succeeds. ERR_NONE. */
MUST_USE enum err ticket_spend(struct auth *au, const struct grant *g, struct credential *c);
/* Voids the one of this kind that a user has, if he has one. Caller holds the transaction and the lock. */
MUST_USE enum err ticket_void(struct auth *au, enum ticket_kind kind, const char *user_id);
/* Voids all that the user was given, when he is deleted. Caller holds the transaction and the lock. */
MUST_USE enum err ticket_forget(struct auth *au, const char *user_id);

#endif
