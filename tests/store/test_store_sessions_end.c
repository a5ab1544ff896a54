/* The store contract, sessions that are made fresh, looked for and ended: on every driver named by STORE_DRIVER, with
 * look-alike keys, other users' ids and expired rows. */
#include "store_case.h"

#include "auth/journal.h"

/* Of that user, with that password, and only while it is there. */
static void test_session_renew(void)
{
    struct world w;
    struct session s, other;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1000);
    add(&w, "u1", "b", T0 + 1000);
    s = world_session(&w, "u1", "a");
    OK(sessions_renew(w.db, &s, "hash", T0 + 5));
    OK(sessions_renew(w.db, &s, "hash", T0 + 5)); /* the same time again is no loss */
    OK(sessions_find(w.db, w.arena, "a-hash", &s, &u));
    CU_ASSERT_EQUAL(s.authenticated_at, T0 + 5);
    CU_ASSERT(s.expires_at == T0 + 1000 && s.created_at == T0 && s.updated_at == T0 && s.last_seen_at == T0);
    CU_ASSERT_EQUAL(s.dies_at, T0 + 30 * CLOCK_DAY);
    NONE(sessions_renew(w.db, &s, "Hash", T0 + 9));
    NONE(sessions_renew(w.db, &s, "hash ", T0 + 9));
    NONE(sessions_renew(w.db, &s, "", T0 + 9));
    other = world_session(&w, "u2", "a"); /* another's, with the same hash */
    NONE(sessions_renew(w.db, &other, "hash", T0 + 9));
    other = world_session(&w, "u1", "A");
    NONE(sessions_renew(w.db, &other, "hash", T0 + 9));
    OK(sessions_find(w.db, w.arena, "a-hash", &s, &u));
    CU_ASSERT_EQUAL(s.authenticated_at, T0 + 5);
    OK(sessions_find(w.db, w.arena, "b-hash", &other, &u));
    CU_ASSERT_EQUAL(other.authenticated_at, T0);
    OK(accounts_set(w.db, "u1", "changed", T0));
    NONE(sessions_renew(w.db, &s, "hash", T0 + 9));
    OK(sessions_renew(w.db, &s, "changed", T0 + 9));
    OK(sessions_end_own(w.db, "a", "u1", 0));
    NONE(sessions_renew(w.db, &s, "changed", T0 + 10));
    OK(db_exec(w.db, ST_ACCOUNT_DELETE_ALL, NULL, DB_TEXT("u1")));
    NONE(sessions_renew(w.db, &other, "changed", T0 + 10));
    world_close(&w);
}

static void test_session_there(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1000);
    struct session s = world_session(&w, "u1", "a"), other = world_session(&w, "u2", "a"), flip;
    OK(sessions_there(w.db, w.arena, &s, T0 + 999));
    NONE(sessions_there(w.db, w.arena, &s, T0 + 1000));
    NONE(sessions_there(w.db, w.arena, &other, T0));
    flip = world_session(&w, "u1", "A");
    NONE(sessions_there(w.db, w.arena, &flip, T0));
    flip = world_session(&w, "u1", "a ");
    NONE(sessions_there(w.db, w.arena, &flip, T0));
    OK(sessions_end_own(w.db, "a", "u1", 0));
    NONE(sessions_there(w.db, w.arena, &s, T0));
    world_close(&w);
}

static void test_session_end_oldest(void)
{
    struct world w;

    world_open(&w);
    struct auth au = {.cfg = w.cfg, .db = w.db, .arena = w.arena, .now = T0};
    world_user(&w, 1);
    for (int i = 0; i < 6; i++) {
        struct session s = world_session(&w, "u1", arena_printf(w.arena, "s%d", i));
        s.last_seen_at = T0 + i * 1000;
        s.created_at = T0 - i * 1000; /* the last made is the one used least lately */
        if (i == 0)
            s.expires_at = T0 - 1; /* dead: neither counted nor ended */
        OK(world_add(w.db, &s, arena_printf(w.arena, "s%d-hash", i), "hash"));
    }
    OK(ending_oldest(&au, "u1", T0, 2));
    CU_ASSERT(there(&w, "s0"));
    CU_ASSERT_FALSE(there(&w, "s1"));
    CU_ASSERT_FALSE(there(&w, "s2"));
    CU_ASSERT(there(&w, "s3"));
    OK(ending_oldest(&au, "u1", T0, 0));
    OK(ending_oldest(&au, "u1", T0, -1));
    CU_ASSERT_EQUAL(rows_all(&w), 4);
    OK(ending_oldest(&au, "u1", T0, 100));
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    world_close(&w);
}

static void test_session_end_one(void)
{
    struct world w;
    const char *id, *owner;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1);
    add(&w, "u1", "b", T0 + 1);
    add(&w, "u1", "dead", T0);
    NONE(sessions_end_own(w.db, "a", "u2", T0)); /* another's */
    NONE(sessions_end_own(w.db, "dead", "u1", T0));
    OK(sessions_end_own(w.db, "a", "u1", T0));
    NONE(sessions_end_own(w.db, "a", "u1", T0));
    OK(sessions_id_of(w.db, w.arena, "b-hash", &id, &owner));
    OK(sessions_end_own(w.db, id, owner, T0));
    NONE(sessions_id_of(w.db, w.arena, "b-hash", &id, &owner));
    OK(sessions_end_own(w.db, "dead", "u1", 0)); /* expired ones too */
    NONE(sessions_end_own(w.db, "dead", "u1", 0));
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    world_close(&w);
}

static void test_session_end_many(void)
{
    struct world w;
    int64_t n = -1;

    world_open(&w);
    for (int u = 1; u <= 3; u++) {
        world_user(&w, u);
        for (int i = 0; i < 4; i++)
            add(&w, arena_printf(w.arena, "u%d", u), arena_printf(w.arena, "u%ds%d", u, i), T0 + i);
    }
    OK(sessions_end_user(w.db, "u1", "u1s2", &n));
    CU_ASSERT_EQUAL(n, 3);
    CU_ASSERT(there(&w, "u1s2"));
    OK(sessions_end_user(w.db, "u1", NULL, NULL));
    CU_ASSERT_FALSE(there(&w, "u1s2"));
    OK(sessions_end_user(w.db, "u1", NULL, &n));
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(rows_all(&w), 8);
    OK(sessions_end_user(w.db, "u2", "u3s0", &n)); /* another's id keeps nothing */
    CU_ASSERT_EQUAL(n, 4);
    OK(sessions_end_everybody(w.db, &n));
    CU_ASSERT_EQUAL(n, 4);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    OK(sessions_end_everybody(w.db, NULL));
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"session renew", test_session_renew},           {"session there", test_session_there},
    {"session end oldest", test_session_end_oldest}, {"session end one", test_session_end_one},
    {"session end many", test_session_end_many},     CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "ends of store sessions on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
