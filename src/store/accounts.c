/* Password accounts. Hashes pass through and are never logged. Must not know how they are made. */
#include "store/row.h"

enum err accounts_add(struct db *db, const char *user_id, const char *password, int64_t now)
{
    char id[RNG_ID_SIZE];

    TRY(rng_id(id));
    return db_exec(db, ST_ACCOUNT_ADD, NULL, DB_TEXT(id), DB_TEXT(user_id), DB_TEXT("credential"), DB_TEXT(user_id),
                   DB_TEXT(password), DB_TIME(now), DB_TIME(now));
}

static enum err credential_by(struct db *db, enum stmt id, struct arena *a, const char *key, struct credential *out)
{
    struct db_rows rows;

    TRY(db_query(db, id, a, &rows, DB_TEXT(key)));
    if (rows.n == 0)
        return ERR_NONE;
    const struct db_val *v = db_row(&rows, 0);
    row_user(v, &out->user);
    out->password = v[ROW_USER_COLS].null ? NULL : v[ROW_USER_COLS].s;
    out->disabled = !v[ROW_USER_COLS + 1].null;
    return ERR_OK;
}

enum err accounts_find(struct db *db, struct arena *a, const char *email, struct credential *out)
{
    return credential_by(db, ST_ACCOUNT_FIND, a, email, out);
}

enum err accounts_of(struct db *db, struct arena *a, const char *user_id, struct credential *out)
{
    return credential_by(db, ST_ACCOUNT_OF, a, user_id, out);
}

enum err accounts_list(struct db *db, struct arena *a, const char *user_id, struct account **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_ACCOUNT_LIST, a, &rows, DB_TEXT(user_id)));
    struct account *list = ARENA_ARRAY(a, struct account, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        const struct db_val *v = db_row(&rows, i);
        list[i] = (struct account){db_text(&v[0]), db_text(&v[1]), db_text(&v[2]),           v[3].i,
                                   v[4].i,         db_text(&v[5]), v[6].null ? NULL : v[6].s};
    }
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err accounts_rehash(struct db *db, const char *user_id, const char *from, const char *to, int64_t now)
{
    int64_t changed;

    TRY(db_exec(db, ST_ACCOUNT_REHASH, &changed, DB_TEXT(to), DB_TIME(now), DB_TEXT(user_id), DB_TEXT(from)));
    return row_changed(changed);
}

enum err accounts_set(struct db *db, const char *user_id, const char *password, int64_t now)
{
    int64_t changed;

    TRY(db_exec(db, ST_ACCOUNT_SET, &changed, DB_TEXT(password), DB_TIME(now), DB_TEXT(user_id)));
    return changed > 0 ? ERR_OK : accounts_add(db, user_id, password, now);
}
