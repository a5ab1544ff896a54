/* The lease of housekeeping, on every driver: who has it, when it ends, and that of two processes who want it exactly one
 * gets it. Also the comparison of clocks. */
#include "store_case.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH CLOCK_MINUTE
#define SKEW CLOCK_MINUTE
#define ROUNDS 200

static const struct lease a = {"holderAholderAholderAholderAhold", LENGTH};
static const struct lease b = {"HolderBHolderBHolderBHolderBHold", LENGTH};
static int64_t ahead; /* of our clock */

int64_t clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + ahead;
}

/* The row; "" if there is none. */
static const char *row(struct world *w)
{
    struct db_rows rows;

    OK(db_query(w->db, ST_META_GET, w->arena, &rows, DB_TEXT("jobs")));
    return rows.n ? db_row(&rows, 0)->s : "";
}

static void row_put(struct world *w, const char *text)
{
    OK(db_script(w->db, "DELETE FROM latchkey_meta WHERE name = 'jobs'"));
    if (text)
        OK(db_exec(w->db, ST_META_ADD, NULL, DB_TEXT("jobs"), DB_TEXT(text)));
}

static enum err take(struct world *w, const struct lease *l, int64_t now)
{
    return lease_take(w->db, w->arena, l, now);
}

static void test_taken(void)
{
    struct world w;

    world_open(&w);
    OK(take(&w, &a, T0));
    SAME(row(&w), "2026-11-23T09:01:00.123Z holderAholderAholderAholderAhold");
    NONE(take(&w, &b, T0));
    NONE(take(&w, &b, T0 + LENGTH - 1));
    OK(take(&w, &a, T0 + 1));
    world_close(&w);
}

static void test_renewed(void)
{
    struct world w;

    world_open(&w);
    OK(take(&w, &a, T0));
    OK(take(&w, &a, T0 + LENGTH / 2 - 1));
    SAME(row(&w), "2026-11-23T09:01:00.123Z holderAholderAholderAholderAhold");
    OK(take(&w, &a, T0 + LENGTH / 2));
    SAME(row(&w), "2026-11-23T09:01:30.123Z holderAholderAholderAholderAhold");
    NONE(take(&w, &b, T0 + LENGTH));
    OK(take(&w, &a, T0 + 5 * LENGTH)); /* ended, but nobody else wanted it */
    NONE(take(&w, &b, T0 + 5 * LENGTH));
    world_close(&w);
}

static void test_ended_and_lost(void)
{
    struct world w;

    world_open(&w);
    OK(take(&w, &a, T0));
    OK(take(&w, &b, T0 + LENGTH));
    const char *theirs = row(&w);
    NONE(take(&w, &a, T0 + LENGTH));
    NONE(lease_give(w.db, w.arena, &a));
    SAME(row(&w), theirs);
    world_close(&w);
}

static void test_given_back(void)
{
    struct world w;

    world_open(&w);
    NONE(lease_give(w.db, w.arena, &a));
    SAME(row(&w), "");
    OK(take(&w, &a, T0));
    OK(lease_give(w.db, w.arena, &a));
    OK(take(&w, &b, T0));
    NONE(take(&w, &a, T0));
    world_close(&w);
}

/* Of a clock that is wrong: neither another's nor our own blocks for as long as it says. */
static void test_far_future(void)
{
    struct world w;

    world_open(&w);
    OK(take(&w, &b, T0 + CLOCK_HOUR));
    OK(take(&w, &a, T0));
    SAME(row(&w), "2026-11-23T09:01:00.123Z holderAholderAholderAholderAhold");
    OK(take(&w, &b, T0 + CLOCK_HOUR));
    NONE(take(&w, &a, T0 + CLOCK_HOUR - SKEW));
    OK(take(&w, &a, T0 + CLOCK_HOUR - SKEW - 1));
    OK(take(&w, &a, T0 + CLOCK_HOUR));
    OK(take(&w, &a, T0)); /* our own clock was put right */
    SAME(row(&w), "2026-11-23T09:01:00.123Z holderAholderAholderAholderAhold");
    world_close(&w);
}

