/* Form tokens of pages: bound to the session of who is signed in, else to a random cookie of the browser. A form that
 * was shown to one browser, or before a sign-in, is worth nothing in another. */
#include "app/formtoken.h"

#include "app/guard.h"

#include <string.h>

enum { COOKIES_MAX = 4 };

/* What the browser's own cookie holds; NULL: it has none of our form. */
static const char *browser_id(struct ctx *ctx)
{
    const char *value[COOKIES_MAX];
    size_t n = 0;

    if (ctx->req.cookie)
        n = cookie_values(ctx->au.arena, ctx->req.cookie, ctx->au.cfg->cookie_form, value, COOKIES_MAX);
    for (size_t i = 0; i < n; i++)
        if (token_wellformed(value[i]))
            return value[i];
    return NULL;
}

static const char *of_browser(struct ctx *ctx, const char *id)
{
    return arena_printf(ctx->au.arena, "browser %s", id);
}

static const char *of_session(struct ctx *ctx, size_t which)
{
    return arena_printf(ctx->au.arena, "session %s", ctx->presented.v[which].hash);
}

enum err formtoken_give(struct ctx *ctx, const char **out)
{
    char *token = arena_alloc(ctx->au.arena, TOKEN_FORM_SIZE);
    const char *id = browser_id(ctx);

    *out = token;
    if (ctx->signed_in)
        return token_form(ctx->au.keys, of_session(ctx, ctx->who.which), token);
    if (!id) {
        char *made = arena_alloc(ctx->au.arena, RNG_ID_SIZE);
        TRY(rng_id(made));
        TRY(cookie_set_form(&ctx->res, ctx->au.cfg, made));
        id = made;
    }
    return token_form(ctx->au.keys, of_browser(ctx, id), token);
}

/* What is done as somebody takes a form that was shown to him. One of before a sign-in is good for signing in, and for
 * what asks for nobody. */
enum err formtoken_check(struct ctx *ctx)
{
    const char *given = pairs_get(&ctx->req.form, "formToken"), *id = browser_id(ctx);
    bool of_somebody = ctx->route->who >= WHO_SIGNED_IN;
    enum err e = ERR_NONE;

    TRY(guard_presented(ctx));
    if (of_somebody && ctx->presented.n == 0)
        return ERR_OK; /* guard_who refuses, and tells why */
    if (given && id && !of_somebody)
        e = token_form_ok(ctx->au.keys, of_browser(ctx, id), given);
    for (size_t i = 0; given && e == ERR_NONE && i < ctx->presented.n; i++) {
        e = token_form_ok(ctx->au.keys, of_session(ctx, i), given);
        ctx->form_of = e == ERR_OK ? i + 1 : 0;
    }
    return e == ERR_NONE ? ERR_FORM_TOKEN : e;
}

bool formtoken_fits(const struct ctx *ctx)
{
    const struct presented *p = &ctx->presented;

    return ctx->form_of == 0 || strcmp(p->v[ctx->form_of - 1].hash, p->v[ctx->who.which].hash) == 0;
}
