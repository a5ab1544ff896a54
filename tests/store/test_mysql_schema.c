/* Migrations where a change of the schema is no part of a transaction: killed after each statement and resumed, many at
 * once, accounts that may not. Without a server: the order of the first migration. */
#include "mysql_case.h"
#include "db/driver.h"
#include "db/migrate.h"

#include <stdlib.h>
#include <sys/wait.h>

static void test_meta_is_first(void)
{
    const char *create = strstr(migrations[0].text, "CREATE TABLE");

    CU_ASSERT_EQUAL(strncmp(create, "CREATE TABLE @latchkey_meta", 27), 0);
    CU_ASSERT_FALSE(db_mysql.ddl_in_tx);
    CU_ASSERT(db_sqlite.ddl_in_tx);
}

static CU_TestInfo alone[] = {
    {"the first table", test_meta_is_first},
    CU_TEST_INFO_NULL,
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

static int64_t count(struct world *w, const char *of)
{
    return world_server_number(
        arena_printf(w->arena, "SELECT COUNT(*) FROM information_schema.%s WHERE table_schema = '%s'", of, w->name));
}

static int version_of(struct world *w)
{
    int version = -1;

    OK(migrate_version(w->db, w->arena, &version));
    return version;
}

static void complete(struct world *w, int64_t tables, int64_t columns, int64_t indexes)
{
    CU_ASSERT_EQUAL(version_of(w), migrate_newest());
    CU_ASSERT_EQUAL(count(w, "tables"), tables);
    CU_ASSERT_EQUAL(count(w, "columns"), columns);
    CU_ASSERT_EQUAL(count(w, "statistics"), indexes);
    world_user(w, 1);
}

/* --- killed ------------------------------------------------------------------------------------------------------ */

/* Stands before the driver's own: the program dies at the nth statement, before it or after it was run. */
static int until_death;
static bool runs_it;
static enum err script_dying(struct db *db, const char *sql)
{
    if (until_death-- > 0)
        return db_mysql.script(db, sql);
    enum err e = runs_it ? db_mysql.script(db, sql) : ERR_OK;
    CU_ASSERT(e == ERR_OK || e == ERR_DB_DUPLICATE); /* done before an earlier death */
    db_break(db, ERR_DB_LOST, false);
    return ERR_DB_LOST;
}

/* False: there are not so many statements. */
static bool die_at(struct world *w, int n, bool run, enum err (*how)(struct db *db, struct arena *a))
{
    struct db_driver dying = db_mysql;

    dying.script = script_dying;
    until_death = n;
    runs_it = run;
    w->db->driver = &dying;
    enum err e = how(w->db, w->arena);
    w->db->driver = &db_mysql;
    db_close(&w->db);
    w->db = world_connect(w);
    CU_ASSERT(e == ERR_OK || e == ERR_DB_LOST);
    return e != ERR_OK;
}

static void killed_and_resumed(bool run)
{
    struct world w;
    int n = 0;
    bool died = true;

    world_open(&w);
    int64_t tables = count(&w, "tables"), columns = count(&w, "columns"), indexes = count(&w, "statistics");
    world_close(&w);
    for (; died && n < 100; n++) {
        world_empty(&w);
        died = die_at(&w, n, run, migrate_ready);
        if (died)
            CU_ASSERT_EQUAL(version_of(&w), 0);
        CU_ASSERT_EQUAL(migrate_current(w.db, w.arena), died ? ERR_DB_DOWN : ERR_OK);
        OK(migrate_ready(w.db, w.arena));
        complete(&w, tables, columns, indexes);
        world_close(&w);
    }
    CU_ASSERT(n > 10);
}

static void test_killed_before(void)
{
    killed_and_resumed(false);
}

static void test_killed_after(void)
{
    killed_and_resumed(true);
}

/* Again and again at the next statement, as with a supervisor that starts it anew. */
static void test_killed_each_time(void)
{
    struct world w;

    world_empty(&w);
    for (int i = 0; i < 20; i++)
        (void)die_at(&w, i % 2, true, migrate_ready);
    OK(migrate_ready(w.db, w.arena));
    complete(&w, count(&w, "tables"), count(&w, "columns"), count(&w, "statistics"));
    CU_ASSERT_EQUAL(count(&w, "tables"), 13);
    world_close(&w);
}

/* --- databases of older programs -------------------------------------------------------------------------------- */

static enum err up(struct db *db, struct arena *a)
{
    int from, to;

    return migrate_up(db, a, &from, &to);
}

static void whole(struct world *w, int64_t tables, int64_t columns, int64_t indexes)
{
    struct groups g = {.n = 0};

    complete(w, tables, columns, indexes);
    OK(groups_add(w->db, "u1", "staff"));
    CU_ASSERT_EQUAL(groups_add(w->db, "u1", "staff"), ERR_DB_DUPLICATE);
    OK(groups_of(w->db, w->arena, "u1", &g));
    CU_ASSERT_EQUAL(g.n, 1);
}

/* Killed at each statement of the first migration that it lacks, before it or after it, and resumed. */
static void older_killed(int schema, bool run, int64_t tables, int64_t columns, int64_t indexes)
{
    struct world w;
    bool died = true;
    int n = 0;

    for (; died; n++) {
        world_older(&w, schema);
        CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
        died = die_at(&w, n, run, up) && version_of(&w) == schema;
        OK(up(w.db, w.arena));
        whole(&w, tables, columns, indexes);
        world_close(&w);
    }
    CU_ASSERT(n > 1);
}

static void test_each_older(void)
{
    struct world w;

    world_open(&w);
    int64_t tables = count(&w, "tables"), columns = count(&w, "columns"), indexes = count(&w, "statistics");
    world_close(&w);
    CU_ASSERT(migrate_newest() >= 6);
    for (int schema = 1; schema < migrate_newest(); schema++)
        for (int run = 0; run < 2; run++)
            older_killed(schema, run, tables, columns, indexes);
}

/* --- others ------------------------------------------------------------------------------------------------------ */

static void test_many_at_once(void)
{
    struct world w;
    int status, good = 0;

    world_empty(&w);
    db_close(&w.db);
    fflush(NULL);
    for (int i = 0; i < 6; i++) {
        if (fork() == 0) {
            struct db *db = NULL;
            if (db_open(w.cfg, NULL, &db) != ERR_OK || migrate_ready(db, w.arena) != ERR_OK)
                _exit(1);
            db_close(&db);
            _exit(0);
        }
    }
    for (int i = 0; i < 6; i++)
        good += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    CU_ASSERT_EQUAL(good, 6);
    w.db = world_connect(&w);
    CU_ASSERT_EQUAL(version_of(&w), migrate_newest());
    world_user(&w, 1);
    world_close(&w);
}

static void test_strangers(void)
{
    struct world w;

    world_empty(&w);
    OK(db_script(w.db, "CREATE TABLE user (x INT)"));
    log_to(&w);
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    CU_ASSERT_EQUAL(logged(&w, "this is not a latchkey database"), 1);
    CU_ASSERT_EQUAL(count(&w, "tables"), 1);
    OK(db_script(w.db, "CREATE TABLE latchkey_meta (name VARCHAR(64) PRIMARY KEY, value MEDIUMTEXT)"));
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA); /* nor with a table that says nothing */
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    CU_ASSERT_EQUAL(count(&w, "tables"), 2);
    world_close(&w);
}

