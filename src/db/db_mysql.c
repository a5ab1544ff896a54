/* The MySQL and MariaDB driver: statements and transactions over one connection. Prepared statements in the binary
 * protocol only. Must not know tables. */
#include "db/db_mysql.h"
#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_MS 60000
#define LOCK_PAUSE_MS 50

/* Text is of the table's character set. Its collation is binary and without padding, or "a " would be "a"; the two
 * servers name it differently, and each reads the other's comment as one. */
static const struct db_ddl ddl[] = {
    {"id", "VARCHAR(64)"},
    {"name", "VARCHAR(255)"},
    {"email", "VARCHAR(255)"},
    {"text", "MEDIUMTEXT"},
    {"time", "DATETIME(3)"},
    {"hash", "VARCHAR(64)"},
    {"bool", "TINYINT(1)"},
    {"int", "BIGINT"},
    {"key", "VARCHAR(64)"},
    {"serial", "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"},
    {"table", "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 "
              "/*M!100200 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */"},
    {NULL, NULL},
};

/* --- statements -------------------------------------------------------------------------------------------------- */

static bool columns_fit(MYSQL_STMT *s, const char *kinds, const char *name)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(s);
    unsigned at = 0;

    if (!meta)
        return *kinds == '\0';
    for (MYSQL_FIELD *f = mysql_fetch_fields(meta); kinds[at] && my_type_fits(f[at].type, kinds[at]); at++)
        ;
    mysql_free_result(meta);
    if (kinds[at])
        log_error("mysql: statement %s: column %u is not of kind '%c'", name, at + 1, kinds[at]);
    return kinds[at] == '\0';
}

static bool signature_fits(MYSQL_STMT *s, const struct stmt_row *row)
{
    size_t params = strlen(row->params), cols = strlen(row->results);

    if (mysql_stmt_param_count(s) != params || mysql_stmt_field_count(s) != cols || params > MY_VALUES ||
        cols > MY_VALUES) {
        log_error("mysql: statement %s has %lu parameters and %u columns, expected %zu and %zu", row->name,
                  mysql_stmt_param_count(s), mysql_stmt_field_count(s), params, cols);
        return false;
    }
    return columns_fit(s, row->results, row->name);
}

static enum err driver_prepare(struct db *db, const char *sql, const struct stmt_row *row, void **stmt)
{
    MYSQL_STMT *s = mysql_stmt_init(my_of(db)->m);
    int64_t begun = my_begin(db);
    enum err e = ERR_OK;

    if (!s)
        return ERR_NO_MEMORY;
    if (mysql_stmt_prepare(s, sql, (unsigned long)strlen(sql)) != 0) {
        e = my_failed(db, mysql_stmt_errno(s), begun, row->name, mysql_stmt_error(s));
        e = e == ERR_DB ? ERR_INTERNAL : e;
    } else if (!signature_fits(s, row)) {
        e = ERR_INTERNAL;
    }
    if (e != ERR_OK) {
        mysql_stmt_close(s);
        return e;
    }
    my_stmt_slim(s);
    *stmt = s;
    return ERR_OK;
}

static void driver_finish(struct db *db, void *stmt)
{
    (void)db;
    mysql_stmt_close(stmt);
}

static enum err rows_take(MYSQL_STMT *s, const struct stmt_row *row, struct db_result *res)
{
    if (my_rows_take(s, row->results, res))
        return ERR_OK;
    log_error("mysql: statement %s: a value is not of the kind it should be", row->name);
    return ERR_DB;
}

static void tx_end(struct db *db);

/* A statement has one result. The library would forget what it knows of the columns, and the next answer be the wrong
 * one.
 */
static enum err stmt_ask(struct db *db, MYSQL_STMT *s, const struct stmt_row *row, const struct db_val *v)
{
    int64_t begun = my_begin(db);
    struct my_params p;

    my_params_set(&p, row->params, v);
    bool done = (!*row->params || mysql_stmt_bind_param(s, p.b) == 0) && mysql_stmt_execute(s) == 0;
    if (mysql_more_results(my_of(db)->m)) {
        log_error("mysql: statement %s: the server promises more than one result", row->name);
        db_break(db, ERR_DB_LOST, false);
        return ERR_DB;
    }
    if (done && *row->results)
        done = mysql_stmt_store_result(s) == 0;
    return done ? ERR_OK : my_failed(db, mysql_stmt_errno(s), begun, row->name, NULL);
}

static enum err driver_run(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                           struct db_result *res, int64_t *changed)
{
    MYSQL_STMT *s = stmt;
    enum err e = stmt_ask(db, s, row, v);

    if (e == ERR_OK && res)
        e = rows_take(s, row, res);
    if (e == ERR_OK && changed)
        *changed = (int64_t)mysql_stmt_affected_rows(s);
    if (res)
        mysql_stmt_free_result(s);
    /* What of a transaction the server itself undoes differs with error and settings; a duplicate undoes nothing. */
    if (e != ERR_OK && e != ERR_DB_DUPLICATE)
        tx_end(db);
    return e;
}

/* --- text of our own --------------------------------------------------------------------------------------------- */

static enum err text_run(struct db *db, const char *sql, const char *doing, const char *detail_of)
{
    MYSQL *m = my_of(db)->m;
    int64_t begun = my_begin(db);

    if (db->broken != ERR_OK)
        return db->broken;
    if (mysql_real_query(m, sql, (unsigned long)strlen(sql)) != 0)
        return my_failed(db, mysql_errno(m), begun, doing, detail_of ? mysql_error(m) : NULL);
    MYSQL_RES *res = mysql_store_result(m);
    if (res)
        mysql_free_result(res);
    return ERR_OK;
}

