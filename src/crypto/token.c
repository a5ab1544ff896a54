/* Session tokens: form, signature, hash. Never logs one, and never lets the time of a comparison tell how far a guess
 * was right. */
#include "crypto/token.h"

#include "base/enc.h"
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <string.h>

#define SIG_LEN ENC_B64_LEN(KEYS_MAC_LEN)

enum err token_new(char out[static RNG_ID_SIZE])
{
    return rng_id(out);
}

enum err token_hash(const char *token, char out[static TOKEN_HASH_SIZE])
{
    uint8_t hash[DIGEST_LEN];
    TRY(digest_sha256(token, strlen(token), hash));
    enc_hex(hash, sizeof hash, out);
    return ERR_OK;
}

enum err token_sign(const struct keys *k, const char *token, char out[static TOKEN_SIGNED_SIZE])
{
    uint8_t mac[KEYS_MAC_LEN];
    size_t len = strlen(token);
    if (len != RNG_ID_LEN)
        return ERR_INTERNAL;
    TRY(keys_mac(k, 0, token, len, mac));
    memcpy(out, token, len);
    out[len] = '.';
    enc_b64(mac, sizeof mac, out + len + 1);
    explicit_bzero(mac, sizeof mac);
    return ERR_OK;
}

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26 || (unsigned char)(c - '0') < 10;
}

static bool letters_only(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_letter(s[i]))
            return false;
    return true;
}

bool token_wellformed(const char *s)
{
    return strnlen(s, RNG_ID_LEN + 1) == RNG_ID_LEN && letters_only(s, RNG_ID_LEN);
}

/* A signature as text is compared as text, but for its last four characters: they hold bits that say nothing. */
enum { WHOLE_BYTES = KEYS_MAC_LEN / 3 * 3, WHOLE_TEXT = WHOLE_BYTES / 3 * 4, REST_BYTES = KEYS_MAC_LEN - WHOLE_BYTES };
_Static_assert(SIG_LEN - WHOLE_TEXT == ENC_B64_LEN(REST_BYTES), "the rest is one group of base64");

static enum err is_mac(const struct keys *k, size_t i, const char *token, const char *text,
                       const uint8_t rest[static REST_BYTES])
{
    uint8_t mac[KEYS_MAC_LEN];
    char want[WHOLE_TEXT + 1];

    TRY(keys_mac(k, i, token, RNG_ID_LEN, mac));
    enc_b64(mac, WHOLE_BYTES, want);
    int differ = CRYPTO_memcmp(want, text, WHOLE_TEXT) | CRYPTO_memcmp(mac + WHOLE_BYTES, rest, REST_BYTES);
    explicit_bzero(mac, sizeof mac);
    explicit_bzero(want, sizeof want);
    return differ == 0 ? ERR_OK : ERR_NONE;
}

/* Goes on after a hit: the time must not tell which secret a cookie is signed with. */
static enum err mac_matches(const struct keys *k, const char *token, const char *text,
                            const uint8_t rest[static REST_BYTES])
{
    unsigned hits = 0;

    for (size_t i = 0; i < keys_count(k); i++) {
        enum err e = is_mac(k, i, token, text, rest);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
        hits |= e == ERR_OK;
    }
    return hits ? ERR_OK : ERR_NONE;
}

enum err token_verify(const struct keys *k, const char *value, char out[static RNG_ID_SIZE])
{
    uint8_t rest[REST_BYTES];
    const char *dot = strrchr(value, '.');
    if (!dot || dot - value != RNG_ID_LEN || !letters_only(value, RNG_ID_LEN))
        return ERR_NONE;
    const char *text = dot + 1;
    if (strlen(text) != SIG_LEN || !enc_unb64(text + WHOLE_TEXT, SIG_LEN - WHOLE_TEXT, rest, sizeof rest))
        return ERR_NONE;
    TRY(mac_matches(k, value, text, rest));
    memcpy(out, value, RNG_ID_LEN);
    out[RNG_ID_LEN] = '\0';
    return ERR_OK;
}

bool token_split(const char *value, char token[static RNG_ID_SIZE], char signature[static TOKEN_SIGNATURE_SIZE])
{
    size_t n = strnlen(value, TOKEN_SIGNED_SIZE);

    if (n != TOKEN_SIGNED_SIZE - 1 || value[RNG_ID_LEN] != '.')
        return false;
    memcpy(token, value, RNG_ID_LEN);
    token[RNG_ID_LEN] = '\0';
    memcpy(signature, value + RNG_ID_LEN + 1, SIG_LEN + 1);
    return true;
}

bool token_signature_same(const char *a, const char *b)
{
    return strlen(a) == SIG_LEN && strlen(b) == SIG_LEN && CRYPTO_memcmp(a, b, SIG_LEN) == 0;
}
