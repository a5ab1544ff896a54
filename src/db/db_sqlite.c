/* The SQLite driver, the only place that knows <sqlite3.h>. One writer at a time: transactions are BEGIN IMMEDIATE.
 * Times are ISO-8601 text, which sorts as they do. Must not know tables. */
#include "db/driver.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SQLITE_OLDEST 3037000 /* the first with STRICT tables */

static const struct db_ddl ddl[] = {
    {"id", "TEXT"},      {"name", "TEXT"},   {"email", "TEXT"}, {"text", "TEXT"},    {"time", "TEXT"}, {"hash", "TEXT"},
    {"bool", "INTEGER"}, {"int", "INTEGER"}, {"key", "TEXT"},
    {"serial", "INTEGER PRIMARY KEY AUTOINCREMENT"},   {"table", "STRICT"}, {NULL, NULL},
};

/* --- errors ------------------------------------------------------------------------------------------------------ */

static enum err error_of(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return ERR_DB_DUPLICATE;
    }
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_DB_BUSY;
    case SQLITE_NOMEM:
        return ERR_NO_MEMORY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_FULL:
        return ERR_DB_DOWN;
    }
    return ERR_DB;
}

/* The library's own message could quote values, so it is logged only for text that has none. */
static enum err failed(int rc, const char *doing)
{
    enum err e = error_of(rc);

    if (e != ERR_OK && e != ERR_DB_DUPLICATE)
        log_error("sqlite: %s: %s (%d)", doing, sqlite3_errstr(rc), rc);
    return e;
}

static enum err text_run(struct db *db, const char *sql, const char *doing)
{
    int rc = sqlite3_exec(db->conn, sql, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        log_error("sqlite: %s: %s (%d)", doing, sqlite3_errmsg(db->conn), rc);
    return error_of(rc);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* WAL needs memory shared by all who open the file, and locks that hold: no network file system gives both. */
static enum err place_check(struct db *db, const char *path)
{
    const char *slash = strrchr(path, '/'); /* there is one: path_of */
    const char *dir = slash == path ? "/" : arena_strndup(db->arena, path, (size_t)(slash - path));
    const char *name = fs_network(path, dir);

    if (!name)
        return ERR_OK;
    log_error("sqlite: %s lies on a network file system (%s), where databases break; put it on a local disk", path,
              name);
    return ERR_CONFIG;
}

/* A relative name gets "./" in front, so that ":memory:" and "file:" are names like any other. */
static const char *path_of(struct db *db, const struct cfg *cfg)
{
    return arena_printf(db->arena, "%s%s", cfg->database_path[0] == '/' ? "" : "./", cfg->database_path);
}

static enum err file_open(struct db *db, const char *path, bool create)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *conn = NULL;
    mode_t mask = umask(077); /* the file and its -wal and -shm are ours alone */
    int rc = sqlite3_open_v2(path, &conn, flags, NULL);
    struct stat st;

    umask(mask);
    db->conn = conn;
    if (rc != SQLITE_OK) {
        log_error("sqlite: %s cannot be opened: %s", path, sqlite3_errstr(rc));
        return error_of(rc);
    }
    if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO))
        log_warn("sqlite: %s is open to every user of this host (mode %04o): chmod o-rwx", path,
                 (unsigned)st.st_mode & 07777);
    return ERR_OK;
}

static enum err confine(struct db *db)
{
    static const struct {
        int option, value;
    } wanted[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},   {SQLITE_DBCONFIG_DQS_DDL, 0},
    };

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int is = -1;
        if (sqlite3_db_config(db->conn, wanted[i].option, wanted[i].value, &is) != SQLITE_OK || is != wanted[i].value) {
            log_error("sqlite: this library was built without something needed (option %d)", wanted[i].option);
            return ERR_DB;
        }
    }
    return ERR_OK;
}

