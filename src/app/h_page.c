/* Pages for who is not signed in, and where forms and links of ours lead. */
#include "app/handlers.h"

#include "app/gate.h"
#include "app/page.h"
#include "auth/journal.h"
#include "app/guard.h"
#include "base/enc.h"

#include <string.h>

/* --- next: where to go on --------------------------------------------------------------------------------------- */

/* Everything behind "next=" if that begins with a slash: a web server that sends somebody here may put a page's address
 * there as it came, with its & and %. Else one value of a query like others. */
static const char *next_value(struct arena *a, const char *query)
{
    static const char name[] = "next=";

    for (const char *p = query; p; p = strchr(p, '&')) {
        p += *p == '&';
        if (strncmp(p, name, sizeof name - 1) != 0)
            continue;
        p += sizeof name - 1;
        return *p == '/' ? p : enc_unpercent(a, p, strcspn(p, "&"), true);
    }
    return NULL;
}

/* A path on our own origin, or an origin of the list that stands there without * and ?. */
static bool next_ok(struct ctx *ctx, const char *url)
{
    const struct cfg_list *listed = &ctx->au.cfg->auth_trusted_origins;

    if (!url || strlen(url) > CALLBACK_MAX || !origin_callback_ok(ctx->au.cfg, ctx->au.arena, url))
        return false;
    const char *origin = *url == '/' ? NULL : config_origin_of(ctx->au.arena, url);
    bool exact = *url == '/' || strcmp(origin, ctx->au.cfg->origin) == 0;
    for (size_t i = 0; !exact && i < listed->n; i++)
        exact = strcmp(listed->v[i], origin) == 0;
    return exact;
}

const char *page_next(struct ctx *ctx)
{
    const char *next = ctx->req.refused ? ctx->req.page : next_value(ctx->au.arena, ctx->req.query_text);

    return next_ok(ctx, next) ? next : NULL;
}

/* --- notices: what was done, told on the page that follows ------------------------------------------------------ */

const char *page_notice(const struct ctx *ctx)
{
    static const char *const known[] = {"sent",   "password",         "saved",  "email", "ended",
                                        "others", "password-changed", "deleted"};
    const char *done = pairs_get(&ctx->req.query, "done");

    for (size_t i = 0; done && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(done, known[i]) == 0)
            return arena_printf(ctx->au.arena, "done-%s", known[i]);
    return NULL;
}

static const char *reason_key(const struct ctx *ctx, const char *why)
{
    bool known = false;

    for (enum reason r = 0; why && !known && r < WHY_COUNT; r++)
        known = strcmp(reason_row(r)->word, why) == 0;
    return arena_printf(ctx->au.arena, "reason-%s", known ? why : "signed-out");
}

/* --- sign in, sign up ------------------------------------------------------------------------------------------- */

/* Whose session has ended is told why. */
static const char *sign_in_notice(const struct ctx *ctx)
{
    return ctx->why_ended ? reason_key(ctx, ctx->why_ended) : page_notice(ctx);
}

static enum err sign_in(struct ctx *ctx, int status, enum err wrong, const char *next)
{
    const struct page p = {.name = "sign-in",
                           .title = "sign-in-title",
                           .form = true,
                           .next = next,
                           .notice = wrong == ERR_OK ? sign_in_notice(ctx) : NULL,
                           .wrong = wrong};

    return page_answer(ctx, status, &p);
}

/* As the page that Apache shows in place of one that the gate refused: the server has lost what the gate said, so it is
 * found out once more. */
static enum err login_refused(struct ctx *ctx)
{
    enum err e = ctx->signed_in ? gate_pass(&ctx->need, &ctx->who.user, &ctx->who.groups) : ERR_UNAUTHORIZED;

    /* the page's own 401, which is no affair of ours */
    if (e == ERR_OK && ctx->req.passed)
        e = ERR_UNAUTHORIZED;
    /* what has kept the gate from its yes is over: nobody is to take that for the end of a session */
    if (e == ERR_OK)
        return ERR_DB_BUSY;
    if (!ctx->html)
        return e;
    if (e != ERR_UNAUTHORIZED)
        return gate_denied_page(ctx, e);
    return sign_in(ctx, err_row(e)->status, ERR_OK, page_next(ctx));
}