static void test_no_lease_at_all(void)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "2026-11-23T09:00:30.123Z",
                                        "2026-11-23T09:00:30.123Z ",
                                        "2026-11-23T09:00:30.123Zholder",
                                        "2026-13-23T09:00:30.123Z holder",
                                        "holderAholderAholderAholderAhold 2026-11-23T09:00:30.123Z"};
    struct world w;

    world_open(&w);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        row_put(&w, texts[i]);
        NONE(lease_give(w.db, w.arena, &a));
        OK(take(&w, &a, T0));
        NONE(take(&w, &b, T0));
    }
    row_put(&w, "2026-11-23T09:00:30.123Z somebody");
    NONE(take(&w, &a, T0));
    world_close(&w);
}

/* --- two processes ----------------------------------------------------------------------------------------------- */

struct ring {
    atomic_int at[2]; /* steps done by each */
    enum err got[ROUNDS];
};

/* Waits until both have come as far as `step`. */
static void meet(struct ring *r, int me, int step)
{
    atomic_store(&r->at[me], step);
    while (atomic_load(&r->at[1 - me]) < step)
        sched_yield();
}

static void rival(const struct world *w, struct ring *r)
{
    struct arena *arena = NULL;
    struct db *db = world_connect(w);

    if (arena_open(&arena, 4096) != ERR_OK)
        _exit(1);
    for (int i = 0; i < ROUNDS; i++) {
        meet(r, 1, 2 * i + 1);
        r->got[i] = lease_take(db, arena, &b, T0);
        meet(r, 1, 2 * i + 2);
    }
    arena_close(&arena);
    db_close(&db);
    _exit(0);
}

static void test_race(void)
{
    /* nobody's, ended, of a wrong clock: written in three ways */
    static const char *const before[] = {NULL, "2026-11-23T09:00:00.123Z somebody", "2027-11-23T09:00:00.123Z somebody"};
    struct world w;
    int first = 0, status = -1;

    world_open(&w);
    struct ring *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(r != MAP_FAILED);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        rival(&w, r);
    for (int i = 0; i < ROUNDS; i++) {
        row_put(&w, before[i % 3]);
        meet(r, 0, 2 * i + 1);
        enum err e = take(&w, &a, T0);
        meet(r, 0, 2 * i + 2);
        CU_ASSERT((e == ERR_OK && r->got[i] == ERR_NONE) || (e == ERR_NONE && r->got[i] == ERR_OK));
        CU_ASSERT_EQUAL(strcmp(row(&w) + 25, a.holder) == 0, e == ERR_OK);
        first += e == ERR_OK;
    }
    CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
    printf("race: %d rounds won by the one, %d by the other\n", first, ROUNDS - first);
    munmap(r, sizeof *r);
    world_close(&w);
}

/* --- clocks ------------------------------------------------------------------------------------------------------ */

static int64_t apart(struct world *w, int64_t by)
{
    int64_t ms = -1;

    ahead = by;
    OK(store_clock_apart(w->db, w->arena, &ms));
    ahead = 0;
    return ms;
}

static void test_clocks(void)
{
    struct world w;

    world_open(&w);
    CU_ASSERT(llabs(apart(&w, 0)) <= 1);
    int64_t fast = apart(&w, CLOCK_HOUR), slow = apart(&w, -CLOCK_HOUR);
    CU_ASSERT(fast > CLOCK_HOUR - CLOCK_MINUTE && fast <= CLOCK_HOUR);
    CU_ASSERT(slow < -CLOCK_HOUR + CLOCK_MINUTE && slow >= -CLOCK_HOUR);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"taken", test_taken},
    {"renewed when half has passed", test_renewed},
    {"ended, then another's", test_ended_and_lost},
    {"given back", test_given_back},
    {"far in the future", test_far_future},
    {"no lease at all", test_no_lease_at_all},
    {"of two processes exactly one", test_race},
    {"clocks apart", test_clocks},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof name, "lease on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
