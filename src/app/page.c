/* Pages from templates. A fault in a file of the site costs no page: the built-in one stands in. Nothing in a page is
 * loaded from elsewhere, and no link in one carries a token: where a mail's link leads is told to no other site by the
 * Referer. */
#include "app/page.h"

#include "app/formtoken.h"
#include "app/guard.h"
#include "app/handlers.h"
#include "app/words.h"
#include "base/enc.h"
#include "base/log.h"

#include <string.h>

static const char *const templates[] = {"layout", "sign-in", "sign-up", "forgot",     "reset",  "verify",
                                        "reauth", "devices", "account", "signed-out", "message"};

/* --- words ------------------------------------------------------------------------------------------------------ */

static const struct words *words_of(const struct ctx *ctx)
{
    return words_for(ctx->app->words, ctx->req.accept_language);
}

const char *page_word(const struct ctx *ctx, const char *key)
{
    const char *text = key ? words_get(words_of(ctx), key) : NULL;

    return text ? text : key;
}

const char *page_wrong(const struct ctx *ctx, enum err e)
{
    const struct err_row *row = err_row(err_row(e)->status ? e : ERR_INTERNAL);
    const char *text = NULL;

    if (e == ERR_FORM_TOKEN)
        return page_word(ctx, "again");
    if (row->status == 503)
        return page_word(ctx, "away");
    if (row->code)
        text = words_get(words_of(ctx), arena_printf(ctx->au.arena, "e-%s", row->code));
    if (text)
        return text;
    return ctx->detail ? ctx->detail : row->text;
}

/* --- the field that a fault is about, by its id in the templates ------------------------------------------------ */

static bool is_route(const struct ctx *ctx, const char *path)
{
    return ctx->route && strcmp(ctx->route->path, path) == 0;
}

static const char *password_field(const struct ctx *ctx)
{
    if (is_route(ctx, "/change-password"))
        return "currentPassword";
    return is_route(ctx, "/delete-user") ? "deletePassword" : "password";
}

