/* Handlers of accounts: sign-up and sign-in. */
#include "app/handlers.h"

#include "app/forms.h"
#include "app/page.h"
#include "app/view.h"

#include <string.h>

/* The cookie to set; and the body's `token`, which holds the secret only where bearer tokens are on (D2). */
static struct json_object *issue(struct ctx *ctx, const struct opened *o)
{
    struct session *s = ARENA_NEW(ctx->au.arena, struct session);

    *s = o->session;
    ctx->cookie_of = s;
    ctx->cookie_token = arena_strdup(ctx->au.arena, o->token);
    return config_bearer(ctx->au.cfg) ? json_of_text(o->token) : NULL;
}

/* Who it is, and his session if he got one. */
static enum err answer_opened(struct ctx *ctx, struct opened *opened)
{
    struct json_object *o = json_need(json_object_new_object());

    json_put(o, "token", *opened->token ? issue(ctx, opened) : NULL);
    json_put(o, "user", view_user(&opened->user));
    response_json_take(&ctx->res, 200, o);
    explicit_bzero(opened->token, sizeof opened->token);
    return ERR_OK;
}

enum err h_sign_up(struct ctx *ctx, const void *in)
{
    const struct in_sign_up *f = in;
    struct signup s = {f->name, f->email, f->password, f->image, f->rememberMe, ctx->callback};
    struct opened opened;

    TRY(account_sign_up(&ctx->au, &s, &ctx->caller, &ctx->presented, false, &opened));
    if (!*opened.token) { /* wherever it was to lead: it cannot before the address is proven */
        ctx->then = "/verify";
        ctx->callback = NULL;
    }
    return answer_opened(ctx, &opened);
}

enum err h_sign_in(struct ctx *ctx, const void *in)
{
    const struct in_sign_in *f = in;
    const char *url = ctx->callback;
    struct opened opened;

    TRY(account_sign_in(&ctx->au, f->email, f->password, f->rememberMe, &ctx->caller, &ctx->presented, &opened));
    struct json_object *o = json_need(json_object_new_object());
    json_put(o, "redirect", json_need(json_object_new_boolean(url != NULL)));
    json_put(o, "token", issue(ctx, &opened));
    if (url)
        json_put(o, "url", json_of_text(url));
    json_put(o, "user", view_user(&opened.user));
    response_json_take(&ctx->res, 200, o);
    explicit_bzero(opened.token, sizeof opened.token);
    if (!url || ctx->app->strict)
        return ERR_OK;
    return response_header(&ctx->res, "Location", arena_strdup(ctx->au.arena, url));
}

/* --- what a signed-in user does to his account -------------------------------------------------------------------- */

enum err h_change_password(struct ctx *ctx, const void *in)
{
    const struct in_change_password *f = in;
    struct opened opened;

    TRY(account_change_password(&ctx->au, &ctx->who, f->currentPassword, f->newPassword, f->revokeOtherSessions,
                                &ctx->caller, &opened));
    return answer_opened(ctx, &opened);
}

enum err h_verify_password(struct ctx *ctx, const void *in)
{
    TRY(account_reauthenticate(&ctx->au, &ctx->who, ((const struct in_verify_password *)in)->password));
    return answer_status(ctx);
}

enum err h_reset_password(struct ctx *ctx, const void *in)
{
    const struct in_reset_password *f = in;
    const char *in_query = pairs_get(&ctx->req.query, "token");

    TRY(reset_password(&ctx->au, f->token && *f->token ? f->token : in_query, f->newPassword));
    return answer_status(ctx);
}

enum err h_update_user(struct ctx *ctx, const void *in)
{
    const struct in_update_user *f = in;
    const char *image = f->image == FIELDS_NULL ? NULL : f->image;
    struct profile p = {f->name, image, f->image != NULL};

    if (f->email)
        return ERR_EMAIL_FIXED;
    TRY(account_update(&ctx->au, &ctx->who, &p));
    ctx->cookie_token = ctx->presented.v[ctx->who.which].token;
    ctx->cookie_of = &ctx->who.session;
    return answer_status(ctx);
}

/* The fields that a session has beside ours are a site's own, and none can be declared yet: whatever is sent is none.
 */
enum err h_update_session(struct ctx *ctx, const void *in)
{
    (void)ctx, (void)in;
    return ERR_NO_FIELDS;
}

enum err h_list_accounts(struct ctx *ctx, const void *in)
{
    struct account *list;
    size_t n;

    (void)in;
    TRY(accounts_list(ctx->au.db, ctx->au.arena, ctx->who.user.id, &list, &n));
    struct json_object *o = json_need(json_object_new_array_ext((int)n));
    for (size_t i = 0; i < n; i++)
        json_append(o, view_account(&list[i]));
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}
