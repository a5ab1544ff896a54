/* The keys behind JWTs: which one signs, how one takes over from another, how private halves are sealed. A private half
 * is in the clear only between jwt_unseal and who asked for it. */
#include "auth/jwt.h"

#include "auth/journal.h"
#include "base/log.h"
#include "crypto/jwt.h"
#include "crypto/seal.h"

#include <string.h>

#define PURPOSE "keys of JWTs"

/* --- which one: pure --------------------------------------------------------------------------------------------- */

static bool live(const struct signing_key *k, int64_t now)
{
    return k->expires_at == 0 || k->expires_at > now;
}

/* Does a come before b in the choice? The newest of those that may sign by now; else the one that may first. Of the
 * same instant the one that goes on longer. */
static bool rather(const struct signing_key *a, const struct signing_key *b, int64_t now)
{
    bool a_may = a->created_at <= now, b_may = b->created_at <= now;

    if (a_may != b_may)
        return a_may;
    if (a->created_at != b->created_at)
        return a_may == (a->created_at > b->created_at);
    return b->expires_at != 0 && (a->expires_at == 0 || a->expires_at > b->expires_at);
}

const struct signing_key *jwt_choose(const struct signing_key *list, size_t n, int64_t now)
{
    const struct signing_key *best = NULL;

    for (size_t i = 0; i < n; i++)
        if (live(&list[i], now) && (!best || rather(&list[i], best, now)))
            best = &list[i];
    return best;
}

enum jwt_state jwt_state(const struct signing_key *list, size_t n, const struct signing_key *k, int64_t now)
{
    if (k == jwt_choose(list, n, now))
        return JWT_SIGNS;
    if (!live(k, now))
        return JWT_EXPIRED;
    return k->created_at > now ? JWT_NEXT : JWT_GOES;
}

/* --- making them ------------------------------------------------------------------------------------------------- */

static enum err published(struct auth *au, struct signing_key **list, size_t *n)
{
    return jwks_list(au->db, au->arena, au->now - JWT_PUBLISHED, list, n);
}

/* Inside a transaction that holds the lock. */
static enum err key_add(struct auth *au, int64_t from, struct signing_key *out)
{
    AUTO(jwt_key) struct jwt_key *key = NULL;
    uint8_t seed[JWT_SEED_LEN];
    char id[RNG_ID_SIZE], *public_key, *sealed;

    TRY(rng_id(id));
    TRY(jwt_seed_new(seed));
    enum err e = jwt_key_open(seed, &key);
    if (e == ERR_OK)
        e = seal_close(au->keys, au->arena, PURPOSE, id, seed, sizeof seed, &sealed);
    explicit_bzero(seed, sizeof seed);
    TRY(e);
    TRY(jwt_key_public(key, au->arena, &public_key));
    *out = (struct signing_key){.id = arena_strdup(au->arena, id),
                                .public_key = public_key,
                                .alg = JWT_ALG,
                                .crv = JWT_CRV,
                                .created_at = from};
    TRY(jwks_add(au->db, out, sealed));
    return journal_add(au, EV_JWT_KEY_ADDED, &(struct audit){.reason = out->id});
}

/* Of several that find no key one makes it; the others wait for the lock and find it. */
static enum err first_make(struct auth *au, struct signing_key *out)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct signing_key *list;
    size_t n;

    TRY(act_begin(au, &tx));
    TRY(jwks_lock(au->db));
    TRY(published(au, &list, &n));
    const struct signing_key *k = jwt_choose(list, n, au->now);
    if (k) {
        *out = *k;
        return ERR_OK;
    }
    TRY(key_add(au, au->now, out));
    TRY(act_commit(au, &tx));
    log_info("jwt: key %s made, the first that is there", out->id);
    return ERR_OK;
}

enum err jwt_current(struct auth *au, bool make, struct signing_key *out)
{
    struct signing_key *list;
    size_t n;
    enum err e;

    TRY(published(au, &list, &n));
    const struct signing_key *k = jwt_choose(list, n, au->now);
    if (!k && !make)
        return ERR_NONE;
    if (!k) {
        DB_RETRY(e, first_make(au, out));
        return e;
    }
    *out = *k;
    return ERR_OK;
}

enum err jwt_published(struct auth *au, struct signing_key **out, size_t *n)
{
    struct signing_key first;

