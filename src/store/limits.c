/* Counters of tries, and the devices users signed in from. Each count is one guarded statement. Must not know what is
 * allowed. */
#include "store/row.h"

enum err limits_get(struct db *db, struct arena *a, const char *name, struct limit *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_LIMIT_GET, a, &rows, DB_TEXT(name)));
    *out = (struct limit){.name = name, .there = rows.n > 0};
    if (rows.n > 0) {
        out->tries = db_row(&rows, 0)[0].i;
        out->free_at = db_row(&rows, 0)[1].i;
    }
    return ERR_OK;
}

enum err limits_set(struct db *db, const struct limit *was, const struct limit *is)
{
    int64_t changed;

    if (!was->there) {
        enum err e = db_exec(db, ST_LIMIT_ADD, NULL, DB_TEXT(is->name), DB_TEXT(is->subject), DB_INT(is->tries),
                             DB_INT(is->free_at), DB_TIME(is->expires_at));
        return e == ERR_DB_DUPLICATE ? ERR_NONE : e;
    }
    TRY(db_exec(db, ST_LIMIT_SET, &changed, DB_INT(is->tries), DB_INT(is->free_at), DB_TIME(is->expires_at),
                DB_TEXT(is->name), DB_INT(was->tries), DB_INT(was->free_at)));
    return row_changed(changed);
}

enum err limits_refund(struct db *db, const char *name, int64_t ms)
{
    return db_exec(db, ST_LIMIT_REFUND, NULL, DB_INT(ms), DB_TEXT(name));
}

enum err limits_drop(struct db *db, const char *name)
{
    return db_exec(db, ST_LIMIT_DROP, NULL, DB_TEXT(name));
}

enum err limits_clear(struct db *db, const char *subject, int64_t *n)
{
    if (!subject)
        return db_exec(db, ST_LIMIT_CLEAR_ALL, n, DB_NONE);
    return db_exec(db, ST_LIMIT_CLEAR, n, DB_TEXT(subject));
}

enum err limits_page(struct db *db, struct arena *a, int64_t now, const char *after, int64_t limit, struct limit **out,
                     size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_LIMIT_PAGE, a, &rows, DB_TEXT(after), DB_TIME(now), DB_INT(limit)));
    struct limit *list = ARENA_ARRAY(a, struct limit, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        const struct db_val *v = db_row(&rows, i);
        list[i] = (struct limit){db_text(&v[0]), db_text(&v[1]), v[2].i, v[3].i, v[4].i, true};
    }
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

/* --- devices ---------------------------------------------------------------------------------------------------------
 */

enum err devices_find(struct db *db, struct arena *a, const char *user_id, const char *device, int64_t now,
                      int64_t *last_seen)
{
    struct db_rows rows;

    TRY(db_query(db, ST_DEVICE_GET, a, &rows, DB_TEXT(user_id), DB_TEXT(device), DB_TIME(now)));
    return rows.n > 0 ? row_number(&rows, last_seen) : ERR_NONE;
}

/* The caller holds the user's lock: nobody else adds it. */
enum err devices_seen(struct db *db, const char *user_id, const char *device, int64_t now, int64_t expires_at)
{
    int64_t changed;

    TRY(db_exec(db, ST_DEVICE_SET, &changed, DB_TIME(now), DB_TIME(expires_at), DB_TEXT(user_id), DB_TEXT(device)));
    if (changed > 0)
        return ERR_OK;
    return db_exec(db, ST_DEVICE_ADD, NULL, DB_TEXT(user_id), DB_TEXT(device), DB_TIME(now), DB_TIME(expires_at));
}

enum err devices_forget(struct db *db, const char *user_id)
{
    return db_exec(db, ST_DEVICE_DELETE_ALL, NULL, DB_TEXT(user_id));
}

enum err devices_list(struct db *db, struct arena *a, const char *user_id, struct device **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_DEVICE_LIST, a, &rows, DB_TEXT(user_id)));
    struct device *list = ARENA_ARRAY(a, struct device, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        list[i] = (struct device){db_text(&db_row(&rows, i)[0]), db_row(&rows, i)[1].i};
    *out = list;
    *n = rows.n;
    return ERR_OK;
}