static enum err driver_script(struct db *db, const char *sql)
{
    enum err e = text_run(db, sql, "script", sql);
    unsigned code = db->broken == ERR_OK ? mysql_errno(my_of(db)->m) : 0;

    if (e != ERR_DB || (code != 1142 && code != 1227 && code != 1370 && code != 1410))
        return e;
    log_error("mysql: this account may not change the schema: run latchkeyctl migrate with one that may "
              "(LATCHKEY_DATABASE_USER, LATCHKEY_DATABASE_PASSWORD)");
    return ERR_SCHEMA;
}

static enum err driver_has_table(struct db *db, const char *name, bool *yes)
{
    static const char sql[] =
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?";
    static const struct stmt_row row = {.name = "HAS_TABLE", .params = "s", .results = "i"};
    struct db_result res = {.arena = db->scratch, .cols = 1};
    const struct db_val v = DB_TEXT(name);
    void *s = NULL;

    TRY(driver_prepare(db, sql, &row, &s));
    enum err e = driver_run(db, s, &row, &v, &res, NULL);
    if (e == ERR_OK)
        *yes = res.n == 1 && res.v[0].i > 0;
    driver_finish(db, s);
    arena_reset(db->scratch);
    return e;
}

/* Of this database and prefix: two installations on one server do not wait for each other. */
static const char *lock_name(struct db *db)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    const char *parts[] = {db->cfg->database_name, "\n", db->prefix};

    for (size_t i = 0; i < 3; i++) {
        for (const char *p = parts[i]; *p; p++)
            hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
    }
    return arena_printf(db->scratch, "latchkey-schema-%016llx", (unsigned long long)hash);
}

static enum err lock_try(struct db *db, bool *got)
{
    static const struct stmt_row row = {.name = "GET_LOCK", .params = "s", .results = "i"};
    struct db_result res = {.arena = db->scratch, .cols = 1};
    const struct db_val v = DB_TEXT(lock_name(db));
    void *s = NULL;

    TRY(driver_prepare(db, "SELECT COALESCE(GET_LOCK(?, 0), 0)", &row, &s));
    enum err e = driver_run(db, s, &row, &v, &res, NULL);
    *got = e == ERR_OK && res.n == 1 && res.v[0].i == 1;
    driver_finish(db, s);
    arena_reset(db->scratch);
    return e;
}

/* Asked again and again, since the answer of a GET_LOCK that waits would not come within database.timeout. */
static enum err driver_lock(struct db *db)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    int64_t deadline = clock_steady() + LOCK_WAIT_MS;
    bool got = false;

    for (;;) {
        TRY(lock_try(db, &got));
        if (got)
            return ERR_OK;
        if (clock_steady() > deadline)
            break;
        nanosleep(&pause, NULL);
    }
    log_error("mysql: another program has been changing the schema for a minute");
    return ERR_DB_BUSY;
}

static void driver_unlock(struct db *db)
{
    const char *sql = arena_printf(db->scratch, "DO RELEASE_LOCK('%s')", lock_name(db));

    if (text_run(db, sql, "unlock", NULL) != ERR_OK)
        log_debug("mysql: the lock goes with the connection");
    arena_reset(db->scratch);
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

static enum err driver_begin(struct db *db)
{
    TRY(text_run(db, "START TRANSACTION", "begin", NULL));
    my_of(db)->tx = true;
    return ERR_OK;
}

static enum err driver_commit(struct db *db)
{
    TRY(text_run(db, "COMMIT", "commit", NULL));
    my_of(db)->tx = false;
    return ERR_OK;
}

static bool driver_in_tx(struct db *db)
{
    return my_of(db)->tx && db->broken == ERR_OK;
}

static void tx_end(struct db *db)
{
    struct my *my = my_of(db);

    if (!my || !my->tx)
        return;
    my->tx = false;
    if (db->broken != ERR_OK)
        return; /* the server undoes it with the connection */
    if (text_run(db, "ROLLBACK", "rollback", NULL) != ERR_OK)
        db_break(db, ERR_DB_LOST, false);
}

/* --- the connection ---------------------------------------------------------------------------------------------- */

/* A server says nothing unasked but that it has ended the connection. */
static bool driver_moved(struct db *db)
{
    struct pollfd fd = {.fd = mysql_get_socket(my_of(db)->m), .events = POLLIN};

    return poll(&fd, 1, 0) > 0 || my_host_left(db) || my_role_changed(db);
}

static void driver_patience(struct db *db, int64_t ms)
{
    struct my *my = my_of(db);
    int64_t seconds = my_lock_seconds(db, ms);
    char sql[80];

    if (db->broken != ERR_OK || seconds == my->patience)
        return;
    snprintf(sql, sizeof(sql), "SET SESSION innodb_lock_wait_timeout = %lld", (long long)seconds);
    if (text_run(db, sql, "patience", NULL) == ERR_OK)
        my->patience = seconds;
}

const struct db_driver db_mysql = {
    .name = "mysql",
    .own_text = true,
    .remote = true,
    .ddl = ddl,
    .open = my_open,
    .moved = driver_moved,
    .patience = driver_patience,
    .close = my_close,
    .prepare = driver_prepare,
    .finish = driver_finish,
    .run = driver_run,
    .begin = driver_begin,
    .commit = driver_commit,
    .rollback = tx_end,
    .in_tx = driver_in_tx,
    .script = driver_script,
    .has_table = driver_has_table,
    .lock = driver_lock,
    .unlock = driver_unlock,
};
