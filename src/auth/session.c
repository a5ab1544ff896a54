/* Sessions: opening, checking, sliding, ending. The rules of life stand in session_slide and session_open; every change
 * of the store is one guarded statement or one transaction under the user's lock. */
#include "auth/journal.h"

#include "base/log.h"
#include "store/session_cache.h"

bool session_alive(const struct session *s, int64_t now)
{
    return now < s->expires_at && now < s->dies_at;
}

bool session_fresh(const struct cfg *cfg, const struct session *s, int64_t now)
{
    return cfg->session_fresh_age == 0 || now < s->authenticated_at + cfg->session_fresh_age;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct slide session_slide(const struct cfg *cfg, const struct caller *from, int64_t now, struct session *s)
{
    struct slide done = {false, false};
    int64_t due = s->expires_at - cfg->session_expires_in + cfg->session_update_age;
    int64_t to = earlier(now + cfg->session_expires_in, s->dies_at);

    /* to > expires_at: at the absolute end nothing is left to extend, and a clock that stepped back must not shorten */
    if (s->remember && now >= due && to > s->expires_at) {
        s->expires_at = to;
        s->updated_at = now;
        done.extend = true;
    }
    int64_t every = cfg->session_last_seen_every;
    if (every > 0 && (done.extend || now >= s->last_seen_at + every)) {
        s->last_seen_at = now;
        s->last_ip = from->ip;
        done.seen = true;
    }
    return done;
}

int64_t session_cookie_age(const struct cfg *cfg, const struct session *s, int64_t now)
{
    if (!s->remember)
        return 0;
    int64_t left = (s->dies_at - now + CLOCK_SECOND - 1) / CLOCK_SECOND;
    if (left < 1)
        left = 1;
    int64_t most = cfg->cookie_max_age == MAXAGE_ABSOLUTE ? 400 * CLOCK_DAY : cfg->session_expires_in;
    return earlier(left, most / CLOCK_SECOND);
}

/* Writes what session_slide decided. It is bookkeeping: it must not wait long, nor turn a session that was found into
 * an outage. Another reader may have been quicker, or the session may be gone: then the guard of the statement finds
 * nothing and the row is read again, never written back. ERR_NONE: it does not live any more. */
static enum err session_touch(struct auth *au, const char *hash, const struct caller *from, struct checked *c)
{
    struct session was = c->session;
    struct slide due = session_slide(au->cfg, from, au->now, &c->session);

    if (!due.extend && !due.seen)
        return ERR_OK;
    db_hurry(au->db);
    enum err e = due.extend ? sessions_slide(au->db, &c->session, was.expires_at)
                            : sessions_seen(au->db, &c->session, was.last_seen_at);
    db_hurry_end(au->db);
    c->moved = due.extend && e == ERR_OK;
    if (e == ERR_OK)
        return ERR_OK;
    c->session = was;
    if (e != ERR_NONE) {
        log_warn("session %s: not extended this time: %s", was.id, err_row(e)->text);
        return ERR_OK;
    }
    TRY(sessions_find(au->db, au->arena, hash, &c->session, &c->user));
    return session_alive(&c->session, au->now) ? ERR_OK : ERR_NONE;
}

/* What others shall be able to take from the cache is read whole. */
static enum err find(struct auth *au, const char *hash, struct checked *c)
{
    bool grouped = au->finding == FIND_GATE_GROUPS;

    if (au->cache && grouped)
        return sessions_find_groups(au->db, au->arena, hash, &c->session, &c->user, &c->groups);
    if (au->cache || au->finding == FIND_WHOLE)
        return sessions_find(au->db, au->arena, hash, &c->session, &c->user);
    return sessions_find_gate(au->db, au->arena, hash, &c->session, &c->user, grouped ? &c->groups : NULL);
}

/* One that was moved since it was read is kept as it is now. */
static void keep(struct auth *au, const struct presented *p, struct shmcache_reading *r, bool moved,
                 const struct checked *c)
{
    const char *hash = p->v[c->which].hash;
    const struct cached in = {
        .session = c->session,
        .user = c->user,
        .groups = c->groups,
        .grouped = au->finding == FIND_GATE_GROUPS,
        .signature = p->v[c->which].signature,
        .ring = au->ring,
    };

    if (!moved || shmcache_move(au->cache, hash, r))
        session_cache_put(au->cache, au->arena, hash, r, &in);
}

/* The session of c->which. ERR_NONE: it does not live. */
static enum err look(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                     struct checked *c)
{
    const char *hash = p->v[c->which].hash;
    struct shmcache_reading r;

    if (au->cache)
        shmcache_begin(au->cache, hash, &r);
    TRY(find(au, hash, c));
    if (!session_alive(&c->session, au->now))
        return ERR_NONE;
    int64_t seen = c->session.last_seen_at;
    if (!passive)
        TRY(session_touch(au, hash, from, c));
    bool moved = c->moved || c->session.last_seen_at != seen;
    if (au->cache)
        keep(au, p, &r, moved, c);
    else if (moved)
        db_forget(au->db, hash);
    return ERR_OK;
}

/* What the store does not know any more is not to be had from the cache either. */
static enum err check(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                      struct checked *c)
{
    enum err e = look(au, p, from, passive, c);

    if (e == ERR_NONE)
        db_forget(au->db, p->v[c->which].hash);
    return e;
}

enum err session_check(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                       struct checked *out)
{
    for (size_t i = 0; i < p->n; i++) {
        struct checked c = {.which = i};
        enum err e = check(au, p, from, passive, &c);
        if (e == ERR_NONE)
            continue;
        if (e == ERR_OK)
            *out = c;
        return e;
    }
    return ERR_NONE;
}

/* Nothing of it may be due: that is written, and then kept, by session_check. */
static bool is_usable(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                      const struct cached *is)
{
    const char *signature = p->v[0].signature;
    struct session s = is->session;

    if (is->ring != au->ring || (*signature && !token_signature_same(signature, is->signature)))
        return false;
    if (!session_alive(&s, au->now) || (au->finding == FIND_GATE_GROUPS && !is->grouped))
        return false;
    struct slide due = session_slide(au->cfg, from, au->now, &s);
    return passive || !(due.extend || due.seen);
}

enum err session_known(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                       struct checked *out)
{
    struct cached is;

    if (!au->cache || p->n != 1 || !session_cache_get(au->cache, au->arena, p->v[0].hash, &is) ||
        !is_usable(au, p, from, passive, &is))
        return ERR_NONE;
    *out = (struct checked){.groups = is.groups, .session = is.session, .user = is.user};
    return ERR_OK;
}

/* Leaves room for one more session, or refuses. Holds the user's lock, so the count cannot change underneath. */
static enum err session_make_room(struct auth *au, const char *user_id, int64_t now)
{
    int64_t max = au->cfg->session_max_per_user, live = 0;
    if (max == 0)
        return ERR_OK;
    TRY(sessions_count_live(au->db, au->arena, user_id, now, &live));
    if (live < max)
        return ERR_OK;
    if (au->cfg->session_at_max == ATMAX_REFUSE)
        return ERR_TOO_MANY_SESSIONS;
    return ending_oldest(au, user_id, now, live - max + 1);
}

static enum err session_new(struct auth *au, const struct user *u, bool remember, const struct caller *from,
                            int64_t now, struct opened *out)
{
    const struct cfg *cfg = au->cfg;
    char id[RNG_ID_SIZE];

    TRY(rng_id(id));
    TRY(token_new(out->token));
    out->user = *u;
    out->session = (struct session){
        .id = arena_strdup(au->arena, id),
        .user_id = u->id,
        .ip = from->ip,
        .agent = from->agent,
        .last_ip = from->ip,
        .created_at = now,
        .updated_at = now,
        .authenticated_at = now,
        .last_seen_at = now,
        .dies_at = now + cfg->session_absolute,
        .expires_at =
            now + earlier(remember ? cfg->session_expires_in : cfg->session_not_remembered, cfg->session_absolute),
        .remember = remember,
    };
    return ERR_OK;
}

static enum err presented_end(struct auth *au, const struct presented *p, enum reason why)
{
    for (size_t i = 0; p && i < p->n; i++) {
        enum err e = ending_token(au, p->v[i].hash, why);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
    }
    return ERR_OK;
}

enum err session_open(struct auth *au, const struct user *u, const char *password, bool remember,
                      const struct caller *from, const struct presented *old, struct opened *out)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(users_lock(au->db, u->id));
    /* The one place that does not use the request's own time: a sign-in that hashed while "end all" ran must not show a
     * birth before that end, so it is born when it holds the lock. */
    int64_t now = clock_now();
    TRY(presented_end(au, old, WHY_REPLACED));
    TRY(session_make_room(au, u->id, now));
    TRY(session_new(au, u, remember, from, now, out));
    TRY(token_hash(out->token, hash));
    enum err e = sessions_add(au->db, &out->session, hash, password);
    return e == ERR_NONE ? ERR_BAD_CREDENTIALS : e;
}

