/* The database seam: every statement row against the schema, signatures, values, errors, transactions, prefix. */
#include "suite.h"
#include "../store/world.h"
#include "base/auto.h"
#include "db/driver.h"
#include "db/migrate.h"

#include <stdio.h>
#include <string.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

/* --- statements -------------------------------------------------------------------------------------------------- */

static size_t dummies(const char *params, struct db_val *v)
{
    size_t n = strlen(params);

    for (size_t i = 0; i < n; i++) {
        v[i] = (struct db_val){.kind = params[i], .i = 0};
        if (params[i] == 's')
            v[i].s = "x";
    }
    return n;
}

static void walk(struct world *w)
{
    struct db_val v[32];
    struct db_rows rows;

    for (int i = 0; i < ST_COUNT; i++) {
        const struct stmt_row *row = db_stmt((enum stmt)i);
        CU_ASSERT(strspn(row->params, "sibt") == strlen(row->params) &&
                  strspn(row->results, "sibt") == strlen(row->results));
        CU_ASSERT_PTR_NULL(strstr(row->sql, "RETURNING"));
        CU_ASSERT_PTR_NULL(strstr(row->sql, "NOW("));
        CU_ASSERT_PTR_NULL(strstr(row->sql, "ON CONFLICT"));
        size_t n = dummies(row->params, v);
        enum err e = *row->results ? db_query_n(w->db, (enum stmt)i, w->arena, &rows, v, n)
                                   : db_exec_n(w->db, (enum stmt)i, NULL, v, n);
        bool refused = e == ERR_DB && (i == ST_ACCOUNT_ADD || i == ST_LOAD_SESSIONS); /* foreign key */
        if (e != ERR_OK && !refused)
            printf("statement %s: %s\n", row->name, err_row(e)->name);
        CU_ASSERT(e == ERR_OK || refused);
    }
}

static void test_every_statement(void)
{
    struct world w;

    world_open(&w);
    walk(&w);
    world_close(&w);
}

static void test_every_statement_prefixed(void)
{
    struct world w;
    bool yes = false;

    world_empty(&w);
    db_close(&w.db);
    config_free(&w.cfg);
    w.cfg = world_config(&w, "prefix = app1_\n");
    w.db = world_connect(&w);
    OK(migrate_ready(w.db, w.arena));
    walk(&w);
    OK(db_has_table(w.db, "app1_session", &yes));
    CU_ASSERT(yes);
    OK(db_has_table(w.db, "session", &yes));
    CU_ASSERT_FALSE(yes);
    CU_ASSERT_STRING_EQUAL(db_prefix(w.db), "app1_");
    world_close(&w);
}

static void test_signatures(void)
{
    struct world w;
    struct db_rows rows = {.n = 77};
    int64_t changed = 77;

    world_open(&w);
    CU_ASSERT_EQUAL(db_query(w.db, ST_META_GET, w.arena, &rows, DB_NONE), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_query(w.db, ST_META_GET, w.arena, &rows, DB_INT(1)), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_query(w.db, ST_META_GET, w.arena, &rows, DB_TEXT("a"), DB_TEXT("b")), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_TEXT("a")), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_query(w.db, ST_META_ADD, w.arena, &rows, DB_TEXT("a"), DB_TEXT("b")), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_GET, &changed, DB_TEXT("a")), ERR_INTERNAL);
    CU_ASSERT_EQUAL(db_query(w.db, ST_SESSION_COUNT, w.arena, &rows, DB_INT(5)),
                    ERR_INTERNAL); /* a time is no integer */
    struct db_val no_number = {.kind = 'i', .null = true};
    CU_ASSERT_EQUAL(db_query(w.db, ST_USER_PAGE, w.arena, &rows, DB_TEXT(""), no_number), ERR_INTERNAL);
    CU_ASSERT_EQUAL(rows.n, 77);
    CU_ASSERT_EQUAL(changed, 77);
    OK(db_exec(w.db, ST_META_ADD, &changed, DB_TEXT("a"), DB_TEXT("b")));
    CU_ASSERT_EQUAL(changed, 1);
    OK(db_query(w.db, ST_META_GET, w.arena, &rows, DB_TEXT("a")));
    CU_ASSERT(rows.n == 1 && rows.cols == 1);
    CU_ASSERT_STRING_EQUAL(db_row(&rows, 0)->s, "b");
    world_close(&w);
}

