/* Test data: who is loaded, under what ids and tokens. Users have no account, so nobody can sign in as them, and no one
 * contends for their locks. */
#include "auth/load.h"

#include "base/auto.h"
#include "crypto/digest.h"
#include "store/loads.h"

#include <stdio.h>
#include <string.h>

enum {
    SESSIONS_EACH = 3, /* of a user */
    ROWS = 480,        /* of a statement: a recursion that servers allow */
    STEP = 10 * ROWS,  /* of a transaction */
    ID_BYTES = RNG_ID_LEN / 2,
    SPREAD = 7, /* days */
};
#define AGENT "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

/* Ids are no secret: they are made without one, and stay the same when there is another. */
static enum err id_of(const char *what, int64_t i, char out[static RNG_ID_SIZE])
{
    uint8_t hash[DIGEST_LEN];
    char text[64];

    int len = snprintf(text, sizeof text, "latchkey: load test, %s %lld", what, (long long)i);
    TRY(digest_sha256(text, (size_t)len, hash));
    enc_hex(hash, ID_BYTES, out);
    return ERR_OK;
}

/* Of another form than any token, so that it is never the signature of one. */
enum err load_token(const struct keys *k, bool expired, int64_t i, char out[static RNG_ID_SIZE])
{
    uint8_t mac[KEYS_MAC_LEN];
    char text[64];

    int len = snprintf(text, sizeof text, "latchkey: load test, token of %s session %lld", expired ? "expired" : "living",
                       (long long)i);
    TRY(keys_mac(k, 0, text, (size_t)len, mac));
    enc_hex(mac, ID_BYTES, out);
    explicit_bzero(mac, sizeof mac);
    return ERR_OK;
}

enum err load_others(struct auth *au, bool *yes)
{
    return loads_others(au->db, au->arena, yes);
}

/* --- adding ------------------------------------------------------------------------------------------------------ */

/* The row of user i, NUL-terminated. */
static enum err user_row(int64_t i, char out[static LOADS_WIDTH + 1])
{
    char id[RNG_ID_SIZE], name[33], email[65];

    TRY(id_of("user", i, id));
    snprintf(name, sizeof name, "Load Test %lld", (long long)i + 1);
    snprintf(email, sizeof email, "load-test-%lld@example.invalid", (long long)i + 1);
    snprintf(out, LOADS_WIDTH + 1, "%-32s%-32s%-64s", id, name, email);
    return ERR_OK;
}

static enum err session_row(const struct auth *au, bool expired, int64_t i, char out[static LOADS_WIDTH + 1])
{
    char id[RNG_ID_SIZE], user[RNG_ID_SIZE], token[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];

    TRY(id_of(expired ? "expired session" : "living session", i, id));
    TRY(id_of("user", i / SESSIONS_EACH, user));
    TRY(load_token(au->keys, expired, i, token));
    enum err e = token_hash(token, hash);
    explicit_bzero(token, sizeof token);
    if (e == ERR_OK)
        snprintf(out, LOADS_WIDTH + 1, "%s%s%s", id, hash, user);
    return e;
}

static enum err users_add_from(const struct auth *au, int64_t from, int64_t end, char *rows)
{
    int64_t added, n = end - from < ROWS ? end - from : ROWS;

    for (int64_t i = 0; i < n; i++)
        TRY(user_row(from + i, rows + i * LOADS_WIDTH));
    return loads_users(au->db, rows, n, au->now, &added);
}

/* As a sign-in would have made it, from one of 256 addresses. An expired one of n ended the longer ago the lower its
 * number is. */
static struct session like(const struct auth *au, bool expired, int64_t from, int64_t n, char ip[static 16])
{
    int64_t ends = au->now + au->cfg->session_expires_in;

    if (expired)
        ends = au->now - (n - from) * (SPREAD * CLOCK_DAY) / n;
    int64_t began = ends - au->cfg->session_expires_in;
    snprintf(ip, 16, "198.51.100.%d", (int)(from / ROWS % 256));
    return (struct session){.expires_at = ends,
                            .ip = ip,
                            .agent = AGENT,
                            .created_at = began,
                            .updated_at = began,
                            .authenticated_at = began,
                            .dies_at = began + au->cfg->session_absolute,
                            .last_seen_at = began,
                            .last_ip = ip};
}

static enum err sessions_add_from(const struct auth *au, const struct load *l, int64_t from, int64_t end, char *rows,
                                  int64_t *added)
{
    int64_t n = end - from < ROWS ? end - from : ROWS;
    char ip[16];

    for (int64_t i = 0; i < n; i++)
        TRY(session_row(au, l->expired, from + i, rows + i * LOADS_WIDTH));
    const struct session s = like(au, l->expired, from, l->n, ip);
    return loads_sessions(au->db, rows, n, &s, added);
}

static enum err step(struct auth *au, const struct load *l, int64_t *added)
{
    AUTO(db_tx) struct db *tx = NULL;
    char rows[ROWS * LOADS_WIDTH + 1];
    int64_t from = l->done, end = l->n - from < STEP ? l->n : from + STEP, all = 0, some = 0;
    int64_t users = (end + SESSIONS_EACH - 1) / SESSIONS_EACH;

    TRY(db_begin(au->db, &tx));
    for (int64_t i = from / SESSIONS_EACH; i < users; i += ROWS)
        TRY(users_add_from(au, i, users, rows));
    for (int64_t i = from; i < end; i += ROWS, all += some)
        TRY(sessions_add_from(au, l, i, end, rows, &some));
    TRY(db_commit(&tx));
    *added = all;
    return ERR_OK;
}

enum err load_add(struct auth *au, struct load *l)
{
    int64_t added = 0;
    enum err e;

    DB_RETRY(e, step(au, l, &added));
    if (e != ERR_OK)
        return e;
    l->added += added;
    l->done = l->n - l->done < STEP ? l->n : l->done + STEP;
    return ERR_OK;
}

/* --- removing ---------------------------------------------------------------------------------------------------- */

static enum err remove_some(struct auth *au, const struct user *users, size_t n, int64_t *sessions)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(au->db, &tx));
    TRY(loads_drop(au->db, users, n, sessions));
    return db_commit(&tx);
}

enum err load_remove(struct auth *au, struct arena *a, struct load_gone *gone)
{
    struct user *users;
    int64_t sessions = 0;
    size_t n;
    enum err e;

    TRY(loads_page(au->db, a, gone->last, &users, &n));
    if (n == 0)
        return ERR_NONE;
    DB_RETRY(e, remove_some(au, users, n, &sessions));
    if (e != ERR_OK)
        return e;
    snprintf(gone->last, sizeof gone->last, "%s", users[n - 1].email);
    gone->users += (int64_t)n;
    gone->sessions += sessions;
    return ERR_OK;
}