/* S92: one account makes the tables, and another one, which may not, works with them. */
static void test_two_accounts(void)
{
    struct world w;

    world_empty(&w);
    world_server_sql("CREATE OR REPLACE USER latchkey_humble@localhost IDENTIFIED BY 'w'");
    world_server_sql(
        arena_printf(w.arena, "GRANT SELECT, INSERT, UPDATE, DELETE ON %s.* TO latchkey_humble@localhost", w.name));
    struct cfg *cfg = world_config(&w, "user = latchkey_humble\npassword = w\n");
    struct db *db = NULL;
    OK(db_open(cfg, NULL, &db));
    log_to(&w);
    CU_ASSERT_EQUAL(migrate_ready(db, w.arena), ERR_SCHEMA);
    CU_ASSERT_EQUAL(logged(&w, "run latchkeyctl migrate with one that may"), 1);
    OK(migrate_ready(w.db, w.arena)); /* the other account */
    OK(migrate_ready(db, w.arena));
    db_close(&w.db);
    w.db = db;
    world_user(&w, 1);
    CU_ASSERT_EQUAL(db_script(w.db, "DROP TABLE latchkey_user"), ERR_SCHEMA);
    config_free(&cfg);
    w.db->cfg = w.cfg;
    world_server_sql("DROP USER latchkey_humble@localhost");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"killed before a statement", test_killed_before},
    {"killed after a statement", test_killed_after},
    {"killed each time", test_killed_each_time},
    {"each older schema, killed and resumed", test_each_older},
    {"many at once", test_many_at_once},
    {"strangers", test_strangers},
    {"two accounts", test_two_accounts},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    int bad = suite_run("mysql schema, without a server", alone, NULL, NULL);

    if (world_asked("mysql")) {
        world_use("mysql");
        bad += suite_run("mysql schema", tests, NULL, NULL);
    }
    return bad == 0 ? 0 : 1;
}
