/* The seam inside db/: what a driver supplies, and what db.c, db_<driver>.c and migrate.c share. Nobody else includes
 * it. A driver knows its library; db.c knows signatures, prefixes and transactions; neither knows tables. */
#ifndef DB_DRIVER_H
#define DB_DRIVER_H

#include "db/db.h"

/* A result under construction: rows are appended, the arena holds them. */
struct db_result {
    struct arena *arena;
    struct db_val *v;
    size_t n, cap, cols;
};
/* Room for one more row of r->cols values, zeroed. */
struct db_val *db_result_row(struct db_result *r);

/* What a word in braces stands for in a schema file. The last row has a NULL word. */
struct db_ddl {
    const char *word, *text;
};

/* One database. Functions log the detail of what they detect. `stmt` handles belong to the driver. */
struct db_driver {
    const char *name;
    bool own_text;  /* takes the second text of a statement where there is one */
    bool remote;    /* a server that many share: struct health counts */
    bool ddl_in_tx; /* changes of the schema are undone with their transaction; else lock and unlock are there */
    const struct db_ddl *ddl;
    /* Connects db->conn as cfg says and sets db->version. After an error close is still called. */
    enum err (*open)(struct db *db, const struct cfg *cfg, bool create);
    /* Is the database of this connection no longer the one that cfg names? */
    bool (*moved)(struct db *db);
    /* How long statements wait for others from now on. */
    void (*patience)(struct db *db, int64_t ms);
    void (*close)(struct db *db);
    /* Prepares sql; ERR_INTERNAL if its parameters and columns are not those of row. */
    enum err (*prepare)(struct db *db, const char *sql, const struct stmt_row *row, void **stmt);
    void (*finish)(struct db *db, void *stmt);
    /* Runs stmt with the values (kinds already checked against row->params). A reading one fills res (kinds from
     * row->results); a changing one has res NULL and sets *changed. Leaves nothing open, neither after an error. */
    enum err (*run)(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                    struct db_result *res, int64_t *changed);
    enum err (*begin)(struct db *db);
    enum err (*commit)(struct db *db);
    /* Must leave the connection without a transaction, whatever became of it. */
    void (*rollback)(struct db *db);
    /* Is the transaction that was begun still there? A database may end it by itself after some errors. */
    bool (*in_tx)(struct db *db);
    /* ERR_DB_DUPLICATE: the table, column or index exists. ERR_SCHEMA: this account may not change the schema. */
    enum err (*script)(struct db *db, const char *sql);
    enum err (*has_table)(struct db *db, const char *name, bool *yes);
    /* One at a time changes the schema. Waits up to a minute. Goes with the connection. */
    enum err (*lock)(struct db *db);
    void (*unlock)(struct db *db);
};

extern const struct db_driver db_sqlite;
extern const struct db_driver db_mysql;

struct db {
    const struct db_driver *driver;
    void *conn;
    struct arena *arena;   /* for the life of db: prefix, version, SQL */
    struct arena *scratch; /* of the driver, for the length of a call */
    const char *prefix, *version;
    const char *sql[ST_COUNT]; /* expanded at first use */
    void *stmts[ST_COUNT];     /* prepared at first use of a connection */
    const struct cfg *cfg;
    struct health *health; /* may be NULL */
    int64_t patience;      /* of the configuration, ms */
    int64_t until;         /* clock_steady after which nothing is begun; 0: no limit */
    enum err broken;       /* ERR_DB_LOST, ERR_DB_DOWN: what every use of this connection is answered */
    bool tx;               /* between begin and commit or rollback */
    bool pinned;           /* something hangs on this very connection: it is not replaced */
    bool told;             /* that the time is over */
    struct shmcache *cache; /* what must hear of changes; may be NULL */
    struct shmcache_change change; /* of the transaction, or the statement */
    bool named;            /* whose the next change is has been said */
};

/* --- db_conn.c --- */

/* For drivers: nothing more can be done on this connection; late: because no answer came in time. */
void db_break(struct db *db, enum err e, bool late);
/* May a statement begin? Connects anew where a connection has broken that nothing hangs on. ERR_DB_LOST, ERR_DB_DOWN. */
MUST_USE enum err db_usable(struct db *db);

/* --- db_change.c --- */

/* Does the statement change what may be cached? */
bool db_is_shown(enum stmt id);
/* One is about to run. */
void db_change_note(struct db *db, enum stmt id);
/* Around what makes the noted changes seen by others; e: what became of it. */
void db_change_begin(struct db *db);
void db_change_end(struct db *db, enum err e);
/* Nothing of it happens. */
void db_change_drop(struct db *db);

/* The driver that cfg names. */
const struct db_driver *db_driver_of(const struct cfg *cfg);
/* sql with @name as prefix and name, and {word} as the driver's text for it, both not inside '…'. NULL (logged): a word
 * it does not have. */
const char *db_expand(struct arena *a, const struct db_driver *driver, const char *prefix, const char *sql);

/* schema/NNNN-name.sql, embedded at build; the last row has number 0. */
struct migration {
    int number;
    const char *name, *text;
};
extern const struct migration migrations[];

#endif