static enum err sign_out_try(struct auth *au, const struct presented *p)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(presented_end(au, p, WHY_SIGNED_OUT));
    return act_commit(au, &tx);
}

enum err session_sign_out(struct auth *au, const struct presented *p)
{
    enum err e;

    if (p->n == 0)
        return ERR_OK;
    au->by.actor = "user"; /* only rows of sessions that he presents are told of */
    DB_RETRY(e, sign_out_try(au, p));
    return e;
}

static enum err revoke_try(struct auth *au, const char *id, const char *user_id, int64_t alive_at, enum reason why)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    enum err e = ending_own(au, id, user_id, alive_at, why);
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    TRY(act_commit(au, &tx)); /* one that is not there another host may have ended: it is cached here no more, either */
    return e;
}

enum err session_revoke(struct auth *au, const char *user_id, const char *id)
{
    enum err e;

    if (!token_wellformed(id))
        return ERR_NO_SESSION;
    DB_RETRY(e, revoke_try(au, id, user_id, au->now, WHY_REVOKED));
    return e == ERR_NONE ? ERR_NO_SESSION : e;
}

enum err session_revoke_any(struct auth *au, const char *id)
{
    const char *user_id;

    enum err e = sessions_user_of(au->db, au->arena, id, &user_id);
    if (e == ERR_OK)
        DB_RETRY(e, revoke_try(au, id, user_id, 0, WHY_ADMINISTRATOR));
    return e == ERR_NONE ? ERR_NO_SESSION : e;
}

