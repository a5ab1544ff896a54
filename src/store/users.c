/* Users, and our own row for each: the lock and whether he is disabled. Must not know policy. */
#include "store/row.h"

enum err users_add(struct db *db, const struct user *u)
{
    return db_exec(db, ST_USER_ADD, NULL, DB_TEXT(u->id), DB_TEXT(u->name), DB_TEXT(u->email),
                   DB_BOOL(u->email_verified), DB_TEXT(u->image), DB_TIME(u->created_at), DB_TIME(u->updated_at));
}

static enum err user_by(struct db *db, enum stmt id, struct arena *a, const char *key, struct user *out)
{
    struct db_rows rows;

    TRY(db_query(db, id, a, &rows, DB_TEXT(key)));
    if (rows.n == 0)
        return ERR_NONE;
    row_user(db_row(&rows, 0), out);
    return ERR_OK;
}

enum err users_by_id(struct db *db, struct arena *a, const char *id, struct user *out)
{
    return user_by(db, ST_USER_BY_ID, a, id, out);
}

enum err users_by_email(struct db *db, struct arena *a, const char *email, struct user *out)
{
    return user_by(db, ST_USER_BY_EMAIL, a, email, out);
}

enum err users_count(struct db *db, struct arena *a, int64_t *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_USER_COUNT, a, &rows, DB_NONE));
    return row_number(&rows, out);
}

enum err users_page(struct db *db, struct arena *a, const char *after, int64_t limit, struct user_summary **out,
                    size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_USER_PAGE, a, &rows, DB_TEXT(after), DB_INT(limit)));
    struct user_summary *list = ARENA_ARRAY(a, struct user_summary, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        const struct db_val *v = db_row(&rows, i);
        row_user(v, &list[i].user);
        list[i].disabled = !v[ROW_USER_COLS].null;
        list[i].disabled_at = v[ROW_USER_COLS].null ? 0 : v[ROW_USER_COLS].i;
        list[i].sessions = v[ROW_USER_COLS + 1].i;
    }
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err users_update(struct db *db, const char *id, const char *name, bool set_image, const char *image, int64_t now)
{
    int64_t changed;

    db_changes(db, id);
    TRY(db_exec(db, ST_USER_UPDATE, &changed, DB_TEXT(name), DB_INT(set_image), DB_TEXT(image), DB_TIME(now),
                DB_TEXT(id)));
    return row_changed(changed);
}

/* Sessions and accounts go by name, not by cascade alone: an adopted table may lack the foreign key. */
enum err users_verify(struct db *db, const char *id, const char *email, int64_t now)
{
    int64_t changed;

    db_changes(db, id);
    TRY(db_exec(db, ST_USER_VERIFY, &changed, DB_TIME(now), DB_TEXT(id), DB_TEXT(email)));
    return row_changed(changed);
}

enum err users_set_email(struct db *db, const char *id, const char *from, const char *to, int64_t now)
{
    int64_t changed;

    db_changes(db, id);
    TRY(db_exec(db, ST_USER_SET_EMAIL, &changed, DB_TEXT(to), DB_TIME(now), DB_TEXT(id), DB_TEXT(from)));
    return row_changed(changed);
}

enum err users_delete(struct db *db, const char *id)
{
    int64_t changed;

    TRY(sessions_end_user(db, id, NULL, NULL));
    TRY(db_exec(db, ST_ACCOUNT_DELETE_ALL, NULL, DB_TEXT(id)));
    TRY(db_exec(db, ST_DEVICE_DELETE_ALL, NULL, DB_TEXT(id)));
    db_changes(db, id);
    TRY(db_exec(db, ST_GROUP_REMOVE_ALL, NULL, DB_TEXT(id)));
    TRY(db_exec(db, ST_LIMIT_CLEAR, NULL, DB_TEXT(id)));
    TRY(db_exec(db, ST_LOCK_DELETE, NULL, DB_TEXT(id)));
    db_changes(db, id);
    TRY(db_exec(db, ST_USER_DELETE, &changed, DB_TEXT(id)));
    return row_changed(changed);
}

/* Of two that find no row one adds it; the other waits for that commit, gets a duplicate, and takes the row in turn. */
enum err users_lock(struct db *db, const char *id)
{
    int64_t changed;

    TRY(db_exec(db, ST_LOCK_BUMP, &changed, DB_TEXT(id)));
    if (changed > 0)
        return ERR_OK;
    enum err e = db_exec(db, ST_LOCK_ADD, NULL, DB_TEXT(id));
    return e == ERR_DB_DUPLICATE ? db_exec(db, ST_LOCK_BUMP, NULL, DB_TEXT(id)) : e;
}

enum err users_lock_all(struct db *db)
{
    return db_exec(db, ST_LOCK_ALL, NULL, DB_NONE);
}

enum err users_disable(struct db *db, const char *id, int64_t now)
{
    int64_t changed;

    TRY(db_exec(db, ST_USER_DISABLE, &changed, DB_TIME(now), DB_TEXT(id)));
    return row_changed(changed);
}

enum err users_enable(struct db *db, const char *id)
{
    int64_t changed;

    TRY(db_exec(db, ST_USER_ENABLE, &changed, DB_TEXT(id)));
    return row_changed(changed);
}
