/* Groups as policy has them (auth/group.h), on every driver: all or nothing, how many a user may be in, what is told,
 * and what becomes of those who do it at once. */
#include "race_case.h"

#include "auth/group.h"

enum { NEAR = GROUPS_MAX - 3 };

static struct auth auth_of(struct world *w, struct db *db)
{
    return (struct auth){.cfg = w->cfg, .db = db, .arena = w->arena, .now = T0, .by.actor = "administrator x"};
}

/* Users u<from> to u<to>, in either direction. */
static struct user *users(struct world *w, int from, int to, size_t *n)
{
    int step = from <= to ? 1 : -1;

    *n = (size_t)((to - from) * step + 1);
    struct user *v = ARENA_ARRAY(w->arena, struct user, *n);
    for (size_t i = 0; i < *n; i++)
        v[i] = (struct user){.id = arena_printf(w->arena, "u%d", from + (int)i * step)};
    return v;
}

static enum err put(struct world *w, struct db *db, const char *name, int from, int to, struct group_change *c)
{
    struct auth au = auth_of(w, db);
    size_t n;
    const struct user *v = users(w, from, to, &n);

    return group_add(&au, name, v, n, c);
}

static enum err take(struct world *w, struct db *db, const char *name, int from, int to, struct group_change *c)
{
    struct auth au = auth_of(w, db);
    size_t n;
    const struct user *v = users(w, from, to, &n);

    return group_remove(&au, name, v, n, c);
}

static int64_t groups_n(struct world *w, const char *user_id)
{
    struct groups g = {.n = 0};

    OK(groups_of(w->db, w->arena, user_id, &g));
    return (int64_t)g.n;
}

static void fill(struct world *w, const char *user_id, int n)
{
    for (int i = 0; i < n; i++)
        OK(groups_add(w->db, user_id, arena_printf(w->arena, "g%d", i)));
}

static void begin(struct world *w, int n)
{
    world_open(w);
    for (int i = 1; i <= n; i++)
        world_user(w, i);
}

/* --- one after the other ----------------------------------------------------------------------------------------- */

static void test_counts_and_events(void)
{
    struct group_change c;
    struct audit *e;
    struct world w;
    size_t n = 0;

    begin(&w, 3);
    OK(put(&w, w.db, "staff", 2, 2, &c));
    CU_ASSERT_EQUAL(c.changed, 1);
    OK(put(&w, w.db, "staff", 1, 3, &c));
    CU_ASSERT_EQUAL(c.changed, 2);
    OK(put(&w, w.db, "staff", 3, 1, &c));
    CU_ASSERT_EQUAL(c.changed, 0);
    CU_ASSERT_PTR_NULL(c.whom);
    OK(take(&w, w.db, "staff", 2, 3, &c));
    CU_ASSERT_EQUAL(c.changed, 2);
    OK(take(&w, w.db, "staff", 3, 1, &c));
    CU_ASSERT_EQUAL(c.changed, 1);
    OK(take(&w, w.db, "staff", 1, 3, &c));
    CU_ASSERT_EQUAL(c.changed, 0);
    OK(audits_page(w.db, w.arena, NULL, 0, 0, 100, &e, &n));
    CU_ASSERT_EQUAL_FATAL(n, 6); /* only what changed something */
    for (size_t i = 0; i < n; i++) {
        SAME(e[i].event, i < 3 ? "group-added" : "group-removed");
        SAME(e[i].reason, "staff");
        SAME(e[i].actor, "administrator x");
    }
    SAME(e[0].user_id, "u2");
    SAME(e[5].user_id, "u1");
    world_close(&w);
}

static void test_named_twice(void)
{
    struct group_change c;
    struct world w;

    begin(&w, 1);
    struct auth au = auth_of(&w, w.db);
    const struct user twice[] = {{.id = "u1"}, {.id = "u1"}};
    OK(group_add(&au, "staff", twice, 2, &c));
    CU_ASSERT_EQUAL(c.changed, 1);
    OK(group_remove(&au, "staff", twice, 2, &c));
    CU_ASSERT_EQUAL(c.changed, 1);
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_audit"), 2);
    world_close(&w);
}

