/* The store contract, sessions: on every driver named by STORE_DRIVER, with look-alike keys, long agents, expired rows
 * and lost races. */
#include "store_case.h"

#include <stdio.h>
#include <string.h>

/* --- sessions ---------------------------------------------------------------------------------------------------- */

static void test_session_round_trip(void)
{
    struct world w;
    struct session s;
    struct user u;

    world_open(&w);
    struct session in = world_session(&w, world_user(&w, 1), "s1");
    in.ip = "2001:db8::1";
    in.last_ip = "";
    in.expires_at = T0 + 1;
    in.created_at = T0 + 2;
    in.updated_at = T0 + 10;
    in.authenticated_at = T0 + 100;
    in.dies_at = T0 + 999;
    in.last_seen_at = T0 + 1000;
    in.remember = false;
    OK(world_add(w.db, &in, "h", "hash"));
    OK(sessions_find(w.db, w.arena, "h", &s, &u));
    SAME(s.id, "s1");
    SAME(s.user_id, "u1");
    SAME(s.ip, "2001:db8::1");
    SAME(s.last_ip, "");
    SAME(s.agent, "agent");
    CU_ASSERT_EQUAL(s.expires_at, T0 + 1);
    CU_ASSERT_EQUAL(s.created_at, T0 + 2);
    CU_ASSERT_EQUAL(s.updated_at, T0 + 10);
    CU_ASSERT_EQUAL(s.authenticated_at, T0 + 100);
    CU_ASSERT_EQUAL(s.dies_at, T0 + 999);
    CU_ASSERT_EQUAL(s.last_seen_at, T0 + 1000);
    CU_ASSERT_FALSE(s.remember);
    SAME(u.id, "u1");
    SAME(u.email, "u1@example.org");
    CU_ASSERT_EQUAL(u.created_at, T0);
    world_close(&w);
}

static void test_session_times(void)
{
    static const int64_t times[] = {
        0, 1, 999, 1000, 951782400000 /* 2000-02-29 */, INT64_C(253402300799999) /* 9999 */};
    struct world w;
    struct session s;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const char *id = arena_printf(w.arena, "s%zu", i);
        struct session in = world_session(&w, "u1", id);
        in.expires_at = in.last_seen_at = times[i];
        OK(world_add(w.db, &in, id, "hash"));
        OK(sessions_find(w.db, w.arena, id, &s, &u));
        CU_ASSERT_EQUAL(s.expires_at, times[i]);
        CU_ASSERT_EQUAL(s.last_seen_at, times[i]);
    }
    world_close(&w);
}

static void test_session_agents(void)
{
    static const size_t sizes[] = {0, 1, 255, 256, 65536};
    struct world w;
    struct session s;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    for (size_t i = 0; i < 6; i++) {
        const char *id = arena_printf(w.arena, "s%zu", i);
        struct session in = world_session(&w, "u1", id);
        char *agent = arena_alloc(w.arena, 65537);
        if (i < 5)
            memset(agent, 'a', sizes[i]);
        in.agent = i < 5 ? agent : "\xf0\x9f\xa6\x8a Fox' \"; -- \xe2\x80\xa8 \\ %";
        OK(world_add(w.db, &in, id, "hash"));
        OK(sessions_find(w.db, w.arena, id, &s, &u));
        CU_ASSERT_EQUAL(strlen(s.agent), strlen(in.agent));
        SAME(s.agent, in.agent);
    }
    world_close(&w);
}

