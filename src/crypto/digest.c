/* SHA-256, HMAC-SHA-256 and SHA-1 on OpenSSL. Every session check comes through here: what OpenSSL 3 would look up by
 * name or make anew at each call is made once. */
#include "crypto/digest.h"

#include "base/log.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 }; /* of SHA-256 */

struct digest_key {
    EVP_MD_CTX *inner, *outer; /* the two hashes of RFC 2104, each with its block of the key done */
    EVP_MD_CTX *work;
};

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

/* The key as RFC 2104 has it: filled up to a block, and one that is longer hashed before. */
static enum err block_of(const void *key, size_t len, uint8_t out[static BLOCK])
{
    memset(out, 0, BLOCK);
    if (len > BLOCK)
        return digest_sha256(key, len, out);
    memcpy(out, key, len);
    return ERR_OK;
}

/* A hash that has gone over one block: the key with `pad` over each byte. */
static EVP_MD_CTX *begun(const uint8_t key[static BLOCK], uint8_t pad)
{
    uint8_t block[BLOCK];
    const EVP_MD *md = sha256_once();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    bool done = md && ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, block, BLOCK) == 1;
    explicit_bzero(block, sizeof block);
    if (!done) {
        EVP_MD_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

enum err digest_key(const void *key, size_t len, struct digest_key **out)
{
    uint8_t block[BLOCK];
    struct digest_key *k = calloc(1, sizeof *k);
    enum err e = k && len > 0 ? block_of(key, len, block) : ERR_INTERNAL;

    if (e == ERR_OK) {
        k->inner = begun(block, 0x36);
        k->outer = begun(block, 0x5c);
        k->work = EVP_MD_CTX_new();
        explicit_bzero(block, sizeof block);
    }
    if (!k || !k->inner || !k->outer || !k->work) {
        digest_key_close(&k);
        return digest_failed("HMAC-SHA-256");
    }
    *out = k;
    return ERR_OK;
}

void digest_key_close(struct digest_key **key)
{
    if (!*key)
        return;
    EVP_MD_CTX_free((*key)->inner); /* these cleanse */
    EVP_MD_CTX_free((*key)->outer);
    EVP_MD_CTX_free((*key)->work);
    free(*key);
    *key = NULL;
}

static bool go_on(EVP_MD_CTX *work, const EVP_MD_CTX *from, const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    return EVP_MD_CTX_copy_ex(work, from) == 1 && EVP_DigestUpdate(work, p, n) == 1 &&
           EVP_DigestFinal_ex(work, out, NULL) == 1;
}

/* RFC 2104 by hand: OpenSSL's own HMAC is looked up, made and freed anew for each text, which costs as much as the two
 * hashes, and to begin anew with the key it has it needs OpenSSL 3.0.3. */
enum err digest_hmac(const struct digest_key *key, const void *p, size_t n, uint8_t out[static DIGEST_LEN])
{
    uint8_t hash[DIGEST_LEN];
    bool done = go_on(key->work, key->inner, p, n, hash) && go_on(key->work, key->outer, hash, sizeof hash, out);

    EVP_MD_CTX_reset(key->work); /* cleanses: what is left in it is the signature */
    explicit_bzero(hash, sizeof hash);
    return done ? ERR_OK : digest_failed("HMAC-SHA-256");
}
