/* The store contract, sweeping: on every driver named by STORE_DRIVER, with many rows of one instant. */
#include "store_case.h"

/* 23 expired rows, ten of them at the same instant, in batches of 5; the living stay. */
static void test_sweep(void)
{
    struct world w;
    int64_t n = -1, total = 0;
    int rounds = 0;

    world_open(&w);
    world_user(&w, 1);
    for (int i = 0; i < 23; i++)
        add(&w, "u1", arena_printf(w.arena, "d%02d", (i * 7) % 23), i < 10 ? T0 - 500 : T0 - i);
    add(&w, "u1", "edge", T0); /* expires now: dead */
    add(&w, "u1", "live", T0 + 1);
    OK(sessions_sweep(w.db, w.arena, &(int64_t){0}, T0, 5, &n));
    CU_ASSERT_EQUAL(n, 5);
    CU_ASSERT(there(&w, "d22")); /* i = 13, not among the longest expired */
    for (total = n; n > 0 && rounds < 100; rounds++) {
        OK(sessions_sweep(w.db, w.arena, &(int64_t){0}, T0, 5, &n));
        CU_ASSERT(n <= 5);
        total += n;
    }
    CU_ASSERT_EQUAL(total, 24);
    CU_ASSERT_EQUAL(rounds, 5);
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    CU_ASSERT(there(&w, "live"));
    OK(sessions_sweep(w.db, w.arena, &(int64_t){0}, T0 + 1, 0, &n));
    CU_ASSERT_EQUAL(n, 1);
    world_close(&w);
}

/* The longest expired go first, whatever their ids are. */
static void test_sweep_order(void)
{
    struct world w;
    int64_t n;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "a", T0 - 1);
    add(&w, "u1", "z", T0 - 9);
    add(&w, "u1", "m", T0 - 5);
    OK(sessions_sweep(w.db, w.arena, &(int64_t){0}, T0, 2, &n));
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT(there(&w, "a"));
    CU_ASSERT_FALSE(there(&w, "z"));
    world_close(&w);
}

/* A batch goes on where the one before it ended, within an instant too, and does not look back. */
static void test_sweep_goes_on(void)
{
    struct world w;
    int64_t n, from = 0;

    world_open(&w);
    world_user(&w, 1);
    for (int i = 0; i < 9; i++)
        add(&w, "u1", arena_printf(w.arena, "d%d", i), T0 - 10 + i / 6);
    OK(sessions_sweep(w.db, w.arena, &from, T0, 4, &n));
    CU_ASSERT_EQUAL(n, 4);
    CU_ASSERT_EQUAL(from, T0 - 10);
    add(&w, "u1", "early", T0 - 11);
    OK(sessions_sweep(w.db, w.arena, &from, T0, 4, &n));
    CU_ASSERT_EQUAL(n, 4);
    CU_ASSERT_EQUAL(from, T0 - 9);
    OK(sessions_sweep(w.db, w.arena, &from, T0, 4, &n));
    CU_ASSERT_EQUAL(n, 1);
    OK(sessions_sweep(w.db, w.arena, &from, T0, 4, &n));
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT(there(&w, "early"));
    from = 0;
    OK(sessions_sweep(w.db, w.arena, &from, T0, 4, &n));
    CU_ASSERT_EQUAL(n, 1);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    world_close(&w);
}

static void test_sweep_tables_go_on(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    for (enum sweep which = 0; which < SWEEPS; which++) {
        int64_t n = -1, from = 0;
        for (int i = 0; i < 9; i++)
            OK(swept_add(&w, which, arena_printf(w.arena, "n%d", i), T0 - 10 + i));
        OK(sweep_table(w.db, w.arena, which, &from, T0, 4, &n));
        CU_ASSERT_EQUAL(n, 4);
        CU_ASSERT_EQUAL(from, T0 - 7);
        OK(swept_add(&w, which, "early", T0 - 8));
        OK(sweep_table(w.db, w.arena, which, &from, T0, 9, &n));
        CU_ASSERT_EQUAL(n, 5);
        CU_ASSERT_EQUAL(rows_in(&w, swept_tables[which]), 1);
    }
    world_close(&w);
}

/* A row that expires, or happened, at `at`. */
static void sweepable(struct world *w, enum sweep which, int i, int64_t at)
{
    const char *name = arena_printf(w->arena, "n%d", i);

    /* devices of one user: so there are some that nothing but their name tells apart */
    OK(which == SWEEP_OF_DEVICES ? devices_seen(w->db, "u1", name, T0 - CLOCK_DAY, at) : swept_add(w, which, name, at));
}

/* 23 expired rows, ten of them at the same instant, in batches of 5: all of them, and no other row of any table. */
static void test_sweep_tables(void)
{
    struct world w;
    int64_t n, total, rounds;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    for (enum sweep which = 0; which < SWEEPS; which++)
        for (int i = 0; i < 26; i++)
            sweepable(&w, which, i, i < 10 ? T0 - 500 : i < 22 ? T0 - i : i == 22 ? T0 : T0 + i);
    for (enum sweep which = 0; which < SWEEPS; which++) {
        OK(sweep_table(w.db, w.arena, which, &(int64_t){0}, T0 - 501, 5, &n));
        CU_ASSERT_EQUAL(n, 0);
        OK(sweep_table(w.db, w.arena, which, &(int64_t){0}, T0, 5, &n));
        /* the oldest first; what a user's devices have in common is the user, so that those of one instant go together
         */
        CU_ASSERT_EQUAL(n, which == SWEEP_OF_DEVICES ? 10 : 5);
        for (total = n, rounds = 0; n > 0 && rounds < 100; rounds++) {
            OK(sweep_table(w.db, w.arena, which, &(int64_t){0}, T0, 5, &n));
            CU_ASSERT(n <= 5);
            total += n;
        }
        CU_ASSERT_EQUAL(total, 23);
        CU_ASSERT_EQUAL(rounds, which == SWEEP_OF_DEVICES ? 4 : 5);
        OK(sweep_table(w.db, w.arena, which, &(int64_t){0}, T0, 0, &n));
        CU_ASSERT_EQUAL(n, 0);
    }
    for (enum sweep which = 0; which < SWEEPS; which++) {
        OK(sweep_table(w.db, w.arena, which, &(int64_t){0}, T0 + 1000, 500, &n));
        CU_ASSERT_EQUAL(n, 3);
    }
    CU_ASSERT(there(&w, "s"));
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"sweep", test_sweep},
    {"sweep order", test_sweep_order},
    {"sweep goes on", test_sweep_goes_on},
    {"sweep of the small tables goes on", test_sweep_tables_go_on},
    {"sweep of the small tables", test_sweep_tables},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store sweep on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