/* A key is its bytes: neither case nor blanks are forgiven. */
static void test_session_keys_exact(void)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char flip[] = "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef";
    struct world w;
    struct session s;
    struct user u;
    const char *id, *owner;

    world_open(&w);
    world_user(&w, 1);
    struct session in = world_session(&w, "u1", "IdA");
    OK(world_add(w.db, &in, hash, "hash"));
    NONE(sessions_find(w.db, w.arena, flip, &s, &u));
    NONE(sessions_find(w.db, w.arena, arena_printf(w.arena, "%s ", hash), &s, &u));
    NONE(sessions_find(w.db, w.arena, arena_printf(w.arena, " %s", hash), &s, &u));
    NONE(sessions_find(w.db, w.arena, "", &s, &u));
    NONE(sessions_id_of(w.db, w.arena, flip, &id, &owner));
    NONE(sessions_id_of(w.db, w.arena, arena_printf(w.arena, "%s ", hash), &id, &owner));
    NONE(sessions_user_of(w.db, w.arena, "ida", &owner));
    NONE(sessions_user_of(w.db, w.arena, "IdA ", &owner));
    NONE(sessions_end_own(w.db, "ida", "u1", T0));
    NONE(sessions_end_own(w.db, "IdA", "U1", T0));
    NONE(sessions_end_own(w.db, "IdA ", "u1 ", T0));
    int64_t n = -1;
    OK(sessions_end_user(w.db, "U1", NULL, &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(sessions_find(w.db, w.arena, hash, &s, &u));
    world_close(&w);
}

static void test_session_guard(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    struct session s = world_session(&w, "u1", "s1");
    NONE(world_add(w.db, &s, "h", "Hash"));
    OK(accounts_set(w.db, "u1", "changed", T0));
    NONE(world_add(w.db, &s, "h", "hash"));
    OK(users_disable(w.db, "u1", T0));
    NONE(world_add(w.db, &s, "h", "changed"));
    OK(users_enable(w.db, "u1"));
    OK(world_add(w.db, &s, "h", "changed"));
    CU_ASSERT_EQUAL(world_add(w.db, &s, "h2", "changed"), ERR_DB_DUPLICATE);
    s.id = "s2";
    CU_ASSERT_EQUAL(world_add(w.db, &s, "h", "changed"), ERR_DB_DUPLICATE);
    s.user_id = "nobody";
    NONE(world_add(w.db, &s, "h3", "hash"));
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    world_close(&w);
}

static void test_session_list(void)
{
    struct world w;
    struct session *list;
    size_t n;
    int64_t live = -1;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    for (int i = 0; i < 150; i++)
        add(&w, "u1", arena_printf(w.arena, "dead%d", i), T0 - i);
    add(&w, "u1", "live", T0 + 1);
    add(&w, "u2", "foreign", T0 + 1);
    OK(sessions_list(w.db, w.arena, "u1", T0, &list, &n));
    CU_ASSERT_EQUAL(n, 1);
    SAME(list[0].id, "live");
    OK(sessions_count_live(w.db, w.arena, "u1", T0, &live));
    CU_ASSERT_EQUAL(live, 1);
    OK(sessions_list(w.db, w.arena, "u1", T0 - 1, &list, &n)); /* one that expires at now is dead */
    CU_ASSERT_EQUAL(n, 2);
    OK(sessions_list(w.db, w.arena, "u1", T0 + 1, &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT(there(&w, "dead149")); /* find tells of the dead too */
    world_close(&w);
}

static void test_session_list_order(void)
{
    static const int64_t made[] = {30, 10, 20, 10};
    static const char *const want[] = {"s1", "s3", "s2", "s0"};
    struct world w;
    struct session *list;
    size_t n;

    world_open(&w);
    world_user(&w, 1);
    for (size_t i = 0; i < 4; i++) {
        struct session s = world_session(&w, "u1", arena_printf(w.arena, "s%zu", i));
        s.created_at = T0 + made[i];
        OK(world_add(w.db, &s, s.id, "hash"));
    }
    OK(sessions_list(w.db, w.arena, "u1", T0, &list, &n));
    CU_ASSERT_EQUAL(n, 4);
    for (size_t i = 0; i < n && i < 4; i++)
        SAME(list[i].id, want[i]);
    world_close(&w);
}

static void test_session_slide(void)
{
    struct world w;
    struct session s, got;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "s1", T0 + 1000);
    s = world_session(&w, "u1", "s1");
    s.expires_at = T0 + 5000;
    s.updated_at = s.last_seen_at = T0 + 10;
    s.last_ip = "::1";
    NONE(sessions_slide(w.db, &s, T0 + 1001));
    OK(sessions_slide(w.db, &s, T0 + 1000));
    NONE(sessions_slide(w.db, &s, T0 + 1000));
    OK(sessions_find(w.db, w.arena, "s1-hash", &got, &u));
    CU_ASSERT_EQUAL(got.expires_at, T0 + 5000);
    CU_ASSERT_EQUAL(got.updated_at, T0 + 10);
    CU_ASSERT_EQUAL(got.last_seen_at, T0 + 10);
    SAME(got.last_ip, "::1");
    SAME(got.ip, "192.0.2.1");
    CU_ASSERT_EQUAL(got.created_at, T0);
    OK(sessions_end_own(w.db, "s1", "u1", 0));
    NONE(sessions_slide(w.db, &s, T0 + 5000)); /* S26: what ended stays ended */
    CU_ASSERT_FALSE(there(&w, "s1"));
    world_close(&w);
}

static void test_session_seen(void)
{
    struct world w;
    struct session s, got;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "s1", T0 + 1000);
    s = world_session(&w, "u1", "s1");
    s.last_seen_at = T0 + 77;
    s.last_ip = "198.51.100.7";
    OK(sessions_seen(w.db, &s, T0));
    NONE(sessions_seen(w.db, &s, T0));
    OK(sessions_find(w.db, w.arena, "s1-hash", &got, &u));
    CU_ASSERT_EQUAL(got.last_seen_at, T0 + 77);
    SAME(got.last_ip, "198.51.100.7");
    CU_ASSERT_EQUAL(got.expires_at, T0 + 1000);
    CU_ASSERT_EQUAL(got.updated_at, T0);
    world_close(&w);
}

static void test_session_count_and_page(void)
{
    struct world w;
    struct session_summary *list;
    size_t n;
    int64_t all = -1, live = -1;

    world_open(&w);
    OK(sessions_count(w.db, w.arena, T0, &all, &live));
    CU_ASSERT(all == 0 && live == 0);
    world_user(&w, 1);
    world_user(&w, 2);
    for (int i = 0; i < 6; i++)
        add(&w, i % 2 ? "u1" : "u2", arena_printf(w.arena, "s%d", i), T0 + (i == 3 ? 0 : 1));
    OK(sessions_count(w.db, w.arena, T0, &all, &live));
    CU_ASSERT(all == 6 && live == 5);
    OK(sessions_page(w.db, w.arena, T0, "", 4, &list, &n));
    CU_ASSERT_EQUAL(n, 4);
    SAME(list[3].session.id, "s4");
    SAME(list[3].email, "u2@example.org");
    OK(sessions_page(w.db, w.arena, T0, list[3].session.id, 4, &list, &n));
    CU_ASSERT_EQUAL(n, 1);
    SAME(list[0].session.id, "s5");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"session round trip", test_session_round_trip},
    {"session times", test_session_times},
    {"session agents", test_session_agents},
    {"session keys are exact", test_session_keys_exact},
    {"session guard", test_session_guard},
    {"session list", test_session_list},
    {"session list order", test_session_list_order},
    {"session slide", test_session_slide},
    {"session seen", test_session_seen},
    {"session count and page", test_session_count_and_page},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store sessions on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
