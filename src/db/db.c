/* The database seam without any database: statements by number, values against signatures, table prefix, transactions.
 * Must not know a driver's library, nor what the tables mean. */
#include "db/driver.h"
#include "base/buf.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
#ifdef LATCHKEY_WITH_MYSQL
    if (cfg->database_driver == DRIVER_MYSQL)
        return &db_mysql;
#else
    (void)cfg; /* its check has refused the other */
#endif
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
    if (!db->sql[id])
        db->sql[id] = db_expand(db->arena, db->driver, db->prefix,
                                db->driver->own_text && row->mysql ? row->mysql : row->sql);
    if (!db->sql[id])
        return ERR_INTERNAL;
    enum err e = db->driver->prepare(db, db->sql[id], row, &db->stmts[id]);
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
    TRY(db_usable(db));
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
    const struct db_result none = {.arena = a, .cols = strlen(db_stmt(id)->results)};
    struct db_result res = none;

    enum err e = stmt_run(db, id, v, n, &res, NULL);
    if (e == ERR_DB_LOST && !db->tx) {
        res = none;
        e = stmt_run(db, id, v, n, &res, NULL);
    }
    if (e != ERR_OK)
        return e;
    *out = (struct db_rows){.n = res.n, .cols = res.cols, .v = res.v};
    return ERR_OK;
}

enum err db_exec_n(struct db *db, enum stmt id, int64_t *changed, const struct db_val *v, size_t n)
{
    int64_t rows = 0;

    db_change_note(db, id);
    if (!db->tx)
        db_change_begin(db);
    enum err e = stmt_run(db, id, v, n, NULL, &rows);
    for (int i = 0; e == ERR_DB_CONFLICT && !db->tx && db_try_again(i); i++)
        e = stmt_run(db, id, v, n, NULL, &rows);
    if (!db->tx)
        db_change_end(db, e);
    if (e != ERR_OK)
        return e;
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
    TRY(db_usable(db));
    enum err e = db->driver->begin(db);
    if (e == ERR_DB_LOST) {
        TRY(db_usable(db));
        e = db->driver->begin(db);
    }
    if (e != ERR_OK)
        return e;
    db_change_drop(db);
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
    enum err e = db_usable(db);
    db->tx = false;
    if (e == ERR_OK && !db->driver->in_tx(db)) {
        log_error("the transaction to be committed has ended before");
        db_change_drop(db);
        return ERR_DB;
    }
    if (e != ERR_OK) {
        db_change_drop(db);
        db->driver->rollback(db);
        return e;
    }
    db_change_begin(db);
    e = db->driver->commit(db);
    db_change_end(db, e);
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
    db_change_drop(db);
    db->driver->rollback(db);
}

bool db_try_again(int tries)
{
    enum { TRIES = 3, PAUSE_MS = 5 };
    struct timespec t = {.tv_nsec = PAUSE_MS * 1000000L * (tries + 1)};

    if (tries >= TRIES)
        return false;
    nanosleep(&t, NULL);
    return true;
}

/* --- for migrate.c ----------------------------------------------------------------------------------------------- */

enum err db_script(struct db *db, const char *sql)
{
    TRY(db_usable(db));
    shmcache_change_add(&db->change, NULL);
    if (!db->tx)
        db_change_begin(db);
    enum err e = db->driver->script(db, sql);
    if (!db->tx)
        db_change_end(db, e);
    return e;
}

enum err db_has_table(struct db *db, const char *name, bool *yes)
{
    TRY(db_usable(db));
    enum err e = db->driver->has_table(db, name, yes);
    if (e != ERR_DB_LOST || db->tx)
        return e;
    TRY(db_usable(db));
    return db->driver->has_table(db, name, yes);
}