/* One who is gone, or has no room: the others are left as they were, and it is told who it was. */
static void test_all_or_nothing(void)
{
    struct group_change c;
    struct world w;

    begin(&w, 4);
    OK(users_delete(w.db, "u3"));
    NONE(put(&w, w.db, "staff", 1, 4, &c));
    CU_ASSERT_PTR_NOT_NULL_FATAL(c.whom);
    SAME(c.whom->id, "u3");
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_group"), 0);
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_user"), 3); /* nor a lock of him */
    fill(&w, "u2", GROUPS_MAX);
    CU_ASSERT_EQUAL(put(&w, w.db, "staff", 1, 2, &c), ERR_TOO_MANY_GROUPS);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c.whom);
    SAME(c.whom->id, "u2");
    CU_ASSERT_EQUAL(groups_n(&w, "u1"), 0);
    OK(put(&w, w.db, "g7", 1, 2, &c)); /* he is in it */
    CU_ASSERT_EQUAL(c.changed, 1);
    NONE(take(&w, w.db, "g7", 1, 3, &c));
    CU_ASSERT_EQUAL(groups_n(&w, "u1"), 1);
    OK(take(&w, w.db, "g7", 2, 2, &c));
    OK(put(&w, w.db, "staff", 1, 2, &c));
    CU_ASSERT_EQUAL(groups_n(&w, "u2"), GROUPS_MAX);
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_audit"), 4);
    world_close(&w);
}

/* --- at once ----------------------------------------------------------------------------------------------------- */

static enum err run_same(struct world *w, struct db *db, int who)
{
    struct group_change c;

    (void)who;
    return put(w, db, "staff", 1, 1, &c);
}

static enum err run_other(struct world *w, struct db *db, int who)
{
    struct group_change c;

    return put(w, db, arena_printf(w->arena, "other%d", who), 1, 1, &c);
}

/* Some name them forwards, some backwards; some put, some take. */
static enum err run_many(struct world *w, struct db *db, int who)
{
    struct group_change c;
    int from = who % 2 ? 1 : 6, to = who % 2 ? 6 : 1;

    return who % 4 < 2 ? put(w, db, "staff", from, to, &c) : take(w, db, "staff", from, to, &c);
}

static enum err run_delete(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;

    (void)w;
    (void)who;
    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(users_delete(db, "u1"));
    return db_commit(&tx);
}

static void test_same(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS / 2; i++) {
        begin(&w, 1);
        race_all(&w, i % 2 ? MOST : 2, run_same, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], i % 2 ? MOST : 2);
        CU_ASSERT_EQUAL(groups_n(&w, "u1"), 1);
        CU_ASSERT_EQUAL(rows_in(&w, "latchkey_audit"), 1); /* one of them did it */
        world_close(&w);
    }
}

/* Room for three more. */
static void test_limit(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS / 3; i++) {
        begin(&w, 1);
        fill(&w, "u1", NEAR);
        race_all(&w, MOST, run_other, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], GROUPS_MAX - NEAR);
        CU_ASSERT_EQUAL(counts[ERR_TOO_MANY_GROUPS], MOST - (GROUPS_MAX - NEAR));
        CU_ASSERT_EQUAL(groups_n(&w, "u1"), GROUPS_MAX);
        world_close(&w);
    }
}

/* Nobody fails, and at the end all are in it or none. */
static void test_orders(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS / 3; i++) {
        begin(&w, 6);
        race_all(&w, MOST, run_many, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], MOST);
        int64_t n = rows_in(&w, "latchkey_group");
        CU_ASSERT(n == 0 || n == 6);
        world_close(&w);
    }
}

/* Whoever comes first: nothing of a deleted user is left. */
static void test_delete(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS; i++) {
        racer all[] = {i % 2 ? run_delete : run_same, i % 2 ? run_same : run_delete, run_other};
        begin(&w, 1);
        race(&w, 3, all, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK] + counts[ERR_NONE], 3);
        CU_ASSERT(counts[ERR_OK] >= 1);
        CU_ASSERT_EQUAL(rows_in(&w, "latchkey_group"), 0);
        CU_ASSERT_EQUAL(rows_in(&w, "latchkey_user"), 0);
        world_close(&w);
    }
}

static CU_TestInfo tests[] = {
    {"counts and events", test_counts_and_events},
    {"named twice", test_named_twice},
    {"all or nothing", test_all_or_nothing},
    {"the same at once", test_same},
    {"the last of a hundred at once", test_limit},
    {"different orders at once", test_orders},
    {"against delete", test_delete},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "races of groups on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
