/* Connections as db_conn.c handles them, with a driver and a clock of the test's own in place of MySQL's: health, limits
 * of time, what is connected anew and what is run again. */
#include "suite.h"
#include "db/driver.h"

#include <string.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

static int64_t now;
int64_t clock_steady(void)
{
    return now;
}

/* What the driver is to answer, and what it was asked. */
static struct {
    enum err open, run[8], begin[2], commit;
    size_t opened, closed, ran, began, committed, rolled_back, finished;
    bool late, in_tx, moved;
} my;

static enum err fake_open(struct db *db, const struct cfg *cfg, bool create)
{
    (void)cfg;
    (void)create;
    my.opened++;
    db->version = "fake 1";
    my.in_tx = false;
    return my.open;
}

static bool fake_moved(struct db *db)
{
    (void)db;
    return my.moved;
}

static void fake_patience(struct db *db, int64_t ms)
{
    (void)db;
    (void)ms;
}

static void fake_close(struct db *db)
{
    (void)db;
    my.closed++;
}

static enum err fake_prepare(struct db *db, const char *sql, const struct stmt_row *row, void **stmt)
{
    static int handle;

    (void)db;
    (void)sql;
    (void)row;
    *stmt = &handle;
    return ERR_OK;
}

static void fake_finish(struct db *db, void *stmt)
{
    (void)db;
    (void)stmt;
    my.finished++;
}

static enum err answer(struct db *db, enum err e)
{
    if (e == ERR_DB_LOST || e == ERR_DB_DOWN)
        db_break(db, e, my.late);
    if (e != ERR_OK)
        my.in_tx = false;
    return e;
}

static enum err fake_run(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                         struct db_result *res, int64_t *changed)
{
    (void)stmt;
    (void)v;
    if (res)
        memset(db_result_row(res), 0, strlen(row->results) * sizeof(struct db_val));
    if (changed)
        *changed = 1;
    return answer(db, my.run[my.ran++ % 8]);
}

static enum err fake_begin(struct db *db)
{
    enum err e = my.begin[my.began++ % 2];

    my.in_tx = e == ERR_OK;
    return answer(db, e);
}

static enum err fake_commit(struct db *db)
{
    my.committed++;
    return answer(db, my.commit);
}

static void fake_rollback(struct db *db)
{
    (void)db;
    my.rolled_back++;
}

static bool fake_in_tx(struct db *db)
{
    (void)db;
    return my.in_tx;
}

const struct db_driver db_mysql = {
    .name = "fake",
    .remote = true,
    .open = fake_open,
    .moved = fake_moved,
    .patience = fake_patience,
    .close = fake_close,
    .prepare = fake_prepare,
    .finish = fake_finish,
    .run = fake_run,
    .begin = fake_begin,
    .commit = fake_commit,
    .rollback = fake_rollback,
    .in_tx = fake_in_tx,
};

static const char *hosts[] = {"a", "b"};
static const struct cfg cfg = {.database_driver = DRIVER_MYSQL,
                               .database_prefix = "",
                               .database_timeout = 3000,
                               .database_hosts = {.n = 2, .v = hosts}};
static struct arena *a;
static struct health health;
static struct db *db;

static void fresh(void)
{
    db_close(&db);
    arena_reset(a);
    memset(&my, 0, sizeof(my));
    memset(&health, 0, sizeof(health));
    now = 1000000;
    OK(db_open(&cfg, &health, &db));
    CU_ASSERT_EQUAL(my.opened, 1);
}

static enum err read_it(void)
{
    struct db_rows rows = {.n = 0};
    enum err e = db_query(db, ST_USER_COUNT, a, &rows, DB_NONE);

    CU_ASSERT_EQUAL(rows.n, e == ERR_OK ? 1 : 0);
    return e;
}

static enum err write_it(void)
{
    return db_exec(db, ST_LOCK_ALL, NULL, DB_NONE);
}

static enum err open_it(void)
{
    struct db *other = NULL;
    enum err e = db_open(&cfg, &health, &other);

    CU_ASSERT_EQUAL(other != NULL, e == ERR_OK);
    db_close(&other);
    return e;
}

static void test_away(void)
{
    fresh();
    my.open = ERR_DB_DOWN;
    CU_ASSERT_EQUAL(open_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 2);
    CU_ASSERT_EQUAL(health.down_until, now + 1000);
    now += 999;
    CU_ASSERT_EQUAL(open_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 2); /* left alone */
    now += 1;
    CU_ASSERT_EQUAL(open_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 3);
    CU_ASSERT_EQUAL(health.down_until, now + 1000);
    now += 1000;
    my.open = ERR_OK;
    OK(open_it());
    CU_ASSERT_EQUAL(health.down_until, 0);
    OK(open_it());
}

/* While one tries the others are refused, and after its death another one tries. */
static enum err seen_by_others;
static enum err open_while_trying(struct db *d, const struct cfg *c, bool create)
{
    struct db *other = NULL;

    (void)d;
    (void)c;
    (void)create;
    seen_by_others = db_open(&cfg, &health, &other);
    now += 2500;
    return ERR_OK;
}

static void test_one_tries(void)
{
    fresh();
    health.down_until = now - 1;
    struct db_driver trying = db_mysql;
    trying.open = open_while_trying;
    struct db *d = db;
    d->driver = &trying;
    d->broken = ERR_DB_LOST;
    seen_by_others = ERR_OK;
    OK(db_usable(d)); /* connects anew */
    CU_ASSERT_EQUAL(seen_by_others, ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 1);
    CU_ASSERT_EQUAL(health.down_until, 0);
    d->driver = &db_mysql;
    health.down_until = now - 1; /* one took it upon itself, and died */
    my.open = ERR_DB_DOWN;
    CU_ASSERT_EQUAL(open_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 2);
}

