/* Handlers that touch no account: is it there, and the page where redirects with an error end. And the answer of
 * many that do. */
#include "app/handlers.h"

#include "app/view.h"

#include <string.h>

enum err answer_status(struct ctx *ctx)
{
    response_json_take(&ctx->res, 200, view_flag("status", true));
    return ERR_OK;
}

enum err h_ok(struct ctx *ctx, const void *in)
{
    (void)in;
    response_json_take(&ctx->res, 200, view_flag("ok", true));
    return ERR_OK;
}

/* Only what looks like an error code of ours is shown: a stranger's link must not put words into our page. */
static bool code_ok(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= 64 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

enum err h_error(struct ctx *ctx, const void *in)
{
    const char *code = pairs_get(&ctx->req.query, "error");

    (void)in;
    ctx->res.status = 200;
    ctx->res.type = "text/html; charset=utf-8";
    buf_printf(&ctx->res.body,
               "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width\"><title>Something went wrong</title></head>\n"
               "<body><main><h1>Something went wrong</h1>\n<p>Please go back and try again.</p>\n"
               "<p>Error: <code>%s</code></p></main></body></html>\n",
               code && code_ok(code) ? code : "unknown");
    TRY(response_header(&ctx->res, "Content-Security-Policy",
                        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    return response_header(&ctx->res, "Referrer-Policy", "same-origin");
}