enum err h_login(struct ctx *ctx, const void *in)
{
    (void)in;
    return ctx->req.refused == 401 ? login_refused(ctx) : sign_in(ctx, 200, ERR_OK, page_next(ctx));
}

enum err h_sign_in_again(struct ctx *ctx, enum err e)
{
    return sign_in(ctx, err_row(e)->status, e, ctx->callback);
}

static enum err sign_up(struct ctx *ctx, int status, enum err wrong, const char *next)
{
    const struct page p = {.name = "sign-up", .title = "sign-up-title", .form = true, .next = next, .wrong = wrong};

    if (ctx->au.cfg->auth_sign_up != SIGNUP_OPEN)
        return page_error(ctx, ERR_SIGN_UP_CLOSED);
    return page_answer(ctx, status, &p);
}

enum err h_register(struct ctx *ctx, const void *in)
{
    (void)in;
    return sign_up(ctx, 200, ERR_OK, page_next(ctx));
}

enum err h_sign_up_again(struct ctx *ctx, enum err e)
{
    return sign_up(ctx, err_row(e)->status, e, ctx->callback);
}

/* --- forms that ask for an address ------------------------------------------------------------------------------ */

static enum err ask(struct ctx *ctx, int status, enum err wrong, const char *name, const char *title)
{
    const struct page p = {.name = name,
                           .title = title,
                           .form = true,
                           .notice = wrong == ERR_OK ? page_notice(ctx) : NULL,
                           .wrong = wrong};

    return page_answer(ctx, status, &p);
}

/* Then there is nothing to ask for. */
static bool no_mail(const struct ctx *ctx)
{
    return ctx->au.cfg->mail_transport == TRANSPORT_NONE;
}

enum err h_forgot(struct ctx *ctx, const void *in)
{
    (void)in;
    return no_mail(ctx) ? page_error(ctx, ERR_RESET_DISABLED) : ask(ctx, 200, ERR_OK, "forgot", "forgot-title");
}

enum err h_forgot_again(struct ctx *ctx, enum err e)
{
    return no_mail(ctx) ? page_error(ctx, e) : ask(ctx, err_row(e)->status, e, "forgot", "forgot-title");
}

enum err h_verify(struct ctx *ctx, const void *in)
{
    (void)in;
    return no_mail(ctx) ? page_error(ctx, ERR_VERIFY_DISABLED) : ask(ctx, 200, ERR_OK, "verify", "verify-title");
}

enum err h_verify_again(struct ctx *ctx, enum err e)
{
    return no_mail(ctx) ? page_error(ctx, e) : ask(ctx, err_row(e)->status, e, "verify", "verify-title");
}

/* --- signed out, and why ---------------------------------------------------------------------------------------- */

enum err page_signed_out(struct ctx *ctx, int status, const char *why, const char *next)
{
    const struct mustache_var var = {"reason", page_word(ctx, reason_key(ctx, why))};
    const struct mustache_data own = {.vars = &var, .n_vars = 1};
    const struct page p = {.name = "signed-out", .title = "signed-out-title", .next = next, .own = &own};

    return page_answer(ctx, status, &p);
}

/* What a browser holds tells more than the link that led here. */
enum err h_signed_out(struct ctx *ctx, const void *in)
{
    (void)in;
    return page_signed_out(ctx, 200, ctx->why_ended, NULL);
}

/* A page for who is signed in, asked for by who is not: told why, or sent to sign in, and back. */
enum err page_unauthorized(struct ctx *ctx)
{
    const struct request *r = &ctx->req;
    struct arena *a = ctx->au.arena;
    const char *here = NULL;

    if (!guard_unsafe(r->method))
        here =
            arena_printf(a, "%s%s%s%s", ctx->au.cfg->auth_base_path, r->path, *r->query_text ? "?" : "", r->query_text);
    if (here && !next_ok(ctx, here))
        here = NULL;
    if (ctx->why_ended)
        return page_signed_out(ctx, 401, ctx->why_ended, here);
    return page_redirect(ctx, arena_printf(a, "%s/login", ctx->au.cfg->auth_base_path), "next", here);
}
