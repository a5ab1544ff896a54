/* What the files of the SQLite driver share: one connection, and the library's errors. Nobody outside src/db includes it
 * (but its own tests). */
#ifndef DB_DB_SQLITE_H
#define DB_DB_SQLITE_H

#include "db/driver.h"

#include <sqlite3.h>
#include <sys/stat.h>

/* db->conn. Lives as long as db; `c` is NULL while there is no connection. */
struct lite {
    sqlite3 *c;
    struct stat file; /* as it was when last looked at; st_ino 0: it was not ours */
};
/* NULL: there is none. */
static inline sqlite3 *lite_of(const struct db *db)
{
    const struct lite *lite = db->conn;
    return lite ? lite->c : NULL;
}

/* --- db_sqlite_conn.c --- */

/* What a result code of the library means; ERR_DB if it is not known. */
enum err lite_err_of(int rc);
/* The same, logged. */
MUST_USE enum err lite_failed(int rc, const char *doing);
/* Runs text without values. */
MUST_USE enum err lite_text(struct db *db, const char *sql, const char *doing);
/* ERR_CONFIG: the file is on a network file system. ERR_DB_DOWN. */
MUST_USE enum err lite_open(struct db *db, const struct cfg *cfg, bool create);
bool lite_moved(struct db *db);
void lite_patience(struct db *db, int64_t ms);
void lite_close(struct db *db);

#endif
