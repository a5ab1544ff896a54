/* Handlers that touch no account: is it there, and the page where redirects with an error end. And the answer of
 * many that do. */
#include "app/handlers.h"

#include "app/page.h"
#include "app/view.h"
#include "app/words.h"
#include "base/log.h"

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

enum err h_style(struct ctx *ctx, const void *in)
{
    struct template_set set = words_templates(ctx->au.cfg);
    const char *text, *fault;
    size_t len;
    bool own;

    (void)in;
    if (!template_text(&set, true, ctx->au.arena, "style.css", &text, &len, &own, &fault)) {
        log_error("page: %s; the one built in stands in", fault);
        if (!template_text(&set, false, ctx->au.arena, "style.css", &text, &len, &own, &fault))
            return ERR_INTERNAL;
    }
    ctx->res.status = 200;
    ctx->res.type = "text/css; charset=utf-8";
    buf_add(&ctx->res.body, text, len);
    return ERR_OK;
}

/* Only what looks like an error code of ours is shown: a stranger's link must not put words into our page. */
static bool code_ok(const char *s)
{
    size_t n = strlen(s);
    return n > 0 && n <= 64 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

/* Where redirects with an error end that have no page of the site to lead to. */
enum err h_error(struct ctx *ctx, const void *in)
{
    const char *code = pairs_get(&ctx->req.query, "error");
    const char *key = code && code_ok(code) ? arena_printf(ctx->au.arena, "e-%s", code) : NULL;
    bool known = key && page_word(ctx, key) != key;
    const struct page_text m = {.title = "error-title",
                                .text = known ? key : "error-text",
                                .code = key ? code : "unknown",
                                .link = "",
                                .link_text = "go-on"};

    (void)in;
    return page_message(ctx, 200, &m);
}
