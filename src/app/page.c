/* Pages as plain HTML. Nothing in them is loaded from elsewhere, and no link in them carries a token: a mail's link is
 * told to no other site by the Referer. */
#include "app/page.h"

#include "app/formtoken.h"
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
    ".tick input{display:inline;width:auto;margin:0 .4rem 0 0}.wrong{color:#a3161c;font-weight:600}"
    "button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.3rem;color:#fff;background:#1f5fbf}"
    "@media(prefers-color-scheme:dark){body{color:#e6e9ed;background:#15181c}main{background:#1e2227;"
    "border-color:#39414a}button{background:#2f6fd0}.wrong{color:#ff8f8f}}";

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

/* Begins an answer; what stands in the page follows, then page_end. */
static struct buf *page_begin(struct ctx *ctx, int status, const char *title)
{
    struct buf *b = &ctx->res.body;

    ctx->res.status = status;
    ctx->res.type = "text/html; charset=utf-8";
    *b = buf_in(ctx->au.arena);
    buf_puts(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">"
                "<title>");
    buf_html(b, title);
    buf_printf(b, "</title><style>%s</style></head>\n<body><main><h1>", style);
    buf_html(b, title);
    buf_puts(b, "</h1>\n");
    return b;
}

static void paragraph(struct buf *b, const char *attributes, const char *text)
{
    buf_printf(b, "<p%s>", attributes);
    buf_html(b, text);
    buf_puts(b, "</p>\n");
}

/* next: where the answer to a form in the page may lead; NULL. */
static enum err page_end(struct ctx *ctx, const char *next)
{
    buf_puts(&ctx->res.body, "</main></body></html>\n");
    /* where the form's answer leads counts as its action too */
    const char *there = next ? config_origin_of(ctx->au.arena, next) : NULL;
    TRY(response_header(&ctx->res, "Content-Security-Policy",
                        arena_printf(ctx->au.arena,
                                     "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
                                     "form-action 'self'%s%s; frame-ancestors 'none'",
                                     there ? " " : "", there ? there : "")));
    return response_header(&ctx->res, "Referrer-Policy", "same-origin");
}

enum err page_answer(struct ctx *ctx, int status, const struct page *p)
{
    struct buf *b = page_begin(ctx, status, p->title);

    paragraph(b, "", p->text);
    if (p->action)
        form(ctx, b, p);
    return page_end(ctx, p->callback);
}

/* What was typed last time; never the password. */
static void email_field(struct ctx *ctx, struct buf *b)
{
    const char *email = pairs_get(&ctx->req.form, "email");

    buf_puts(b, "<label>E-mail <input type=\"email\" name=\"email\" autocomplete=\"username\" required value=\"");
    buf_html(b, email ? email : "");
    buf_printf(b, "\"%s></label>\n", email ? "" : " autofocus");
}

enum err page_sign_in(struct ctx *ctx, int status, const char *wrong, const char *next)
{
    struct arena *a = ctx->au.arena;
    const char *token;

    TRY(formtoken_give(ctx, &token));
    struct buf *b = page_begin(ctx, status, "Sign in");
    if (wrong)
        paragraph(b, " role=\"alert\" class=\"wrong\"", wrong);
    else if (ctx->signed_in)
        paragraph(b, "", arena_printf(a, "You are signed in as %s.", ctx->who.user.email));
    buf_puts(b, "<form method=\"post\" action=\"");
    buf_html(b, ctx->au.cfg->auth_base_path);
    buf_puts(b, "/sign-in/email\">\n");
    hidden(b, "formToken", token);
    hidden(b, "callbackURL", next);
    email_field(ctx, b);
    buf_puts(b, "<label>Password <input type=\"password\" name=\"password\" autocomplete=\"current-password\" "
                "required></label>\n");
    /* of two fields of a name the first counts: a box that is not ticked is not sent */
    buf_puts(b, "<label class=\"tick\"><input type=\"checkbox\" name=\"rememberMe\" value=\"true\" checked> "
                "Keep me signed in on this device</label>\n");
    hidden(b, "rememberMe", "false");
    buf_puts(b, "<button>Sign in</button></form>\n");
    return page_end(ctx, next);
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
