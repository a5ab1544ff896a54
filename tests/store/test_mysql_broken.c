/* The MySQL driver when the connection breaks, or others hold locks: what is done again, and what never is. Without a
 * server: how often. */
#include "mysql_case.h"
#include "base/auto.h"
#include "base/net.h"

#include <stdlib.h>
#include <sys/wait.h>

/* --- without a server -------------------------------------------------------------------------------------------- */

static void test_tries(void)
{
    int tries = 0;

    while (db_try_again(tries))
        tries++;
    CU_ASSERT(tries >= 2 && tries <= 5); /* bounded, and more than once */
}

static CU_TestInfo alone[] = {
    {"tries are bounded", test_tries},
    CU_TEST_INFO_NULL,
};

/* --- connections that end ---------------------------------------------------------------------------------------- */

static const char *connection(struct world *w)
{
    return told(w, "CONNECTION_ID()");
}

/* Returns when it has ended. */
static void kill_it(struct world *w, const char *id)
{
    const char *there = arena_printf(w->arena, "SELECT COUNT(*) FROM information_schema.processlist WHERE id = %s", id);

    world_server_sql(arena_printf(w->arena, "KILL %s", id));
    for (int i = 0; i < 1000 && world_server_number(there) > 0; i++)
        usleep(2000);
}

static int64_t meta_rows(struct world *w, const char *name)
{
    return world_server_number(
        arena_printf(w->arena, "SELECT COUNT(*) FROM %s.latchkey_meta WHERE name = '%s'", w->name, name));
}

static void test_ended_while_idle(void)
{
    struct world w;
    struct db_rows rows;

    world_open(&w);
    OK(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_NONE));
    CU_ASSERT_FALSE(db_moved(w.db));
    kill_it(&w, connection(&w));
    CU_ASSERT(db_moved(w.db));
    log_to(&w);
    OK(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_NONE)); /* asked again, on a new one */
    CU_ASSERT_EQUAL(logged(&w, "connected anew"), 1);
    CU_ASSERT_FALSE(db_moved(w.db));
    kill_it(&w, connection(&w));
    struct db *tx = NULL;
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    OK(db_commit(&tx));
    world_close(&w);
}

/* A write may have happened before its connection broke. */
static void test_write_is_not_repeated(void)
{
    struct world w;

    world_open(&w);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("first"), DB_TEXT("x")));
    kill_it(&w, connection(&w));
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")), ERR_DB_LOST);
    CU_ASSERT_EQUAL(meta_rows(&w, "a"), 0);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    world_close(&w);
}

static void test_killed_inside(void)
{
    struct world w;
    struct db_rows rows = {.n = 77};
    struct db *tx = NULL;

    world_open(&w);
    const char *id = connection(&w);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    kill_it(&w, id);
    log_to(&w);
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("b"), DB_TEXT("x")), ERR_DB_LOST);
    CU_ASSERT_EQUAL(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_NONE), ERR_DB_LOST);
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("c"), DB_TEXT("x")), ERR_DB_LOST);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB_LOST);
    CU_ASSERT_EQUAL(logged(&w, "error mysql"), 1); /* once, not for each of them */
    CU_ASSERT_EQUAL(rows.n, 77);
    CU_ASSERT_EQUAL(meta_rows(&w, "a") + meta_rows(&w, "b") + meta_rows(&w, "c"), 0);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    OK(db_commit(&tx));
    CU_ASSERT_EQUAL(meta_rows(&w, "a"), 1);
    world_close(&w);
}

/* --- others ------------------------------------------------------------------------------------------------------ */

/* Another process with a connection of its own; ends well when it has done its part. */
static pid_t other(struct world *w, void (*part)(struct world *w, struct db *db))
{
    unsigned before = CU_get_number_of_failure_records();

    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    w->db = NULL; /* the parent's */
    struct db *db = world_connect(w);
    part(w, db);
    db_close(&db);
    _exit(CU_get_number_of_failure_records() == before ? 0 : 1);
}

