/* The guards. What a route demands stands in its row; this is the only file that enforces it. */
#include "app/guard.h"

#include "app/formtoken.h"
#include "auth/journal.h"
#include "auth/throttle.h"

#include "base/enc.h"
#include "base/log.h"

#include <json-c/json_object.h>
#include <string.h>
#include <strings.h>

/* More cookies of one name than this are no accident; looking at each would cost a signature check. */
enum { COOKIES_MAX = 16 };

bool guard_unsafe(enum method m)
{
    return m != METHOD_GET && m != METHOD_HEAD && m != METHOD_OPTIONS;
}

bool guard_wants_page(const struct request *r)
{
    return r->accept && strstr(r->accept, "text/html");
}

/* Who has filled in a form wants a page for an answer, whatever becomes of the request from here on. */
static bool is_page(const struct ctx *ctx)
{
    const struct request *r = &ctx->req;

    if (!guard_unsafe(r->method))
        return ctx->route->page && guard_wants_page(r);
    return ctx->route->forms && guard_wants_page(r) && request_is_form(r);
}

/* --- limits: a request that does not get as far as its password is counted by app.c ----------------------------- */

enum err guard_entry(struct ctx *ctx)
{
    struct auth *au = &ctx->au;

    ctx->html = is_page(ctx);
    au->trying = ctx->route->trying;
    if (!throttle_address_counts(au))
        return ERR_OK;
    TRY(app_connect(ctx->app));
    au->db = ctx->app->db;
    return throttle_look(au);
}

/* --- origin ----------------------------------------------------------------------------------------------------- */

static const char **callback_of(struct ctx *ctx)
{
    return &ctx->callback;
}

static const char **redirect_of(struct ctx *ctx)
{
    return &ctx->redirect;
}

/* Where a caller may ask to be sent; checked on every unsafe request, whatever the route makes of it (B §3). keep:
 * where one is kept that handlers look at. */
static const struct {
    const char *name;
    enum err refused;
    const char **(*keep)(struct ctx *ctx);
} callbacks[] = {
    {"callbackURL", ERR_INVALID_CALLBACK, callback_of},
    {"redirectTo", ERR_INVALID_REDIRECT, redirect_of},
    {"errorCallbackURL", ERR_INVALID_ERROR_CB, NULL},
    {"newUserCallbackURL", ERR_INVALID_NEW_CB, NULL},
};

/* One of them from a body. *bad: it is there and not a string, and not one of JavaScript's false values. */
static const char *body_callback(const struct request *r, const char *name, bool *bad)
{
    struct json_object *v = NULL;

    if (r->body == BODY_FORM)
        return pairs_get(&r->form, name);
    if (r->body != BODY_JSON || !json_object_is_type(r->json, json_type_object) ||
        !json_object_object_get_ex(r->json, name, &v))
        return NULL;
    if (json_object_is_type(v, json_type_string))
        return json_object_get_string(v);
    *bad = json_object_is_type(v, json_type_object) || json_object_is_type(v, json_type_array) ||
           json_object_get_boolean(v);
    return NULL;
}

static bool callback_ok(struct ctx *ctx, const char *url)
{
    /* it goes into links, which mail programs break when they are long */
    return !url || !*url || (strlen(url) <= CALLBACK_MAX && origin_callback_ok(ctx->au.cfg, ctx->au.arena, url));
}

static enum err guard_callbacks(struct ctx *ctx)
{
    for (size_t i = 0; i < sizeof callbacks / sizeof callbacks[0]; i++) {
        bool bad = false;
        const char *in_body = body_callback(&ctx->req, callbacks[i].name, &bad);
        if (bad) {
            ctx->detail = arena_printf(ctx->au.arena, "Invalid %s: expected a string", callbacks[i].name);
            return ERR_CALLBACK_TYPE;
        }
        const char *in_query = pairs_get(&ctx->req.query, callbacks[i].name);
        if (!callback_ok(ctx, in_body) || !callback_ok(ctx, in_query))
            return callbacks[i].refused;
        const char *url = guard_unsafe(ctx->req.method) ? in_body : in_query;
        if (url && *url && callbacks[i].keep)
            *callbacks[i].keep(ctx) = url;
    }
    return ERR_OK;
}

enum err guard_origin(struct ctx *ctx)
{
    const struct request *r = &ctx->req;
    struct origin_facts facts = {
        .origin = r->origin,
        .referer = r->referer,
        .fetch_site = r->fetch_site,
        .fetch_mode = r->fetch_mode,
        .cookie = r->cookie != NULL,
        .fetch = r->fetch,
        .login = ctx->route->login,
    };

    if (!guard_unsafe(r->method))
        return ctx->route->back ? guard_callbacks(ctx) : ERR_OK;
    enum err e = origin_check(ctx->au.cfg, ctx->au.arena, &facts);
    if (e != ERR_OK) {
        journal_note(&ctx->au, EV_REQUEST_REFUSED, &(struct audit){.reason = err_row(e)->code});
        return e;
    }
    TRY(guard_callbacks(ctx)); /* a form that is shown once more keeps where it leads */
    /* A browser's own form must carry a token (A3). One that was sent by mail, where all is done in its name, is one
     * that no other site can know. */
    const char *token = ctx->html ? pairs_get(&r->form, "token") : NULL;
    bool mailed = ctx->route->spends && ctx->route->who < WHO_SIGNED_IN && token && token_wellformed(token);
    return ctx->html && !mailed ? formtoken_check(ctx) : ERR_OK;
}

