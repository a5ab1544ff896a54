/* What the store contract's programs share: short assertions, and sessions by name. */
#ifndef TESTS_STORE_CASE_H
#define TESTS_STORE_CASE_H

#include "suite.h"
#include "world.h"

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)
#define NONE(call) CU_ASSERT_EQUAL((call), ERR_NONE)
#define SAME(a, b) CU_ASSERT_STRING_EQUAL((a), (b))

static inline void add(struct world *w, const char *user, const char *id, int64_t expires)
{
    struct session s = world_session(w, user, id);

    s.expires_at = expires;
    OK(world_add(w->db, &s, arena_printf(w->arena, "%s-hash", id), "hash"));
}

static inline bool there(struct world *w, const char *id)
{
    struct session s;
    struct user u;
    enum err e = sessions_find(w->db, w->arena, arena_printf(w->arena, "%s-hash", id), &s, &u);

    CU_ASSERT(e == ERR_OK || e == ERR_NONE);
    return e == ERR_OK;
}

static inline int64_t rows_all(struct world *w)
{
    int64_t all = -1, live = -1;

    OK(sessions_count(w->db, w->arena, T0, &all, &live));
    return all;
}

#endif
