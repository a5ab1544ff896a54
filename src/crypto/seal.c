/* Sealing on OpenSSL. What is sealed is nonce, ciphertext and tag. The nonce is random: of one secret far fewer seals
 * are made than the 2^32 at which that would need thought. */
#include "crypto/seal.h"

#include "base/auto.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/rng.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

enum { KEY_LEN = KEYS_MAC_LEN, NONCE_LEN = 12, TAG_LEN = 16, EXTRA = NONCE_LEN + TAG_LEN, MOST = 1024 * 1024 };

AUTO_KIND(cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

static enum err failed(const char *what)
{
    log_error("%s failed: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return ERR_INTERNAL;
}

/* Of another form than any token, like the text of keys_print. */
static enum err key_of(const struct keys *k, struct arena *a, size_t i, const char *purpose,
                       uint8_t out[static KEY_LEN])
{
    const char *text = arena_printf(a, "latchkey: key to seal %s", purpose);
    return keys_mac(k, i, text, strlen(text), out);
}

static bool encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const char *bound, const void *p, int n, uint8_t *out)
{
    int len = 0, last = 0;

    return EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)bound, (int)strlen(bound)) == 1 &&
           EVP_EncryptUpdate(ctx, out + NONCE_LEN, &len, p, n) == 1 &&
           EVP_EncryptFinal_ex(ctx, out + NONCE_LEN + len, &last) == 1 && len + last == n &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, out + NONCE_LEN + n) == 1;
}

enum err seal_close(const struct keys *k, struct arena *a, const char *purpose, const char *bound, const void *p,
                    size_t n, char **out)
{
    AUTO(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[KEY_LEN];

    if (n > MOST)
        return ERR_INTERNAL;
    uint8_t *raw = arena_alloc(a, n + EXTRA);
    TRY(rng_fill(raw, NONCE_LEN));
    TRY(key_of(k, a, 0, purpose, key));
    bool done = ctx && encrypt(ctx, key, bound, p, (int)n, raw);
    explicit_bzero(key, sizeof key);
    if (!done)
        return failed("AES-256-GCM");
    char *text = arena_alloc(a, ENC_B64_LEN(n + EXTRA) + 1);
    enc_b64(raw, n + EXTRA, text);
    *out = text;
    return ERR_OK;
}

static bool decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const char *bound, uint8_t *raw, int n, uint8_t *out)
{
    int len = 0, last = 0;

    return EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, raw) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)bound, (int)strlen(bound)) == 1 &&
           EVP_DecryptUpdate(ctx, out, &len, raw + NONCE_LEN, n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, raw + NONCE_LEN + n) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + len, &last) == 1 && len + last == n;
}

/* Length of what base64 text stands for; 0: of nothing that was sealed here. */
static size_t raw_length(const char *text, size_t len)
{
    if (len == 0 || len % 4 != 0 || len > ENC_B64_LEN(MOST + EXTRA))
        return 0;
    size_t n = len / 4 * 3 - (text[len - 1] == '=') - (text[len - 2] == '=');
    return n >= EXTRA ? n : 0;
}

enum err seal_open_by(const struct keys *k, struct arena *a, const char *purpose, const char *bound, const char *sealed,
                      char **out, size_t *n, size_t *by)
{
    size_t len = strlen(sealed), raw_len = raw_length(sealed, len);
    uint8_t *raw = arena_alloc(a, raw_len + 1), key[KEY_LEN];

    if (raw_len == 0 || !enc_unb64(sealed, len, raw, raw_len))
        return ERR_NONE;
    size_t plain_len = raw_len - EXTRA;
    char *plain = arena_alloc(a, plain_len + 1);
    for (size_t i = 0; i < keys_count(k); i++) {
        AUTO(cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        TRY(key_of(k, a, i, purpose, key));
        bool open = ctx && decrypt(ctx, key, bound, raw, (int)plain_len, (uint8_t *)plain);
        explicit_bzero(key, sizeof key);
        ERR_clear_error();
        if (!open)
            continue;
        plain[plain_len] = '\0';
        *out = plain;
        *n = plain_len;
        *by = i;
        return ERR_OK;
    }
    return ERR_NONE;
}

enum err seal_open(const struct keys *k, struct arena *a, const char *purpose, const char *bound, const char *sealed,
                   char **out, size_t *n)
{
    size_t by;

    return seal_open_by(k, a, purpose, bound, sealed, out, n, &by);
}
