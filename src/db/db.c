/* The database seam without any database: statements by number, values against signatures, table prefix, transactions.
 * Must not know a driver's library, nor what the tables mean. */
#include "db/driver.h"
#include "base/buf.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Patience in a hurry: longer than a write takes, shorter than somebody waits. */
#define HURRY_MS 500

static const struct stmt_row stmts[] = {
#define STMT(name, params, results, sql, mysql) [ST_##name] = {#name, params, results, sql, mysql},
#include "db/stmts.def"
#undef STMT
};

const struct stmt_row *db_stmt(enum stmt id)
{
    return &stmts[id];
}

const struct db_driver *db_driver_of(const struct cfg *cfg)
{
    switch (cfg->database_driver) {
    case DRIVER_SQLITE:
        break;
    }
    return &db_sqlite;
}

/* --- SQL text ---------------------------------------------------------------------------------------------------- */

static const char *ddl_text(const struct db_driver *driver, const char *word, size_t len)
{
    for (const struct db_ddl *d = driver->ddl; d->word; d++) {
        if (strlen(d->word) == len && memcmp(d->word, word, len) == 0)
            return d->text;
    }
    return NULL;
}

const char *db_expand(struct arena *a, const struct db_driver *driver, const char *prefix, const char *sql)
{
    struct buf out = buf_in(a);
    bool quoted = false;

    for (const char *p = sql; *p; p++) {
        quoted ^= *p == '\'';
        if (quoted || (*p != '@' && *p != '{')) {
            buf_putc(&out, *p);
            continue;
        }
        if (*p == '@') {
            buf_puts(&out, prefix);
            continue;
        }
        size_t len = strcspn(p + 1, "}");
        const char *text = ddl_text(driver, p + 1, len);
        if (!text || p[1 + len] != '}') {
            log_error("%s: no word {%.*s} in its DDL", driver->name, (int)(len > 20 ? 20 : len), p + 1);
            return NULL;
        }
        buf_puts(&out, text);
        p += len + 1;
    }
    return buf_str(&out);
}

const char *db_prefix(const struct db *db)
{
    return db->prefix;
}

const char *db_version(const struct db *db)
{
    return db->version;
}

/* --- connection -------------------------------------------------------------------------------------------------- */

static enum err open_with(const struct cfg *cfg, bool create, struct db **out)
{
    struct arena *a = NULL;

    TRY(arena_open(&a, 2048));
    struct db *db = ARENA_NEW(a, struct db);
    *db = (struct db){.driver = db_driver_of(cfg), .arena = a, .prefix = arena_strdup(a, cfg->database_prefix)};
    db->patience = cfg->database_busy_timeout;
    enum err e = db->driver->open(db, cfg, create);
    if (e != ERR_OK)
        db_close(&db);
    else
        *out = db;
    return e;
}

enum err db_open(const struct cfg *cfg, struct db **out)
{
    return open_with(cfg, true, out);
}

enum err db_open_existing(const struct cfg *cfg, struct db **out)
{
    return open_with(cfg, false, out);
}

bool db_moved(struct db *db)
{
    return db->driver->moved(db);
}

void db_hurry(struct db *db)
{
    db->driver->patience(db, db->patience < HURRY_MS ? db->patience : HURRY_MS);
}

void db_hurry_end(struct db *db)
{
    db->driver->patience(db, db->patience);
}

void db_close(struct db **db)
{
    struct db *d = *db;

    if (!d)
        return;
    *db = NULL;
    if (d->tx)
        d->driver->rollback(d);
    for (size_t i = 0; i < ST_COUNT; i++) {
        if (d->stmts[i])
            d->driver->finish(d, d->stmts[i]);
    }
    d->driver->close(d);
    struct arena *a = d->arena; /* d lies in it */
    arena_close(&a);
}

/* --- statements -------------------------------------------------------------------------------------------------- */