static void test_no_answer(void)
{
    fresh();
    my.run[0] = ERR_DB_DOWN;
    my.late = true;
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(health.down_until, now);
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(write_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.ran, 1);
    CU_ASSERT(db_moved(db));
    CU_ASSERT_EQUAL(my.opened, 1);
    fresh();
    my.run[0] = ERR_DB_DOWN; /* e.g. read-only: at once another one is looked for */
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(health.down_until, 0);
}

static void test_read_again(void)
{
    fresh();
    my.run[0] = ERR_DB_LOST;
    OK(read_it());
    CU_ASSERT(my.ran == 2 && my.opened == 2 && my.closed == 1 && my.finished == 1);
    CU_ASSERT_EQUAL(health.down_until, 0);
    fresh();
    my.run[0] = my.run[1] = ERR_DB_LOST;
    CU_ASSERT_EQUAL(read_it(), ERR_DB_LOST);
    CU_ASSERT_EQUAL(my.ran, 2);
    fresh();
    my.run[0] = ERR_DB_LOST;
    my.open = ERR_DB_DOWN;
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT(my.ran == 1 && my.opened == 2);
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(my.opened, 2); /* and not for each */
}

static void test_write_never_again(void)
{
    fresh();
    my.run[0] = ERR_DB_LOST;
    CU_ASSERT_EQUAL(write_it(), ERR_DB_LOST);
    CU_ASSERT(my.ran == 1 && my.opened == 1);
    OK(write_it()); /* another one: on a new connection */
    CU_ASSERT(my.ran == 2 && my.opened == 2);
}

static void test_conflict(void)
{
    fresh();
    my.run[0] = my.run[1] = ERR_DB_CONFLICT;
    OK(write_it());
    CU_ASSERT_EQUAL(my.ran, 3);
    fresh();
    for (size_t i = 0; i < 8; i++)
        my.run[i] = ERR_DB_CONFLICT;
    CU_ASSERT_EQUAL(write_it(), ERR_DB_CONFLICT);
    CU_ASSERT(my.ran > 1 && my.ran < 8);
}

static void test_inside(void)
{
    static const enum err ends[] = {ERR_DB_LOST, ERR_DB_DOWN};

    for (size_t i = 0; i < 2; i++) {
        struct db *tx = NULL;
        fresh();
        OK(db_begin(db, &tx));
        my.run[0] = ends[i];
        CU_ASSERT_EQUAL(read_it(), ends[i]);
        CU_ASSERT_EQUAL(read_it(), ends[i]);
        CU_ASSERT_EQUAL(write_it(), ends[i]);
        CU_ASSERT_EQUAL(db_commit(&tx), ends[i]);
        CU_ASSERT(my.ran == 1 && my.opened == 1 && my.committed == 0);
    }
    struct db *tx = NULL;
    fresh();
    OK(db_begin(db, &tx));
    my.run[0] = ERR_DB_CONFLICT;
    CU_ASSERT_EQUAL(write_it(), ERR_DB_CONFLICT); /* the whole transaction is to be run again, not one statement */
    CU_ASSERT_EQUAL(my.ran, 1);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB);
}

static void test_begin_again(void)
{
    struct db *tx = NULL;

    fresh();
    my.begin[0] = ERR_DB_LOST;
    OK(db_begin(db, &tx));
    CU_ASSERT(my.began == 2 && my.opened == 2);
    OK(db_commit(&tx));
    fresh();
    my.begin[0] = my.begin[1] = ERR_DB_LOST;
    CU_ASSERT_EQUAL(db_begin(db, &tx), ERR_DB_LOST);
    CU_ASSERT_EQUAL(my.began, 2);
}

/* What COMMIT did is not known: it is not asked again. */
static void test_commit_lost(void)
{
    struct db *tx = NULL;

    fresh();
    OK(db_begin(db, &tx));
    OK(write_it());
    my.commit = ERR_DB_LOST;
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB_LOST);
    CU_ASSERT(my.committed == 1 && my.ran == 1 && my.opened == 1);
}

static void test_pinned(void)
{
    fresh();
    db->pinned = true;
    my.run[0] = ERR_DB_LOST;
    CU_ASSERT_EQUAL(read_it(), ERR_DB_LOST);
    CU_ASSERT_EQUAL(my.opened, 1);
}

static void test_until(void)
{
    struct db *tx = NULL;

    fresh();
    db_until(db, now + 10);
    OK(read_it());
    OK(db_begin(db, &tx));
    now += 10;
    CU_ASSERT_EQUAL(read_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(write_it(), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB_DOWN);
    CU_ASSERT(my.ran == 1 && my.committed == 0 && my.rolled_back == 1);
    CU_ASSERT_EQUAL(db_begin(db, &tx), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(health.down_until, 0); /* the request is late, not the server */
    db_until(db, now + 10);
    OK(read_it());
    db_until(db, 0);
    now += 100000;
    OK(read_it());
}

static CU_TestInfo tests[] = {
    {"away", test_away},
    {"one tries", test_one_tries},
    {"no answer", test_no_answer},
    {"a read is run again", test_read_again},
    {"a write never is", test_write_never_again},
    {"conflict", test_conflict},
    {"inside a transaction", test_inside},
    {"begin again", test_begin_again},
    {"commit lost", test_commit_lost},
    {"pinned", test_pinned},
    {"the time of a request", test_until},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (arena_open(&a, 4096) != ERR_OK)
        return 2;
    int status = suite_run("db_conn", tests, NULL, NULL);
    db_close(&db);
    arena_close(&a);
    return status;
}
