/* Pages as plain HTML. Nothing in them is loaded from elsewhere, and no link in them carries a token: a mail's link is
 * told to no other site by the Referer. */
#include "app/page.h"

#include "app/guard.h"
#include "app/handlers.h"

#include "base/enc.h"

#include <string.h>

static const char style[] =
    "body{font:1.1rem/1.5 system-ui,sans-serif;margin:0;padding:1rem;color:#1b1f24;background:#f6f7f9}"
    "main{max-width:28rem;margin:8vh auto 0;padding:1.5rem 2rem 2rem;background:#fff;border:1px solid #d5dae0;"
    "border-radius:.5rem}h1{font-size:1.4rem;margin:.2rem 0 1rem}label{display:block;margin:1rem 0}"
    "input{display:block;box-sizing:border-box;width:100%;font:inherit;padding:.5rem;margin-top:.25rem;"
    "border:1px solid #76808c;border-radius:.3rem;color:inherit;background:transparent}"
    "button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.3rem;color:#fff;background:#1f5fbf}"
    "@media(prefers-color-scheme:dark){body{color:#e6e9ed;background:#15181c}main{background:#1e2227;"
    "border-color:#39414a}button{background:#2f6fd0}}";

static void hidden(struct buf *b, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(b, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    buf_html(b, value);
    buf_puts(b, "\">\n");
}

static void form(struct ctx *ctx, struct buf *b, const struct page *p)
{
    buf_puts(b, "<form method=\"post\" action=\"");
    buf_html(b, ctx->au.cfg->auth_base_path);
    buf_html(b, p->action);
    buf_puts(b, "\">\n");
    hidden(b, "token", p->token);
    hidden(b, "callbackURL", p->callback);
    if (p->password)
        buf_puts(b,
                 "<label>New password <input type=\"password\" name=\"newPassword\" minlength=\"8\" maxlength=\"128\" "
                 "autocomplete=\"new-password\" required autofocus></label>\n");
    buf_puts(b, "<button>");
    buf_html(b, p->button);
    buf_puts(b, "</button></form>\n");
}

enum err page_answer(struct ctx *ctx, int status, const struct page *p)
{
    struct buf *b = &ctx->res.body;

    ctx->res.status = status;
    ctx->res.type = "text/html; charset=utf-8";
    *b = buf_in(ctx->au.arena);
    buf_puts(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">"
                "<title>");
    buf_html(b, p->title);
    buf_printf(b, "</title><style>%s</style></head>\n<body><main><h1>", style);
    buf_html(b, p->title);
    buf_puts(b, "</h1>\n<p>");
    buf_html(b, p->text);
    buf_puts(b, "</p>\n");
    if (p->action)
        form(ctx, b, p);
    buf_puts(b, "</main></body></html>\n");
    /* where the form's answer leads counts as its action too */
    const char *there = p->callback ? config_origin_of(ctx->au.arena, p->callback) : NULL;
    TRY(response_header(&ctx->res, "Content-Security-Policy",
                        arena_printf(ctx->au.arena,
                                     "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                                     "form-action 'self'%s%s; frame-ancestors 'none'",
                                     there ? " " : "", there ? there : "")));
    return response_header(&ctx->res, "Referrer-Policy", "same-origin");
}

enum err page_redirect(struct ctx *ctx, const char *url, const char *name, const char *value)
{
    const char *hash = strchr(url, '#'), *join = strchr(url, '?') ? "&" : "?";
    const char *before = arena_strndup(ctx->au.arena, url, hash ? (size_t)(hash - url) : strlen(url));

    if (value)
        url = arena_printf(ctx->au.arena, "%s%s%s=%s%s", before, join, name, enc_percent(ctx->au.arena, value),
                           hash ? hash : "");
    ctx->res.status = guard_unsafe(ctx->req.method) ? 303 : 302;
    return response_header(&ctx->res, "Location", url);
}

enum err page_done(struct ctx *ctx, const char *title, const char *text)
{
    if (!ctx->html)
        return answer_status(ctx);
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, NULL, NULL);
    return page_answer(ctx, 200, &(struct page){.title = title, .text = text});
}