static void other_ended(pid_t pid)
{
    int status = 1;

    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The server renews what it says of locks only if nobody asked for a tenth of a second. */
static void number_awaited(const char *sql, int64_t least)
{
    for (int i = 0; i < 200 && world_server_number(sql) < least; i++)
        usleep(120000);
}

/* The other process has what it is to hold. */
static void flag_set(struct world *w)
{
    FILE *f = fopen(arena_printf(w->arena, "%s/held", w->dir), "we");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fclose(f);
}

static void flag_awaited(struct world *w)
{
    const char *flag = arena_printf(w->arena, "%s/held", w->dir);

    for (int i = 0; i < 5000 && unlink(flag) != 0; i++)
        usleep(2000);
}

static const char *waiting(struct world *w, const char *table)
{
    return arena_printf(w->arena,
                        "SELECT MAX(id) FROM information_schema.processlist WHERE db = '%s' AND state LIKE 'Waiting for "
                        "%%' AND info LIKE '%%%s%%'",
                        w->name, table);
}

/* Holds the table until a reader waits, kills that one, and lets go. */
static void kill_the_reader(struct world *w, struct db *db)
{
    OK(db_script(db, "LOCK TABLES user WRITE"));
    flag_set(w);
    number_awaited(waiting(w, "user"), 1);
    world_server_sql(arena_printf(w->arena, "KILL %lld", (long long)world_server_number(waiting(w, "user"))));
    OK(db_script(db, "UNLOCK TABLES"));
}

static void test_killed_while_reading(void)
{
    struct world w;
    struct db_rows rows = {.n = 0};

    world_open(&w);
    world_user(&w, 1);
    pid_t pid = other(&w, kill_the_reader);
    flag_awaited(&w);
    log_to(&w);
    OK(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_NONE));
    CU_ASSERT_EQUAL(db_row(&rows, 0)->i, 1);
    CU_ASSERT_EQUAL(logged(&w, "connected anew"), 1);
    other_ended(pid);
    world_close(&w);
}

static const char *lock_waits(struct world *w)
{
    return arena_printf(w->arena, "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN "
                                  "information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.db = '%s' "
                                  "AND t.trx_state = 'LOCK WAIT'",
                        w->name);
}

/* Locks u2 and weighs more; once the other one waits for u2, wants u1, too. */
static void opponent(struct world *w, struct db *db)
{
    struct db *tx = NULL;

    OK(db_begin(db, &tx));
    for (int i = 0; i < 50; i++)
        OK(db_exec(db, ST_META_ADD, NULL, DB_TEXT(arena_printf(w->arena, "m%d", i)), DB_TEXT("x")));
    OK(db_exec(db, ST_LOCK_BUMP, NULL, DB_TEXT("u2")));
    flag_set(w);
    number_awaited(lock_waits(w), 1);
    OK(db_exec(db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")));
    OK(db_commit(&tx));
}

static void two_users(struct world *w)
{
    world_open(w);
    world_user(w, 1);
    world_user(w, 2);
}

static void test_deadlock_inside(void)
{
    struct world w;
    struct db *tx = NULL;

    two_users(&w);
    pid_t pid = other(&w, opponent);
    flag_awaited(&w);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")));
    CU_ASSERT_EQUAL(db_exec(w.db, ST_LOCK_BUMP, NULL, DB_TEXT("u2")), ERR_DB_CONFLICT);
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("after"), DB_TEXT("x")), ERR_DB);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB);
    CU_ASSERT_EQUAL(meta_rows(&w, "after"), 0);
    other_ended(pid);
    CU_ASSERT_EQUAL(meta_rows(&w, "m49"), 1);
    SAME(told(&w, "(SELECT GROUP_CONCAT(turn ORDER BY userId) FROM latchkey_user)"), "2,2"); /* ours is undone */
    world_close(&w);
}

