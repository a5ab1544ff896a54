/* Pages for who is signed in: devices, account, giving the password again. */
#include "app/handlers.h"

#include "app/page.h"
#include "base/agent.h"
#include "base/enc.h"

#include <stdlib.h>
#include <string.h>

/* --- devices ---------------------------------------------------------------------------------------------------- */

/* "2026-11-28 09:42 UTC": the same in every language. */
static const char *time_text(struct arena *a, int64_t ms)
{
    char iso[ENC_ISO_SIZE];

    enc_iso(ms, iso);
    return arena_printf(a, "%.10s %.5s UTC", iso, iso + 11);
}

/* Where session.max_per_user is 0 there may be any number. */
enum { DEVICE_VARS = 7, DEVICES_MAX = 200 };

/* "Firefox on Linux", in the words of the page. */
static const char *device_name(const struct ctx *ctx, const char *agent)
{
    struct arena *a = ctx->au.arena;
    char name[AGENT_DEVICE_SIZE];

    agent_device(agent, name);
    const char *on = strstr(name, " on ");
    if (!*name || strcmp(name, AGENT_UNKNOWN) == 0)
        return page_word(ctx, "unknown-device");
    return on ? arena_printf(a, "%.*s %s %s", (int)(on - name), name, page_word(ctx, "on"), on + strlen(" on "))
              : arena_strdup(a, name);
}

static struct mustache_data device(const struct ctx *ctx, const struct session *s, bool current)
{
    struct arena *a = ctx->au.arena;
    struct mustache_var *v = ARENA_ARRAY(a, struct mustache_var, DEVICE_VARS);

    v[0] = (struct mustache_var){"id", s->id};
    v[1] = (struct mustache_var){"device", device_name(ctx, s->agent)};
    v[2] = (struct mustache_var){"current", current ? "yes" : NULL};
    v[3] = (struct mustache_var){"created", time_text(a, s->created_at)};
    v[4] = (struct mustache_var){"last_seen", time_text(a, s->last_seen_at)};
    v[5] = (struct mustache_var){"ip", *s->ip ? s->ip : "?"};
    v[6] = (struct mustache_var){"last_ip", s->last_ip && *s->last_ip ? s->last_ip : "?"};
    return (struct mustache_data){.vars = v, .n_vars = DEVICE_VARS};
}

/* This one first, then those used last. */
static int order(const void *left, const void *right, void *current)
{
    const struct session *a = left, *b = right, *this = current;
    bool a_first = strcmp(a->id, this->id) == 0, b_first = strcmp(b->id, this->id) == 0;

    if (a_first || b_first)
        return (int)b_first - (int)a_first;
    return (b->last_seen_at > a->last_seen_at) - (b->last_seen_at < a->last_seen_at);
}

enum err h_devices(struct ctx *ctx, const void *in)
{
    struct arena *a = ctx->au.arena;
    struct session *v;
    size_t n;

    (void)in;
    TRY(sessions_list(ctx->au.db, a, ctx->who.user.id, ctx->au.now, &v, &n));
    qsort_r(v, n, sizeof *v, order, &ctx->who.session);
    size_t shown = n < DEVICES_MAX ? n : DEVICES_MAX;
    struct mustache_data *items = ARENA_ARRAY(a, struct mustache_data, shown);
    for (size_t i = 0; i < shown; i++)
        items[i] = device(ctx, &v[i], strcmp(v[i].id, ctx->who.session.id) == 0);
    const struct mustache_var vars[] = {
        {"others", n > 1 ? "yes" : NULL},
        {"at_devices", "yes"},
        {"more", n > shown ? arena_printf(a, "%zu", n - shown) : NULL},
    };
    const struct mustache_list list = {"devices", items, shown};
    const struct mustache_data own = {.vars = vars, .n_vars = 3, .lists = &list, .n_lists = 1};
    const struct page p = {.name = "devices", .title = "devices-title", .notice = page_notice(ctx), .own = &own};
    return page_answer(ctx, 200, &p);
}

/* --- account ---------------------------------------------------------------------------------------------------- */

static enum err account(struct ctx *ctx, int status, enum err wrong)
{
    const char *typed = pairs_get(&ctx->req.form, "name");
    const struct mustache_var vars[] = {{"at_account", "yes"}, {"name", typed ? typed : ctx->who.user.name}};
    const struct mustache_data own = {.vars = vars, .n_vars = 2};
    const struct page p = {.name = "account",
                           .title = "account",
                           .notice = wrong == ERR_OK ? page_notice(ctx) : NULL,
                           .wrong = wrong,
                           .own = &own};

    return page_answer(ctx, status, &p);
}

enum err h_account(struct ctx *ctx, const void *in)
{
    (void)in;
    return account(ctx, 200, ERR_OK);
}

static enum err to_reauth(struct ctx *ctx)
{
    const char *base = ctx->au.cfg->auth_base_path;

    return page_redirect(ctx, arena_printf(ctx->au.arena, "%s/reauth", base), "next",
                         arena_printf(ctx->au.arena, "%s/account", base));
}

/* A request that was refused before it was known whose it is finds its form again after that. */
enum err h_account_again(struct ctx *ctx, enum err e)
{
    if (e == ERR_NOT_FRESH)
        return to_reauth(ctx);
    return ctx->signed_in ? account(ctx, err_row(e)->status, e) : page_error(ctx, e);
}

/* --- the password once more ------------------------------------------------------------------------------------- */

static enum err reauth(struct ctx *ctx, int status, enum err wrong, const char *next)
{
    const struct page p = {.name = "reauth", .title = "reauth-title", .next = next, .wrong = wrong};

    return page_answer(ctx, status, &p);
}

enum err h_reauth(struct ctx *ctx, const void *in)
{
    (void)in;
    return reauth(ctx, 200, ERR_OK, page_next(ctx));
}

enum err h_reauth_again(struct ctx *ctx, enum err e)
{
    return ctx->signed_in ? reauth(ctx, err_row(e)->status, e, ctx->callback) : page_error(ctx, e);
}
