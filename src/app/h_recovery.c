/* Handlers of what goes by mail: asking for one, and where its link leads. A link that is opened does nothing that
 * cannot be done twice; what is spent once is asked for by a page and spent by its form. */
#include "app/handlers.h"

#include "app/forms.h"
#include "app/page.h"
#include "app/view.h"
#include "auth/leave.h"
#include "auth/notice.h"
#include "auth/verify.h"

static const struct page dead = {.title = "This link does not work any more",
                                 .text =
                                     "It was used, it is too old, or a newer one was sent. Please ask for a new one."};

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

enum err h_reset_link(struct ctx *ctx, const void *in)
{
    (void)in;
    enum err e = reset_known(&ctx->au, ctx->path_id);
    if (e != ERR_OK && e != ERR_RESET_TOKEN)
        return e;
    bool good = e == ERR_OK;
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, good ? "token" : "error", good ? ctx->path_id : err_row(e)->code);
    struct page ask = {.title = "Set a new password",
                       .text = "You will be signed out everywhere and can sign in with the new password.",
                       .action = "/reset-password",
                       .token = ctx->path_id,
                       .password = true,
                       .button = "Set password"};
    return page_answer(ctx, good ? 200 : err_row(e)->status, good ? &ask : &dead);
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

    if (e != ERR_OK && !(refused && ctx->callback))
        return e;
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, "error", refused ? err_row(e)->code : NULL);
    if (ctx->html)
        return page_done(ctx, "Your address is confirmed", "You can close this page.");
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

/* --- "this was not me" -------------------------------------------------------------------------------------------- */

enum err h_not_me_page(struct ctx *ctx, const void *in)
{
    const char *token = ((const struct in_link *)in)->token;
    struct page ask = {.title = "Was this sign-in not yours?",
                       .text = "End that session now. Then set a new password: whoever signed in knows the old one.",
                       .action = "/not-me",
                       .token = token,
                       .button = "End that session"};

    enum err e = notice_known(&ctx->au, token);
    if (e != ERR_OK && e != ERR_RESET_TOKEN)
        return e;
    return page_answer(ctx, e == ERR_OK ? 200 : err_row(e)->status, e == ERR_OK ? &ask : &dead);
}

enum err h_not_me(struct ctx *ctx, const void *in)
{
    TRY(notice_not_me(&ctx->au, ((const struct in_not_me *)in)->token));
    return page_done(ctx, "That session has ended", "Now set a new password: whoever signed in knows the old one.");
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

enum err h_delete_page(struct ctx *ctx, const void *in)
{
    const char *token = ((const struct in_link *)in)->token;
    struct page ask = {.title = "Delete your account?",
                       .text = "Everything that belongs to it goes with it. This cannot be undone.",
                       .action = "/delete-user",
                       .token = token,
                       .callback = ctx->callback,
                       .button = "Delete my account"};

    TRY(leave_known(&ctx->au, &ctx->who, token));
    return page_answer(ctx, 200, &ask);
}

static enum err deleted(struct ctx *ctx, bool mailed)
{
    if (!mailed) {
        ctx->cookie_drop = true;
        ctx->cookie_token = NULL;
    }
    if (ctx->html)
        return page_done(ctx, "Your account is deleted", "Nothing of it is left here.");
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
