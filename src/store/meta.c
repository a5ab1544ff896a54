/* Facts about the whole database. Must never see a secret: only its keyed fingerprint is kept. */
#include "base/log.h"
#include "crypto/keys.h"
#include "store/row.h"

#include <string.h>

#define META_SECRET "secret"

static enum err mine_find(const struct keys *k, const char *print, size_t *which)
{
    char mine[KEYS_PRINT_SIZE];

    for (size_t i = 0; i < keys_count(k); i++) {
        TRY(keys_print(k, i, mine));
        if (strcmp(mine, print) == 0) {
            *which = i;
            return ERR_OK;
        }
    }
    log_error("none of our secrets is one this database knows: it belongs to another secret file");
    return ERR_SECRET;
}

/* What the database knows; NULL: nothing yet. */
static enum err secret_read(struct db *db, struct arena *a, const char **print)
{
    struct db_rows rows;

    TRY(db_query(db, ST_META_GET, a, &rows, DB_TEXT(META_SECRET)));
    *print = rows.n == 0 ? NULL : db_text(db_row(&rows, 0));
    return ERR_OK;
}

/* If another process moved or wrote the row meanwhile, ERR_DB_DUPLICATE: to be read again. */
static enum err secret_write(struct db *db, const char *there, const struct keys *k)
{
    char newest[KEYS_PRINT_SIZE];
    int64_t changed;

    TRY(keys_print(k, 0, newest));
    if (!there)
        return db_exec(db, ST_META_ADD, NULL, DB_TEXT(META_SECRET), DB_TEXT(newest));
    if (strcmp(there, newest) == 0)
        return ERR_OK;
    TRY(db_exec(db, ST_META_SET, &changed, DB_TEXT(newest), DB_TEXT(META_SECRET), DB_TEXT(there)));
    return changed == 1 ? ERR_OK : ERR_DB_DUPLICATE;
}

static enum err secret_try(struct db *db, struct arena *a, const struct keys *from, const struct keys *to)
{
    const char *there;
    size_t which;

    TRY(secret_read(db, a, &there));
    if (there)
        TRY(mine_find(from, there, &which));
    return secret_write(db, there, to);
}

enum err meta_move_secret(struct db *db, struct arena *a, const struct keys *from, const struct keys *to)
{
    enum err e = secret_try(db, a, from, to);

    for (int again = 0; e == ERR_DB_DUPLICATE && again < 3; again++)
        e = secret_try(db, a, from, to);
    return e;
}

enum err meta_check_secret(struct db *db, struct arena *a, const struct keys *k)
{
    return meta_move_secret(db, a, k, k);
}

enum err meta_has_secret(struct db *db, struct arena *a, bool *yes)
{
    const char *there;

    TRY(secret_read(db, a, &there));
    *yes = there != NULL;
    return ERR_OK;
}

enum err meta_knows_secret(struct db *db, struct arena *a, const struct keys *k)
{
    const char *there;
    size_t which;

    TRY(secret_read(db, a, &there));
    return there ? mine_find(k, there, &which) : ERR_OK;
}