enum err session_why_ended(struct auth *au, const struct presented *p, const char **word)
{
    for (size_t i = 0; au->cfg->audit_reason_kept > 0 && i < p->n; i++) {
        const char *id, *user_id;
        enum err e = ended_find(au->db, au->arena, p->v[i].hash, au->now, word);
        if (e != ERR_NONE)
            return e;
        /* whoever asks knows that it does not live */
        e = sessions_id_of(au->db, au->arena, p->v[i].hash, &id, &user_id);
        if (e == ERR_OK)
            *word = reason_row(WHY_EXPIRED)->word;
        if (e != ERR_NONE)
            return e;
    }
    return ERR_NONE;
}

static enum err revoke_everybody_try(struct auth *au, int64_t *n)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(users_lock_all(au->db));
    TRY(ending_everybody(au, n));
    return act_commit(au, &tx);
}

enum err session_revoke_everybody(struct auth *au, int64_t *n)
{
    enum err e;

    DB_RETRY(e, revoke_everybody_try(au, n));
    return e;
}

static enum err revoke_all_try(struct auth *au, const char *user_id, const char *keep, enum reason why, int64_t *n)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, user_id));
    TRY(ending_user(au, user_id, keep, why, n));
    return act_commit(au, &tx);
}

enum err session_revoke_all(struct auth *au, const char *user_id, const char *keep, bool by_admin, int64_t *n)
{
    enum err e;

    DB_RETRY(e, revoke_all_try(au, user_id, keep, by_admin ? WHY_ADMINISTRATOR : WHY_REVOKED, n));
    return e;
}
