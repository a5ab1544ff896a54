/* Signing JWTs. A process keeps the key it signs with and asks every few seconds whether that is still the one, so that
 * a request mostly costs no further statement. It must never sign with a key past its end. */
#include "auth/jwt.h"

#include "base/log.h"
#include "crypto/jwt.h"

#include <stdlib.h>
#include <string.h>

struct signer {
    struct jwt_key *key; /* NULL: none, or none that can be used */
    char id[RNG_ID_SIZE];
    int64_t expires_at; /* 0: no end yet */
    int64_t ask_at;     /* clock_steady; before that what is known counts */
    bool unusable;      /* what is known is that none of our secrets opens it */
};

enum err signer_open(struct signer **out)
{
    *out = calloc(1, sizeof **out);
    if (*out)
        return ERR_OK;
    log_error("out of memory: signer of JWTs");
    return ERR_NO_MEMORY;
}

void signer_close(struct signer **s)
{
    if (!s || !*s)
        return;
    jwt_key_close(&(*s)->key);
    free(*s);
    *s = NULL;
}

static enum err key_take(struct auth *au, const struct signing_key *k)
{
    struct signer *s = au->signer;
    uint8_t seed[JWT_SEED_LEN];

    jwt_key_close(&s->key);
    TRY(jwt_unseal(au, k, seed));
    enum err e = jwt_key_open(seed, &s->key);
    explicit_bzero(seed, sizeof seed);
    if (e == ERR_OK)
        memcpy(s->id, k->id, RNG_ID_SIZE);
    return e;
}

/* The same id is the same key, however it is sealed meanwhile: a secret that was rotated stops nobody from signing. */
static enum err key_ask(struct auth *au)
{
    struct signer *s = au->signer;
    struct signing_key k;

    TRY(jwt_current(au, true, &k));
    if (!s->key || strcmp(s->id, k.id) != 0)
        TRY(key_take(au, &k));
    s->expires_at = k.expires_at;
    return ERR_OK;
}

static enum err key_ready(struct auth *au)
{
    struct signer *s = au->signer;
    int64_t steady = clock_steady();
    bool known = steady < s->ask_at;

    if (known && s->unusable)
        return ERR_SECRET; /* it was logged when it was found out */
    if (known && s->key && (s->expires_at == 0 || au->now < s->expires_at))
        return ERR_OK;
    enum err e = key_ask(au);
    if (e == ERR_NONE) /* taken back between two statements: there is another */
        e = key_ask(au);
    s->unusable = e == ERR_SECRET;
    s->ask_at = e == ERR_OK || s->unusable ? steady + JWT_KNOWN : 0;
    return e;
}

enum err jwt_issue(struct auth *au, const char *claims, size_t n, char **out)
{
    TRY(key_ready(au));
    return jwt_sign(au->signer->key, au->arena, au->signer->id, claims, n, out);
}

void jwt_times(const struct auth *au, int64_t *issued, int64_t *expires)
{
    *issued = au->now / CLOCK_SECOND;
    *expires = *issued + au->cfg->jwt_expires_in / CLOCK_SECOND;
}
