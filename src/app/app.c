/* One request from end to end: read, route, guard, handle, answer, log. The order of checks is the contract's (D16). */
#include "app/app.h"

#include "app/answer.h"
#include "app/audit.h"
#include "app/guard.h"
#include "app/jobs.h"
#include "app/page.h"
#include "app/words.h"
#include "auth/jwt.h"
#include "auth/throttle.h"
#include "base/enc.h"
#include "base/log.h"
#include "crypto/breached.h"
#include "db/migrate.h"
#include "store/session_cache.h"

#include <string.h>

enum { ARENA_BLOCK = 16 * 1024, AGENT_MAX = 8192, AGENT_NOTED = 512, LOG_PATH_MAX = 200 };
enum { SERIES_LEN = 7, ID_LEN = 12 }; /* of the id of a request */

void app_close(struct app *app)
{
    db_close(&app->db);
    shmcache_close(&app->cache);
    signer_close(&app->signer);
    words_close(&app->words);
    kdf_gate_close(&app->gate);
    arena_close(&app->arena);
}

static enum err parts_open(struct app *app)
{
    TRY(routes_check());
    TRY(rng_id(app->series));
    TRY(arena_open(&app->arena, ARENA_BLOCK));
    TRY(signer_open(&app->signer));
    TRY(words_open(app->cfg, &app->words));
    TRY(keys_ring(app->keys, &app->ring));
    app->ring = session_cache_ring(app->cfg, app->ring);
    TRY(session_cache_open(app->cfg, false, &app->cache));
    return kdf_gate_open(app->cfg, app->place.apart, &app->gate);
}

enum err app_open(const struct cfg *cfg, const struct keys *keys, const struct app_place *place, struct app *out)
{
    *out = (struct app){.cfg = cfg, .keys = keys};
    if (place)
        out->place = *place;
    enum err e = parts_open(out);
    if (e != ERR_OK)
        app_close(out);
    return e;
}

enum err app_prepare(struct app *app)
{
    if (*app->cfg->password_breached)
        TRY(breached_check(app->cfg->password_breached));
    TRY(db_open(app->cfg, NULL, &app->db));
    db_share(app->db, app->cache);
    TRY(migrate_ready(app->db, app->arena));
    TRY(meta_check_secret(app->db, app->arena, app->keys));
    TRY(audit_check(app->cfg));
    if (app->cfg->session_cache_max_age == 0)
        TRY(session_cache_remove(app->cfg));
    struct auth au = {.cfg = app->cfg, .db = app->db, .arena = app->arena, .now = clock_now(), .by.actor = "system"};
    journal_note(&au, EV_CONFIGURED, &(struct audit){.user_id = NULL});
    audit_write(&au);
    return ERR_OK;
}

/* What is begun in the first half of a request's time can be waited for in the second. */
static int64_t store_until(const struct cfg *cfg)
{
    return clock_steady() + cfg->limits_request / 2;
}

enum err app_connect(struct app *app)
{
    struct board *board = app->place.board;

    if (app->db)
        db_until(app->db, store_until(app->cfg));
    if (app->db && db_moved(app->db))
        db_close(&app->db);
    if (app->db)
        return ERR_OK;
    TRY(db_open_existing(app->cfg, board ? &board->store : NULL, &app->db));
    db_share(app->db, app->cache);
    enum err e = migrate_current(app->db, app->arena);
    if (e == ERR_OK && app->unproven)
        e = meta_check_secret(app->db, app->arena, app->keys);
    if (e != ERR_OK)
        db_close(&app->db);
    else
        app->unproven = false;
    return e == ERR_SCHEMA ? ERR_DB_DOWN : e; /* to a client a store that is being migrated is away */
}

void app_forget_store(struct app *app, enum err e)
{
    if (e == ERR_DB_DOWN || e == ERR_DB_LOST)
        db_close(&app->db);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

/* What finds its lines in the log again: some letters that are the process's own, and how many it has served. */
static void id_make(struct app *app, char out[static ID_LEN + 1])
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    uint32_t n = app->served++;

    memcpy(out, app->series, SERIES_LEN);
    for (size_t i = ID_LEN; i > SERIES_LEN; n /= 32)
        out[--i] = letters[n % 32];
    out[ID_LEN] = '\0';
}

