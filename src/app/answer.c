/* The answer to a request: an error becomes a status here and nowhere else, and what every answer has is added. */
#include "app/answer.h"

#include "app/gate.h"
#include "app/guard.h"
#include "app/page.h"
#include "app/routes.h"

#include <string.h>

void app_expose(struct ctx *ctx, const char *name)
{
    ctx->exposed = ctx->exposed ? arena_printf(ctx->au.arena, "%s, %s", ctx->exposed, name) : name;
}

static enum err add_cookie(struct ctx *ctx)
{
    char value[TOKEN_SIGNED_SIZE];

    if (ctx->why_ended && ctx->cookie_drop)
        TRY(response_header(&ctx->res, "Latchkey-Session-Ended", ctx->why_ended));
    if (ctx->cookie_drop)
        return cookie_clear(&ctx->res, ctx->au.cfg);
    if (!ctx->cookie_token)
        return ERR_OK;
    TRY(token_sign(ctx->au.keys, ctx->cookie_token, value));
    /* a session that was opened just now is a moment younger than its request */
    int64_t born = ctx->cookie_of->updated_at, now = ctx->au.now > born ? ctx->au.now : born;
    int64_t age = session_cookie_age(ctx->au.cfg, ctx->cookie_of, now);
    TRY(cookie_set(&ctx->res, ctx->au.cfg, value, age));
    if (config_bearer(ctx->au.cfg)) {
        TRY(response_header(&ctx->res, "set-auth-token", arena_strdup(ctx->au.arena, value)));
        app_expose(ctx, "set-auth-token");
    }
    explicit_bzero(value, sizeof value);
    return ERR_OK;
}

/* What every answer has (D17), the cookie, CORS. */
static enum err add_headers(struct ctx *ctx)
{
    TRY(response_header(&ctx->res, "Cache-Control", "no-store"));
    TRY(response_header(&ctx->res, "X-Content-Type-Options", "nosniff"));
    TRY(guard_cors(ctx));
    TRY(add_cookie(ctx));
    return ctx->exposed ? response_header(&ctx->res, "Access-Control-Expose-Headers", ctx->exposed) : ERR_OK;
}

/* What a foreign page has put into a form is not shown in one of ours. */
static enum err answer_error_page(struct ctx *ctx, enum err e)
{
    bool foreign = e == ERR_INVALID_ORIGIN || e == ERR_MISSING_ORIGIN || e == ERR_CROSS_SITE_LOGIN;

    if (e == ERR_UNAUTHORIZED)
        return page_unauthorized(ctx);
    return ctx->route && ctx->route->again && !foreign ? ctx->route->again(ctx, e) : page_error(ctx, e);
}

/* Turns an error into its answer. What was decided about the cookie stands, but nothing is cleared by an outage. */
static enum err answer_error(struct ctx *ctx, enum err e)
{
    /* an error without a status was to be dealt with further down: to the client it is one of ours */
    const struct err_row *row = err_row(err_row(e)->status ? e : ERR_INTERNAL);
    const char *allow = response_get(&ctx->res, "Allow");

    const char *text = ctx->detail ? ctx->detail : row->text;
    response_reset(&ctx->res);
    ctx->exposed = NULL;
    if (ctx->html)
        TRY(answer_error_page(ctx, e));
    else
        response_error(&ctx->res, row->status, row->code, text);
    if (allow)
        TRY(response_header(&ctx->res, "Allow", allow));
    if (row->status >= 500)
        TRY(response_header(&ctx->res, "X-Request-Id", ctx->id));
    if (e == ERR_LIMITED) {
        const char *after = arena_printf(ctx->au.arena, "%lld", (long long)ctx->au.retry_after);
        TRY(response_header(&ctx->res, "Retry-After", after));
        TRY(response_header(&ctx->res, "X-Retry-After", after));
    }
    if (row->status == 503) {
        TRY(response_header(&ctx->res, "Retry-After", "2"));
        ctx->cookie_drop = false;
    }
    return ERR_OK;
}

/* Makes the answer whole. A field that cannot be sent gives a bare 500: nothing of it goes out. */
void answer_make(struct ctx *ctx, enum err e)
{
    const struct err_row *internal = err_row(ERR_INTERNAL);
    bool gate = ctx->req.door != DOOR_NONE;

    if (e != ERR_OK)
        e = gate ? gate_denied(ctx, e) : answer_error(ctx, e);
    if (e == ERR_OK && !gate)
        e = add_headers(ctx);
    if (e == ERR_OK)
        return;
    response_reset(&ctx->res);
    response_error(&ctx->res, internal->status, internal->code, internal->text);
}
