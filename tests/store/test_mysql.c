/* The MySQL driver's values and session: what goes there comes back, whatever the server is set to. Without a server the
 * conversions alone. */
#include "mysql_case.h"
#include "base/buf.h"
#include "base/clock.h"
#include "db/db_mysql.h"
#include "db/migrate.h"

/* --- without a server -------------------------------------------------------------------------------------------- */

static const int64_t instants[] = {
    0,
    999,
    -1,
    T0,
    INT64_C(951782400000),   /* 2000-02-29 */
    INT64_C(2147483648000),  /* 2038-01-19T03:14:08Z */
    INT64_C(4102444799999),  /* 2099-12-31T23:59:59.999Z */
    INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
};
enum { INSTANTS = sizeof(instants) / sizeof(instants[0]) };

static void test_times(void)
{
    MYSQL_TIME t;
    int64_t ms;

    for (size_t i = 0; i < INSTANTS; i++) {
        ms = -7;
        my_time_of(instants[i], &t);
        CU_ASSERT(my_time_ms(&t, &ms));
        CU_ASSERT_EQUAL(ms, instants[i]);
    }
    my_time_of(T0, &t);
    CU_ASSERT(t.year == 2026 && t.month == 11 && t.day == 23 && t.hour == 9 && t.minute == 0 && t.second == 0);
    CU_ASSERT_EQUAL(t.second_part, 123000);
    CU_ASSERT_EQUAL(t.time_type, MYSQL_TIMESTAMP_DATETIME);
}

static void test_times_that_are_none(void)
{
    static const MYSQL_TIME none[] = {
        {.year = 0, .month = 0, .day = 0},      {.year = 2026, .month = 13, .day = 1},
        {.year = 2026, .month = 2, .day = 29},  {.year = 2026, .month = 1, .day = 1, .hour = 24},
        {.year = 65535, .month = 1, .day = 1},  {.year = 2026, .month = 255, .day = 255, .hour = 255},
        {.year = 2026, .month = 1, .day = 1, .second_part = 4294967295UL},
    };
    int64_t ms = 7;

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        CU_ASSERT_FALSE(my_time_ms(&none[i], &ms));
    CU_ASSERT_EQUAL(ms, 7);
}

static void test_types(void)
{
    CU_ASSERT(my_type_fits(MYSQL_TYPE_TINY, 'b') && my_type_fits(MYSQL_TYPE_LONGLONG, 'i'));
    CU_ASSERT(my_type_fits(MYSQL_TYPE_NEWDECIMAL, 'i') && !my_type_fits(MYSQL_TYPE_NEWDECIMAL, 'b'));
    CU_ASSERT(my_type_fits(MYSQL_TYPE_DATETIME, 't') && !my_type_fits(MYSQL_TYPE_VAR_STRING, 't'));
    CU_ASSERT(my_type_fits(MYSQL_TYPE_VAR_STRING, 's') && my_type_fits(MYSQL_TYPE_BLOB, 's'));
    CU_ASSERT(!my_type_fits(MYSQL_TYPE_DATETIME, 's') && !my_type_fits(MYSQL_TYPE_DOUBLE, 'i'));
    CU_ASSERT(!my_type_fits(MYSQL_TYPE_LONG, 's') && !my_type_fits(MYSQL_TYPE_GEOMETRY, 's'));
}

static void test_error_numbers(void)
{
    static const struct {
        unsigned code;
        enum err err;
    } want[] = {
        {1062, ERR_DB_DUPLICATE}, {1586, ERR_DB_DUPLICATE}, {1213, ERR_DB_CONFLICT}, {1205, ERR_DB_BUSY},
        {2006, ERR_DB_LOST},      {2013, ERR_DB_LOST},      {2055, ERR_DB_LOST},     {1927, ERR_DB_LOST},
        {1290, ERR_DB_DOWN},      {1836, ERR_DB_DOWN},      {1053, ERR_DB_DOWN},     {1040, ERR_DB_DOWN},
        {1045, ERR_DB_DOWN},      {1044, ERR_DB_DOWN},      {1049, ERR_DB_DOWN},     {1047, ERR_DB_DOWN},
        {1452, ERR_DB},           {1406, ERR_DB},           {1064, ERR_DB},          {60000, ERR_DB},
    };

    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        CU_ASSERT_EQUAL(my_err_of(want[i].code), want[i].err);
}

static void test_tls_wanted(void)
{
    static const char *const local[] = {"/run/mysqld/mysqld.sock", "localhost", "LOCALHOST:3307", "127.0.0.1:3306",
                                        "127.9.8.7", "[::1]:3306"};
    static const char *const far[] = {"db.example.org", "10.0.0.1:3306", "[2001:db8::1]", "localhost.example.org",
                                      "128.0.0.1"};
    struct cfg cfg = {.database_tls = SWITCH_AUTO};

    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        CU_ASSERT_FALSE(my_tls_wanted(&cfg, local[i]));
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        CU_ASSERT(my_tls_wanted(&cfg, far[i]));
    cfg.database_tls = SWITCH_ON;
    CU_ASSERT(my_tls_wanted(&cfg, "127.0.0.1") && !my_tls_wanted(&cfg, "/run/s"));
    cfg.database_tls = SWITCH_OFF;
    CU_ASSERT_FALSE(my_tls_wanted(&cfg, "db.example.org"));
}

