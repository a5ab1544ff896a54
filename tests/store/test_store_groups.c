/* The store contract, groups: on every driver named by STORE_DRIVER, with look-alike names and users, and how many
 * statements a page costs. */
#include "store_case.h"

#include <string.h>

enum { HUNDRED = 100 };

static const char *joined(struct world *w, const struct groups *g)
{
    const char *all = "";

    for (size_t i = 0; i < g->n; i++)
        all = arena_printf(w->arena, "%s%s%s", all, i ? "," : "", g->v[i]);
    return all;
}

static const char *of(struct world *w, const char *user_id)
{
    struct groups g = {.n = 99};

    OK(groups_of(w->db, w->arena, user_id, &g));
    return joined(w, &g);
}

/* "name=members …" */
static const char *listed(struct world *w)
{
    struct group_count *list;
    const char *all = "";
    size_t n;

    OK(groups_list(w->db, w->arena, &list, &n));
    for (size_t i = 0; i < n; i++)
        all = arena_printf(w->arena, "%s%s%s=%d", all, i ? " " : "", list[i].name, (int)list[i].members);
    return all;
}

static const char *members(struct world *w, const char *name, const char *after, int64_t limit)
{
    struct user *list;
    const char *all = "";
    size_t n;

    OK(groups_members(w->db, w->arena, name, after, limit, &list, &n));
    for (size_t i = 0; i < n; i++)
        all = arena_printf(w->arena, "%s%s%s", all, i ? " " : "", list[i].id);
    return all;
}

static void test_add_remove(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    SAME(of(&w, "u1"), "");
    OK(groups_add(w.db, "u1", "staff"));
    OK(groups_add(w.db, "u1", "admin"));
    OK(groups_add(w.db, "u2", "staff"));
    CU_ASSERT_EQUAL(groups_add(w.db, "u1", "staff"), ERR_DB_DUPLICATE);
    SAME(of(&w, "u1"), "admin,staff");
    SAME(of(&w, "u2"), "staff");
    OK(groups_remove(w.db, "u1", "staff"));
    NONE(groups_remove(w.db, "u1", "staff"));
    NONE(groups_remove(w.db, "u3", "staff"));
    SAME(of(&w, "u1"), "admin");
    SAME(of(&w, "u2"), "staff");
    world_close(&w);
}

/* A group of another name in the eyes of a person must be none in those of a database. */
static void test_exact(void)
{
    static const char *const names[] = {"Staff", "STAFF", "staff.", "staff-", "staff_", "sta", "staff2"};
    static const char *const users[] = {"U1", "u1 ", " u1", "u", "u11", "\xc3\xbc\x31"};
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    OK(groups_add(w.db, "u1", "staff"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        NONE(groups_remove(w.db, "u1", names[i]));
        SAME(members(&w, names[i], "", 10), "");
        OK(groups_add(w.db, "u1", names[i]));
    }
    NONE(groups_remove(w.db, "u1", "staff "));
    SAME(members(&w, "staff ", "", 10), "");
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        NONE(groups_remove(w.db, users[i], "staff"));
        SAME(of(&w, users[i]), "");
    }
    SAME(of(&w, "u1"), "STAFF,Staff,sta,staff,staff-,staff.,staff2,staff_");
    SAME(listed(&w), "STAFF=1 Staff=1 sta=1 staff=1 staff-=1 staff.=1 staff2=1 staff_=1");
    world_close(&w);
}

static void test_list(void)
{
    struct world w;

    world_open(&w);
    SAME(listed(&w), "");
    for (int i = 1; i <= 3; i++)
        OK(groups_add(w.db, world_user(&w, i), "staff"));
    OK(groups_add(w.db, "u2", "admin"));
    OK(groups_add(w.db, "stranger", "staff")); /* of a user whom somebody else deleted */
    OK(groups_add(w.db, "stranger", "none"));
    SAME(listed(&w), "admin=1 staff=3");
    SAME(members(&w, "staff", "", 10), "u1 u2 u3");
    SAME(members(&w, "none", "", 10), "");
    world_close(&w);
}

