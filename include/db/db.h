/* The database seam: statements by number, values by signature, one thin driver for each database. Knows no users and
 * no sessions. A handle belongs to one process and is opened after fork. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/arena.h"
#include "base/auto.h"
#include "conf/config.h"
#include <stdbool.h>
#include <stdint.h>

enum stmt {
#define STMT(name, params, results, sql, mysql) ST_##name,
#include "db/stmts.def"
#undef STMT
    ST_COUNT
};

struct stmt_row {
    const char *name, *params, *results, *sql, *mysql;
};
const struct stmt_row *db_stmt(enum stmt id);

/* One value. kind is a letter of the signature; null only where kind is 's' or 't'. Text is NUL-terminated UTF-8. */
struct db_val {
    char kind;
    bool null;
    union {
        const char *s;
        int64_t i;
    };
};
#define DB_TEXT(p) ((struct db_val){.kind = 's', .null = (p) == NULL, .s = (p)})
#define DB_INT(n) ((struct db_val){.kind = 'i', .i = (n)})
#define DB_BOOL(v) ((struct db_val){.kind = 'b', .i = (v) ? 1 : 0})
#define DB_TIME(ms) ((struct db_val){.kind = 't', .i = (ms)})
#define DB_NO_TIME ((struct db_val){.kind = 't', .null = true})

/* Result: n rows of cols values, row after row, in the arena of the call. */
struct db_rows {
    size_t n, cols;
    const struct db_val *v;
};
static inline const struct db_val *db_row(const struct db_rows *r, size_t i)
{
    return r->v + i * r->cols;
}

struct db;

/* Connects. Does not look at the schema (see migrate.h). The caller owns *out: db_close. ERR_DB_DOWN, ERR_DB,
 * ERR_CONFIG (e.g. a database file on a network file system); the reason is logged. */
MUST_USE enum err db_open(const struct cfg *cfg, struct db **out);
/* The same for a database that must be there: a missing one is ERR_DB_DOWN, never made. */
MUST_USE enum err db_open_existing(const struct cfg *cfg, struct db **out);
/* Is it no longer the database that the configuration names, e.g. a file that was replaced? Then close and open anew.
 */
bool db_moved(struct db *db);
/* Between the two, statements that meet a lock give up soon (ERR_DB_BUSY): for what may as well be left undone. */
void db_hurry(struct db *db);
void db_hurry_end(struct db *db);
void db_close(struct db **db);
/* "sqlite 3.40.1", for people. */
const char *db_version(const struct db *db);

/* Runs a reading statement. ERR_DB_DOWN, ERR_DB_BUSY, ERR_DB; ERR_INTERNAL if values and signature differ. */
#define db_query(db, id, arena, out, ...) db_query_n(db, id, arena, out, DB_VALS(__VA_ARGS__))
/* Runs a changing statement. *changed (may be NULL): rows it found, changed or not. As db_query, and ERR_DB_DUPLICATE
 * where a unique key refuses. */
#define db_exec(db, id, changed, ...) db_exec_n(db, id, changed, DB_VALS(__VA_ARGS__))
#define DB_VALS(...) \
    (const struct db_val[]){__VA_ARGS__}, sizeof((const struct db_val[]){__VA_ARGS__}) / sizeof(struct db_val)
/* For a statement without parameters. */
#define DB_NONE ((struct db_val){.kind = 0})

MUST_USE enum err db_query_n(struct db *db, enum stmt id, struct arena *a, struct db_rows *out, const struct db_val *v,
                             size_t n);
MUST_USE enum err db_exec_n(struct db *db, enum stmt id, int64_t *changed, const struct db_val *v, size_t n);

/* A transaction: READ COMMITTED, or BEGIN IMMEDIATE where a database has one writer. Rolled back when its block ends
 * without db_commit:
 *     AUTO(db_tx) struct db *tx = NULL;
 *     TRY(db_begin(db, &tx));
 *     …
 *     return db_commit(&tx);
 * Transactions do not nest. ERR_DB_DOWN, ERR_DB_BUSY. */
MUST_USE enum err db_begin(struct db *db, struct db **tx);
MUST_USE enum err db_commit(struct db **tx);
void auto_db_tx(struct db **tx);

/* For migrate.c and tests only: one statement of fixed text, no values. */
MUST_USE enum err db_script(struct db *db, const char *sql);
/* For migrate.c: is there a table of that name (prefix to be added here)? */
MUST_USE enum err db_has_table(struct db *db, const char *name, bool *yes);
/* For migrate.c: database.prefix. */
const char *db_prefix(const struct db *db);

#endif