/* One statement that is a transaction by itself is run again. */
static void test_deadlock_outside(void)
{
    struct world w;
    int64_t n = -1;

    two_users(&w);
    pid_t pid = other(&w, opponent);
    flag_awaited(&w);
    log_to(&w);
    OK(db_exec(w.db, ST_LOCK_ALL, &n, DB_NONE));
    CU_ASSERT(logged(&w, "deadlock") >= 1);
    CU_ASSERT_EQUAL(n, 2);
    other_ended(pid);
    SAME(told(&w, "(SELECT GROUP_CONCAT(turn ORDER BY userId) FROM latchkey_user)"), "3,3");
    world_close(&w);
}

static void holder(struct world *w, struct db *db)
{
    struct db *tx = NULL;

    OK(db_begin(db, &tx));
    OK(db_exec(db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")));
    flag_set(w);
    number_awaited(arena_printf(w->arena, "SELECT COUNT(*) FROM %s.latchkey_meta WHERE name = 'done'", w->name), 1);
    OK(db_commit(&tx));
}

static void test_busy(void)
{
    struct world w;
    struct db *tx = NULL;

    world_open(&w);
    world_user(&w, 1);
    w.cfg->database_busy_timeout = 1000;
    db_close(&w.db);
    w.db = world_connect(&w);
    pid_t pid = other(&w, holder);
    flag_awaited(&w);
    CU_ASSERT_EQUAL(db_exec(w.db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")), ERR_DB_BUSY);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    CU_ASSERT_EQUAL(db_exec(w.db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")), ERR_DB_BUSY);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB); /* whole transactions or nothing */
    CU_ASSERT_EQUAL(meta_rows(&w, "a"), 0);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("done"), DB_TEXT("x")));
    other_ended(pid);
    OK(db_exec(w.db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")));
    world_close(&w);
}

/* With a time-out that is shorter than the patience: a lock is no server that is away. */
static void test_busy_is_not_away(void)
{
    struct health health = {.down_until = 0};
    struct world w;
    struct db *db = NULL;

    world_open(&w);
    world_user(&w, 1);
    w.cfg->database_timeout = 2000;
    w.cfg->database_busy_timeout = 5000;
    OK(db_open(w.cfg, &health, &db));
    pid_t pid = other(&w, holder);
    flag_awaited(&w);
    CU_ASSERT_EQUAL(db_exec(db, ST_LOCK_BUMP, NULL, DB_TEXT("u1")), ERR_DB_BUSY);
    CU_ASSERT_EQUAL(health.down_until, 0);
    OK(db_exec(db, ST_META_ADD, NULL, DB_TEXT("done"), DB_TEXT("x")));
    other_ended(pid);
    db_close(&db);
    world_close(&w);
}

static void test_hurry(void)
{
    struct world w;

    world_open(&w);
    SAME(told(&w, "@@innodb_lock_wait_timeout"), "20");
    db_hurry(w.db);
    SAME(told(&w, "@@innodb_lock_wait_timeout"), "1");
    db_hurry_end(w.db);
    SAME(told(&w, "@@innodb_lock_wait_timeout"), "20");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"ended while idle", test_ended_while_idle},
    {"a write is not repeated", test_write_is_not_repeated},
    {"killed inside a transaction", test_killed_inside},
    {"killed while reading", test_killed_while_reading},
    {"deadlock inside a transaction", test_deadlock_inside},
    {"deadlock outside", test_deadlock_outside},
    {"busy", test_busy},
    {"busy is not away", test_busy_is_not_away},
    {"hurry", test_hurry},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    int bad = suite_run("mysql broken, without a server", alone, NULL, NULL);

    if (world_asked("mysql")) {
        world_use("mysql");
        bad += suite_run("mysql broken", tests, NULL, NULL);
    }
    return bad == 0 ? 0 : 1;
}
