/* Handlers of accounts: sign-up and sign-in. */
#include "app/handlers.h"

#include "app/forms.h"
#include "app/view.h"

#include <string.h>

/* The cookie to set; and the body's `token`, which holds the secret only where bearer tokens are on (D2). */
static struct json_object *issue(struct ctx *ctx, const struct opened *o)
{
    struct session *s = ARENA_NEW(ctx->au.arena, struct session);

    *s = o->session;
    ctx->cookie_of = s;
    ctx->cookie_token = arena_strdup(ctx->au.arena, o->token);
    return ctx->au.cfg->auth_mode == MODE_BEARER ? json_object_new_string(o->token) : NULL;
}

enum err h_sign_up(struct ctx *ctx, const void *in)
{
    const struct in_sign_up *f = in;
    struct signup s = {f->name, f->email, f->password, f->image, f->rememberMe};
    struct opened opened;

    TRY(account_sign_up(&ctx->au, &s, &ctx->caller, &ctx->presented, false, &opened));
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "token", issue(ctx, &opened));
    json_object_object_add(o, "user", view_user(&opened.user));
    response_json_take(&ctx->res, 200, o);
    explicit_bzero(opened.token, sizeof opened.token);
    return ERR_OK;
}

enum err h_sign_in(struct ctx *ctx, const void *in)
{
    const struct in_sign_in *f = in;
    const char *url = ctx->callback;
    struct opened opened;

    TRY(account_sign_in(&ctx->au, f->email, f->password, f->rememberMe, &ctx->caller, &ctx->presented, &opened));
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "redirect", json_object_new_boolean(url != NULL));
    json_object_object_add(o, "token", issue(ctx, &opened));
    if (url)
        json_object_object_add(o, "url", json_object_new_string(url));
    json_object_object_add(o, "user", view_user(&opened.user));
    response_json_take(&ctx->res, 200, o);
    explicit_bzero(opened.token, sizeof opened.token);
    return url ? response_header(&ctx->res, "Location", arena_strdup(ctx->au.arena, url)) : ERR_OK;
}