static void test_expand(void)
{
    struct arena *a = NULL;

    OK(arena_open(&a, 1024));
    CU_ASSERT_STRING_EQUAL(db_expand(a, &db_sqlite, "p_", "SELECT x FROM @a, @b WHERE y = '@c {id} ''@d' AND @e.z"),
                           "SELECT x FROM p_a, p_b WHERE y = '@c {id} ''@d' AND p_e.z");
    CU_ASSERT_STRING_EQUAL(db_expand(a, &db_sqlite, "", "CREATE TABLE @a (x {bool}) {table}"),
                           "CREATE TABLE a (x INTEGER) STRICT");
    CU_ASSERT_PTR_NULL(db_expand(a, &db_sqlite, "", "x {nothing}"));
    CU_ASSERT_PTR_NULL(db_expand(a, &db_sqlite, "", "x {id"));
    arena_close(&a);
}

static void test_ddl_tokens(void)
{
    static const char *const words[] = {"id", "name", "email", "text", "time", "bool", "int", "hash", "key", "table"};
    struct arena *a = NULL;

    OK(arena_open(&a, 1024));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        CU_ASSERT_PTR_NOT_NULL(db_expand(a, &db_sqlite, "", arena_printf(a, "{%s}", words[i])));
    CU_ASSERT_PTR_NULL(db_expand(a, &db_sqlite, "", "{i}"));
    CU_ASSERT_PTR_NULL(db_expand(a, &db_sqlite, "", "{idx}"));
    arena_close(&a);
}

/* More rows than one growth step, and values that are not touched on the way. */
static void test_many_rows(void)
{
    struct world w;
    struct user_summary *list;
    size_t n;

    world_open(&w);
    AUTO(db_tx) struct db *tx = NULL;
    OK(db_begin(w.db, &tx));
    for (int i = 0; i < 300; i++) {
        struct user u = {.id = arena_printf(w.arena, "%03d", i), .name = "", .email = arena_printf(w.arena, "%d", i)};
        OK(users_add(w.db, &u));
    }
    OK(db_commit(&tx));
    OK(users_page(w.db, w.arena, "", 1000, &list, &n));
    CU_ASSERT_EQUAL(n, 300);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_STRING_EQUAL(list[i].user.email, arena_printf(w.arena, "%zu", i));
    world_close(&w);
}

/* What somebody else wrote into a column must be an error, not a wrong time. */
static void test_foreign_values(void)
{
    struct world w;
    struct user u = {.id = NULL};

    world_open(&w);
    world_user(&w, 1);
    OK(db_script(w.db, "UPDATE user SET createdAt = '2026-11-23 09:00:00'"));
    CU_ASSERT_EQUAL(users_by_id(w.db, w.arena, "u1", &u), ERR_DB);
    CU_ASSERT_PTR_NULL(u.id);
    OK(db_script(w.db, "UPDATE user SET createdAt = '2026-11-23T09:00:00.000Z', emailVerified = 7"));
    OK(users_by_id(w.db, w.arena, "u1", &u));
    CU_ASSERT_EQUAL(u.created_at, T0 - 123);
    CU_ASSERT(u.email_verified);
    CU_ASSERT_EQUAL(db_script(w.db, "UPDATE user SET emailVerified = 'yes'"), ERR_DB); /* STRICT */
    world_close(&w);
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

static bool meta_there(struct db *db, struct arena *a, const char *name)
{
    struct db_rows rows = {.n = 0};

    OK(db_query(db, ST_META_GET, a, &rows, DB_TEXT(name)));
    return rows.n > 0;
}

static void left_open(struct db *db)
{
    AUTO(db_tx) struct db *tx = NULL;

    OK(db_begin(db, &tx));
    OK(db_exec(db, ST_META_ADD, NULL, DB_TEXT("left"), DB_TEXT("x")));
}

static void test_tx(void)
{
    struct world w;
    struct db *tx = NULL, *again = NULL;

    world_open(&w);
    left_open(w.db);
    CU_ASSERT_FALSE(meta_there(w.db, w.arena, "left"));
    OK(db_begin(w.db, &tx));
    CU_ASSERT_EQUAL(db_begin(w.db, &again), ERR_INTERNAL);
    CU_ASSERT_PTR_NULL(again);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")), ERR_DB_DUPLICATE);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("b"), DB_TEXT("x"))); /* a duplicate ends nothing */
    OK(db_commit(&tx));
    CU_ASSERT_PTR_NULL(tx);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_INTERNAL);
    auto_db_tx(&tx);
    CU_ASSERT(meta_there(w.db, w.arena, "a") && meta_there(w.db, w.arena, "b"));
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("c"), DB_TEXT("x")));
    db_close(&w.db); /* rolls back */
    w.db = world_connect(&w);
    CU_ASSERT_FALSE(meta_there(w.db, w.arena, "c"));
    world_close(&w);
}