static void test_members(void)
{
    struct user *list;
    struct world w;
    size_t n = 0;

    world_open(&w);
    for (int i = 1; i <= 5; i++)
        OK(groups_add(w.db, world_user(&w, i), i == 3 ? "other" : "staff"));
    SAME(members(&w, "staff", "", 2), "u1 u2");
    SAME(members(&w, "staff", "u2", 2), "u4 u5");
    SAME(members(&w, "staff", "u5", 2), "");
    SAME(members(&w, "staff", "u3", 1), "u4");
    OK(groups_members(w.db, w.arena, "other", "", 2, &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    SAME(list[0].email, "u3@example.org");
    SAME(list[0].name, "User 3");
    world_close(&w);
}

/* --- with the session -------------------------------------------------------------------------------------------- */

/* What the gate is given is what the whole row says; what it has no need of is not read. */
static void gate_same(const struct session *s, const struct user *u, const struct session *whole,
                      const struct user *who)
{
    SAME(s->id, whole->id);
    SAME(s->user_id, whole->user_id);
    SAME(s->last_ip, whole->last_ip);
    CU_ASSERT_EQUAL(s->expires_at, whole->expires_at);
    CU_ASSERT_EQUAL(s->dies_at, whole->dies_at);
    CU_ASSERT_EQUAL(s->last_seen_at, whole->last_seen_at);
    CU_ASSERT_EQUAL(s->remember, whole->remember);
    CU_ASSERT(!s->ip && !s->agent && !s->created_at && !s->updated_at && !s->authenticated_at);
    SAME(u->id, who->id);
    SAME(u->email, who->email);
    SAME(u->name, who->name);
    CU_ASSERT_EQUAL(u->email_verified, who->email_verified);
    CU_ASSERT(!u->image && !u->created_at && !u->updated_at);
}

/* With the groups, and without. */
static enum err find(struct world *w, const char *hash, struct groups *g)
{
    struct session s, alone, whole;
    struct user u, v, who;

    enum err e = sessions_find_gate(w->db, w->arena, hash, &s, &u, g);
    CU_ASSERT_EQUAL(e, sessions_find(w->db, w->arena, hash, &whole, &who));
    CU_ASSERT_EQUAL(e, sessions_find_gate(w->db, w->arena, hash, &alone, &v, NULL));
    if (e != ERR_OK)
        return e;
    gate_same(&s, &u, &whole, &who);
    gate_same(&alone, &v, &whole, &who);
    return ERR_OK;
}

static bool is_in(const struct groups *g, const char *name)
{
    int found = 0;

    for (size_t i = 0; i < g->n; i++)
        found += strcmp(g->v[i], name) == 0;
    CU_ASSERT(found <= 1);
    return found == 1;
}

static void test_find(void)
{
    struct groups g = {.n = 99};
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1);
    add(&w, "u1", "b", T0 - 1); /* dead ones are found as well */
    add(&w, "u2", "c", T0 + 1);
    OK(users_verify(w.db, "u2", "u2@example.org", T0 + 1));
    OK(users_update(w.db, "u1", NULL, true, "https://x/1", T0 + 2));
    OK(find(&w, "a-hash", &g));
    CU_ASSERT_EQUAL(g.n, 0);
    OK(groups_add(w.db, "u1", "staff"));
    OK(groups_add(w.db, "u1", "Staff"));
    OK(groups_add(w.db, "u2", "admin"));
    OK(groups_add(w.db, "U1", "alien"));
    for (int i = 0; i < 2; i++) {
        OK(find(&w, i ? "b-hash" : "a-hash", &g));
        CU_ASSERT(g.n == 2 && is_in(&g, "staff") && is_in(&g, "Staff"));
    }
    OK(find(&w, "c-hash", &g));
    CU_ASSERT(g.n == 1 && is_in(&g, "admin"));
    NONE(find(&w, "d-hash", &g));
    NONE(find(&w, "A-hash", &g));
    OK(groups_remove(w.db, "u2", "admin"));
    OK(find(&w, "c-hash", &g));
    CU_ASSERT_EQUAL(g.n, 0);
    world_close(&w);
}

static void test_find_hundred(void)
{
    static const char longest[] = "g-------------------------------------------------------------_Z";
    struct groups g;
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "a", T0 + 1);
    CU_ASSERT_EQUAL(strlen(longest), 64);
    OK(groups_add(w.db, "u1", longest));
    for (int i = 1; i < HUNDRED; i++)
        OK(groups_add(w.db, "u1", arena_printf(w.arena, "g%d", i)));
    OK(find(&w, "a-hash", &g));
    CU_ASSERT_EQUAL(g.n, HUNDRED);
    CU_ASSERT(is_in(&g, longest));
    for (int i = 1; i < HUNDRED; i++)
        CU_ASSERT(is_in(&g, arena_printf(w.arena, "g%d", i)));
    world_close(&w);
}

/* Stands before the driver's own, and counts. */
static const struct db_driver *counted;
static int runs;
static enum err run_counting(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                             struct db_result *res, int64_t *changed)
{
    runs++;
    return counted->run(db, stmt, row, v, res, changed);
}

static void test_one_statement(void)
{
    struct groups g;
    struct session s;
    struct user u;
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "a", T0 + 1);
    for (int i = 0; i < 3; i++)
        OK(groups_add(w.db, "u1", arena_printf(w.arena, "g%d", i)));
    counted = w.db->driver;
    struct db_driver counting = *counted;
    counting.run = run_counting;
    runs = 0;
    w.db->driver = &counting;
    OK(sessions_find_gate(w.db, w.arena, "a-hash", &s, &u, &g));
    CU_ASSERT_EQUAL(g.n, 3);
    CU_ASSERT_EQUAL(runs, 1);
    OK(sessions_find_gate(w.db, w.arena, "a-hash", &s, &u, NULL));
    CU_ASSERT_EQUAL(runs, 2);
    w.db->driver = counted;
    world_close(&w);
}

static void test_user_delete(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    OK(groups_add(w.db, "u1", "staff"));
    OK(groups_add(w.db, "u1", "admin"));
    OK(groups_add(w.db, "u2", "staff"));
    OK(users_delete(w.db, "u1"));
    SAME(of(&w, "u1"), "");
    SAME(of(&w, "u2"), "staff");
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_group"), 1);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"add, remove", test_add_remove},
    {"names and users are exact", test_exact},
    {"list", test_list},
    {"members", test_members},
    {"session with groups", test_find},
    {"session with a hundred groups", test_find_hundred},
    {"session with groups: one statement", test_one_statement},
    {"user delete", test_user_delete},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store groups on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
