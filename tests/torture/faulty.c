/* See faulty.h. prepare, run, begin and commit are what may fail; the rest is the real driver's. */
#include "faulty.h"

struct faulty faulty;
static const struct db_driver *real;
static struct db_driver wrapped;

static bool due(struct db *db, bool commit)
{
    if (++faulty.calls != faulty.at)
        return false;
    faulty.hit = true;
    faulty.hit_in_tx = real->in_tx(db);
    faulty.hit_commit = commit;
    return true;
}

/* As a driver does that meets it. */
static enum err fail(struct db *db)
{
    bool gone = faulty.error == ERR_DB_LOST || faulty.error == ERR_DB_DOWN;

    if (faulty.manner == ENDED || gone)
        real->rollback(db);
    if (gone)
        db_break(db, faulty.error, false);
    return faulty.error;
}

static enum err faulty_prepare(struct db *db, const char *sql, const struct stmt_row *row, void **stmt)
{
    return due(db, false) ? fail(db) : real->prepare(db, sql, row, stmt);
}

static enum err faulty_run(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                           struct db_result *res, int64_t *changed)
{
    if (!due(db, false))
        return real->run(db, stmt, row, v, res, changed);
    if (faulty.manner == DONE) {
        enum err e = real->run(db, stmt, row, v, res, changed);
        if (e != ERR_OK)
            return e;
    }
    return fail(db);
}

static enum err faulty_begin(struct db *db)
{
    if (!due(db, false))
        return real->begin(db);
    if (faulty.manner == DONE && real->begin(db) != ERR_OK)
        return ERR_INTERNAL;
    return fail(db);
}

static enum err faulty_commit(struct db *db)
{
    if (!due(db, true))
        return real->commit(db);
    if (faulty.manner == DONE && real->commit(db) != ERR_OK)
        return ERR_INTERNAL;
    return fail(db);
}

void faulty_wrap(struct db *db)
{
    real = db->driver;
    wrapped = *real;
    wrapped.prepare = faulty_prepare;
    wrapped.run = faulty_run;
    wrapped.begin = faulty_begin;
    wrapped.commit = faulty_commit;
    db->driver = &wrapped;
    faulty = (struct faulty){.at = 0};
}
