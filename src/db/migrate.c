/* Schema: which migrations a database has, and applying the rest. The number lies in the meta table, changed in the
 * same transaction; a database whose schema no transaction undoes has there how many statements of a migration are
 * done, too. Must not know a dialect; texts come from schema/, words from the driver. */
#include "db/migrate.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/log.h"
#include "db/driver.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define META_SCHEMA "schema"
#define META_STEP "schema_step" /* "migration:statements" */

int migrate_newest(void)
{
    int newest = 0;

    for (const struct migration *m = migrations; m->number; m++)
        newest = m->number;
    return newest;
}

/* --- texts ------------------------------------------------------------------------------------------------------- */

/* The next line of *text, without its comment and trailing blanks; *text moves behind it. False at the end. */
static bool line_next(const char **text, const char **line, size_t *len)
{
    if (!**text)
        return false;
    size_t whole = strcspn(*text, "\n"), n = whole;
    *line = *text;
    *text += whole + ((*text)[whole] == '\n');
    if (n >= 2 && memcmp(*line, "--", 2) == 0)
        n = 0;
    while (n > 0 && strchr(" \t\r", (*line)[n - 1]))
        n--;
    *len = n;
    return true;
}

/* The next statement of *text, without its semicolon: a semicolon at the end of a line ends it. NULL at the end. */
static const char *statement_next(struct arena *a, const char **text)
{
    struct buf out = buf_in(a);
    const char *line;
    size_t len;

    while (line_next(text, &line, &len)) {
        if (len == 0)
            continue;
        bool last = line[len - 1] == ';';
        if (out.len > 0)
            buf_putc(&out, '\n');
        buf_add(&out, line, last ? len - 1 : len);
        if (last)
            break;
    }
    return out.len > 0 ? buf_str(&out) : NULL;
}

enum err migrate_print(const struct cfg *cfg, struct buf *out)
{
    const struct db_driver *driver = db_driver_of(cfg);
    const char *sql;

    for (const struct migration *m = migrations; m->number; m++) {
        const char *text = m->text;
        buf_printf(out, "-- %04d %s\n", m->number, m->name);
        while ((sql = statement_next(out->arena, &text))) {
            sql = db_expand(out->arena, driver, cfg->database_prefix, sql);
            if (!sql)
                return ERR_INTERNAL;
            buf_printf(out, "%s;\n", sql);
        }
    }
    return ERR_OK;
}

/* --- the number -------------------------------------------------------------------------------------------------- */

static enum err table_there(struct db *db, struct arena *a, const char *name, bool *yes)
{
    return db_has_table(db, arena_printf(a, "%s%s", db_prefix(db), name), yes);
}

enum err migrate_version(struct db *db, struct arena *a, int *version)
{
    struct db_rows rows;
    bool there;

    TRY(table_there(db, a, "latchkey_meta", &there));
    if (!there) {
        *version = 0;
        return ERR_OK;
    }
    TRY(db_query(db, ST_META_GET, a, &rows, DB_TEXT(META_SCHEMA)));
    if (rows.n == 0 && !db->driver->ddl_in_tx) { /* broken off while it was made */
        *version = 0;
        return ERR_OK;
    }
    char *end = NULL;
    long n = rows.n ? strtol(db_text(db_row(&rows, 0)), &end, 10) : 0;
    if (n < 1 || n > 9999 || *end) {
        log_error("the table %slatchkey_meta does not tell the version of the schema", db_prefix(db));
        return ERR_SCHEMA;
    }
    *version = (int)n;
    return ERR_OK;
}

static enum err version_set(struct db *db, struct arena *a, int from, int to)
{
    const char *new = arena_printf(a, "%d", to), *old = arena_printf(a, "%d", from);
    int64_t changed;

    if (from == 0)
        return db_exec(db, ST_META_ADD, NULL, DB_TEXT(META_SCHEMA), DB_TEXT(new));
    TRY(db_exec(db, ST_META_SET, &changed, DB_TEXT(new), DB_TEXT(META_SCHEMA), DB_TEXT(old)));
    if (changed == 1)
        return ERR_OK;
    log_error("the version of the schema changed meanwhile");
    return ERR_SCHEMA;
}