/* --- cross-origin reads (D20) ------------------------------------------------------------------------------------- */

enum err guard_cors(struct ctx *ctx)
{
    const char *origin = ctx->req.origin;

    if (!origin || !origin_foreign_trusted(ctx->au.cfg, ctx->au.arena, origin))
        return ERR_OK;
    TRY(response_header(&ctx->res, "Access-Control-Allow-Origin", origin));
    TRY(response_header(&ctx->res, "Access-Control-Allow-Credentials", "true"));
    if (ctx->why_ended && ctx->cookie_drop)
        app_expose(ctx, "Latchkey-Session-Ended");
    if (response_get(&ctx->res, "Retry-After"))
        app_expose(ctx, "Retry-After");
    return response_vary(&ctx->res, "Origin");
}

bool guard_preflight(struct ctx *ctx, const char *allow)
{
    const struct request *r = &ctx->req;

    if (r->method != METHOD_OPTIONS || !r->origin || !r->preflight_method ||
        !origin_foreign_trusted(ctx->au.cfg, ctx->au.arena, r->origin))
        return false;
    ctx->res.status = 204;
    return response_header(&ctx->res, "Access-Control-Allow-Methods", allow) == ERR_OK &&
           response_header(&ctx->res, "Access-Control-Allow-Headers", "content-type, authorization") == ERR_OK &&
           response_header(&ctx->res, "Access-Control-Max-Age", "600") == ERR_OK;
}

/* --- who ---------------------------------------------------------------------------------------------------------- */

static enum err present(struct presented *p, const char *token, const char *signature)
{
    if (p->n == PRESENTED_MAX)
        return ERR_OK;
    memcpy(p->v[p->n].token, token, RNG_ID_SIZE);
    memcpy(p->v[p->n].signature, signature, strlen(signature) + 1);
    TRY(token_hash(token, p->v[p->n].hash));
    p->n++;
    return ERR_OK;
}

/* A value that is not ours is passed over; one that cannot be judged is not: that would sign its user out. */
static enum err present_signed(struct ctx *ctx, const char *value)
{
    char token[RNG_ID_SIZE], signature[TOKEN_SIGNATURE_SIZE];

    enum err e = token_verify(ctx->au.keys, value, token);
    if (e == ERR_OK && token_split(value, token, signature))
        e = present(&ctx->presented, token, signature);
    return e == ERR_NONE ? ERR_OK : e;
}

static const char *bearer_value(struct arena *a, const char *authorization)
{
    if (!authorization || strncasecmp(authorization, "bearer ", 7) != 0)
        return NULL;
    const char *s = authorization + 7;
    while (*s == ' ')
        s++;
    size_t n = strlen(s);
    while (n > 0 && s[n - 1] == ' ')
        n--;
    return arena_strndup(a, s, n);
}

/* A bearer token takes the cookie's place, if it is well formed or well signed; a forged one counts as absent. */
static enum err present_bearer(struct ctx *ctx)
{
    const char *value = bearer_value(ctx->au.arena, ctx->req.authorization);

    if (!value)
        return ERR_OK;
    if (token_wellformed(value))
        return present(&ctx->presented, value, "");
    if (strchr(value, '%'))
        value = enc_unpercent(ctx->au.arena, value, strlen(value), false);
    return value ? present_signed(ctx, value) : ERR_OK;
}

static enum err present_cookies(struct ctx *ctx)
{
    const char *value[COOKIES_MAX];

    if (!ctx->req.cookie)
        return ERR_OK;
    size_t n = cookie_values(ctx->au.arena, ctx->req.cookie, ctx->au.cfg->cookie_full, value, COOKIES_MAX);
    for (size_t i = 0; i < n; i++)
        TRY(present_signed(ctx, value[i]));
    return ERR_OK;
}

enum err guard_presented(struct ctx *ctx)
{
    if (ctx->presented_read)
        return ERR_OK;
    ctx->presented_read = true;
    if (config_bearer(ctx->au.cfg))
        TRY(present_bearer(ctx));
    return ctx->presented.n > 0 ? ERR_OK : present_cookies(ctx);
}

/* What the page demands that is asked for, or was refused. */
static void need_read(struct ctx *ctx)
{
    if (!ctx->req.place)
        return;
    gate_need(ctx->au.cfg, ctx->au.arena, ctx->req.place, &ctx->need);
    for (size_t i = 0; i < sizeof ctx->req.also / sizeof ctx->req.also[0]; i++)
        if (ctx->req.also[i])
            gate_need_also(ctx->au.cfg, ctx->au.arena, ctx->req.also[i], &ctx->need);
    ctx->au.finding = gate_needs_groups(&ctx->need) ? FIND_GATE_GROUPS : FIND_GATE;
}