static void ctx_begin(struct ctx *ctx, struct app *app, struct fcgi *f)
{
    *ctx = (struct ctx){
        .app = app,
        .au = {.cfg = app->cfg,
               .arena = app->arena,
               .keys = app->keys,
               .gate = app->gate,
               .signer = app->signer,
               .now = clock_now()},
        .fcgi = f,
        .res = response_in(app->arena),
        .caller = {"", ""},
    };
    id_make(app, ctx->id);
    log_request(ctx->id);
    board_name(app->place.seat, ctx->id);
}

static void caller_read(struct ctx *ctx)
{
    const struct request *r = &ctx->req;
    ctx->caller.ip = address_client(ctx->au.cfg, ctx->au.arena, r->peer, r->forwarded_for);
    if (r->door != DOOR_NONE)
        return; /* opens no session and leaves no event */
    ctx->caller.agent = r->user_agent ? r->user_agent : "";
    size_t n = strlen(ctx->caller.agent);
    if (n > AGENT_MAX || !enc_utf8_valid(ctx->caller.agent, n))
        ctx->caller.agent = enc_utf8_clean(ctx->au.arena, r->user_agent, AGENT_MAX);
    /* an event for each try: what a stranger puts there is kept for long */
    const char *noted = ctx->caller.agent;
    if (strlen(noted) > AGENT_NOTED)
        noted = enc_utf8_clean(ctx->au.arena, r->user_agent, AGENT_NOTED);
    ctx->au.by = (struct act){.actor = "visitor", .ip = ctx->caller.ip, .agent = noted, .request = ctx->id};
}

/* Unknown path, wrong method, or a preflight. */
static enum err answer_unrouted(struct ctx *ctx, enum err e, const char *allow)
{
    ctx->html = !guard_unsafe(ctx->req.method) && guard_wants_page(&ctx->req);
    if (e != ERR_METHOD)
        return e;
    if (guard_preflight(ctx, allow))
        return ERR_OK;
    TRY(response_header(&ctx->res, "Allow", allow));
    return ERR_METHOD;
}

static void reading_note(struct ctx *ctx, const struct in_reading *in)
{
    ctx->passive = in->disableRefresh;
    ctx->uncached = in->disableCookieCache;
}

static enum err input_read(struct ctx *ctx, void **in)
{
    const struct form *form = ctx->route->form;

    *in = NULL;
    if (!form)
        return ERR_OK;
    *in = arena_alloc(ctx->au.arena, form->size);
    TRY(fields_parse(form, &ctx->req, ctx->au.arena, *in, &ctx->detail));
    if (ctx->route->reads)
        reading_note(ctx, *in);
    return ERR_OK;
}

/* Where a form of ours leads when it was done as asked. */
static enum err answer_form(struct ctx *ctx)
{
    const struct cfg *cfg = ctx->au.cfg;
    const char *then = ctx->then ? ctx->then : ctx->route->then;

    if (!then)
        return ERR_OK;
    response_reset(&ctx->res);
    ctx->exposed = NULL;
    const char *there = *then ? arena_printf(ctx->au.arena, "%s%s", cfg->auth_base_path, then) : cfg->pages_home;
    return page_redirect(ctx, ctx->callback ? ctx->callback : there, NULL, NULL);
}

static enum err serve_route(struct ctx *ctx)
{
    void *in;

    enum err entry = guard_entry(ctx);
    /* who filled in a form finds it again as he left it */
    if (entry != ERR_OK && !(entry == ERR_LIMITED && ctx->html))
        return entry;
    if (guard_unsafe(ctx->req.method))
        TRY(request_body(ctx->au.cfg, ctx->au.arena, ctx->fcgi, ctx->route->forms, &ctx->req, &ctx->detail));
    fcgi_arrived(ctx->fcgi);
    TRY(guard_origin(ctx));
    TRY(entry);
    ctx->from_us = true;
    TRY(input_read(ctx, &in));
    TRY(guard_who(ctx));
    if (ctx->route->hashes)
        TRY(fcgi_waits(ctx->fcgi));
    TRY(ctx->route->handle(ctx, in));
    return ctx->html && guard_unsafe(ctx->req.method) ? answer_form(ctx) : ERR_OK;
}

/* A request that was at fault before its password was looked at is a try of its address all the same. */
static void try_count(struct ctx *ctx, enum err e)
{
    int status = err_row(e)->status;

    /* what a foreign page makes a browser send must not use up what its user may try */
    if (ctx->from_us && !ctx->au.attempt && e != ERR_LIMITED && status >= 400 && status < 500)
        throttle_count(&ctx->au);
}