/* --- applying ---------------------------------------------------------------------------------------------------- */

/* Tables of our names that we did not make must not be touched. */
static enum err strangers_check(struct db *db, struct arena *a)
{
    static const char *const names[] = {
        "user",           "session",        "account",         "verification", "latchkey_user", "latchkey_audit",
        "latchkey_ended", "latchkey_limit", "latchkey_device", "jwks",         "latchkey_mail", "latchkey_group"};
    bool there;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        TRY(table_there(db, a, names[i], &there));
        if (!there)
            continue;
        log_error("there is a table %s%s, but no version in %slatchkey_meta: this is not a latchkey database; use "
                  "another one, or set database.prefix",
                  db_prefix(db), names[i], db_prefix(db));
        return ERR_SCHEMA;
    }
    return ERR_OK;
}

static enum err newer_check(int version)
{
    if (version <= migrate_newest())
        return ERR_OK;
    log_error("the database has schema %d, newer than %d of this program: use the program that made it", version,
              migrate_newest());
    return ERR_SCHEMA;
}

static enum err migration_apply(struct db *db, struct arena *a, const struct migration *m)
{
    const char *text = m->text, *sql;

    while ((sql = statement_next(a, &text))) {
        sql = db_expand(a, db->driver, db_prefix(db), sql);
        if (!sql)
            return ERR_INTERNAL;
        enum err e = db_script(db, sql);
        if (e != ERR_OK) {
            log_error("migration %04d %s failed", m->number, m->name);
            return e;
        }
    }
    return version_set(db, a, m->number - 1, m->number);
}

/* --- where a change of the schema is no part of a transaction ----------------------------------------------------- */

enum { ALL_DONE = INT_MAX };

/* How many statements of migration `number` are done, and the text of the row that says so (NULL: there is none). */
static enum err step_read(struct db *db, struct arena *a, int number, int *done, const char **text)
{
    struct db_rows rows;
    bool there;

    *done = 0;
    *text = NULL;
    TRY(table_there(db, a, "latchkey_meta", &there));
    if (!there)
        return ERR_OK;
    TRY(db_query(db, ST_META_GET, a, &rows, DB_TEXT(META_STEP)));
    if (rows.n == 0)
        return ERR_OK;
    *text = db_text(db_row(&rows, 0));
    char *end = NULL;
    long of = strtol(*text, &end, 10);
    if (*end == ':' && of >= number)
        *done = of > number ? ALL_DONE : (int)strtol(end + 1, NULL, 10);
    return ERR_OK;
}

static enum err step_write(struct db *db, struct arena *a, int number, int done, const char **text)
{
    const char *new = arena_printf(a, "%d:%d", number, done);
    int64_t changed = 1;

    if (*text)
        TRY(db_exec(db, ST_META_SET, &changed, DB_TEXT(new), DB_TEXT(META_STEP), DB_TEXT(*text)));
    else
        TRY(db_exec(db, ST_META_ADD, NULL, DB_TEXT(META_STEP), DB_TEXT(new)));
    *text = new;
    return changed == 1 ? ERR_OK : ERR_SCHEMA;
}

/* A statement that changes rows is done together with its note; one that changes the schema ends the transaction by
 * itself, so that it may have been done without. Then, and only for the first one of a resumed run, it is there. */
static enum err step_run(struct db *db, struct arena *a, const char *sql, bool may_be_done, int number, int step,
                         const char **text)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(db, &tx));
    enum err e = db_script(db, sql);
    if (e == ERR_DB_DUPLICATE && may_be_done)
        log_info("migration %04d: statement %d was done already", number, step);
    else if (e != ERR_OK)
        return e;
    TRY(step_write(db, a, number, step, text));
    return db_commit(&tx);
}

static enum err migration_step(struct db *db, struct arena *a, const struct migration *m)
{
    const char *text = m->text, *sql, *note;
    int done, n = 0;

