/* Kind sqlite: the narrow tables in a file that is mapped into memory. */
#include "floor.h"
#include <sqlite3.h>
#include <time.h>

static void *sqlite_open(char *const *where)
{
    static const char settings[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=2147418112; PRAGMA cache_size=-65536";
    sqlite3 *db;
    sqlite3_stmt *stmt;

    if (!where[0])
        die("usage", "FILE");
    if (sqlite3_open_v2(where[0], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        die(where[0], sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(db, NARROW_QUERY, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        die("prepare", sqlite3_errmsg(db));
    return stmt;
}

static size_t sqlite_find(void *state, const unsigned char hash[HASH], char *body)
{
    sqlite3_stmt *stmt = state;
    struct narrow_row row;
    size_t length = 0;

    sqlite3_bind_blob(stmt, 1, hash, HASH, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, time(NULL));
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        for (int i = 0; i < NARROW_COLUMNS; i++)
            if (NARROW_KINDS[i] == 'i') {
                row.number[i] = sqlite3_column_int64(stmt, i);
            } else {
                row.text[i] = (const char *)sqlite3_column_text(stmt, i);
                row.length[i] = sqlite3_column_bytes(stmt, i);
            }
        length = narrow_json(&row, body);
    } else if (rc != SQLITE_DONE) {
        die("step", sqlite3_errmsg(sqlite3_db_handle(stmt)));
    }
    sqlite3_reset(stmt);
    return length;
}

const struct kind kind_sqlite = {"sqlite", NULL, sqlite_open, sqlite_find};