/* "[body.email] …" */
static const char *named_field(const struct ctx *ctx)
{
    const char *begin = ctx->detail ? strstr(ctx->detail, "[body.") : NULL;

    if (!begin)
        return NULL;
    begin += strlen("[body.");
    return arena_strndup(ctx->au.arena, begin, strspn(begin, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"));
}

static const char *field_of(const struct ctx *ctx, enum err e)
{
    switch (e) {
    case ERR_BAD_CREDENTIALS:
    case ERR_USER_EXISTS:
        return "email";
    case ERR_INVALID_EMAIL:
    case ERR_EMAIL_SAME:
        return is_route(ctx, "/change-email") ? "newEmail" : "email";
    case ERR_PASSWORD_SHORT:
    case ERR_PASSWORD_LONG:
    case ERR_PASSWORD_WEAK:
        return is_route(ctx, "/sign-up/email") || is_route(ctx, "/sign-in/email") ? "password" : "newPassword";
    case ERR_INVALID_PASSWORD:
        return password_field(ctx);
    case ERR_NAME_LONG:
        return "name";
    case ERR_VALIDATION:
        return named_field(ctx);
    default:
        return NULL;
    }
}

/* --- an answer from templates ----------------------------------------------------------------------------------- */

static const char *yes(bool is)
{
    return is ? "yes" : NULL;
}

/* Is somebody signed in who still is once he has this page? */
static bool stays(const struct ctx *ctx)
{
    return ctx->signed_in && !ctx->cookie_drop;
}

static enum err token_of(struct ctx *ctx, const struct page *p, const char **out)
{
    *out = NULL;
    return p->form || stays(ctx) ? formtoken_give(ctx, out) : ERR_OK;
}

/* What was typed last time; never a password. */
static const char *typed(const struct ctx *ctx, const char *name)
{
    return pairs_get(&ctx->req.form, name);
}

struct rendering {
    struct ctx *ctx;
    const struct page *p;
    const char *token;
    bool site; /* its files count */
};

static bool render_both(const struct rendering *r, const struct mustache_data *data, struct buf *out,
                        const char **fault)
{
    struct template_set set = words_templates(r->ctx->au.cfg);
    struct arena *a = r->ctx->au.arena;
    struct buf body = buf_in(a);
    bool own;

    if (!template_render(&set, r->site, &body, arena_printf(a, "%s.html", r->p->name), data, true, &own, fault))
        return false;
    const struct mustache_var var = {"body", buf_str(&body)};
    const struct mustache_data whole = {.vars = &var, .n_vars = 1, .outer = data};
    return template_render(&set, r->site, out, "layout.html", &whole, true, &own, fault);
}

static bool render(const struct rendering *r, struct buf *out, const char **fault)
{
    struct ctx *ctx = r->ctx;
    const struct cfg *cfg = ctx->au.cfg;
    const struct page *p = r->p;
    struct arena *a = ctx->au.arena;
    const struct words *w = words_of(ctx);
    const char *field = p->wrong != ERR_OK ? field_of(ctx, p->wrong) : NULL;
    bool mail = cfg->mail_transport != TRANSPORT_NONE, known = stays(ctx);
    const struct mustache_var vars[] = {
        {"lang", w->lang},
        {"base", cfg->auth_base_path},
        {"home", cfg->pages_home},
        {"site", *cfg->pages_site ? cfg->pages_site : cfg->mail_site},
        {"title", page_word(ctx, p->title)},
        {"form_token", r->token},
        {"next", p->next},
        {"next_query", p->next ? arena_printf(a, "?next=%s", enc_percent(a, p->next)) : NULL},
        {"notice", page_word(ctx, p->notice)},
        {"wrong", p->wrong != ERR_OK ? page_wrong(ctx, p->wrong) : NULL},
        {"wrong_field", field},
        {field ? arena_printf(a, "wrong_%s", field) : "wrong_", yes(field)},
        {"signed_in", yes(known)},
        {"user", known ? ctx->who.user.email : NULL},
        {"verified", yes(known && ctx->who.user.email_verified)},
        {"email", typed(ctx, "email")},
        {"new_email", typed(ctx, "newEmail")},
        {"name", typed(ctx, "name")},
        {"may_mail", yes(mail)},
        {"may_reset", yes(mail)},
        {"may_sign_up", yes(cfg->auth_sign_up == SIGNUP_OPEN)},
        {"may_delete", yes(cfg->auth_delete_user != DELETEUSER_OFF)},
    };
    const struct mustache_data words = w->data,
                               common = {.vars = vars, .n_vars = sizeof vars / sizeof vars[0], .outer = &words};
    struct mustache_data data = p->own ? *p->own : (struct mustache_data){.vars = NULL};

    data.outer = &common;
    return render_both(r, &data, out, fault);
}

/* Where the answer to a form leads counts as its action, too. */
static enum err headers(struct ctx *ctx, const char *next)
{
    const char *there = next ? config_origin_of(ctx->au.arena, next) : NULL;

    TRY(response_header(
        &ctx->res, "Content-Security-Policy",
        arena_printf(ctx->au.arena,
                     "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; object-src 'none'; "
                     "form-action 'self'%s%s; frame-ancestors 'none'",
                     there ? " " : "", there ? there : "")));
    TRY(response_header(&ctx->res, "Cross-Origin-Opener-Policy", "same-origin"));
    TRY(response_vary(&ctx->res, "Accept-Language, Cookie"));
    return response_header(&ctx->res, "Referrer-Policy", "same-origin");
}

enum err page_answer(struct ctx *ctx, int status, const struct page *p)
{
    struct rendering r = {.ctx = ctx, .p = p, .site = true};
    struct buf out = buf_in(ctx->au.arena);
    const char *fault;

    TRY(token_of(ctx, p, &r.token));
    if (!render(&r, &out, &fault)) {
        log_error("page: %s; those built in stand in", fault);
        r.site = false;
        out = buf_in(ctx->au.arena);
        if (!render(&r, &out, &fault))
            return ERR_INTERNAL;
    }
    ctx->res.status = status;
    ctx->res.type = "text/html; charset=utf-8";
    ctx->res.body = out;
    return headers(ctx, p->next);
}

static const char *place(const struct ctx *ctx, const char *link)
{
    const struct cfg *cfg = ctx->au.cfg;

    return link && *link ? arena_printf(ctx->au.arena, "%s%s", cfg->auth_base_path, link)
           : link        ? cfg->pages_home
                         : NULL;
}

enum err page_message(struct ctx *ctx, int status, const struct page_text *m)
{
    const struct mustache_var vars[] = {
        {"text", page_word(ctx, m->text)},
        {"code", m->code},
        {"action", m->action},
        {"token", m->token},
        {"callback", m->callback},
        {"button", page_word(ctx, m->button)},
        {"danger", yes(m->danger)},
        {"link", place(ctx, m->link)},
        {"link_text", page_word(ctx, m->link_text)},
    };
    const struct mustache_data own = {.vars = vars, .n_vars = sizeof vars / sizeof vars[0]};
    const struct page p = {.name = "message", .title = m->title, .next = m->callback, .own = &own};

    return page_answer(ctx, status, &p);
}

enum err page_error(struct ctx *ctx, enum err e)
{
    bool known = ctx->presented.n > 0 && !ctx->cookie_drop; /* or not looked for yet */
    const struct err_row *row = err_row(err_row(e)->status ? e : ERR_INTERNAL);
    bool link = e == ERR_VALIDATION && !guard_unsafe(ctx->req.method); /* one that lacks its token */
    const struct page_text m = {.title = link ? "link-dead-title" : "error-title",
                                .text = link ? "link-dead-text" : page_wrong(ctx, e),
                                .link = known ? "/account" : "/login",
                                .link_text = known ? "back-to-account" : "sign-in"};

    return page_message(ctx, row->status, &m);
}

/* --- on to another page ----------------------------------------------------------------------------------------- */

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

enum err page_done(struct ctx *ctx, const struct page_text *m)
{
    if (!ctx->html)
        return answer_status(ctx);
    if (ctx->callback)
        return page_redirect(ctx, ctx->callback, NULL, NULL);
    return page_message(ctx, 200, m);
}

/* --- latchkeyctl check ------------------------------------------------------------------------------------------ */

const char *page_templates_fault(const struct cfg *cfg, struct arena *a, bool *own)
{
    static const struct mustache_data nothing;
    struct template_set set = words_templates(cfg);
    const char *text, *fault = words_fault(cfg, a, own);
    bool is_own = false;
    size_t len;

    for (size_t i = 0; !fault && i < sizeof templates / sizeof templates[0]; i++) {
        struct buf b = buf_in(a);
        (void)template_render(&set, true, &b, arena_printf(a, "%s.html", templates[i]), &nothing, true, &is_own,
                              &fault);
        *own = *own || is_own;
    }
    if (!fault && template_text(&set, true, a, "style.css", &text, &len, &is_own, &fault))
        *own = *own || is_own;
    return fault;
}
