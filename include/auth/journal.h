/* What happened, for the audit log. Events are rows in the transaction of what they tell of, so that neither is there
 * without the other, and are kept for the streams (file, syslog) until whoever made the auth writes them there. */
#ifndef AUTH_JOURNAL_H
#define AUTH_JOURNAL_H

#include "auth/auth.h"

enum event {
#define EVENT(name, word, stored, text) EV_##name,
#include "auth/events.def"
#undef EVENT
    EV_COUNT
};
struct event_row {
    const char *word;
    bool stored;
    const char *text;
};
const struct event_row *event_row(enum event e);

enum reason {
#define REASON(name, word, text) WHY_##name,
#include "auth/reasons.def"
#undef REASON
    WHY_COUNT
};
struct reason_row {
    const char *word, *text;
};
const struct reason_row *reason_row(enum reason r);

/* --- transactions that are told of: db_begin and db_commit with the events noted in between --- */
MUST_USE enum err act_begin(struct auth *au, struct db **tx);
MUST_USE enum err act_commit(struct auth *au, struct db **tx);
/* Notes an event, inside such a transaction. Of *e only user_id, session_id, reason and email count. */
MUST_USE enum err journal_add(struct auth *au, enum event which, const struct audit *e);
/* Notes one by itself. An event that cannot be written is logged, and changes nothing of what is told. */
void journal_note(struct auth *au, enum event which, const struct audit *e);

/* --- ending sessions, with a row that tells why; inside such a transaction --- */
/* One of a user's; alive_at: only if it lives then (0: in any case). ERR_NONE: there is none. */
MUST_USE enum err ending_own(struct auth *au, const char *id, const char *user_id, int64_t alive_at, enum reason why);
/* The one of a token. ERR_NONE. */
MUST_USE enum err ending_token(struct auth *au, const char *token_hash, enum reason why);
/* All of a user's but `keep` (NULL: none is kept). Caller holds the user's lock. n may be NULL. */
MUST_USE enum err ending_user(struct auth *au, const char *user_id, const char *keep, enum reason why, int64_t *n);
/* The n used least lately. Caller holds the user's lock. */
MUST_USE enum err ending_oldest(struct auth *au, const char *user_id, int64_t now, int64_t n);
MUST_USE enum err ending_everybody(struct auth *au, int64_t *n);

#endif