/* Of whoever signed in; a proxy that is not named makes all visitors one address, with the limits of one. */
static void crowd_watch(struct ctx *ctx)
{
    const char *user = ctx->cookie_of ? ctx->cookie_of->user_id : NULL, *ip = ctx->caller.ip;

    if (user && ctx->route->login && board_crowd(ctx->app->place.board, ip, user))
        log_warn("200 users have signed in, all of them from %s: is there a proxy in front? Then set "
                 "auth.trusted_proxies, or "
                 "all visitors share the limits of one address",
                 ip);
}

/* The page's own method, body and origin are none of the gate's business. */
static enum err serve_gate(struct ctx *ctx)
{
    ctx->route = &route_gate;
    fcgi_arrived(ctx->fcgi);
    TRY(guard_who(ctx));
    return ctx->route->handle(ctx, NULL);
}

static enum err serve(struct ctx *ctx)
{
    const char *allow = NULL;

    TRY(request_head(ctx->au.cfg, ctx->au.arena, fcgi_env(ctx->fcgi), &ctx->req));
    caller_read(ctx);
    if (ctx->req.length == 0 && (ctx->req.door == DOOR_NONE || ctx->req.door == DOOR_RESPONDER))
        TRY(fcgi_bodiless(ctx->fcgi));
    if (ctx->req.door != DOOR_NONE)
        return serve_gate(ctx);
    enum err e = route_find(ctx->au.arena, ctx->au.cfg->auth_mode, ctx->req.method, ctx->req.path, &ctx->route,
                            &ctx->path_id, &allow);
    if (e != ERR_OK)
        return answer_unrouted(ctx, e, allow);
    if (ctx->req.query_bad && !ctx->route->next)
        return ERR_BAD_REQUEST;
    e = serve_route(ctx);
    try_count(ctx, e);
    crowd_watch(ctx);
    return e;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

/* A path that is no route's, for the log. Whoever puts a token where none belongs must not find it there: anything as
 * long as one is left out. */
static const char *path_shown(struct ctx *ctx, const char *is)
{
    if (!is)
        return "-";
    char *path = enc_utf8_clean(ctx->au.arena, is, LOG_PATH_MAX);
    enc_mask(path);
    return path;
}

static void log_access(struct ctx *ctx, enum err e)
{
    const struct request *r = &ctx->req;
    const struct err_row *row = err_row(e);
    enum log_level level = e == ERR_OK ? LVL_INFO : row->level;

    if ((!ctx->au.cfg->log_access && row->level > LVL_WARN) || !log_wants(level))
        return;
    const char *path = r->door != DOOR_NONE ? path_shown(ctx, r->place)
                       : ctx->route         ? ctx->route->path
                                            : path_shown(ctx, r->path);
    log_at(level, "%s%s %s %d%s%s %lldms ip=%s user=%s", r->door != DOOR_NONE ? "gate " : "",
           r->method == METHOD_OTHER || !r->method_name ? "OTHER" : r->method_name, path, ctx->res.status,
           e == ERR_OK ? "" : " ", e == ERR_OK ? "" : row->name, (long long)(clock_now() - ctx->au.now),
           *ctx->caller.ip ? ctx->caller.ip : "-", ctx->signed_in ? ctx->who.user.id : "-");
}

static enum err send_answer(struct ctx *ctx)
{
    struct buf out = buf_in(ctx->au.arena);

    response_write(&ctx->res, ctx->req.method == METHOD_HEAD, &out);
    return fcgi_write(ctx->fcgi, out.s, out.len);
}

void app_serve(struct app *app, struct fcgi *f)
{
    struct ctx ctx;

    ctx_begin(&ctx, app, f);
    enum err e = serve(&ctx);
    app_forget_store(app, e);
    if (e != ERR_CLIENT_GONE) {
        answer_make(&ctx, e);
        enum err sent = send_answer(&ctx);
        e = e == ERR_OK ? sent : e;
    }
    log_access(&ctx, e);
    audit_write(&ctx.au);
    if (ctx.au.mail_queued)
        jobs_mail_queued(app->cfg);
    request_end(&ctx.req);
    fcgi_end(f);
    explicit_bzero(&ctx.presented, sizeof ctx.presented);
    arena_reset(app->arena);
    log_request(NULL);
}
