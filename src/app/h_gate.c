/* The gate: asked by a web server whether a page may be shown, and to whom. Reads no body and sets no cookie: it may be
 * asked twice for one page, and most servers would lose the cookie. */
#include "app/gate.h"

#include "app/handlers.h"
#include "app/page.h"
#include "auth/gate.h"
#include "base/enc.h"

#include <string.h>

/* --- who it is, for the page ------------------------------------------------------------------------------------ */

/* Never empty, which a page takes for nobody and Apache for a fault: who has no name to show has an id. */
static const char *remote_user(const struct ctx *ctx)
{
    const struct user *u = &ctx->who.user;
    const char *name;

    switch (ctx->au.cfg->gate_remote_user) {
    case REMOTEUSER_ID:
        return u->id;
    case REMOTEUSER_NAME:
        name = gate_line(ctx->au.arena, u->name);
        return *name ? name : u->id;
    case REMOTEUSER_EMAIL:
        break;
    }
    return u->email;
}

/* Public ids only: Apache shows these fields to the browser unless it is told not to. */
enum err h_gate(struct ctx *ctx, const void *in)
{
    const struct user *u = &ctx->who.user;
    const struct {
        const char *name, *value;
    } told[] = {
        {"Variable-REMOTE_USER", remote_user(ctx)},
        {"Variable-AUTH_USER_ID", u->id},
        {"Variable-AUTH_EMAIL", u->email},
        {"Variable-AUTH_NAME", u->name},
        {"Variable-AUTH_SESSION_ID", ctx->who.session.id},
    };

    (void)in;
    ctx->res.status = 200;
    for (size_t i = 0; ctx->signed_in && i < sizeof told / sizeof told[0]; i++)
        TRY(response_header_text(&ctx->res, told[i].name, gate_line(ctx->au.arena, told[i].value)));
    return ERR_OK;
}

/* --- denials ---------------------------------------------------------------------------------------------------- */

bool gate_navigates(const struct request *r)
{
    return (r->method == METHOD_GET || r->method == METHOD_HEAD) && r->accept && strstr(r->accept, "text/html") &&
           (!r->fetch_mode || strcmp(r->fetch_mode, "navigate") == 0);
}

static enum err to_sign_in(struct ctx *ctx)
{
    const struct cfg *cfg = ctx->au.cfg;
    struct arena *a = ctx->au.arena;
    const char *page = *cfg->gate_sign_in ? cfg->gate_sign_in : arena_printf(a, "%s/login", cfg->auth_base_path);

    ctx->res.status = 302;
    return response_header(&ctx->res, "Location", arena_printf(a, "%s?next=%s", page, enc_percent(a, ctx->req.page)));
}

static const struct page_text *denied_message(enum err e)
{
    static const struct page_text unverified = {.title = "verify-title",
                                                .text = "unverified-text",
                                                .link = "/verify",
                                                .link_text = "send-again"},
                                  other = {.title = "forbidden-title", .text = "forbidden-text"};

    return e == ERR_EMAIL_NOT_VERIFIED ? &unverified : &other;
}

/* A web server knows three kinds of "no"; whatever else is at fault with a request is a "you may not". */
static int denied_status(enum err e)
{
    int status = err_row(err_row(e)->status ? e : ERR_INTERNAL)->status;

    return status >= 500 || status == 401 ? status : 403;
}

enum err gate_denied_page(struct ctx *ctx, enum err e)
{
    return page_message(ctx, denied_status(e), denied_message(e));
}

enum err gate_denied(struct ctx *ctx, enum err e)
{
    const struct err_row *row = err_row(err_row(e)->status ? e : ERR_INTERNAL);
    int status = denied_status(e);
    bool navigates = gate_navigates(&ctx->req);

    response_reset(&ctx->res);
    if (ctx->req.door == DOOR_PASSING && status == 401 && navigates)
        TRY(to_sign_in(ctx));
    else if (ctx->req.door == DOOR_PASSING && status == 403 && navigates)
        TRY(gate_denied_page(ctx, e));
    else
        response_error(&ctx->res, status, row->code, row->text);
    if (status == 503)
        TRY(response_header(&ctx->res, "Retry-After", "2"));
    if (status >= 500)
        TRY(response_header(&ctx->res, "X-Request-Id", ctx->id));
    TRY(response_header(&ctx->res, "Cache-Control", "no-store"));
    TRY(response_header(&ctx->res, "X-Content-Type-Options", "nosniff"));
    return row->code ? response_header(&ctx->res, "Latchkey-Denied", row->code) : ERR_OK;
}
