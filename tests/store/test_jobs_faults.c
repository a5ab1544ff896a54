/* Housekeeping on every driver where something is wrong: a store that is away, comes back or drops its connections, no
 * directory for the lock, clocks that differ. */
#include "house.h"

static void test_store_away(void)
{
    struct world w;
    struct house h;
    char here[96], away[96];

    setup(&w);
    bool file = w.cfg->database_driver == DRIVER_SQLITE;
    struct cfg *nowhere = file ? NULL : world_config(&w, "hosts = /nonexistent/mysqld.sock\n");
    snprintf(here, sizeof here, "%s/test.db", w.dir);
    snprintf(away, sizeof away, "%s/away.db", w.dir);
    rows_add(&w, "old", 7, T0);
    house_open(&w, "a", "", &h);
    h.app.cfg = file ? h.cfg : nowhere;
    CU_ASSERT(!file || rename(here, away) == 0);
    for (int i = 0; i < 3; i++) {
        house_turn(&h);
        CU_ASSERT_PTR_NULL(h.app.db);
        CU_ASSERT(jobs_due(h.jobs) > 0 && jobs_due(h.jobs) <= 33 * CLOCK_SECOND);
    }
    int64_t n = -1;
    bool mine = false;
    CU_ASSERT_EQUAL(jobs_run_all(h.jobs, &h.app, NULL, NULL, &n, &mine), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(n, -1);
    CU_ASSERT(!file || rename(away, here) == 0);
    h.app.cfg = h.cfg;
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    house_close(&h);
    config_free(&nowhere);
    host_drop(&w, "a");
    world_close(&w);
}

/* The server ends all connections to the database, as at its restart. */
static void connections_end(const struct world *w)
{
    world_server_sql(arena_printf(w->arena,
                                  "BEGIN NOT ATOMIC FOR c IN (SELECT id FROM information_schema.processlist WHERE db = "
                                  "'%s') DO EXECUTE IMMEDIATE CONCAT('KILL ', c.id); END FOR; END",
                                  w->name));
}

static void test_store_comes_back(void)
{
    struct world w;
    struct house h;
    char here[96], away[96];

    setup(&w);
    snprintf(here, sizeof here, "%s/test.db", w.dir);
    snprintf(away, sizeof away, "%s/away.db", w.dir);
    house_open(&w, "a", "", &h);
    house_turn(&h);
    CU_ASSERT_PTR_NOT_NULL(h.app.db);
    rows_add(&w, "old", 7, T0);
    if (w.cfg->database_driver == DRIVER_SQLITE) {
        CU_ASSERT_EQUAL(rename(here, away), 0);
        house_turn(&h); /* an open file that has moved away is nobody's database */
        CU_ASSERT_PTR_NULL(h.app.db);
        CU_ASSERT_EQUAL(rename(away, here), 0);
    } else {
        connections_end(&w);
    }
    house_turn(&h);
    if (h.app.db == NULL)
        house_turn(&h); /* the loss may be noticed by the first statement only */
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    if (w.cfg->database_driver != DRIVER_SQLITE)
        connections_end(&w); /* a lease that cannot be given back is no fault */
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

/* Who may not delete events keeps house all the same. */
static void test_events_refused(void)
{
    struct world w;
    struct house h;

    setup(&w);
    bool file = w.cfg->database_driver == DRIVER_SQLITE;
    OK(db_script(w.db,
                 file ? "CREATE TRIGGER refused BEFORE DELETE ON latchkey_audit BEGIN SELECT RAISE(ABORT, 'no'); END"
                      : "CREATE TRIGGER refused BEFORE DELETE ON latchkey_audit FOR EACH ROW SIGNAL SQLSTATE '45000'"));
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    for (enum sweep which = 0; which < SWEEPS; which++)
        swept_fill(&w, which, "old", 7, T0 - 400 * CLOCK_DAY);
    rows_add(&w, "old", 7, T0);
    house_open(&w, "a", "", &h);
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    for (enum sweep which = 0; which < SWEEPS; which++)
        CU_ASSERT_EQUAL(rows_in(&w, swept_tables[which]), which == SWEEP_OF_AUDITS ? 7 : 0);
    CU_ASSERT(logged(" error ") > 0);
    CU_ASSERT(jobs_due(h.jobs) > 0 && jobs_due(h.jobs) <= 33 * CLOCK_SECOND);
    OK(db_script(w.db, "DROP TRIGGER refused"));
    house_turn(&h);
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_audit"), 0);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static void test_no_state_directory(void)
{
    struct cfg cfg = {.pool_state = "/nonexistent/dir", .jobs_every = EVERY};
    struct jobs *j = NULL;

    log_empty();
    CU_ASSERT_EQUAL(jobs_open(&cfg, &j), ERR_IO);
    CU_ASSERT_PTR_NULL(j);
    CU_ASSERT_EQUAL(logged("/nonexistent/dir/jobs.lock: "), 1);
}

/* Told once an hour, whichever way they differ. */
static void test_clocks_apart(void)
{
    struct world w;
    struct house h;

    setup(&w);
    house_open(&w, "a", "", &h);
    now = (int64_t)time(NULL) * 1000 + CLOCK_HOUR;
    house_turn(&h);
    house_turn(&h);
    CU_ASSERT_EQUAL(logged("s ahead of the store's"), 1);
    steady_ahead += CLOCK_HOUR;
    now -= 2 * CLOCK_HOUR;
    house_turn(&h);
    house_turn(&h);
    CU_ASSERT_EQUAL(logged("s behind the store's"), 1);
    CU_ASSERT_EQUAL(logged("s ahead of the store's"), 1);
    steady_ahead += CLOCK_HOUR;
    now = (int64_t)time(NULL) * 1000;
    house_turn(&h);
    CU_ASSERT_EQUAL(logged("the store's"), 2);
    house_close(&h);
    host_drop(&w, "a");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"store away", test_store_away},
    {"store comes back", test_store_comes_back},
    {"events that may not be deleted", test_events_refused},
    {"no state directory", test_no_state_directory},
    {"clocks apart", test_clocks_apart},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof name, "housekeeping, faults on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return houses_main(run);
}
