/* The MySQL driver and its hosts: none there, the first one gone, wrong accounts, and one that does not answer in
 * time. Must not change what all connections of the server share (read_only): other tests use it at the same time; that is
 * for tests/mysql-link, which has servers of its own. */
#include "mysql_case.h"
#include "base/clock.h"

#include <stdlib.h>

/* --- without a server -------------------------------------------------------------------------------------------- */

static struct cfg *dead_config(const char *further)
{
    static const char text[] = "[auth]\nbase_url = http://localhost\n[database]\ndriver = mysql\n"
                               "hosts = /nonexistent/a.sock 127.0.0.1:1\ntimeout = 1s\n";
    struct cfg *cfg = NULL;
    char all[512];
    int len = snprintf(all, sizeof(all), "%s%s", text, further);

    OK(config_parse("dead", all, (size_t)len, false, NULL, NULL, &cfg));
    return cfg;
}

static void test_nobody_there(void)
{
    struct health health = {.down_until = 0};
    struct cfg *cfg = dead_config("password = hidden-word\n");
    struct world w = {.dir = "/tmp"};
    struct db *db = NULL;

    OK(arena_open(&w.arena, 4096));
    snprintf(w.dir, sizeof(w.dir), "/tmp/latchkey-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w.dir));
    log_to(&w);
    CU_ASSERT_EQUAL(db_open(cfg, NULL, &db), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(logged(&w, "cannot connect"), 2); /* a line for each */
    CU_ASSERT_PTR_NULL(db);
    log_to(&w);
    int64_t began = clock_steady();
    CU_ASSERT_EQUAL(db_open(cfg, &health, &db), ERR_DB_DOWN);
    CU_ASSERT(health.down_until >= began + 1000 && health.down_until <= clock_steady() + 1000);
    health.down_until += 600000; /* however slow this machine is */
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(db_open_existing(cfg, &health, &db), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(logged(&w, "cannot connect"), 2); /* the others were not tried */
    rmdir(w.dir);
    arena_close(&w.arena);
    config_free(&cfg);
}

static CU_TestInfo alone[] = {
    {"nobody there", test_nobody_there},
    CU_TEST_INFO_NULL,
};

/* --- with one ---------------------------------------------------------------------------------------------------- */

/* One statement is not answered in time: it is not taken for a connection that broke, and the next one to connect finds out
 * whether it is the server. */
static void test_no_answer(void)
{
    struct health health = {.down_until = 0};
    struct world w;
    struct db_rows rows;
    struct db *db = NULL, *other = NULL;

    world_open(&w);
    w.cfg->database_timeout = 3000;
    OK(db_open(w.cfg, &health, &db));
    OK(db_query(db, ST_USER_COUNT, w.arena, &rows, DB_NONE));
    OK(db_script(w.db, "LOCK TABLES user WRITE"));
    int64_t began = clock_steady();
    CU_ASSERT_EQUAL(db_query(db, ST_USER_COUNT, w.arena, &rows, DB_NONE), ERR_DB_DOWN);
    CU_ASSERT(clock_steady() - began < 10000);
    CU_ASSERT(health.down_until > 0 && health.down_until <= clock_steady());
    CU_ASSERT_EQUAL(db_query(db, ST_META_GET, w.arena, &rows, DB_TEXT("a")), ERR_DB_DOWN);
    CU_ASSERT(db_moved(db));
    OK(db_open(w.cfg, &health, &other)); /* it is there: only the table was locked */
    CU_ASSERT_EQUAL(health.down_until, 0);
    OK(db_script(w.db, "UNLOCK TABLES"));
    db_close(&other);
    db_close(&db);
    world_close(&w);
}

static void test_second_host(void)
{
    struct health health = {.down_until = 0};
    struct world w;
    struct db *db = NULL;

    world_open(&w);
    struct cfg *cfg = world_config(
        &w, arena_printf(w.arena, "hosts = /nonexistent/a.sock %s\n", world_server()));
    log_to(&w);
    OK(db_open(cfg, &health, &db));
    CU_ASSERT_EQUAL(logged(&w, "/nonexistent/a.sock: cannot connect"), 1);
    CU_ASSERT_EQUAL(health.host, 1);
    db_close(&db);
    log_to(&w);
    OK(db_open(cfg, &health, &db)); /* and now with that one first */
    log_info("mysql: all there is");
    CU_ASSERT_EQUAL(logged(&w, "mysql: "), 1);
    db_close(&db);
    config_free(&cfg);
    world_close(&w);
}

static void test_accounts(void)
{
    struct world w;
    struct db *db = NULL;

    world_open(&w);
    struct cfg *cfg = world_config(&w, "user = nobody_here\npassword = hidden-word\n");
    log_to(&w);
    CU_ASSERT_EQUAL(db_open(cfg, NULL, &db), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(logged(&w, "Access denied"), 1);
    config_free(&cfg);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"no answer", test_no_answer},
    {"the second host", test_second_host},
    {"an account that is none", test_accounts},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    int bad = suite_run("mysql hosts, without a server", alone, NULL, NULL);

    if (world_asked("mysql")) {
        world_use("mysql");
        bad += suite_run("mysql hosts", tests, NULL, NULL);
    }
    return bad == 0 ? 0 : 1;
}
