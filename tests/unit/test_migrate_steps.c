/* Schema changes over several migrations: this program brings its own list instead of schema/, since what must hold for
 * an older database has to hold before the second real migration is written. */
#include "suite.h"
#include "../store/world.h"
#include "base/log.h"
#include "db/driver.h"
#include "db/migrate.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

const struct migration migrations[] = {
    {1, "init",
     "-- a comment;\nCREATE TABLE @latchkey_meta (name {key} NOT NULL PRIMARY KEY,\n  value {text} NOT NULL) "
     "{table};\n"},
    {2, "more",
     "CREATE TABLE @more (x {int}) {table};  \n\nINSERT INTO @more (x) VALUES (1);\nINSERT INTO @more (x) VALUES (2)"},
    {3, "last", "CREATE TABLE @last (y {text}) {table};\nINSERT INTO @last (y) VALUES ('a;b {int} @c');\n"},
    {0, NULL, NULL},
};

static void at_first(struct world *w)
{
    world_empty(w);
    OK(db_script(w->db, "CREATE TABLE latchkey_meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT"));
    OK(db_script(w->db, "INSERT INTO latchkey_meta VALUES ('schema', '1')"));
}

static bool there(struct world *w, const char *name)
{
    bool yes = false;

    OK(db_has_table(w->db, name, &yes));
    return yes;
}

static void test_empty(void)
{
    struct world w;
    int version = -1;

    world_empty(&w);
    OK(migrate_ready(w.db, w.arena));
    OK(migrate_version(w.db, w.arena, &version));
    CU_ASSERT_EQUAL(version, 3);
    CU_ASSERT(there(&w, "more") && there(&w, "last"));
    OK(db_script(w.db, "INSERT INTO latchkey_meta SELECT 'two rows', 'x' FROM more GROUP BY 1 HAVING COUNT(*) = 2"));
    OK(db_script(w.db, "INSERT INTO latchkey_meta SELECT 'text', y FROM last WHERE y = 'a;b {int} @c'"));
    struct db_rows rows;
    OK(db_query(w.db, ST_META_GET, w.arena, &rows, DB_TEXT("two rows")));
    CU_ASSERT_EQUAL(rows.n, 1);
    OK(db_query(w.db, ST_META_GET, w.arena, &rows, DB_TEXT("text")));
    CU_ASSERT_EQUAL(rows.n, 1);
    world_close(&w);
}

static void test_older_refuses(void)
{
    struct world w;
    char said[2000] = "";

    at_first(&w);
    const char *path = arena_printf(w.arena, "%s/log", w.dir);
    OK(log_open(path, LVL_INFO));
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    OK(log_open(NULL, LVL_INFO));
    FILE *f = fopen(path, "re");
    if (f) {
        said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
        fclose(f);
    }
    unlink(path);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "the database has schema 1, this program needs 3: run latchkeyctl migrate"));
    CU_ASSERT_FALSE(there(&w, "more"));
    world_close(&w);
}

static void test_up(void)
{
    struct world w;
    int from = -1, to = -1;

    at_first(&w);
    OK(migrate_up(w.db, w.arena, &from, &to));
    CU_ASSERT(from == 1 && to == 3);
    CU_ASSERT(there(&w, "more") && there(&w, "last"));
    OK(migrate_ready(w.db, w.arena));
    world_close(&w);
}

/* The third fails: the second is undone with it, and the database stays what it was. */
static void test_up_fails(void)
{
    struct world w;
    int from = -1, to = -1, version = -1;

    at_first(&w);
    OK(db_script(w.db, "CREATE TABLE last (x TEXT)"));
    CU_ASSERT_EQUAL(migrate_up(w.db, w.arena, &from, &to), ERR_DB);
    CU_ASSERT_EQUAL(from, -1);
    OK(migrate_version(w.db, w.arena, &version));
    CU_ASSERT_EQUAL(version, 1);
    CU_ASSERT_FALSE(there(&w, "more"));
    OK(db_script(w.db, "DROP TABLE last"));
    OK(migrate_up(w.db, w.arena, &from, &to));
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"empty database", test_empty},
    {"older schema refuses", test_older_refuses},
    {"up", test_up},
    {"up fails", test_up_fails},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("migrate_steps", tests)
