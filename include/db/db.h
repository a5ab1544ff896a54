/* The database seam: statements by number, values by signature, one thin driver for each database. Knows no users and
 * no sessions. A handle belongs to one process and is opened after fork. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/arena.h"
#include "base/auto.h"
#include "base/board.h"
#include "base/shmcache.h"
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

/* The text of a value; "" for one that is NULL, which a database may say wherever it likes. */
static inline const char *db_text(const struct db_val *v)
{
    return v->null ? "" : v->s;
}

struct db;

/* Errors of everything below that talks to the store:
 * ERR_DB_DOWN      it cannot be reached, or did not answer in time
 * ERR_DB_LOST      the connection broke: what was under way may or may not have happened
 * ERR_DB_CONFLICT  it chose us as the victim of a deadlock: the transaction is undone and may be run again
 * ERR_DB_BUSY      others held what was needed for longer than database.busy_timeout
 * ERR_DB           anything else. All are logged where they are detected. */

/* Connects. Does not look at the schema (see migrate.h). The caller owns *out: db_close; cfg and health (may be NULL)
 * must outlive it. ERR_CONFIG: e.g. a database file on a network file system. */
MUST_USE enum err db_open(const struct cfg *cfg, struct health *health, struct db **out);
/* The same for a database that must be there: a missing one is ERR_DB_DOWN, never made. Takes half of limits.request at
 * most (and what db_until says counts from then on). */
MUST_USE enum err db_open_existing(const struct cfg *cfg, struct health *health, struct db **out);
/* Statements that would begin after `steady` (clock_steady) are not begun any more: ERR_DB_DOWN. 0: no limit. So that a
 * request is answered in its time however slow the store. */
void db_until(struct db *db, int64_t steady);
/* Is it no longer the database that the configuration names, e.g. a file that was replaced, or a connection that the
 * server has ended? Then close and open anew. */
bool db_moved(struct db *db);
/* Between the two, statements that meet a lock give up soon (ERR_DB_BUSY): for what may as well be left undone. */
void db_hurry(struct db *db);
void db_hurry_end(struct db *db);
void db_close(struct db **db);
/* "sqlite 3.40.1", for people. */
const char *db_version(const struct db *db);

/* From now on the processes of this host hear of changes by this cache, which must outlive db; NULL: there is none. */
void db_share(struct db *db, struct shmcache *cache);
/* The next statement changes sessions, data or groups of this user and of nobody else. NULL: of all. To be called before
 * each one that changes such rows: what is cached of others then stays. */
void db_changes(struct db *db, const char *user_id);

/* What is cached of this user ends with the transaction, whatever its statements find: another host may have been quicker,
 * of which this one has not heard. */
void db_tell(struct db *db, const char *user_id);
/* The same of one session, by the hash of its token, at once: whose it was cannot be found any more. */
void db_forget(struct db *db, const char *token_hash);

/* Runs a reading statement. Outside a transaction it is run once more, on a new connection, if the connection broke.
 * ERR_INTERNAL if values and signature differ. */
#define db_query(db, id, arena, out, ...) db_query_n(db, id, arena, out, DB_VALS(__VA_ARGS__))
/* Runs a changing statement. *changed (may be NULL): rows it found, changed or not. Outside a transaction it is run
 * again after a deadlock (nothing of it happened), never after a lost connection (it may have). ERR_DB_DUPLICATE where
 * a unique key refuses. */
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
 * Transactions do not nest. db_begin connects anew if the connection has broken: nothing had been done on it. */
MUST_USE enum err db_begin(struct db *db, struct db **tx);
MUST_USE enum err db_commit(struct db **tx);
void auto_db_tx(struct db **tx);

/* Runs `call`, one whole transaction, again while it ends in a deadlock, a few times with short pauses:
 *     enum err e;
 *     DB_RETRY(e, signin_store(…)); */
#define DB_RETRY(e, call) \
    for (int db_try_ = 0; ((e) = (call)) == ERR_DB_CONFLICT && db_try_again(db_try_); db_try_++)
/* Sleeps a little, longer each time; false: it has been tried often enough. */
bool db_try_again(int tries);

/* For migrate.c and tests only: one statement of fixed text, no values. */
MUST_USE enum err db_script(struct db *db, const char *sql);
/* For migrate.c: is there a table of that name (prefix to be added here)? */
MUST_USE enum err db_has_table(struct db *db, const char *name, bool *yes);
/* For migrate.c: database.prefix. */
const char *db_prefix(const struct db *db);

#endif
