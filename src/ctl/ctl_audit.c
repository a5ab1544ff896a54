/* latchkeyctl audit, user export and erase: what happened, and what is known of a person. */
#include "ctl.h"

#include "app/audit.h"
#include "app/view.h"
#include "base/enc.h"
#include "http/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 };

/* "2h" ago, a day, or a moment. */
static bool since_parse(struct ctl *ctl, const char *text, int64_t *out)
{
    int64_t ago;

    if (ctl_span(text, &ago)) {
        *out = ctl->au.now > ago ? ctl->au.now - ago : 0;
        return true;
    }
    if (strlen(text) == sizeof "2026-01-31" - 1)
        text = arena_printf(ctl->arena, "%sT00:00:00.000Z", text);
    return enc_uniso(text, out);
}

/* People know each other by address, not by id; the same one mostly comes several times in a row. */
static const char *whom(struct ctl *ctl, const struct audit *e)
{
    const char **last = ctl->last_user;
    struct user u;

    if (e->email || !e->user_id)
        return e->email;
    if (!last[0] || strcmp(last[0], e->user_id) != 0) {
        last[0] = e->user_id;
        last[1] = users_by_id(ctl->au.db, ctl->arena, e->user_id, &u) == ERR_OK ? u.email : e->user_id;
    }
    return last[1];
}

static void row(struct ctl *ctl, struct out *o, const struct audit *e)
{
    out_row(o, e->at, e->event, e->reason, e->actor, whom(ctl, e), e->session_id, e->ip, e->agent);
}

/* Programs get the same objects as in audit.file. */
static void print_json(struct ctl *ctl, const struct audit *e, bool first)
{
    struct buf out = buf_in(ctl->arena);
    struct json_object *o = audit_view(e);

    audit_json(&out, ctl->arena, o);
    json_object_put(o);
    printf("%s\n %s", first ? "[" : ",", buf_str(&out));
}

static enum err print_all(struct ctl *ctl, struct out *o, const char *user_id, int64_t since)
{
    int64_t after = 0;
    bool first = true;
    size_t n;

    do {
        struct audit *page;
        TRY(audits_page(ctl->au.db, ctl->arena, user_id, since, after, PAGE, &page, &n));
        for (size_t i = 0; i < n; i++) {
            if (o)
                row(ctl, o, &page[i]);
            else
                print_json(ctl, &page[i], first);
            first = false;
            after = page[i].id;
        }
    } while (n == PAGE);
    if (!o)
        puts(first ? "[]" : "\n]");
    return ERR_OK;
}

int ctl_audit(struct ctl *ctl)
{
    struct user u = {.id = NULL};
    int64_t since = 0;

    if (ctl->since && !since_parse(ctl, ctl->since, &since))
        return ctl_fail(ctl, "--since takes 2h, 30d, 2026-01-31 or 2026-01-31T12:00:00.000Z"), CTL_USAGE;
    int status = ctl->user ? ctl_user_find(ctl, ctl->user, &u) : CTL_OK;
    if (status != CTL_OK)
        return status;
    struct out *o =
        ctl->json ? NULL : out_begin(ctl, "at:t event:s reason:s actor:s whom:s session:s address:s device:s");
    enum err e = print_all(ctl, o, u.id, since);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "audit");
    if (o)
        return out_end(o);
    return fflush(stdout) != 0 || ferror(stdout) ? CTL_FAILED : CTL_OK;
}

/* --- what is known of a person ------------------------------------------------------------------------------ */

static enum err export_sessions(struct ctl *ctl, const char *user_id, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    struct session *s;
    size_t n;

    json_put(to, "sessions", list);
    TRY(sessions_list(ctl->au.db, ctl->arena, user_id, ctl->au.now, &s, &n));
    for (size_t i = 0; i < n; i++)
        json_append(list, view_session(&s[i], false));
    return ERR_OK;
}

static enum err export_accounts(struct ctl *ctl, const char *user_id, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    struct account *v;
    size_t n;

    json_put(to, "accounts", list);
    TRY(accounts_list(ctl->au.db, ctl->arena, user_id, &v, &n));
    for (size_t i = 0; i < n; i++)
        json_append(list, view_account(&v[i]));
    return ERR_OK;
}

/* One thing and when it was. */
static struct json_object *dated(const char *key, const char *what, const char *when, int64_t at)
{
    struct json_object *o = json_need(json_object_new_object());
    char iso[ENC_ISO_SIZE];

    enc_iso(at, iso);
    json_put(o, key, json_of_text(what));
    json_put(o, when, json_of_text(iso));
    return o;
}

static enum err export_devices(struct ctl *ctl, const char *user_id, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    struct device *v;
    size_t n;

    json_put(to, "devices", list);
    TRY(devices_list(ctl->au.db, ctl->arena, user_id, &v, &n));
    for (size_t i = 0; i < n; i++)
        json_append(list, dated("device", v[i].name, "lastSeenAt", v[i].last_seen_at));
    return ERR_OK;
}

static enum err export_groups(struct ctl *ctl, const char *user_id, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    struct groups g;

    json_put(to, "groups", list);
    TRY(groups_of(ctl->au.db, ctl->arena, user_id, &g));
    for (size_t i = 0; i < g.n; i++)
        json_append(list, json_of_text(g.v[i]));
    return ERR_OK;
}

static enum err export_mails(struct ctl *ctl, const char *email, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    struct mail *v;
    size_t n;

    json_put(to, "mails", list);
    TRY(mails_of(ctl->au.db, ctl->arena, email, &v, &n));
    for (size_t i = 0; i < n; i++)
        json_append(list, dated("kind", v[i].kind, "createdAt", v[i].created_at));
    return ERR_OK;
}

static enum err export_events(struct ctl *ctl, const char *user_id, struct json_object *to)
{
    struct json_object *list = json_need(json_object_new_array());
    int64_t after = 0;
    size_t n;

    json_put(to, "events", list);
    do {
        struct audit *page;
        TRY(audits_page(ctl->au.db, ctl->arena, user_id, 0, after, PAGE, &page, &n));
        for (size_t i = 0; i < n; i++) {
            json_append(list, audit_view(&page[i]));
            after = page[i].id;
        }
    } while (n == PAGE);
    return ERR_OK;
}

static enum err export_all(struct ctl *ctl, const struct user *u, struct json_object *to)
{
    json_put(to, "user", view_user(u));
    TRY(export_accounts(ctl, u->id, to));
    TRY(export_sessions(ctl, u->id, to));
    TRY(export_devices(ctl, u->id, to));
    TRY(export_groups(ctl, u->id, to));
    TRY(export_mails(ctl, u->email, to));
    TRY(export_events(ctl, u->id, to));
    journal_note(&ctl->au, EV_USER_EXPORTED, &(struct audit){.user_id = u->id});
    return ERR_OK;
}

int ctl_user_export(struct ctl *ctl)
{
    struct buf out = buf_in(ctl->arena);
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    struct json_object *o = json_need(json_object_new_object());
    enum err e = export_all(ctl, &u, o);
    audit_json(&out, ctl->arena, o);
    json_object_put(o);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, u.email);
    return puts(buf_str(&out)) < 0 || fflush(stdout) != 0 ? CTL_FAILED : CTL_OK;
}

int ctl_user_erase(struct ctl *ctl)
{
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = account_erase(&ctl->au, &u);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, u.email);
    struct out *o = out_object(ctl, "id:s email:s erased:b");
    out_row(o, u.id, u.email, 1);
    return out_end(o);
}
