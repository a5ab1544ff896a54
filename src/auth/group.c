/* Groups. Each change is told of, and is one transaction under the locks of the users it is about. */
#include "auth/group.h"

#include "auth/journal.h"

#include <stdlib.h>
#include <string.h>

static bool is_in(const struct groups *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->v[i], name) == 0)
            return true;
    return false;
}

/* *did: it was not so before. */
static enum err add_one(struct auth *au, const char *name, const char *user_id, bool *did)
{
    struct groups g;

    TRY(groups_of(au->db, au->arena, user_id, &g));
    *did = !is_in(&g, name);
    if (!*did)
        return ERR_OK;
    if (g.n >= GROUPS_MAX)
        return ERR_TOO_MANY_GROUPS;
    TRY(groups_add(au->db, user_id, name));
    return journal_add(au, EV_GROUP_ADDED, &(struct audit){.user_id = user_id, .reason = name});
}

static enum err remove_one(struct auth *au, const char *name, const char *user_id, bool *did)
{
    enum err e = groups_remove(au->db, user_id, name);

    *did = e == ERR_OK;
    if (!*did)
        return e == ERR_NONE ? ERR_OK : e;
    return journal_add(au, EV_GROUP_REMOVED, &(struct audit){.user_id = user_id, .reason = name});
}

typedef enum err (*change_fn)(struct auth *au, const char *name, const char *user_id, bool *did);

static int by_id(const void *x, const void *y)
{
    const struct user *const *a = x, *const *b = y;

    return strcmp((*a)->id, (*b)->id);
}

/* In one order whatever order they were named in, so that no two changes wait for each other. */
static const struct user **in_order(struct arena *a, const struct user *users, size_t n)
{
    const struct user **out = ARENA_ARRAY(a, const struct user *, n);

    for (size_t i = 0; i < n; i++)
        out[i] = &users[i];
    if (n > 0)
        qsort(out, n, sizeof *out, by_id);
    return out;
}

/* Looked at under the lock: who is deleted meanwhile is left nothing. */
static enum err change_one(struct auth *au, change_fn one, const char *name, const char *user_id, bool *did)
{
    struct user u;

    TRY(users_lock(au->db, user_id));
    TRY(users_by_id(au->db, au->arena, user_id, &u));
    return one(au, name, user_id, did);
}

static enum err change_try(struct auth *au, change_fn one, const char *name, const struct user **users, size_t n,
                           struct group_change *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    *out = (struct group_change){.changed = 0};
    TRY(act_begin(au, &tx));
    for (size_t i = 0; i < n; i++) {
        bool did = false;
        out->whom = users[i];
        TRY(change_one(au, one, name, users[i]->id, &did));
        out->changed += did;
    }
    out->whom = NULL;
    return act_commit(au, &tx);
}

static enum err change(struct auth *au, change_fn one, const char *name, const struct user *users, size_t n,
                       struct group_change *out)
{
    const struct user **all = in_order(au->arena, users, n);
    enum err e;

    DB_RETRY(e, change_try(au, one, name, all, n, out));
    return e;
}

enum err group_add(struct auth *au, const char *name, const struct user *users, size_t n, struct group_change *out)
{
    return change(au, add_one, name, users, n, out);
}

enum err group_remove(struct auth *au, const char *name, const struct user *users, size_t n, struct group_change *out)
{
    return change(au, remove_one, name, users, n, out);
}