struct db_val *db_result_row(struct db_result *r)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4;
        struct db_val *v = ARENA_ARRAY(r->arena, struct db_val, cap * r->cols);
        if (r->n > 0)
            memcpy(v, r->v, r->n * r->cols * sizeof(*v));
        r->v = v;
        r->cap = cap;
    }
    return r->v + r->n++ * r->cols;
}

static bool signature_ok(const struct stmt_row *row, const struct db_val *v, size_t n)
{
    if (strlen(row->params) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool may_be_null = v[i].kind == 's' || v[i].kind == 't';
        if (v[i].kind != row->params[i] || (v[i].null && !may_be_null))
            return false;
    }
    return true;
}

static enum err stmt_ready(struct db *db, enum stmt id)
{
    const struct stmt_row *row = db_stmt(id);

    if (db->stmts[id])
        return ERR_OK;
    const char *sql = db->driver->own_text && row->mysql ? row->mysql : row->sql;
    sql = db_expand(db->arena, db->driver, db->prefix, sql);
    if (!sql)
        return ERR_INTERNAL;
    enum err e = db->driver->prepare(db, sql, strlen(row->params), strlen(row->results), &db->stmts[id]);
    if (e != ERR_OK)
        log_error("statement %s could not be prepared", row->name);
    return e;
}

static enum err stmt_run(struct db *db, enum stmt id, const struct db_val *v, size_t n, struct db_result *res,
                         int64_t *changed)
{
    const struct stmt_row *row = db_stmt(id);

    if (n == 1 && v[0].kind == 0)
        n = 0;
    if (!signature_ok(row, v, n) || (*row->results != '\0') != (res != NULL)) {
        log_error("statement %s: values do not fit its signature", row->name);
        return ERR_INTERNAL;
    }
    /* after an error that ended the transaction the next statement would take effect on its own */
    if (db->tx && !db->driver->in_tx(db)) {
        log_error("statement %s: its transaction has ended", row->name);
        return ERR_DB;
    }
    TRY(stmt_ready(db, id));
    return db->driver->run(db, db->stmts[id], row, v, res, changed);
}

enum err db_query_n(struct db *db, enum stmt id, struct arena *a, struct db_rows *out, const struct db_val *v, size_t n)
{
    struct db_result res = {.arena = a, .cols = strlen(db_stmt(id)->results)};

    TRY(stmt_run(db, id, v, n, &res, NULL));
    *out = (struct db_rows){.n = res.n, .cols = res.cols, .v = res.v};
    return ERR_OK;
}

enum err db_exec_n(struct db *db, enum stmt id, int64_t *changed, const struct db_val *v, size_t n)
{
    int64_t rows = 0;

    TRY(stmt_run(db, id, v, n, NULL, &rows));
    if (changed)
        *changed = rows;
    return ERR_OK;
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

enum err db_begin(struct db *db, struct db **tx)
{
    if (db->tx) {
        log_error("a transaction was begun inside another");
        return ERR_INTERNAL;
    }
    TRY(db->driver->begin(db));
    db->tx = true;
    *tx = db;
    return ERR_OK;
}

enum err db_commit(struct db **tx)
{
    struct db *db = *tx;

    *tx = NULL;
    if (!db || !db->tx) {
        log_error("a transaction was committed that is none");
        return ERR_INTERNAL;
    }
    db->tx = false;
    if (!db->driver->in_tx(db)) {
        log_error("the transaction to be committed has ended before");
        return ERR_DB;
    }
    enum err e = db->driver->commit(db);
    if (e != ERR_OK)
        db->driver->rollback(db);
    return e;
}

void auto_db_tx(struct db **tx)
{
    struct db *db = *tx;

    *tx = NULL;
    if (!db || !db->tx)
        return;
    db->tx = false;
    db->driver->rollback(db);
}

/* --- for migrate.c ----------------------------------------------------------------------------------------------- */

enum err db_script(struct db *db, const char *sql)
{
    return db->driver->script(db, sql);
}

enum err db_has_table(struct db *db, const char *name, bool *yes)
{
    return db->driver->has_table(db, name, yes);
}