static void test_print(void)
{
    struct arena *a = NULL;

    OK(arena_open(&a, 4096));
    struct cfg cfg = {.database_driver = DRIVER_MYSQL, .database_prefix = "lk_"};
    struct buf out = buf_in(a);
    OK(migrate_print(&cfg, &out));
    const char *sql = buf_str(&out);
    CU_ASSERT_PTR_NOT_NULL(strstr(sql, "CREATE TABLE lk_session (\n  id VARCHAR(64) NOT NULL PRIMARY KEY,\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(sql, "  expiresAt DATETIME(3) NOT NULL,\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(sql, ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 "));
    CU_ASSERT_PTR_NULL(strstr(sql, "TIMESTAMP"));
    CU_ASSERT_PTR_NULL(strchr(sql, '{'));
    arena_close(&a);
}

static CU_TestInfo alone[] = {
    {"times", test_times},
    {"times that are none", test_times_that_are_none},
    {"types of columns", test_types},
    {"error numbers", test_error_numbers},
    {"where TLS is demanded", test_tls_wanted},
    {"print", test_print},
    CU_TEST_INFO_NULL,
};

/* --- the session ------------------------------------------------------------------------------------------------- */

#define SETTINGS \
    "CONCAT_WS('|', @@sql_mode, @@time_zone, @@tx_isolation, @@autocommit = 1, @@innodb_lock_wait_timeout, " \
    "@@character_set_client, @@character_set_results, @@character_set_connection, @@foreign_key_checks = 1, " \
    "@@sql_safe_updates = 1)"
#define SETTINGS_WANT                                                                                   \
    "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION|+00:00|READ-COMMITTED|1|20|" \
    "utf8mb4|utf8mb4|utf8mb4|1|0"

static void test_settings(void)
{
    struct world w;

    world_open(&w);
    SAME(told(&w, SETTINGS), SETTINGS_WANT);
    const char *first = told(&w, "CONNECTION_ID()");
    world_server_sql(arena_printf(w.arena, "KILL %s", first));
    struct db_rows rows;
    OK(db_query(w.db, ST_USER_COUNT, w.arena, &rows, DB_NONE));
    CU_ASSERT_STRING_NOT_EQUAL(told(&w, "CONNECTION_ID()"), first);
    SAME(told(&w, SETTINGS), SETTINGS_WANT);
    world_close(&w);
}

/* The worst a server can be set to; undone afterwards. */
static void odd_server(bool odd)
{
    static const char *const sql[][2] = {
        {"SET GLOBAL time_zone = '+13:00'", "SET GLOBAL time_zone = 'SYSTEM'"},
        {"SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'", "SET GLOBAL sql_mode = DEFAULT"},
        {"SET GLOBAL collation_server = latin1_swedish_ci", "SET GLOBAL collation_server = DEFAULT"},
        {"SET GLOBAL autocommit = 0", "SET GLOBAL autocommit = 1"},
        {"SET GLOBAL innodb_lock_wait_timeout = 1", "SET GLOBAL innodb_lock_wait_timeout = DEFAULT"},
        {"SET GLOBAL tx_isolation = 'SERIALIZABLE'", "SET GLOBAL tx_isolation = DEFAULT"},
    };

    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
        world_server_sql(sql[i][odd ? 0 : 1]);
}

static void times_come_back(struct world *w)
{
    struct user u;

    for (size_t i = 0; i < INSTANTS; i++) {
        struct user in = {arena_printf(w->arena, "t%zu", i), "n", arena_printf(w->arena, "t%zu@x", i), true, NULL,
                          instants[i], instants[INSTANTS - 1 - i]};
        OK(users_add(w->db, &in));
        OK(users_by_id(w->db, w->arena, in.id, &u));
        CU_ASSERT_EQUAL(u.created_at, in.created_at);
        CU_ASSERT_EQUAL(u.updated_at, in.updated_at);
    }
}

static void test_odd_server(void)
{
    struct world w;

    odd_server(true);
    world_open(&w);
    SAME(told(&w, SETTINGS), SETTINGS_WANT);
    times_come_back(&w);
    world_close(&w);
    odd_server(false);
}

/* The server's own sum agrees: what is written is UTC. */
static void test_times_there(void)
{
    struct world w;

    world_open(&w);
    times_come_back(&w);
    SAME(told(&w, "(SELECT CAST(createdAt AS CHAR) FROM user WHERE id = 't3')"), "2026-11-23 09:00:00.123");
    SAME(told(&w, "(SELECT CAST(createdAt AS CHAR) FROM user WHERE id = 't1')"), "1970-01-01 00:00:00.999");
    SAME(told(&w, "(SELECT CAST(createdAt AS CHAR) FROM user WHERE id = 't7')"), "9999-12-31 23:59:59.999");
    world_close(&w);
}

static void test_foreign_time(void)
{
    struct world w;
    struct user u = {.id = NULL};

    world_open(&w);
    world_user(&w, 1);
    world_server_sql(arena_printf(w.arena, "UPDATE %s.user SET createdAt = '2026-00-00'", w.name));
    CU_ASSERT_EQUAL(users_by_id(w.db, w.arena, "u1", &u), ERR_DB);
    CU_ASSERT_PTR_NULL(u.id);
    world_close(&w);
}

/* --- text -------------------------------------------------------------------------------------------------------- */

/* On databases whose own collation takes letters for each other, or knows few of them. */
static void text_on(const char *collation)
{
    struct world w;
    struct user u, in = {"Id", "\xf0\x9f\x94\x91\\'\"\n%_", "\xc3\xa4@x", true, "", T0, T0};

    world_empty(&w);
    world_server_sql(arena_printf(w.arena, "ALTER DATABASE %s COLLATE %s", w.name, collation));
    OK(migrate_ready(w.db, w.arena));
    OK(users_add(w.db, &in));
    OK(users_by_id(w.db, w.arena, "Id", &u));
    SAME(u.name, in.name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(u.image);
    SAME(u.image, ""); /* is not NULL */
    in = (struct user){"id", "n", "a@x", true, NULL, T0, T0};
    OK(users_add(w.db, &in)); /* another case, another letter: another user */
    OK(users_by_email(w.db, w.arena, "a@x", &u));
    SAME(u.id, "id");
    CU_ASSERT_PTR_NULL(u.image);
    NONE(users_by_id(w.db, w.arena, "id ", &u));
    NONE(users_by_id(w.db, w.arena, "\xc3\xaf"
                                    "d",
                     &u));
    NONE(users_by_email(w.db, w.arena, "A@x", &u));
    world_close(&w);
}

static void test_text(void)
{
    text_on("latin1_swedish_ci");
    text_on("utf8mb4_general_ci");
    text_on("utf8mb4_unicode_ci");
}

static void test_long_text(void)
{
    struct world w;
    struct session s;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    char *agent = arena_alloc(w.arena, 8193);
    for (size_t i = 0; i < 8192; i += 4)
        memcpy(agent + i, "\xf0\x9f\x94\x91", 4);
    struct session in = world_session(&w, "u1", "s1");
    in.agent = agent;
    OK(world_add(w.db, &in, "hash1", "hash"));
    OK(sessions_find(w.db, w.arena, "hash1", &s, &u));
    SAME(s.agent, agent);
    agent[255] = '\0';
    struct user long_ = {agent, "n", "l@x", true, NULL, T0, T0}; /* 64 letters are the most of an id */
    agent[65] = '\0';
    memset(agent, 'x', 65);
    CU_ASSERT_EQUAL(users_add(w.db, &long_), ERR_DB); /* and nothing is cut */
    world_close(&w);
}

static void test_tokens_exact(void)
{
    struct world w;
    struct session s;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    struct session a = world_session(&w, "u1", "Abc"), b = world_session(&w, "u1", "aBC");
    OK(world_add(w.db, &a, "Token", "hash"));
    OK(world_add(w.db, &b, "tOKEN", "hash"));
    OK(sessions_find(w.db, w.arena, "tOKEN", &s, &u));
    SAME(s.id, "aBC");
    NONE(sessions_find(w.db, w.arena, "token", &s, &u));
    NONE(sessions_find(w.db, w.arena, "Token ", &s, &u));
    OK(sessions_end_own(w.db, "Abc", "u1", T0));
    OK(sessions_find(w.db, w.arena, "tOKEN", &s, &u));
    world_close(&w);
}

/* A row that is found counts, whether or not it is another one afterwards. */
static void test_found_rows(void)
{
    struct world w;
    int64_t n = -1;

    world_open(&w);
    OK(db_exec(w.db, ST_META_ADD, NULL, DB_TEXT("a"), DB_TEXT("x")));
    OK(db_exec(w.db, ST_META_SET, &n, DB_TEXT("x"), DB_TEXT("a"), DB_TEXT("x")));
    CU_ASSERT_EQUAL(n, 1);
    OK(db_exec(w.db, ST_META_SET, &n, DB_TEXT("x"), DB_TEXT("A"), DB_TEXT("x")));
    CU_ASSERT_EQUAL(n, 0);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"settings, also after a KILL", test_settings},
    {"odd server", test_odd_server},
    {"times as the server sees them", test_times_there},
    {"a time that is none", test_foreign_time},
    {"text", test_text},
    {"long text", test_long_text},
    {"tokens and ids differ by case", test_tokens_exact},
    {"rows found", test_found_rows},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    int bad = suite_run("mysql, without a server", alone, NULL, NULL);

    if (world_asked("mysql")) {
        world_use("mysql");
        bad += suite_run("mysql", tests, NULL, NULL);
    }
    return bad == 0 ? 0 : 1;
}
