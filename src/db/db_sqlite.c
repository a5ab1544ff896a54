/* The SQLite driver: statements and transactions. One writer at a time: transactions are BEGIN IMMEDIATE. Times are
 * ISO-8601 text, which sorts as they do. Must not know tables. */
#include "db/db_sqlite.h"
#include "base/enc.h"
#include "base/log.h"

#include <string.h>

static const struct db_ddl ddl[] = {
    {"id", "TEXT"},      {"name", "TEXT"},
    {"email", "TEXT"},   {"text", "TEXT"},
    {"time", "TEXT"},    {"hash", "TEXT"},
    {"bool", "INTEGER"}, {"int", "INTEGER"},
    {"key", "TEXT"},     {"serial", "INTEGER PRIMARY KEY AUTOINCREMENT"},
    {"table", "STRICT"}, {NULL, NULL},
};

/* --- statements -------------------------------------------------------------------------------------------------- */

static enum err sqlite_prepare(struct db *db, const char *sql, const struct stmt_row *row, void **stmt)
{
    size_t nparams = strlen(row->params), ncols = strlen(row->results);
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v3(lite_of(db), sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);

    if (rc != SQLITE_OK) {
        log_error("sqlite: prepare: %s (%d)", sqlite3_errmsg(lite_of(db)), rc);
        return lite_err_of(rc) == ERR_DB ? ERR_INTERNAL : lite_err_of(rc);
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
        *changed = sqlite3_changes64(lite_of(db));
done:
    if (e == ERR_OK)
        e = lite_failed(rc, row->name);
    /* an open statement would hold its snapshot, and bound text ends with the caller's arena */
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return e;
}

/* --- transactions and schema ------------------------------------------------------------------------------------- */

static enum err sqlite_begin(struct db *db)
{
    return lite_text(db, "BEGIN IMMEDIATE", "begin");
}

static enum err sqlite_commit(struct db *db)
{
    return lite_text(db, "COMMIT", "commit");
}

static bool sqlite_in_tx(struct db *db)
{
    return lite_of(db) && sqlite3_get_autocommit(lite_of(db)) == 0;
}

static void sqlite_rollback(struct db *db)
{
    if (!sqlite_in_tx(db))
        return;
    if (lite_text(db, "ROLLBACK", "rollback") == ERR_OK)
        return;
    /* Without memory not even that is possible; closing is. Left open, it would lock out everybody. */
    log_error("sqlite: the transaction could not be rolled back: the connection is closed");
    for (size_t i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(db->stmts[i]);
        db->stmts[i] = NULL;
    }
    lite_close(db);
    db_break(db, ERR_DB_LOST, false);
}

static enum err sqlite_script(struct db *db, const char *sql)
{
    return lite_text(db, sql, "script");
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
    enum err e = lite_failed(rc, "schema");
    if (e == ERR_OK)
        *yes = rc == SQLITE_ROW;
    sqlite3_finalize(stmt);
    return e;
}

const struct db_driver db_sqlite = {
    .name = "sqlite",
    .ddl_in_tx = true,
    .ddl = ddl,
    .open = lite_open,
    .moved = lite_moved,
    .patience = lite_patience,
    .close = lite_close,
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
