/* latchkeyctl session …: who is signed in, and ending it. */
#include "ctl.h"

enum { PAGE = 500 };

#define COLUMNS "id:s email:s signedIn:t lastSeen:t expires:t address:s device:s"

static void row(struct out *o, const struct session *s, const char *email)
{
    out_row(o, s->id, email, s->created_at, s->last_seen_at, s->expires_at, s->last_ip, s->agent);
}

static int list_user(struct ctl *ctl)
{
    struct session *list;
    struct user u;
    size_t n;

    int status = ctl_user_find(ctl, ctl->user, &u);
    if (status != CTL_OK)
        return status;
    enum err e = sessions_list(ctl->au.db, ctl->arena, u.id, ctl->au.now, &list, &n);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, u.email);
    struct out *o = out_begin(ctl, COLUMNS);
    for (size_t i = 0; i < n; i++)
        row(o, &list[i], u.email);
    return out_end(o);
}

int ctl_session_list(struct ctl *ctl)
{
    const char *after = "";
    size_t n;

    if (ctl->user)
        return list_user(ctl);
    struct out *o = out_begin(ctl, COLUMNS);
    do {
        struct session_summary *page;
        enum err e = sessions_page(ctl->au.db, ctl->arena, ctl->au.now, after, PAGE, &page, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, "session list");
        for (size_t i = 0; i < n; i++) {
            row(o, &page[i].session, page[i].email);
            after = page[i].session.id;
        }
    } while (n == PAGE);
    return out_end(o);
}

static int ended(struct ctl *ctl, int64_t n)
{
    struct out *o = out_object(ctl, "endedSessions:i");
    out_row(o, n);
    return out_end(o);
}

int ctl_session_revoke(struct ctl *ctl)
{
    enum err e = session_revoke_any(&ctl->au, ctl->arg);
    if (e == ERR_NO_SESSION)
        return ctl_fail(ctl, "no such session: %s", ctl->arg);
    return e == ERR_OK ? ended(ctl, 1) : ctl_fail_err(ctl, e, ctl->arg);
}

int ctl_session_revoke_all(struct ctl *ctl)
{
    struct user u;
    int64_t n = 0;
    enum err e;

    if (!ctl->user == !ctl->everybody)
        return ctl_fail(ctl, "say of whom: --user USER or --everybody"), CTL_USAGE;
    if (ctl->everybody) {
        e = session_revoke_everybody(&ctl->au, &n);
        return e == ERR_OK ? ended(ctl, n) : ctl_fail_err(ctl, e, "session revoke-all");
    }
    int status = ctl_user_find(ctl, ctl->user, &u);
    if (status != CTL_OK)
        return status;
    e = session_revoke_all(&ctl->au, u.id, NULL, true, &n);
    return e == ERR_OK ? ended(ctl, n) : ctl_fail_err(ctl, e, u.email);
}
