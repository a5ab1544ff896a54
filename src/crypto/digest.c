/* SHA-256, HMAC-SHA-256 and SHA-1 on OpenSSL. Every session check comes through here, so that what OpenSSL 3 would look
 * up by name at each call is looked up once. Holds no key of ours between calls. */
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

/* The handles below are caches of a constant: set once, never changed, the same in every process that forks after. */
static const EVP_MD *sha256_once(void)
{
    static const EVP_MD *md;
    if (!md)
        md = EVP_MD_fetch(NULL, "SHA256", NULL);
    return md;
}

/* A context that has its digest, for copying: giving the digest by name to each new one would look it up each time. The
 * key is a dummy; not every OpenSSL 3 copies a context without one. */
static EVP_MAC_CTX *hmac_once(void)
{
    static EVP_MAC_CTX *pattern;
    if (pattern)
        return pattern;
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context keeps its own reference */
    if (ctx && EVP_MAC_init(ctx, (const unsigned char *)"-", 1, params) == 1)
        pattern = ctx;
    else
        EVP_MAC_CTX_free(ctx);
    return pattern;
}

enum err digest_sha256(const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    const EVP_MD *md = sha256_once();
    if (!md || EVP_Digest(p, n, out, NULL, md, NULL) != 1)
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

enum err digest_hmac(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    EVP_MAC_CTX *pattern = hmac_once();
    AUTO(mac_ctx) EVP_MAC_CTX *ctx = pattern ? EVP_MAC_CTX_dup(pattern) : NULL;
    size_t len = 0;
    /* No key at all would mean "the one before" to OpenSSL, here the dummy. */
    if (!ctx || key_len == 0 || EVP_MAC_init(ctx, key, key_len, NULL) != 1 || EVP_MAC_update(ctx, p, n) != 1 ||
        EVP_MAC_final(ctx, out, &len, DIGEST_LEN) != 1 || len != DIGEST_LEN)
        return digest_failed("HMAC-SHA-256");
    return ERR_OK;
}
