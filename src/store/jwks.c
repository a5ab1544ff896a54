/* Keys that sign JWTs. A private half is only ever read alone, by who is about to sign or to seal it anew. */
#include "store/row.h"

enum err jwks_list(struct db *db, struct arena *a, int64_t since, struct signing_key **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_JWKS_LIST, a, &rows, DB_TIME(since)));
    struct signing_key *list = ARENA_ARRAY(a, struct signing_key, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        const struct db_val *v = db_row(&rows, i);
        list[i] = (struct signing_key){
            .id = db_text(&v[0]),
            .public_key = db_text(&v[1]),
            .created_at = v[2].i,
            .expires_at = v[3].null ? 0 : v[3].i,
            .alg = db_text(&v[4]),
            .crv = db_text(&v[5]),
        };
    }
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err jwks_private(struct db *db, struct arena *a, const char *id, const char **sealed)
{
    struct db_rows rows;

    TRY(db_query(db, ST_JWKS_PRIVATE, a, &rows, DB_TEXT(id)));
    if (rows.n == 0)
        return ERR_NONE;
    *sealed = db_text(db_row(&rows, 0));
    return ERR_OK;
}

enum err jwks_add(struct db *db, const struct signing_key *k, const char *sealed)
{
    return db_exec(db, ST_JWKS_ADD, NULL, DB_TEXT(k->id), DB_TEXT(k->public_key), DB_TEXT(sealed),
                   DB_TIME(k->created_at), k->expires_at ? DB_TIME(k->expires_at) : DB_NO_TIME, DB_TEXT(k->alg),
                   DB_TEXT(k->crv));
}

enum err jwks_expire(struct db *db, const char *id, int64_t at)
{
    return db_exec(db, ST_JWKS_EXPIRE, NULL, DB_TIME(at), DB_TEXT(id));
}

enum err jwks_reseal(struct db *db, const char *id, const char *was, const char *is)
{
    int64_t changed;

    TRY(db_exec(db, ST_JWKS_RESEAL, &changed, DB_TEXT(is), DB_TEXT(id), DB_TEXT(was)));
    return row_changed(changed);
}

enum err jwks_delete(struct db *db, const char *id)
{
    int64_t changed;

    TRY(db_exec(db, ST_JWKS_DELETE, &changed, DB_TEXT(id)));
    return row_changed(changed);
}

/* As users_lock: of two that find no row one adds it, and the other waits for that commit. */
enum err jwks_lock(struct db *db)
{
    int64_t changed;

    TRY(db_exec(db, ST_JWKS_LOCK, &changed, DB_NONE));
    if (changed > 0)
        return ERR_OK;
    enum err e = db_exec(db, ST_JWKS_LOCK_ADD, NULL, DB_NONE);
    return e == ERR_DB_DUPLICATE ? db_exec(db, ST_JWKS_LOCK, NULL, DB_NONE) : e;
}
