/* latchkeyctl group …: who is in which group. */
#include "ctl.h"

#include "auth/group.h"

enum { PAGE = 500 };

int ctl_group_list(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "group:w members:i");
    struct group_count *list;
    size_t n;

    enum err e = groups_list(ctl->au.db, ctl->arena, &list, &n);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "group list");
    for (size_t i = 0; i < n; i++)
        out_row(o, list[i].name, list[i].members);
    return out_end(o);
}

int ctl_group_members(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "id:w email:s name:s");
    const char *after = "";
    size_t n;

    do {
        struct user *page;
        enum err e = groups_members(ctl->au.db, ctl->arena, ctl->arg, after, PAGE, &page, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, ctl->arg);
        if (n == 0 && !*after)
            return ctl_fail(ctl, "no such group: %s", ctl->arg);
        for (size_t i = 0; i < n; i++) {
            out_row(o, page[i].id, page[i].email, page[i].name);
            after = page[i].id;
        }
    } while (n == PAGE);
    return out_end(o);
}

int ctl_group_of(struct ctl *ctl)
{
    struct groups g;
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = groups_of(ctl->au.db, ctl->arena, u.id, &g);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, ctl->arg);
    struct out *o = out_begin(ctl, "group:w");
    for (size_t i = 0; i < g.n; i++)
        out_row(o, g.v[i]);
    return out_end(o);
}

typedef enum err (*change_fn)(struct auth *au, const char *name, const struct user *users, size_t n,
                              struct group_change *out);

static int users_find(struct ctl *ctl, struct user *out)
{
    int status = CTL_OK;

    for (size_t i = 0; status == CTL_OK && i < ctl->n_more; i++)
        status = ctl_user_find(ctl, ctl->more[i], &out[i]);
    return status;
}

static int refused(struct ctl *ctl, enum err e, const struct user *whom)
{
    if (e == ERR_NONE && whom)
        return ctl_fail(ctl, "no such user: %s", whom->email);
    return ctl_fail_err(ctl, e, whom ? whom->email : ctl->arg);
}

static int change(struct ctl *ctl, change_fn how, struct group_change *c)
{
    struct user *users = ARENA_ARRAY(ctl->arena, struct user, ctl->n_more);

    if (!config_group_ok(ctl->arg))
        return ctl_fail(ctl, "no name of a group: %s (A-Z a-z 0-9 . _ -, at most 64, . and - not first)", ctl->arg),
               CTL_USAGE;
    int status = users_find(ctl, users);
    if (status != CTL_OK)
        return status;
    enum err e = how(&ctl->au, ctl->arg, users, ctl->n_more, c);
    return e == ERR_OK ? CTL_OK : refused(ctl, e, c->whom);
}

static int changed(struct ctl *ctl, const char *column, int64_t n)
{
    struct out *o = out_object(ctl, column);
    out_row(o, n);
    return out_end(o);
}

int ctl_group_add(struct ctl *ctl)
{
    struct group_change c;
    int status = change(ctl, group_add, &c);

    return status == CTL_OK ? changed(ctl, "added:i", c.changed) : status;
}

/* Whoever mistypes a group must not believe that somebody is out of it. */
int ctl_group_remove(struct ctl *ctl)
{
    struct group_change c;
    struct user *any;
    size_t n = 1;

    int status = change(ctl, group_remove, &c);
    if (status != CTL_OK)
        return status;
    enum err e = c.changed == 0 ? groups_members(ctl->au.db, ctl->arena, ctl->arg, "", 1, &any, &n) : ERR_OK;
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, ctl->arg);
    return n == 0 ? ctl_fail(ctl, "no such group: %s", ctl->arg) : changed(ctl, "removed:i", c.changed);
}