/* SQLITE_OK only if the file is in that mode now: the library itself calls a refusal no error. */
static int wal_try(struct db *db)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db->conn, "PRAGMA journal_mode=WAL", -1, &s, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        rc = sqlite3_stricmp((const char *)sqlite3_column_text(s, 0), "wal") == 0 ? SQLITE_OK : SQLITE_READONLY;
    sqlite3_finalize(s);
    return rc;
}

/* The switch does not wait for others by itself, so several first starts at once would fail. */
static enum err wal_set(struct db *db, int64_t wait)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    int64_t deadline = clock_steady() + wait;
    int rc;

    while ((rc = wal_try(db)) != SQLITE_OK) {
        if (error_of(rc) != ERR_DB_BUSY || clock_steady() > deadline)
            return failed(rc, "write-ahead log");
        nanosleep(&pause, NULL);
    }
    if (sqlite3_db_readonly(db->conn, "main") == 0)
        return ERR_OK;
    log_error("sqlite: the database may not be written");
    return ERR_DB_DOWN;
}

/* A process has one thread, and nobody asks how much memory is in use: locks and counts around each allocation would only
 * cost. Refused, and that is as well, when a connection has been opened before. */
static void library_set(void)
{
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum err sqlite_open(struct db *db, const struct cfg *cfg, bool create)
{
    const char *path = path_of(db, cfg);

    library_set();
    if (sqlite3_libversion_number() < SQLITE_OLDEST) {
        log_error("sqlite %s is too old: 3.37 or newer is needed", sqlite3_libversion());
        return ERR_DB;
    }
    db->version = arena_printf(db->arena, "sqlite %s", sqlite3_libversion());
    TRY(place_check(db, path));
    TRY(file_open(db, path, create));
    sqlite3_extended_result_codes(db->conn, 1);
    sqlite3_busy_timeout(db->conn, (int)db->patience);
    TRY(confine(db));
    TRY(wal_set(db, db->patience));
    /* the page cache is small: many workers, few hot pages */
    return text_run(db,
                    "PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA cache_size=-64; PRAGMA mmap_size=0;"
                    "PRAGMA temp_store=MEMORY",
                    "settings");
}

/* A file that was renamed, deleted or replaced is still ours to read, but it is nobody's database any more. */
static bool sqlite_moved(struct db *db)
{
    int moved = 0;

    return sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

static void sqlite_patience(struct db *db, int64_t ms)
{
    if (db->conn)
        sqlite3_busy_timeout(db->conn, (int)ms);
}

static void sqlite_close(struct db *db)
{
    sqlite3_close_v2(db->conn);
    db->conn = NULL;
}

/* --- statements -------------------------------------------------------------------------------------------------- */

static enum err sqlite_prepare(struct db *db, const char *sql, const struct stmt_row *row, void **stmt)
{
    size_t nparams = strlen(row->params), ncols = strlen(row->results);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v3(db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);

    if (rc != SQLITE_OK) {
        log_error("sqlite: prepare: %s (%d)", sqlite3_errmsg(db->conn), rc);
        return error_of(rc) == ERR_DB ? ERR_INTERNAL : error_of(rc);
    }
    if ((size_t)sqlite3_bind_parameter_count(s) != nparams || (size_t)sqlite3_column_count(s) != ncols) {
        log_error("sqlite: statement has %d parameters and %d columns, its signature %zu and %zu",
                  sqlite3_bind_parameter_count(s), sqlite3_column_count(s), nparams, ncols);
        sqlite3_finalize(s);
        return ERR_INTERNAL;
    }
    *stmt = s;
    return ERR_OK;
}

static void sqlite_finish(struct db *db, void *stmt)
{
    (void)db;
    sqlite3_finalize(stmt);
}

static int bind(sqlite3_stmt *s, int at, const struct db_val *v)
{
    char iso[ENC_ISO_SIZE];

    if (v->null)
        return sqlite3_bind_null(s, at);
    switch (v->kind) {
    case 's':
        return sqlite3_bind_text(s, at, v->s, -1, SQLITE_STATIC);
    case 't':
        enc_iso(v->i, iso);
        return sqlite3_bind_text(s, at, iso, -1, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_int64(s, at, v->i);
    }
}

/* False: the column holds what its kind cannot be. */
static bool column(sqlite3_stmt *s, int at, char kind, struct arena *a, struct db_val *out)
{
    out->kind = kind;
    if (kind == 'i' || kind == 'b') {
        if (sqlite3_column_type(s, at) != SQLITE_INTEGER)
            return false;
        out->i = sqlite3_column_int64(s, at);
        if (kind == 'b')
            out->i = out->i != 0;
        return true;
    }
    const char *text = (const char *)sqlite3_column_text(s, at);
    out->null = !text;
    if (!text)
        return sqlite3_column_type(s, at) == SQLITE_NULL; /* else there was no memory for it */
    if (kind == 't')
        return enc_uniso(text, &out->i);
    out->s = arena_strdup(a, text);
    return true;
}

static bool row_take(sqlite3_stmt *s, const char *kinds, struct db_result *res)
{
    struct db_val *v = db_result_row(res);

    for (size_t i = 0; i < res->cols; i++) {
        if (!column(s, (int)i, kinds[i], res->arena, &v[i]))
            return false;
    }
    return true;
}

static enum err sqlite_run(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                           struct db_result *res, int64_t *changed)
{
    sqlite3_stmt *s = stmt;
    enum err e = ERR_OK;
    int rc = SQLITE_OK;

    for (size_t i = 0; row->params[i] && rc == SQLITE_OK; i++)
        rc = bind(s, (int)i + 1, &v[i]);
    if (rc != SQLITE_OK)
        goto done;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (!res || !row_take(s, row->results, res)) {
            log_error("sqlite: statement %s: a row does not fit its signature", row->name);
            e = ERR_DB;
            goto done;
        }
    }
    if (rc == SQLITE_DONE && changed)
        *changed = sqlite3_changes64(db->conn);
done:
    if (e == ERR_OK)
        e = failed(rc, row->name);
    /* an open statement would hold its snapshot, and bound text ends with the caller's arena */
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return e;
}

/* --- transactions and schema ------------------------------------------------------------------------------------- */

static enum err sqlite_begin(struct db *db)
{
    return text_run(db, "BEGIN IMMEDIATE", "begin");
}

static enum err sqlite_commit(struct db *db)
{
    return text_run(db, "COMMIT", "commit");
}

static bool sqlite_in_tx(struct db *db)
{
    return db->conn && sqlite3_get_autocommit(db->conn) == 0;
}

static void sqlite_rollback(struct db *db)
{
    if (!sqlite_in_tx(db))
        return;
    if (text_run(db, "ROLLBACK", "rollback") == ERR_OK)
        return;
    /* Without memory not even that is possible; closing is. Left open, it would lock out everybody. */
    log_error("sqlite: the transaction could not be rolled back: the connection is closed");
    for (size_t i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(db->stmts[i]);
        db->stmts[i] = NULL;
    }
    sqlite_close(db);
    db_break(db, ERR_DB_LOST, false);
}

static enum err sqlite_script(struct db *db, const char *sql)
{
    return text_run(db, sql, "script");
}

static enum err sqlite_has_table(struct db *db, const char *name, bool *yes)
{
    static const char sql[] = "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE";
    static const struct stmt_row row = {.name = "HAS_TABLE", .params = "s", .results = "i"};
    void *stmt = NULL;

    TRY(sqlite_prepare(db, sql, &row, &stmt));
    int rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum err e = failed(rc, "schema");
    if (e == ERR_OK)
        *yes = rc == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return e;
}

const struct db_driver db_sqlite = {
    .name = "sqlite",
    .ddl_in_tx = true,
    .ddl = ddl,
    .open = sqlite_open,
    .moved = sqlite_moved,
    .patience = sqlite_patience,
    .close = sqlite_close,
    .prepare = sqlite_prepare,
    .finish = sqlite_finish,
    .run = sqlite_run,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .in_tx = sqlite_in_tx,
    .script = sqlite_script,
    .has_table = sqlite_has_table,
};
