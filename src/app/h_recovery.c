/* Handlers of what goes by mail: asking for one, and where its link leads. A link that is opened does nothing that
 * cannot be done twice; what is spent once is asked for by a page and spent by its form. */
#include "app/handlers.h"

#include "app/forms.h"
#include "app/page.h"
#include "app/view.h"
#include "auth/leave.h"
#include "auth/notice.h"
#include "auth/verify.h"

static const struct page_text
    dead_reset = {.title = "link-dead-title", .text = "link-dead-text", .link = "/forgot", .link_text = "forgot-title"},
    dead_verify = {.title = "link-dead-title", .text = "link-dead-text", .link = "/verify", .link_text = "send-again"},
    dead_not_me = {
        .title = "link-dead-title", .text = "not-me-dead-text", .link = "/devices", .link_text = "devices-title"};

/* Where no mail is sent there is no other link to ask for. */
static enum err dead_link(struct ctx *ctx, enum err e, const struct page_text *m)
{
    struct page_text text = *m;

    if (ctx->au.cfg->mail_transport == TRANSPORT_NONE)
        text.link = NULL;
    return page_message(ctx, err_row(e)->status, &text);
}

/* Like Better Auth's: the same for whoever asks. */
enum err h_request_reset(struct ctx *ctx, const void *in)
{
    const struct in_request_reset *f = in;

    TRY(reset_request(&ctx->au, f->email, ctx->redirect));
    struct json_object *o = view_flag("status", true);
    json_put(o, "message", json_of_text("If this email exists in our system, check your email for the reset link"));
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}

/* The token of the link stands for a form token. */
static enum err reset_page(struct ctx *ctx, const char *token, enum err wrong)
{
    const struct mustache_var var = {"token", token};
    const struct mustache_data own = {.vars = &var, .n_vars = 1};
    const struct page p = {.name = "reset", .title = "reset-title", .wrong = wrong, .own = &own};

    return page_answer(ctx, err_row(wrong)->status, &p);
}

enum err h_reset_again(struct ctx *ctx, enum err e)
{
    const char *token = pairs_get(&ctx->req.form, "token");

    if (e == ERR_RESET_TOKEN)
        return dead_link(ctx, e, &dead_reset);
    return token && err_row(e)->status ? reset_page(ctx, token, e) : page_error(ctx, e);
}

enum err h_reset_link(struct ctx *ctx, const void *in)
{
    (void)in;
    enum err e = reset_known(&ctx->au, ctx->path_id);
    if (e != ERR_OK && e != ERR_RESET_TOKEN)
        return e;
    bool good = e == ERR_OK;
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, good ? "token" : "error", good ? ctx->path_id : err_row(e)->code);
    return good ? reset_page(ctx, ctx->path_id, ERR_OK) : dead_link(ctx, e, &dead_reset);
}

enum err h_reset(struct ctx *ctx, const void *in)
{
    const char *token = pairs_get(&ctx->req.query, "token");

    (void)in;
    enum err e = token ? reset_known(&ctx->au, token) : ERR_RESET_TOKEN;
    if (e != ERR_OK && e != ERR_RESET_TOKEN)
        return e;
    return e == ERR_OK ? reset_page(ctx, token, ERR_OK) : dead_link(ctx, e, &dead_reset);
}

enum err h_send_verification(struct ctx *ctx, const void *in)
{
    const struct in_send_verification *f = in;

    TRY(verify_request(&ctx->au, ctx->signed_in ? &ctx->who : NULL, f->email, ctx->callback));
    return answer_status(ctx);
}

enum err h_verify_email(struct ctx *ctx, const void *in)
{
    const char *token = ((const struct in_link *)in)->token;
    /* whoever only looks whether a link is there follows none */
    enum err e = ctx->req.method == METHOD_HEAD ? verify_known(&ctx->au, token) : verify_email(&ctx->au, token);
    bool refused = e == ERR_VERIFY_TOKEN || e == ERR_VERIFY_EXPIRED;

    if (refused && ctx->html && !ctx->callback)
        return dead_link(ctx, e, &dead_verify);
    if (e != ERR_OK && !(refused && ctx->callback))
        return e;
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, "error", refused ? err_row(e)->code : NULL);
    if (ctx->html)
        return page_message(
            ctx, 200,
            &(struct page_text){.title = "verified-title", .text = "verified-text", .link = "", .link_text = "go-on"});
    struct json_object *o = view_flag("status", true);
    json_put(o, "user", NULL);
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}

enum err h_change_email(struct ctx *ctx, const void *in)
{
    const struct in_change_email *f = in;

    TRY(change_email_request(&ctx->au, &ctx->who, f->newEmail, ctx->callback));
    return answer_status(ctx);
}

/* --- "this was not me" ------------------------------------------------------------------------------------------ */

enum err h_not_me_page(struct ctx *ctx, const void *in)
{
    const char *token = ((const struct in_link *)in)->token;
    const struct page_text ask = {
        .title = "not-me-title", .text = "not-me-text", .action = "/not-me", .token = token, .button = "not-me-button"};

    enum err e = notice_known(&ctx->au, token);
    if (e != ERR_OK && e != ERR_RESET_TOKEN)
        return e;
    return page_message(ctx, e == ERR_OK ? 200 : err_row(e)->status, e == ERR_OK ? &ask : &dead_not_me);
}

enum err h_not_me(struct ctx *ctx, const void *in)
{
    TRY(notice_not_me(&ctx->au, ((const struct in_not_me *)in)->token));
    return page_done(ctx, &(struct page_text){.title = "not-me-done-title",
                                              .text = "not-me-done-text",
                                              .link = "/forgot",
                                              .link_text = "forgot-title"});
}

/* --- leaving ---------------------------------------------------------------------------------------------------- */

enum err h_delete_page(struct ctx *ctx, const void *in)
{
    const char *token = ((const struct in_link *)in)->token;
    const struct page_text ask = {.title = "delete-title",
                                  .text = "delete-text",
                                  .action = "/delete-user",
                                  .token = token,
                                  .callback = ctx->callback,
                                  .button = "delete",
                                  .danger = true};

    TRY(leave_known(&ctx->au, &ctx->who, token));
    return page_message(ctx, 200, &ask);
}

static enum err deleted(struct ctx *ctx, bool mailed)
{
    if (!mailed) {
        ctx->cookie_drop = true;
        ctx->cookie_token = NULL;
    }
    if (ctx->html && mailed)
        ctx->then = "/account?done=deleted";
    else if (ctx->html)
        return page_done(ctx, &(struct page_text){
                                  .title = "deleted-title", .text = "deleted-text", .link = "", .link_text = "go-on"});
    struct json_object *o = view_flag("success", true);
    json_put(o, "message", json_of_text(mailed ? "Verification email sent" : "User deleted"));
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}

enum err h_delete_user(struct ctx *ctx, const void *in)
{
    const struct in_delete_user *f = in;
    const char *password = f->password && *f->password ? f->password : NULL;
    bool mailed = false;

    if (f->token && *f->token)
        TRY(leave_by_token(&ctx->au, &ctx->who, f->token));
    else
        TRY(leave_start(&ctx->au, &ctx->who, password, ctx->callback, &mailed));
    return deleted(ctx, mailed);
}
