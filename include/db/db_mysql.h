/* What the files of the MySQL driver share: one connection, the errors of library and server, values as the binary
 * protocol has them. Nobody outside src/db includes it (but its own tests). Written for MariaDB Connector/C and for
 * libmysqlclient 8. */
#ifndef DB_DB_MYSQL_H
#define DB_DB_MYSQL_H

#include "db/driver.h"

#include <mysql.h>

#if defined(LIBMARIADB) || MYSQL_VERSION_ID < 80001
typedef my_bool my_flag; /* the one name that the two libraries do not share */
#else
typedef bool my_flag;
#endif

/* Values a statement may have on either side. */
#define MY_VALUES 32

/* db->conn. Lives as long as db; `m` is NULL while there is no connection. */
struct my {
    MYSQL *m;
    bool tx;          /* between begin and whatever ended it */
    bool galera;      /* a node of a cluster */
    const char *entry; /* of database.hosts, that we are connected to; of the configuration */
    int64_t looked;   /* clock_steady of the last look at its role */
    int32_t host;     /* index of the host that answered last, where nobody shares it */
    int64_t timeout;  /* database.timeout in whole seconds, as ms */
    int64_t patience; /* seconds, as the server has it now */
};
static inline struct my *my_of(struct db *db)
{
    return db->conn;
}

/* --- db_mysql_conn.c --- */

/* Connects to the first host that takes us and may be written. ERR_DB_DOWN. */
MUST_USE enum err my_open(struct db *db, const struct cfg *cfg, bool create);
void my_close(struct db *db);
/* Whole seconds that a statement may wait for a lock, where ms are wanted. */
int64_t my_lock_seconds(struct db *db, int64_t ms);
/* What follows may take database.timeout, however the answer trickles in. Now (clock_steady). */
int64_t my_begin(struct db *db);
/* Is TLS demanded of the entry of database.hosts? */
bool my_tls_wanted(const struct cfg *cfg, const char *entry);

/* --- db_mysql_role.c --- */

/* May the server behind m, configured as `entry`, be used? Logs why not. */
bool my_role_ok(struct db *db, MYSQL *m, const char *entry);
/* Have the others of the pool gone on to another server? Then what is ended there would live on here. */
bool my_host_left(struct db *db);
/* Has the server we are connected to become one that may not be used? Asks it every few seconds at most. */
bool my_role_changed(struct db *db);

/* --- db_mysql_err.c --- */

/* What an error number of server or library means; ERR_DB if it is not known. */
enum err my_err_of(unsigned code);
/* Logs the error of what began at `begun` (clock_steady) and marks the connection broken if it is. `doing` names it;
 * `detail` is the server's text where that cannot quote values, or NULL. */
MUST_USE enum err my_failed(struct db *db, unsigned code, int64_t begun, const char *doing, const char *detail);

/* --- db_mysql_bind.c --- */

struct my_params {
    MYSQL_BIND b[MY_VALUES];
    MYSQL_TIME t[MY_VALUES];
};
/* p points into v and into itself. */
void my_params_set(struct my_params *p, const char *kinds, const struct db_val *v);
/* Milliseconds since 1970 and DATETIME(3), UTC, years 0000 to 9999; false: no date. */
void my_time_of(int64_t ms, MYSQL_TIME *out);
bool my_time_ms(const MYSQL_TIME *t, int64_t *ms);

/* --- db_mysql_row.c --- */

/* What the library copies with each run of a prepared statement and nobody needs is let go. */
void my_stmt_slim(MYSQL_STMT *s);
/* The rows of a statement that was executed and its result stored, into res; text into the arena. False: a value is not
 * what its kind can be, or a row does not hold what it says. */
MUST_USE bool my_rows_take(MYSQL_STMT *s, const char *kinds, struct db_result *res);
/* May a column of that type be read as kind? */
bool my_type_fits(enum enum_field_types type, char kind);

#endif
