/* The connection of the SQLite driver: which file, with what settings, whether it is still the one; and what the
 * library's errors mean. Must not know statements. */
#include "db/db_sqlite.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SQLITE_OLDEST 3037000 /* the first with STRICT tables */
#define MAPPED "1073741824"   /* bytes of the file at most; what is beyond is read */

/* --- errors ------------------------------------------------------------------------------------------------------ */

enum err lite_err_of(int rc)
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
enum err lite_failed(int rc, const char *doing)
{
    enum err e = lite_err_of(rc);

    if (e != ERR_OK && e != ERR_DB_DUPLICATE)
        log_error("sqlite: %s: %s (%d)", doing, sqlite3_errstr(rc), rc);
    return e;
}

enum err lite_text(struct db *db, const char *sql, const char *doing)
{
    int rc = sqlite3_exec(lite_of(db), sql, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        log_error("sqlite: %s: %s (%d)", doing, sqlite3_errmsg(lite_of(db)), rc);
    return lite_err_of(rc);
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
    struct lite *lite = db->conn ? db->conn : ARENA_NEW(db->arena, struct lite);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    sqlite3 *conn = NULL;
    mode_t mask = umask(077); /* the file and its -wal and -shm are ours alone */
    int rc = sqlite3_open_v2(path, &conn, flags, NULL);
    struct stat st;

    umask(mask);
    lite->c = conn;
    db->conn = lite;
    if (rc != SQLITE_OK) {
        log_error("sqlite: %s cannot be opened: %s", path, sqlite3_errstr(rc));
        return lite_err_of(rc);
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
        if (sqlite3_db_config(lite_of(db), wanted[i].option, wanted[i].value, &is) != SQLITE_OK ||
            is != wanted[i].value) {
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
    int rc = sqlite3_prepare_v2(lite_of(db), "PRAGMA journal_mode=WAL", -1, &s, NULL);

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
        if (lite_err_of(rc) != ERR_DB_BUSY || clock_steady() > deadline)
            return lite_failed(rc, "write-ahead log");
        nanosleep(&pause, NULL);
    }
    if (sqlite3_db_readonly(lite_of(db), "main") == 0)
        return ERR_OK;
    log_error("sqlite: the database may not be written");
    return ERR_DB_DOWN;
}

/* A process has one thread, and nobody asks how much memory is in use: locks and counts around each allocation would
 * only cost. Refused where a connection has been opened before, which did the same. */
static void library_set(void)
{
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* The library's own question tells whether what we look at is what it has open. */
static void file_note(struct db *db)
{
    struct lite *lite = db->conn;
    int moved = 1;

    if (stat(sqlite3_db_filename(lite->c, "main"), &lite->file) != 0 ||
        sqlite3_file_control(lite->c, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved)
        lite->file.st_ino = 0;
}

enum err lite_open(struct db *db, const struct cfg *cfg, bool create)
{
    const char *path = path_of(db, cfg);

    if (sqlite3_libversion_number() < SQLITE_OLDEST) {
        log_error("sqlite %s is too old: 3.37 or newer is needed", sqlite3_libversion());
        return ERR_DB;
    }
    library_set();
    db->version = arena_printf(db->arena, "sqlite %s", sqlite3_libversion());
    TRY(place_check(db, path));
    TRY(file_open(db, path, create));
    sqlite3_extended_result_codes(lite_of(db), 1);
    sqlite3_busy_timeout(lite_of(db), (int)db->patience);
    TRY(confine(db));
    TRY(wal_set(db, db->patience));
    file_note(db);
    /* The file is read by way of a map, which all workers share: their own page caches hold little but what is written.
     */
    return lite_text(db,
                     "PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA cache_size=-64;"
                     "PRAGMA mmap_size=" MAPPED "; PRAGMA temp_store=MEMORY",
                     "settings");
}

/* A file that was renamed, deleted or replaced is still ours to read, but it is nobody's database any more. One that
 * has become shorter was overwritten, or is packed (VACUUM): its map reaches beyond its end, and to read there would
 * end us. */
bool lite_moved(struct db *db)
{
    struct lite *lite = db->conn;
    const struct stat was = lite->file;

    return stat(sqlite3_db_filename(lite->c, "main"), &lite->file) != 0 || lite->file.st_ino != was.st_ino ||
           lite->file.st_dev != was.st_dev || lite->file.st_size < was.st_size;
}

void lite_patience(struct db *db, int64_t ms)
{
    if (lite_of(db))
        sqlite3_busy_timeout(lite_of(db), (int)ms);
}

void lite_close(struct db *db)
{
    struct lite *lite = db->conn;

    if (!lite)
        return;
    sqlite3_close_v2(lite->c);
    lite->c = NULL;
}
