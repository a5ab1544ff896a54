/* Ed25519 and JWS on OpenSSL. What goes into a token is the caller's. */
#include "crypto/jwt.h"

#include "base/buf.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/rng.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { PUBLIC_LEN = 32, SIGNATURE_LEN = 64 };

struct jwt_key {
    EVP_PKEY *pkey;
};

AUTO_KIND(md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free);

static enum err failed(void)
{
    log_error("Ed25519 failed: %s", ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return ERR_INTERNAL;
}

enum err jwt_seed_new(uint8_t out[static JWT_SEED_LEN])
{
    return rng_fill(out, JWT_SEED_LEN);
}

enum err jwt_key_open(const uint8_t seed[static JWT_SEED_LEN], struct jwt_key **out)
{
    struct jwt_key *k = calloc(1, sizeof *k);

    if (!k) {
        log_error("out of memory: key of JWTs");
        return ERR_NO_MEMORY;
    }
    k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, JWT_SEED_LEN);
    if (!k->pkey) {
        free(k);
        return failed();
    }
    *out = k;
    return ERR_OK;
}

void jwt_key_close(struct jwt_key **k)
{
    if (!k || !*k)
        return;
    EVP_PKEY_free((*k)->pkey); /* which cleanses it */
    free(*k);
    *k = NULL;
}

enum err jwt_key_public(const struct jwt_key *k, struct arena *a, char **out)
{
    uint8_t public[PUBLIC_LEN];
    char x[ENC_B64URL_LEN(PUBLIC_LEN) + 1];
    size_t n = sizeof public;

    if (EVP_PKEY_get_raw_public_key(k->pkey, public, &n) != 1 || n != sizeof public)
        return failed();
    enc_b64url(public, n, x);
    *out = arena_printf(a, "{\"crv\":\"" JWT_CRV "\",\"x\":\"%s\",\"kty\":\"OKP\"}", x);
    return ERR_OK;
}

static void add_b64url(struct buf *b, const void *p, size_t n)
{
    char *text = arena_alloc(b->arena, ENC_B64URL_LEN(n) + 1);

    enc_b64url(p, n, text);
    buf_puts(b, text);
}

enum err jwt_sign_header(const struct jwt_key *k, struct arena *a, const char *header, const char *payload, size_t n,
                         char **out)
{
    AUTO(md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[SIGNATURE_LEN];
    size_t len = sizeof signature;
    struct buf b = buf_in(a);

    add_b64url(&b, header, strlen(header));
    buf_putc(&b, '.');
    add_b64url(&b, payload, n);
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
        EVP_DigestSign(ctx, signature, &len, (const uint8_t *)b.s, b.len) != 1 || len != sizeof signature)
        return failed();
    buf_putc(&b, '.');
    add_b64url(&b, signature, len);
    *out = b.s;
    return ERR_OK;
}

enum err jwt_sign(const struct jwt_key *k, struct arena *a, const char *kid, const char *payload, size_t n, char **out)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /* it goes into JSON as it is */
    if (*kid == '\0' || kid[strspn(kid, safe)] != '\0') {
        log_error("a key of JWTs has an id that no key of ours has");
        return ERR_INTERNAL;
    }
    return jwt_sign_header(k, a, arena_printf(a, "{\"alg\":\"" JWT_ALG "\",\"kid\":\"%s\"}", kid), payload, n, out);
}
