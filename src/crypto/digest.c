/* SHA-256, HMAC-SHA-256 and SHA-1 on OpenSSL. Every session check comes through here: what OpenSSL 3 would look up by
 * name or make anew at each call is made once. */
#include "crypto/digest.h"

#include "base/auto.h"
#include "base/log.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

AUTO_KIND(mac_ctx, EVP_MAC_CTX *, EVP_MAC_CTX_free);

static enum err digest_failed(const char *what)
{
    log_error("%s failed: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return ERR_INTERNAL;
}

/* Caches of a constant: set once, never changed, the same in every process that forks after. */
static const EVP_MD *sha256_once(void)
{
    static const EVP_MD *md;
    if (!md)
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    return md;
}

/* One at a time is in use: a process serves one request. */
static EVP_MD_CTX *context_once(void)
{
    static EVP_MD_CTX *ctx;
    if (!ctx)
        ctx = EVP_MD_CTX_new();
    return ctx;
}

enum err digest_sha256(const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    const EVP_MD *md = sha256_once();
    EVP_MD_CTX *ctx = context_once();

    if (!md || !ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1 || EVP_DigestUpdate(ctx, p, n) != 1 ||
        EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        return digest_failed("SHA-256");
    return ERR_OK;
}

/* Long broken as a signature. Here it is only the name under which lists of breached passwords are published: whoever
 * makes a second password of the same hash has made one that is refused. */
enum err digest_sha1(const void *p, size_t n, uint8_t out[static SHA1_LEN])
{
    if (EVP_Digest(p, n, out, NULL, EVP_sha1(), NULL) != 1)
        return digest_failed("SHA-1");
    return ERR_OK;
}

enum err digest_key(const void *key, size_t len, struct evp_mac_ctx_st **out)
{
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac); /* the context keeps its own reference */
    if (!ctx || len == 0 || EVP_MAC_init(ctx, key, len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        return digest_failed("HMAC-SHA-256");
    }
    *out = ctx;
    return ERR_OK;
}

void digest_key_close(struct evp_mac_ctx_st **key)
{
    EVP_MAC_CTX_free(*key); /* cleanses */
    *key = NULL;
}

/* A copy each time: to begin anew with the key it has, a context needs OpenSSL 3.0.3; before that it goes on with the text
 * before, and says that all is well. */
enum err digest_hmac(const struct evp_mac_ctx_st *key, const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    AUTO(mac_ctx) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(key);
    size_t len = 0;

    if (!ctx || EVP_MAC_update(ctx, p, n) != 1 || EVP_MAC_final(ctx, out, &len, DIGEST_LEN) != 1 || len != DIGEST_LEN)
        return digest_failed("HMAC-SHA-256");
    return ERR_OK;
}