static enum err why_ended(struct ctx *ctx)
{
    enum err e = session_why_ended(&ctx->au, &ctx->presented, &ctx->why_ended);

    return e == ERR_NONE ? ERR_OK : e;
}

/* Does the body bring something that proves more than a stale session does? Whether it is right the handler's policy
 * says; what is empty is not there. */
static bool proof_given(const struct ctx *ctx)
{
    static const char *const proofs[] = {"password", "token"};
    const struct request *r = &ctx->req;

    for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
        struct json_object *v = NULL;
        const char *field = r->body == BODY_FORM ? pairs_get(&r->form, proofs[i]) : NULL;
        if (r->body == BODY_JSON && json_object_object_get_ex(r->json, proofs[i], &v))
            field = json_object_get_string_len(v) > 0 ? json_object_get_string(v) : NULL;
        if (field && *field)
            return true;
    }
    return false;
}

static bool lately(const struct ctx *ctx, enum who who)
{
    return who < WHO_PROVEN || (who == WHO_PROVEN && proof_given(ctx)) ||
           session_fresh(ctx->au.cfg, &ctx->who.session, ctx->au.now);
}

/* The cache is for routes that only tell who asks; with a JWT in the answer the store is needed all the same. */
static struct shmcache *cache_for(const struct ctx *ctx)
{
    const struct cfg *cfg = ctx->au.cfg;
    bool signs = cfg->auth_mode == MODE_JWT && ctx->route->who != WHO_GATED;

    bool may = cfg->session_cache_max_age > 0 && ctx->route->cached && !ctx->uncached;

    return may && !signs ? ctx->app->cache : NULL;
}

/* The one session that is shown, where nothing else is, its signature not verified. */
static bool present_one(struct ctx *ctx, struct presented *p)
{
    const char *value[2], *cookies = ctx->req.cookie;
    char token[RNG_ID_SIZE], signature[TOKEN_SIGNATURE_SIZE];

    if (!cookies || (ctx->req.authorization && config_bearer(ctx->au.cfg)) ||
        cookie_values(ctx->au.arena, cookies, ctx->au.cfg->cookie_full, value, 2) != 1)
        return false;
    return token_split(value[0], token, signature) && present(p, token, signature) == ERR_OK;
}

/* Who asks, if that is known without asking the store. ERR_NONE: it is not. */
static enum err who_known(struct ctx *ctx)
{
    struct presented p = {.n = 0};
    enum err e = ERR_NONE;

    ctx->au.cache = cache_for(ctx);
    ctx->au.ring = ctx->app->ring;
    if (ctx->au.cache && present_one(ctx, &p))
        e = session_known(&ctx->au, &p, &ctx->caller, ctx->passive, &ctx->who);
    if (e == ERR_OK) {
        ctx->presented = p;
        ctx->presented_read = true;
    }
    explicit_bzero(&p, sizeof p);
    return e;
}

/* The same by asking it. ERR_NONE: nobody. */
static enum err who_asked(struct ctx *ctx, enum who who)
{
    if (who != WHO_STORE)
        TRY(guard_presented(ctx));
    /* who shows nothing, or something forged, is nobody, whether the store is there or not */
    if (who <= WHO_PRESENTS || who == WHO_EITHER || ctx->presented.n > 0) {
        TRY(app_connect(ctx->app));
        ctx->au.db = ctx->app->db;
    }
    if (who <= WHO_PRESENTS)
        return ERR_NONE;
    return session_check(&ctx->au, &ctx->presented, &ctx->caller, ctx->passive, &ctx->who);
}

enum err guard_who(struct ctx *ctx)
{
    enum who who = ctx->route->who;

    need_read(ctx);
    if (who == WHO_ANYONE || (who == WHO_GATED && ctx->need.own))
        return ERR_OK;
    enum err e = who_known(ctx);
    if (e == ERR_NONE)
        e = who_asked(ctx, who);
    if (who <= WHO_PRESENTS)
        return e == ERR_NONE ? ERR_OK : e;
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    ctx->signed_in = e == ERR_OK;
    /* well signed, yet of no living session: what the browser holds is of no use to it any more */
    bool dead = !ctx->signed_in && ctx->presented.n > 0 && who != WHO_GATED;
    if (dead)
        TRY(why_ended(ctx)); /* a browser that cannot be told now shall ask again */
    ctx->cookie_drop = dead;
    if (ctx->signed_in && !formtoken_fits(ctx))
        return ERR_FORM_TOKEN;
    if (ctx->signed_in)
        ctx->au.by.actor = "user";
    if (ctx->signed_in && ctx->who.moved && who != WHO_GATED) {
        ctx->cookie_token = ctx->presented.v[ctx->who.which].token;
        ctx->cookie_of = &ctx->who.session;
    }
    if (who <= WHO_EITHER)
        return ERR_OK;
    if (!ctx->signed_in)
        return ERR_UNAUTHORIZED;
    if (who == WHO_GATED)
        return gate_pass(&ctx->need, &ctx->who.user, &ctx->who.groups);
    return lately(ctx, who) ? ERR_OK : ERR_NOT_FRESH;
}