/* When the database ends a transaction by itself, nothing after it may take effect on its own. */
static void test_tx_ended_by_database(void)
{
    struct world w;
    struct db *tx = NULL;

    world_open(&w);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    OK(db_script(w.db, "ROLLBACK"));
    CU_ASSERT_EQUAL(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("b"), DB_TEXT("x")), ERR_DB);
    CU_ASSERT_EQUAL(db_commit(&tx), ERR_DB);
    CU_ASSERT_PTR_NULL(tx);
    CU_ASSERT_FALSE(meta_there(w.db, w.arena, "a"));
    CU_ASSERT_FALSE(meta_there(w.db, w.arena, "b"));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("b"), DB_TEXT("x")));
    world_close(&w);
}

static void test_tx_disk_full(void)
{
    struct world w;
    char *big;
    enum err e = ERR_OK;

    world_open(&w);
    big = arena_alloc(w.arena, 100001);
    memset(big, 'x', 100000);
    OK(db_script(w.db, "PRAGMA max_page_count=60"));
    {
        AUTO(db_tx) struct db *tx = NULL;
        OK(db_begin(w.db, &tx));
        for (int i = 0; i < 10 && e == ERR_OK; i++)
            e = db_exec(w.db, ST_META_ADD, NULL, DB_TEXT(arena_printf(w.arena, "%d", i)), DB_TEXT(big));
        CU_ASSERT_EQUAL(e, ERR_DB_DOWN);
    }
    CU_ASSERT_FALSE(meta_there(w.db, w.arena, "0"));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("after"), DB_TEXT("x")));
    world_close(&w);
}

static void test_busy(void)
{
    struct world w;
    struct db *tx = NULL, *mine = NULL;

    world_open(&w);
    config_free(&w.cfg);
    w.cfg = world_config(&w, "");
    w.cfg->database_busy_timeout = 20;
    struct db *other = world_connect(&w);
    OK(db_begin(w.db, &tx));
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    CU_ASSERT_EQUAL(db_begin(other, &mine), ERR_DB_BUSY);
    CU_ASSERT_PTR_NULL(mine);
    CU_ASSERT_EQUAL(db_exec(other, ST_META_ADD, NULL, DB_TEXT("b"), DB_TEXT("x")), ERR_DB_BUSY);
    CU_ASSERT_FALSE(meta_there(other, w.arena, "a")); /* readers never wait */
    OK(db_commit(&tx));
    CU_ASSERT(meta_there(other, w.arena, "a"));
    OK(db_begin(other, &mine));
    OK(db_commit(&mine));
    db_close(&other);
    world_close(&w);
}

static void test_close(void)
{
    struct db *none = NULL;

    db_close(&none);
    CU_ASSERT_PTR_NULL(none);
}

static CU_TestInfo tests[] = {
    {"every statement", test_every_statement},
    {"every statement, with a prefix", test_every_statement_prefixed},
    {"signatures", test_signatures},
    {"expansion", test_expand},
    {"words of the DDL", test_ddl_tokens},
    {"many rows", test_many_rows},
    {"foreign values", test_foreign_values},
    {"transactions", test_tx},
    {"transaction ended by the database", test_tx_ended_by_database},
    {"disk full", test_tx_disk_full},
    {"busy", test_busy},
    {"close", test_close},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("db", tests)
