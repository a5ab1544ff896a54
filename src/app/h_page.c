/* Pages that people see of their own accord: signing in. */
#include "app/handlers.h"

#include "app/gate.h"
#include "app/page.h"
#include "base/enc.h"

#include <string.h>

/* --- next: where to go on ----------------------------------------------------------------------------------------- */

/* Everything behind "next=" if that begins with a slash: a web server that sends somebody here may put a page's address
 * there as it came, with its & and %. Else one value of a query like others. */
static const char *next_value(struct arena *a, const char *query)
{
    static const char name[] = "next=";

    for (const char *p = query; p; p = strchr(p, '&')) {
        p += *p == '&';
        if (strncmp(p, name, sizeof name - 1) != 0)
            continue;
        p += sizeof name - 1;
        return *p == '/' ? p : enc_unpercent(a, p, strcspn(p, "&"), true);
    }
    return NULL;
}

/* A path on our own origin, or an origin of the list that stands there without * and ?. */
static bool next_ok(struct ctx *ctx, const char *url)
{
    const struct cfg_list *listed = &ctx->au.cfg->auth_trusted_origins;

    if (!url || !origin_callback_ok(ctx->au.cfg, ctx->au.arena, url))
        return false;
    const char *origin = *url == '/' ? NULL : config_origin_of(ctx->au.arena, url);
    bool exact = *url == '/' || strcmp(origin, ctx->au.cfg->origin) == 0;
    for (size_t i = 0; !exact && i < listed->n; i++)
        exact = strcmp(listed->v[i], origin) == 0;
    return exact;
}

static const char *next_of(struct ctx *ctx)
{
    const char *next = ctx->req.refused ? ctx->req.page : next_value(ctx->au.arena, ctx->req.query_text);

    return next_ok(ctx, next) ? next : NULL;
}

/* --- sign in --------------------------------------------------------------------------------------------------------- */

/* As the page that Apache shows in place of one that the gate refused: the server has lost what the gate said, so it is
 * found out once more. */
static enum err login_refused(struct ctx *ctx)
{
    enum err e = ctx->signed_in ? gate_pass(&ctx->need, &ctx->who.user, &ctx->who.groups) : ERR_UNAUTHORIZED;

    /* the page's own 401, which is no affair of ours */
    if (e == ERR_OK && ctx->req.passed)
        e = ERR_UNAUTHORIZED;
    /* what has kept the gate from its yes is over: nobody is to take that for the end of a session */
    if (e == ERR_OK)
        return ERR_DB_BUSY;
    if (!ctx->html)
        return e;
    if (e != ERR_UNAUTHORIZED)
        return gate_denied_page(ctx, e);
    return page_sign_in(ctx, err_row(e)->status, NULL, next_of(ctx));
}

enum err h_login(struct ctx *ctx, const void *in)
{
    (void)in;
    if (ctx->req.refused == 401)
        return login_refused(ctx);
    return page_sign_in(ctx, 200, NULL, next_of(ctx));
}

enum err h_sign_in_again(struct ctx *ctx, enum err e, const char *text)
{
    if (e == ERR_FORM_TOKEN)
        text = "That form was too old. Please try once more.";
    return page_sign_in(ctx, err_row(e)->status, text, ctx->callback);
}
