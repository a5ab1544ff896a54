/* Housekeeping on every driver: what is swept when, and by whom of several processes and hosts. Real processes and
 * locks; only the clocks are moved by hand. */
#include "house.h"

#include <signal.h>
#include <sys/wait.h>

/* --- sweeping ---------------------------------------------------------------------------------------------------- */

static void sign_in_between(struct world *w)
{
    struct db *other = world_connect(w);
    struct session s = world_session(w, "u1", "signed-in");

    OK(world_add(other, &s, "signed-in-hash", "hash"));
    db_close(&other);
}

/* After a full batch the next one is due once as long has gone by as it took. */
static void full_turn(struct house *h)
{
    house_wait(h);
    int64_t began = clock_steady();
    jobs_turn(h->jobs, &h->app);
    CU_ASSERT(jobs_due(h->jobs) <= clock_steady() - began);
}

static void test_batches(void)
{
    enum { ROWS = 10000, BATCH = 500, LIVING = 20 };
    struct world w;
    struct house h;

    setup(&w);
    rows_add(&w, "old", ROWS, T0); /* T0 itself is the first instant at which one is dead */
    rows_add(&w, "new", LIVING, T0 + 3);
    house_open(&w, "a", "batch = 500\n", &h);
    for (int left = ROWS - BATCH; left >= 0; left -= BATCH) {
        full_turn(&h);
        bool later = left < ROWS / 2;
        CU_ASSERT_EQUAL(rows_all(&w), left + LIVING + later);
        if (left == ROWS / 2)
            sign_in_between(&w);
    }
    CU_ASSERT_EQUAL(logged("expired rows deleted"), 0);
    house_turn(&h); /* finds nothing left */
    CU_ASSERT_EQUAL(rows_all(&w), LIVING + 1);
    CU_ASSERT(there(&w, "signed-in") && there(&w, "new0") && there(&w, "new2"));
    CU_ASSERT_EQUAL(logged("housekeeping: 10000 expired rows deleted"), 1);
    CU_ASSERT(jobs_due(h.jobs) > EVERY * 8 / 10 && jobs_due(h.jobs) <= EVERY * 11 / 10);
    now = T0 + 3;
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    CU_ASSERT_EQUAL(logged("housekeeping: 20 expired rows deleted"), 1);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

/* The small tables take what sessions leave of a batch, one after the other. */
static void test_small_tables(void)
{
    enum { ROWS = 10000, BATCH = 500, LIVING = 20 };
    struct world w;
    struct house h;

    setup(&w);
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    house_open(&w, "a", "batch = 500\n[audit]\nkeep = 30d\n", &h);
    for (enum sweep which = 0; which < SWEEPS; which++) {
        int64_t last = T0 - swept_after(which, 30 * CLOCK_DAY);
        swept_fill(&w, which, "old", ROWS, last);
        swept_fill(&w, which, "new", LIVING, last + 3);
        rows_add(&w, "old", BATCH, T0);
        house_turn(&h);
        CU_ASSERT_EQUAL(rows_all(&w), 1);
        CU_ASSERT_EQUAL(rows_in(&w, swept_tables[which]), ROWS + LIVING);
        for (int left = ROWS - BATCH; left >= 0; left -= BATCH) {
            full_turn(&h);
            CU_ASSERT_EQUAL(rows_in(&w, swept_tables[which]), left + LIVING);
        }
        house_turn(&h);
        CU_ASSERT_EQUAL(rows_in(&w, swept_tables[which]), LIVING);
        CU_ASSERT_EQUAL(logged("housekeeping: 10500 expired rows deleted"), 1);
        log_empty();
        OK(db_script(w.db, arena_printf(w.arena, "DELETE FROM %s", swept_tables[which])));
    }
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static void test_small_tables_at_once(void)
{
    struct world w;
    struct house h;

    setup(&w);
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    for (enum sweep which = 0; which < SWEEPS; which++)
        swept_fill(&w, which, "old", 70, T0 - swept_after(which, 180 * CLOCK_DAY));
    house_open(&w, "a", "batch = 100\n", &h);
    run_all(&h, true, SWEEPS * 70);
    run_all(&h, true, 0);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

/* Another account deletes them, or nobody. */
static void test_events_are_kept(void)
{
    struct world w;
    struct house h;

    setup(&w);
    swept_fill(&w, SWEEP_OF_AUDITS, "old", 7, 0);
    rows_add(&w, "old", 7, T0);
    house_open(&w, "a", "[audit]\nkeep = 0\n", &h);
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_audit"), 7);
    CU_ASSERT(jobs_due(h.jobs) > EVERY * 8 / 10);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static void test_not_before_its_time(void)
{
    struct world w;
    struct house h;
    int64_t least = EVERY * 2, most = 0;

    setup(&w);
    house_open(&w, "a", "", &h);
    for (int i = 0; i < 60; i++) {
        house_turn(&h);
        int64_t due = jobs_due(h.jobs);
        least = due < least ? due : least;
        most = due > most ? due : most;
    }
    CU_ASSERT(least < EVERY && most > EVERY); /* hosts do not march in step */
    rows_add(&w, "old", 5, T0);
    jobs_turn(h.jobs, &h.app);
    CU_ASSERT_EQUAL(rows_all(&w), 5);
    CU_ASSERT_EQUAL(logged("expired rows deleted"), 0);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static void test_never(void)
{
    struct world w;
    struct house h;

    setup(&w);
    rows_add(&w, "old", 1200, T0);
    house_open(&w, "a", "every = 0\nbatch = 100\n", &h);
    CU_ASSERT_EQUAL(jobs_due(h.jobs), -1);
    jobs_turn(h.jobs, &h.app);
    CU_ASSERT_EQUAL(rows_all(&w), 1200);
    CU_ASSERT_PTR_NULL(h.app.db);
    SAME(lease_row(&w), "");
    run_all(&h, true, 1200); /* what cron calls does it all the same */
    run_all(&h, true, 0);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&h);
    jobs_close(NULL);
    host_drop(&w, "a");
    world_close(&w);
}

/* --- one of several ---------------------------------------------------------------------------------------------- */

static void test_one_of_two_hosts(void)
{
    struct world w;
    struct house one, two;

    setup(&w);
    house_open(&w, "a", "", &one);
    house_open(&w, "b", "", &two);
    house_turn(&one);
    rows_add(&w, "old", 7, T0);
    house_turn(&two);
    CU_ASSERT_EQUAL(rows_all(&w), 7);
    CU_ASSERT(jobs_due(two.jobs) > 0 && jobs_due(two.jobs) <= 33 * CLOCK_SECOND);
    run_all(&two, false, 0);
    house_turn(&one);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&one); /* gives the lease back */
    CU_ASSERT(strncmp(lease_row(&w), "1970-", 5) == 0);
    rows_add(&w, "older", 7, T0);
    house_turn(&two);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&two);
    host_drop(&w, "a");
    host_drop(&w, "b");
    world_close(&w);
}

/* A process that keeps house on a host, then sleeps until it is killed. */
static pid_t keeper_start(struct world *w, const char *host)
{
    int ready[2];
    char byte;

    CU_ASSERT_FATAL(pipe(ready) == 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        struct house h;
        w->db = NULL; /* the parent's */
        house_open(w, host, "", &h);
        jobs_turn(h.jobs, &h.app);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void keeper_kill(pid_t pid)
{
    CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
}

static void test_one_of_two_processes(void)
{
    struct world w;
    struct house h;

    setup(&w);
    pid_t pid = keeper_start(&w, "a");
    house_open(&w, "a", "", &h);
    CU_ASSERT(*lease_row(&w) != '\0');
    OK(db_script(w.db, "DELETE FROM latchkey_meta WHERE name = 'jobs'"));
    rows_add(&w, "old", 7, T0);
    house_turn(&h); /* only the lock of the host stands in the way */
    CU_ASSERT_EQUAL(rows_all(&w), 7);
    CU_ASSERT_PTR_NULL(h.app.db); /* who has not got it does not ask the store */
    CU_ASSERT(jobs_due(h.jobs) > 0 && jobs_due(h.jobs) <= 33 * CLOCK_SECOND);
    run_all(&h, false, 0);
    keeper_kill(pid);
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static void test_killed_with_the_lease(void)
{
    struct world w;
    struct house h;

    setup(&w);
    pid_t pid = keeper_start(&w, "a");
    keeper_kill(pid);
    house_open(&w, "b", "", &h);
    rows_add(&w, "old", 7, T0);
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 7);
    now = T0 + LEASE;
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&h);
    host_drop(&w, "a");
    host_drop(&w, "b");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"batches", test_batches},
    {"batches of the small tables", test_small_tables},
    {"the small tables at once", test_small_tables_at_once},
    {"events are kept for ever, where audit.keep is 0", test_events_are_kept},
    {"not before its time", test_not_before_its_time},
    {"never, where jobs.every is 0", test_never},
    {"one of two hosts", test_one_of_two_hosts},
    {"one of two processes", test_one_of_two_processes},
    {"killed with the lease", test_killed_with_the_lease},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof name, "housekeeping on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return houses_main(run);
}