    TRY(published(au, out, n));
    if (jwt_choose(*out, *n, au->now))
        return ERR_OK;
    TRY(jwt_current(au, true, &first));
    return published(au, out, n);
}

/* One that would not have signed before the new one does is of no use any more. */
static int64_t end_of(const struct signing_key *k, const struct signing_key *signs, int64_t from, int64_t now)
{
    return k != signs && k->created_at >= from ? now : from + JWT_GOING;
}

static enum err rotate(struct auth *au, int64_t from, struct signing_key *out)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct signing_key *list;
    size_t n;

    TRY(act_begin(au, &tx));
    TRY(jwks_lock(au->db));
    TRY(published(au, &list, &n));
    const struct signing_key *signs = jwt_choose(list, n, au->now);
    for (size_t i = 0; i < n; i++)
        if (list[i].expires_at == 0)
            TRY(jwks_expire(au->db, list[i].id, end_of(&list[i], signs, from, au->now)));
    TRY(key_add(au, from, out));
    return act_commit(au, &tx);
}

enum err jwt_rotate(struct auth *au, int64_t from, struct signing_key *out)
{
    enum err e;

    DB_RETRY(e, rotate(au, from > au->now ? from : au->now, out));
    return e;
}

static enum err withdraw(struct auth *au, const char *id, bool *signs)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct signing_key *list;
    size_t n;

    TRY(act_begin(au, &tx));
    TRY(jwks_lock(au->db));
    TRY(published(au, &list, &n));
    const struct signing_key *k = jwt_choose(list, n, au->now);
    *signs = k && strcmp(k->id, id) == 0;
    if (*signs)
        return ERR_OK;
    TRY(jwks_delete(au->db, id));
    TRY(journal_add(au, EV_JWT_KEY_DELETED, &(struct audit){.reason = id}));
    return act_commit(au, &tx);
}

enum err jwt_withdraw(struct auth *au, const char *id, bool *signs)
{
    enum err e;

    DB_RETRY(e, withdraw(au, id, signs));
    return e;
}

/* --- seals ------------------------------------------------------------------------------------------------------- */

enum err jwt_unseal(struct auth *au, const struct signing_key *k, uint8_t seed[static 32])
{
    const char *sealed;
    char *plain = NULL;
    size_t n = 0;

    TRY(jwks_private(au->db, au->arena, k->id, &sealed));
    enum err e = seal_open(au->keys, au->arena, PURPOSE, k->id, sealed, &plain, &n);
    if (e == ERR_NONE || (e == ERR_OK && (n != JWT_SEED_LEN || !token_wellformed(k->id)))) {
        log_error(
            "jwt: none of our secrets opens the private key %s: reload latchkey if a secret was added, put the old "
            "secret back, or make a new key: latchkeyctl jwt new-key",
            k->id);
        return ERR_SECRET;
    }
    TRY(e);
    memcpy(seed, plain, JWT_SEED_LEN);
    return ERR_OK;
}

/* *n counts it if it was sealed anew. */
static enum err reseal_one(struct auth *au, const struct keys *k, size_t first, const char *id, int64_t *n)
{
    const char *was;
    char *plain = NULL, *is;
    size_t len = 0, by = 0;

    TRY(jwks_private(au->db, au->arena, id, &was));
    enum err e = seal_open_by(k, au->arena, PURPOSE, id, was, &plain, &len, &by);
    if (e == ERR_NONE) {
        log_warn("jwt: none of our secrets opens the private key %s", id);
        return ERR_OK;
    }
    TRY(e);
    if (by < first)
        return ERR_OK;
    TRY(seal_close(k, au->arena, PURPOSE, id, plain, len, &is));
    ++*n;
    return jwks_reseal(au->db, id, was, is);
}

static enum err reseal(struct auth *au, const struct keys *k, size_t first, int64_t *n)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct signing_key *list;
    size_t count;

    *n = 0;
    TRY(act_begin(au, &tx));
    TRY(jwks_lock(au->db));
    TRY(jwks_list(au->db, au->arena, 0, &list, &count));
    for (size_t i = 0; i < count; i++)
        TRY(reseal_one(au, k, first, list[i].id, n));
    return act_commit(au, &tx);
}

enum err jwt_reseal(struct auth *au, const struct keys *k, size_t first, int64_t *n)
{
    enum err e;

    DB_RETRY(e, reseal(au, k, first, n));
    return e;
}
