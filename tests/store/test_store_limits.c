/* The store contract, counters of tries and devices: on every driver named by STORE_DRIVER, with lost races. */
#include "store_case.h"

static struct limit counter(const char *name, const char *subject, int64_t tries, int64_t free_at, int64_t expires)
{
    return (struct limit){name, subject, tries, free_at, expires, false};
}

/* Sets one as it stands, whatever it was. */
static void put(struct world *w, struct limit is)
{
    struct limit was;

    OK(limits_get(w->db, w->arena, is.name, &was));
    OK(limits_set(w->db, &was, &is));
}

static int64_t free_at(struct world *w, const char *name)
{
    struct limit l;

    OK(limits_get(w->db, w->arena, name, &l));
    return l.there ? l.free_at : -1;
}

static void test_limit_round_trip(void)
{
    struct world w;
    struct limit l, *page;
    size_t n;

    world_open(&w);
    OK(limits_get(w.db, w.arena, "a", &l));
    CU_ASSERT(!l.there && l.tries == 0 && l.free_at == 0);
    put(&w, counter("a", "x", 1, T0 + 5, T0 + 7));
    OK(limits_get(w.db, w.arena, "a", &l));
    CU_ASSERT(l.there && l.tries == 1 && l.free_at == T0 + 5);
    SAME(l.name, "a");
    put(&w, counter("a", "x", INT64_C(1) << 40, T0 + 5000 * CLOCK_DAY, T0 + 9));
    OK(limits_page(w.db, w.arena, T0, "", 10, &page, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    SAME(page->subject, "x");
    CU_ASSERT(page->tries == INT64_C(1) << 40 && page->free_at == T0 + 5000 * CLOCK_DAY && page->expires_at == T0 + 9);
    CU_ASSERT_EQUAL(free_at(&w, "A"), -1);
    CU_ASSERT_EQUAL(free_at(&w, "a "), -1);
    CU_ASSERT_EQUAL(free_at(&w, "\xc3\xa4"), -1);
    world_close(&w);
}

/* Of two who read the same, one finds that it has changed: by its tries, by its time, by being there, by being gone. */
static void test_limit_lost_races(void)
{
    struct world w;
    struct limit none, one, is = counter("a", "x", 1, T0, T0 + 1);

    world_open(&w);
    OK(limits_get(w.db, w.arena, "a", &none));
    OK(limits_set(w.db, &none, &is));
    NONE(limits_set(w.db, &none, &is)); /* both found nothing there */
    OK(limits_get(w.db, w.arena, "a", &one));
    is.tries = 2;
    OK(limits_set(w.db, &one, &is));
    NONE(limits_set(w.db, &one, &is)); /* tries */
    OK(limits_get(w.db, w.arena, "a", &one));
    OK(limits_refund(w.db, "a", 3));
    NONE(limits_set(w.db, &one, &is)); /* time */
    CU_ASSERT_EQUAL(free_at(&w, "a"), T0 - 3);
    OK(limits_get(w.db, w.arena, "a", &one));
    OK(limits_drop(w.db, "a"));
    NONE(limits_set(w.db, &one, &is)); /* it is gone, and does not come back by a guarded write */
    CU_ASSERT_EQUAL(free_at(&w, "a"), -1);
    OK(limits_get(w.db, w.arena, "a", &none));
    OK(limits_set(w.db, &none, &is));
    /* the same again changes nothing, and is no lost race */
    OK(limits_get(w.db, w.arena, "a", &one));
    is = one;
    is.subject = "x";
    OK(limits_set(w.db, &one, &is));
    world_close(&w);
}

static void test_limit_refund_and_drop(void)
{
    struct world w;

    world_open(&w);
    put(&w, counter("a", "x", 3, T0 + 9000, T0 + 9000));
    put(&w, counter("b", "x", 1, T0 + 1, T0 + 1));
    OK(limits_refund(w.db, "a", 3000));
    CU_ASSERT_EQUAL(free_at(&w, "a"), T0 + 6000);
    OK(limits_refund(w.db, "gone", 3000));
    OK(limits_drop(w.db, "gone"));
    OK(limits_drop(w.db, "b"));
    CU_ASSERT_EQUAL(free_at(&w, "a"), T0 + 6000);
    CU_ASSERT_EQUAL(free_at(&w, "b"), -1);
    CU_ASSERT_EQUAL(free_at(&w, "gone"), -1);
    world_close(&w);
}

static void test_limit_clear(void)
{
    struct world w;
    int64_t n = -1;

    world_open(&w);
    put(&w, counter("sign-in account:u1", "u1", 1, T0, T0 + 1));
    put(&w, counter("password account:u1 device:session s", "u1", 1, T0, T0 + 1));
    put(&w, counter("sign-in address:u1", "U1", 1, T0, T0 + 1));
    put(&w, counter("sign-in total", "total", 1, T0, T0 + 1));
    OK(limits_clear(w.db, "u2", &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(limits_clear(w.db, "%", &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(limits_clear(w.db, "u1", &n));
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT_EQUAL(free_at(&w, "sign-in address:u1"), T0);
    OK(limits_clear(w.db, NULL, &n));
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT_EQUAL(free_at(&w, "sign-in total"), -1);
    world_close(&w);
}

static void test_limit_page(void)
{
    struct world w;
    struct limit *page;
    size_t n;

    world_open(&w);
    for (int i = 1; i <= 5; i++)
        put(&w, counter(arena_printf(w.arena, "c%d", i), "x", i, T0, i == 3 ? T0 : T0 + 1)); /* c3 counts no more */
    OK(limits_page(w.db, w.arena, T0, "", 2, &page, &n));
    CU_ASSERT_EQUAL_FATAL(n, 2);
    SAME(page[0].name, "c1");
    OK(limits_page(w.db, w.arena, T0, page[1].name, 10, &page, &n));
    CU_ASSERT_EQUAL_FATAL(n, 2);
    SAME(page[0].name, "c4");
    SAME(page[1].name, "c5");
    OK(limits_page(w.db, w.arena, T0 + 1, "", 10, &page, &n));
    CU_ASSERT_EQUAL(n, 0);
    world_close(&w);
}

static void test_devices(void)
{
    struct world w;
    struct device *list;
    int64_t seen = -1;
    size_t n;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    NONE(devices_find(w.db, w.arena, "u1", "192.0.2.1", T0, &seen));
    OK(devices_seen(w.db, "u1", "192.0.2.1", T0, T0 + 100));
    OK(devices_seen(w.db, "u1", "2001:db8:aaaa:bbbb::/64", T0 - 1, T0 + 100));
    OK(devices_seen(w.db, "u2", "192.0.2.1", T0, T0 + 100));
    OK(devices_find(w.db, w.arena, "u1", "192.0.2.1", T0 + 99, &seen));
    CU_ASSERT_EQUAL(seen, T0);
    NONE(devices_find(w.db, w.arena, "u1", "192.0.2.1", T0 + 100, &seen)); /* too long ago, swept or not */
    NONE(devices_find(w.db, w.arena, "u1", "192.0.2.2", T0, &seen));
    NONE(devices_find(w.db, w.arena, "U1", "192.0.2.1", T0, &seen));
    NONE(devices_find(w.db, w.arena, "", "192.0.2.1", T0, &seen));
    OK(devices_seen(w.db, "u1", "192.0.2.1", T0, T0 + 100)); /* twice in a millisecond */
    OK(devices_seen(w.db, "u1", "192.0.2.1", T0 + 50, T0 + 200));
    OK(devices_find(w.db, w.arena, "u1", "192.0.2.1", T0 + 199, &seen));
    CU_ASSERT_EQUAL(seen, T0 + 50);
    OK(devices_list(w.db, w.arena, "u1", &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 2);
    SAME(list[0].name, "2001:db8:aaaa:bbbb::/64");
    SAME(list[1].name, "192.0.2.1");
    CU_ASSERT(list[0].last_seen_at == T0 - 1 && list[1].last_seen_at == T0 + 50);
    OK(users_delete(w.db, "u1"));
    OK(devices_list(w.db, w.arena, "u1", &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(devices_list(w.db, w.arena, "u2", &list, &n));
    CU_ASSERT_EQUAL(n, 1);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"limit round trip", test_limit_round_trip},
    {"limit lost races", test_limit_lost_races},
    {"limit refund and drop", test_limit_refund_and_drop},
    {"limit clear", test_limit_clear},
    {"limit page", test_limit_page},
    {"devices", test_devices},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store limits on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
