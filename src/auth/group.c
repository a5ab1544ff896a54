/* Groups. Each change is told of, and is one transaction under the locks of the users it is about. */
#include "auth/group.h"

#include "auth/journal.h"

#include <string.h>

static bool is_in(const struct groups *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->v[i], name) == 0)
            return true;
    return false;
}

static enum err add_one(struct auth *au, const char *name, const char *user_id)
{
    struct groups g;

    TRY(groups_of(au->db, au->arena, user_id, &g));
    if (is_in(&g, name))
        return ERR_NONE;
    if (g.n >= GROUPS_MAX)
        return ERR_TOO_MANY_GROUPS;
    TRY(groups_add(au->db, user_id, name));
    return journal_add(au, EV_GROUP_ADDED, &(struct audit){.user_id = user_id, .reason = name});
}

static enum err remove_one(struct auth *au, const char *name, const char *user_id)
{
    TRY(groups_remove(au->db, user_id, name));
    return journal_add(au, EV_GROUP_REMOVED, &(struct audit){.user_id = user_id, .reason = name});
}

typedef enum err (*change_fn)(struct auth *au, const char *name, const char *user_id);

static enum err change_try(struct auth *au, change_fn one, const char *name, const struct user *users, size_t n,
                           int64_t *changed)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u;

    *changed = 0;
    TRY(act_begin(au, &tx));
    for (size_t i = 0; i < n; i++) {
        TRY(users_by_id(au->db, au->arena, users[i].id, &u));
        TRY(users_lock(au->db, u.id));
        enum err e = one(au, name, u.id);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
        *changed += e == ERR_OK;
    }
    return act_commit(au, &tx);
}

enum err group_add(struct auth *au, const char *name, const struct user *users, size_t n, int64_t *changed)
{
    enum err e;

    DB_RETRY(e, change_try(au, add_one, name, users, n, changed));
    return e;
}

enum err group_remove(struct auth *au, const char *name, const struct user *users, size_t n, int64_t *changed)
{
    enum err e;

    DB_RETRY(e, change_try(au, remove_one, name, users, n, changed));
    return e;
}