    TRY(step_read(db, a, m->number, &done, &note));
    if (done == 0 && m->number == 1)
        TRY(strangers_check(db, a));
    if (done == ALL_DONE)
        return ERR_OK;
    if (done > 0)
        log_info("migration %04d %s: resumed after statement %d", m->number, m->name, done);
    while ((sql = statement_next(a, &text))) {
        if (++n <= done)
            continue;
        sql = db_expand(a, db->driver, db_prefix(db), sql);
        enum err e = sql ? step_run(db, a, sql, n == done + 1, m->number, n, &note) : ERR_INTERNAL;
        if (e != ERR_OK) {
            log_error("migration %04d %s failed at statement %d", m->number, m->name, n);
            return e == ERR_DB_DUPLICATE ? ERR_SCHEMA : e;
        }
    }
    return ERR_OK;
}

/* Tables that never were complete have no version: whoever starts next goes on making them, and who starts meanwhile
 * waits. */
static enum err missing_step(struct db *db, struct arena *a, int *from, int *to)
{
    int version;

    TRY(migrate_version(db, a, &version));
    TRY(newer_check(version));
    for (const struct migration *m = migrations; m->number; m++) {
        if (m->number <= version)
            continue;
        TRY(migration_step(db, a, m));
        if (version > 0)
            TRY(version_set(db, a, m->number - 1, m->number));
    }
    if (version == 0)
        TRY(version_set(db, a, 0, migrate_newest()));
    *from = version;
    *to = migrate_newest();
    return ERR_OK;
}

static enum err missing_apply_locked(struct db *db, struct arena *a, int *from, int *to)
{
    TRY(db->driver->lock(db));
    db->pinned = true; /* the lock goes with the connection */
    enum err e = missing_step(db, a, from, to);
    db->driver->unlock(db);
    db->pinned = false;
    return e;
}

/* --- all that is missing ----------------------------------------------------------------------------------------- */

/* The version is read again inside the transaction: of many who start at once one applies, the others find it done. */
static enum err missing_apply_tx(struct db *db, struct arena *a, int *from, int *to)
{
    AUTO(db_tx) struct db *tx = NULL;
    int version;

    TRY(db_begin(db, &tx));
    TRY(migrate_version(db, a, &version));
    TRY(newer_check(version));
    if (version == 0)
        TRY(strangers_check(db, a));
    for (const struct migration *m = migrations; m->number; m++) {
        if (m->number > version)
            TRY(migration_apply(db, a, m));
    }
    TRY(db_commit(&tx));
    *from = version;
    *to = migrate_newest();
    return ERR_OK;
}

static enum err missing_apply(struct db *db, struct arena *a, int *from, int *to)
{
    TRY(db->driver->ddl_in_tx ? missing_apply_tx(db, a, from, to) : missing_apply_locked(db, a, from, to));
    if (*from < *to)
        log_info("schema brought from %d to %d", *from, *to);
    return ERR_OK;
}

enum err migrate_up(struct db *db, struct arena *a, int *from, int *to)
{
    int version;

    TRY(migrate_version(db, a, &version));
    TRY(newer_check(version));
    if (version == migrate_newest()) {
        *from = *to = version;
        return ERR_OK;
    }
    return missing_apply(db, a, from, to);
}

static enum err older_check(int version)
{
    if (version == migrate_newest())
        return ERR_OK;
    log_error("the database has schema %d, this program needs %d: run latchkeyctl migrate", version, migrate_newest());
    return ERR_SCHEMA;
}

enum err migrate_current(struct db *db, struct arena *a)
{
    int version;

    TRY(migrate_version(db, a, &version));
    TRY(newer_check(version));
    if (version > 0)
        return older_check(version);
    log_error("the database is empty: was it replaced?");
    return ERR_DB_DOWN;
}

enum err migrate_ready(struct db *db, struct arena *a)
{
    int version, from, to;

    TRY(migrate_version(db, a, &version));
    TRY(newer_check(version));
    return version == 0 ? missing_apply(db, a, &from, &to) : older_check(version);
}
