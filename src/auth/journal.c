/* The journal: events in the database with what they tell of, and kept for the streams. Must not be given a secret. */
#include "auth/journal.h"

#include "base/enc.h"
#include "base/log.h"

#include <string.h>

static const struct event_row events[] = {
#define EVENT(name, word, stored, text) [EV_##name] = {word, stored, text},
#include "auth/events.def"
#undef EVENT
};

static const struct reason_row reasons[] = {
#define REASON(name, word, text) [WHY_##name] = {word, text},
#include "auth/reasons.def"
#undef REASON
};

const struct event_row *event_row(enum event e)
{
    return &events[e];
}

const struct reason_row *reason_row(enum reason r)
{
    return &reasons[r];
}

/* --- notes ------------------------------------------------------------------------------------------------------- */

/* What nobody could have as his e-mail address is cut: it must fit its column, whatever was typed. */
static const char *fitting(struct arena *a, const char *email)
{
    return email ? enc_utf8_clean(a, email, EMAIL_MAX) : NULL;
}

static struct audit filled(struct auth *au, enum event which, const struct audit *e)
{
    const struct act *by = &au->by;

    return (struct audit){
        .at = au->now,
        .event = events[which].word,
        .user_id = e->user_id,
        .session_id = e->session_id,
        .actor = by->actor ? by->actor : "visitor",
        .reason = e->reason,
        .email = fitting(au->arena, e->email),
        .ip = by->ip,
        .agent = by->agent,
        .request = by->request,
    };
}

static bool is_stored(const struct auth *au, enum event which)
{
    return events[which].stored && au->cfg->audit_store;
}

static bool is_streamed(const struct auth *au)
{
    return *au->cfg->audit_file || au->cfg->audit_syslog;
}

/* For the streams; everything it points to lies in the arena or outlives the request. */
static void keep(struct auth *au, const struct audit *e)
{
    struct notes *n = &au->notes;

    if (!is_streamed(au))
        return;
    if (n->n == n->cap) {
        size_t cap = n->cap ? 2 * n->cap : 4;
        struct audit *v = ARENA_ARRAY(au->arena, struct audit, cap);
        if (n->n > 0)
            memcpy(v, n->v, n->n * sizeof *v);
        n->v = v;
        n->cap = cap;
    }
    n->v[n->n++] = *e;
}

enum err journal_add(struct auth *au, enum event which, const struct audit *e)
{
    struct audit whole = filled(au, which, e);

    if (is_stored(au, which))
        TRY(audits_add(au->db, &whole));
    keep(au, &whole);
    return ERR_OK;
}

void journal_note(struct auth *au, enum event which, const struct audit *e)
{
    au->notes.n = au->notes.done;
    struct audit whole = filled(au, which, e);
    enum err err = is_stored(au, which) ? audits_add(au->db, &whole) : ERR_OK;

    if (err != ERR_OK)
        log_error("the event %s is not in the audit log: %s", whole.event, err_row(err)->text);
    keep(au, &whole);
    au->notes.done = au->notes.n;
}

/* A transaction that was given up, or is tried again, leaves no notes. */
enum err act_begin(struct auth *au, struct db **tx)
{
    au->notes.n = au->notes.done;
    return db_begin(au->db, tx);
}

enum err act_commit(struct auth *au, struct db **tx)
{
    TRY(db_commit(tx));
    au->notes.done = au->notes.n;
    return ERR_OK;
}

/* --- ending sessions --------------------------------------------------------------------------------------------- */

static struct ended why_of(const struct auth *au, enum reason why)
{
    return (struct ended){reasons[why].word, au->now + au->cfg->audit_reason_kept};
}

static bool is_kept(const struct auth *au)
{
    return au->cfg->audit_reason_kept > 0;
}

enum err ending_own(struct auth *au, const char *id, const char *user_id, int64_t alive_at, enum reason why)
{
    struct ended w = why_of(au, why);

    if (is_kept(au))
        TRY(ended_add_own(au->db, id, user_id, alive_at, &w));
    TRY(sessions_end_own(au->db, id, user_id, alive_at));
    return journal_add(au, EV_SESSION_ENDED, &(struct audit){.user_id = user_id, .session_id = id, .reason = w.reason});
}

enum err ending_token(struct auth *au, const char *token_hash, enum reason why)
{
    const char *id, *user_id;

    enum err e = sessions_id_of(au->db, au->arena, token_hash, &id, &user_id);
    if (e == ERR_NONE)
        db_forget(au->db, token_hash); /* another host may have ended it */
    TRY(e);
    return ending_own(au, id, user_id, 0, why);
}

/* One statement for the rows, however many there are; the streams want them one by one. */
static enum err add_sessions(struct auth *au, const char *user_id, const char *keep_id, const char *reason)
{
    struct audit whole = filled(au, EV_SESSION_ENDED, &(struct audit){.user_id = user_id, .reason = reason});
    const char **ids;
    size_t n;

    if (is_stored(au, EV_SESSION_ENDED))
        TRY(audits_add_sessions(au->db, &whole, keep_id));
    if (!is_streamed(au))
        return ERR_OK;
    TRY(sessions_ids(au->db, au->arena, user_id, keep_id, &ids, &n));
    for (size_t i = 0; i < n; i++) {
        whole.session_id = ids[i];
        keep(au, &whole);
    }
    return ERR_OK;
}

enum err ending_user(struct auth *au, const char *user_id, const char *keep_id, enum reason why, int64_t *n)
{
    struct ended w = why_of(au, why);

    if (is_kept(au))
        TRY(ended_add_user(au->db, user_id, keep_id, &w));
    TRY(add_sessions(au, user_id, keep_id, w.reason));
    return sessions_end_user(au->db, user_id, keep_id, n);
}

enum err ending_oldest(struct auth *au, const char *user_id, int64_t now, int64_t n)
{
    const char **ids;
    size_t got;

    if (n <= 0)
        return ERR_OK;
    TRY(sessions_oldest(au->db, au->arena, user_id, now, n, &ids, &got));
    for (size_t i = 0; i < got; i++) {
        enum err e = ending_own(au, ids[i], user_id, 0, WHY_TOO_MANY);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
    }
    return ERR_OK;
}

enum err ending_everybody(struct auth *au, int64_t *n)
{
    struct ended w = why_of(au, WHY_ADMINISTRATOR);

    if (is_kept(au))
        TRY(ended_add_everybody(au->db, &w));
    TRY(sessions_end_everybody(au->db, n));
    return journal_add(au, EV_EVERYBODY_ENDED, &(struct audit){.reason = w.reason});
}
