/* Handlers of sessions: get, list, end. */
#include "app/handlers.h"

#include "app/forms.h"
#include "app/view.h"

#include <string.h>

/* The caller's own session is gone: its cookie goes too, and is not sent again on account of a slide before. */
static void drop_cookie(struct ctx *ctx)
{
    ctx->cookie_drop = true;
    ctx->cookie_token = NULL;
}

static void whole_write(struct response *r, const struct checked *who)
{
    const struct user *u = &who->user;
    struct buf *b =
        response_json(r, 200, 2 * VIEW_TEXT + strlen(who->session.agent) + strlen(u->name) + strlen(u->email));

    buf_puts(b, "{\"session\":");
    view_session_text(b, &who->session, true);
    buf_puts(b, ",\"user\":");
    view_user_text(b, u);
    buf_puts(b, "}");
}

enum err h_session_get(struct ctx *ctx, const void *in)
{
    (void)in;
    TRY(response_header(&ctx->res, "Pragma", "no-cache"));
    if (!ctx->signed_in) {
        json_write_text(response_json(&ctx->res, 200, 0), NULL);
        return ERR_OK;
    }
    whole_write(&ctx->res, &ctx->who);
    return answer_jwt(ctx);
}

enum err h_session_list(struct ctx *ctx, const void *in)
{
    struct session *list;
    size_t n;

    (void)in;
    TRY(sessions_list(ctx->au.db, ctx->au.arena, ctx->who.user.id, ctx->au.now, &list, &n));
    struct buf *b = response_json(&ctx->res, 200, n * 2 * VIEW_TEXT);
    buf_puts(b, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(b, ",");
        view_session_text(b, &list[i], strcmp(list[i].id, ctx->who.session.id) == 0);
    }
    buf_puts(b, "]");
    return ERR_OK;
}

/* Ends one session by public id; if it is the caller's own, the cookie goes. */
static enum err end_one(struct ctx *ctx, const char *id)
{
    TRY(session_revoke(&ctx->au, ctx->who.user.id, id));
    if (strcmp(id, ctx->who.session.id) == 0)
        drop_cookie(ctx);
    return ERR_OK;
}

static enum err end_all(struct ctx *ctx, bool keep)
{
    TRY(session_revoke_all(&ctx->au, ctx->who.user.id, keep ? ctx->who.session.id : NULL, false, NULL));
    if (!keep)
        drop_cookie(ctx);
    return answer_status(ctx);
}

enum err h_session_delete(struct ctx *ctx, const void *in)
{
    (void)in;
    TRY(end_one(ctx, ctx->path_id));
    return answer_status(ctx);
}

enum err h_session_delete_all(struct ctx *ctx, const void *in)
{
    return end_all(ctx, ((const struct in_end_all *)in)->keep);
}

enum err h_revoke(struct ctx *ctx, const void *in)
{
    enum err e = end_one(ctx, ((const struct in_revoke *)in)->token);
    return e == ERR_OK || e == ERR_NO_SESSION ? answer_status(ctx) : e;
}

enum err h_revoke_all(struct ctx *ctx, const void *in)
{
    (void)in;
    return end_all(ctx, false);
}

enum err h_revoke_others(struct ctx *ctx, const void *in)
{
    (void)in;
    return end_all(ctx, true);
}

enum err h_sign_out(struct ctx *ctx, const void *in)
{
    (void)in;
    TRY(session_sign_out(&ctx->au, &ctx->presented));
    drop_cookie(ctx);
    response_json_take(&ctx->res, 200, view_flag("success", true));
    return ERR_OK;
}
