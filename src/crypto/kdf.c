/* Password hashes: ours (scrypt, RFC 7914), Better Auth's, and through kdf_crypt.c libcrypt's. A stored hash is input:
 * a row that somebody else wrote must not make a worker take unbounded memory or time. Never logs a hash or a password.
 */
#include "crypto/kdf.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/rng.h"
#include "crypto/kdf_crypt.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#define PREFIX "$scrypt$"
#define SALT_LEN 16
#define KEY_LEN 32
#define SALT_B64 22 /* base64 of either without padding */
#define KEY_B64 43
#define BA_SALT_HEX 32 /* Better Auth's: these 32 characters are the salt, not the 16 bytes they stand for */
#define BA_KEY_LEN 64

#define MEMORY_MAX (UINT64_C(1) << 30)
#define WORK_MAX (UINT64_C(1) << 32) /* memory times p: some ten seconds */

static const struct cfg_scrypt ba_cost = {.log2n = 14, .r = 16, .p = 1};

struct bytes {
    const void *p;
    size_t n;
};

/* log2n < 16 r is RFC 7914 §2; OpenSSL refuses the rest, and it would not be a fault of ours to report as one. */
static bool cost_bearable(const struct cfg_scrypt *c)
{
    if (c->log2n < 1 || c->log2n > 24 || c->r < 1 || c->r > 64 || c->p < 1 || c->p > 64 || c->log2n >= 16 * c->r)
        return false;
    uint64_t memory = (UINT64_C(128) * (unsigned)c->r) << c->log2n;
    return memory <= MEMORY_MAX && memory * (unsigned)c->p <= WORK_MAX;
}

static enum err scrypt_failed(void)
{
    unsigned long why = ERR_peek_last_error();
    bool memory = ERR_GET_REASON(why) == ERR_R_MALLOC_FAILURE;
    log_error("scrypt failed: %s", memory ? "out of memory" : ERR_reason_error_string(why));
    ERR_clear_error();
    return memory ? ERR_NO_MEMORY : ERR_INTERNAL;
}

/* Without a limit of its own OpenSSL refuses more than 32 MiB, which 2^15/8 just exceeds. */
static enum err scrypt(const struct cfg_scrypt *c, struct bytes pass, struct bytes salt, void *key, size_t key_len)
{
    uint64_t most = MEMORY_MAX + MEMORY_MAX / 4;
    ERR_clear_error();
    if (EVP_PBE_scrypt(pass.p, pass.n, salt.p, salt.n, UINT64_C(1) << c->log2n, (unsigned)c->r, (unsigned)c->p, most,
                       key, key_len) != 1)
        return scrypt_failed();
    return ERR_OK;
}

/* Canonically equal passwords typed on different systems give the same bytes. What is no UTF-8 has no normal form and
 * counts as it is: left to the library, all that is broken alike would be one password. The copy in the arena is wiped
 * with it; the library's own is wiped here. */
enum err kdf_normal(struct arena *a, const char *password, const char **out)
{
    size_t len = strlen(password), n = 0;
    if (!enc_utf8_valid(password, len)) {
        *out = password;
        return ERR_OK;
    }
    uint8_t *form = u8_normalize(UNINORM_NFKC, (const uint8_t *)password, len, NULL, &n);
    if (!form) {
        log_error("normal form of a password failed: %s", strerror(errno));
        return ERR_NO_MEMORY;
    }
    *out = arena_strndup(a, (const char *)form, n);
    explicit_bzero(form, n);
    free(form);
    return ERR_OK;
}

/* The key of password in normal form. */
static enum err derive(struct arena *a, const struct cfg_scrypt *c, const char *password, struct bytes salt, void *key,
                       size_t key_len)
{
    const char *pass = NULL;
    TRY(kdf_normal(a, password, &pass));
    return scrypt(c, (struct bytes){pass, strlen(pass)}, salt, key, key_len);
}

static const char *b64_bare(const void *p, size_t n, char *out)
{
    enc_b64(p, n, out);
    out[strcspn(out, "=")] = '\0';
    return out;
}

enum err kdf_hash(struct arena *a, const struct cfg_scrypt *cost, const char *password, const char **out)
{
    uint8_t salt[SALT_LEN], key[KEY_LEN];
    char salt_text[ENC_B64_LEN(SALT_LEN) + 1], key_text[ENC_B64_LEN(KEY_LEN) + 1];
    if (!cost_bearable(cost)) {
        log_error("password.scrypt %d,%d,%d is out of bounds", cost->log2n, cost->r, cost->p);
        return ERR_INTERNAL; /* such a hash could never be verified */
    }
    TRY(rng_fill(salt, sizeof salt));
    TRY(derive(a, cost, password, (struct bytes){salt, sizeof salt}, key, sizeof key));
    *out = arena_printf(a, PREFIX "ln=%d,r=%d,p=%d$%s$%s", cost->log2n, cost->r, cost->p,
                        b64_bare(salt, sizeof salt, salt_text), b64_bare(key, sizeof key, key_text));
    explicit_bzero(key, sizeof key);
    explicit_bzero(key_text, sizeof key_text);
    return ERR_OK;
}

/* Takes `name` and a number of one to two digits without leading zero. */
static bool take_number(const char **s, const char *name, int *out)
{
    size_t len = strlen(name);
    if (strncmp(*s, name, len) != 0)
        return false;
    const char *at = *s + len;
    if (*at < '1' || *at > '9')
        return false;
    int value = *at++ - '0';
    if (*at >= '0' && *at <= '9')
        value = value * 10 + *at++ - '0';
    *out = value;
    *s = at;
    return true;
}

static bool unb64_bare(const char *s, size_t len, void *out, size_t n)
{
    char padded[ENC_B64_LEN(KEY_LEN) + 1] = "";
    memcpy(padded, s, len);
    memset(padded + len, '=', ENC_B64_LEN(n) - len);
    bool good = enc_unb64(padded, ENC_B64_LEN(n), out, n);
    explicit_bzero(padded, sizeof padded);
    return good;
}

struct phc {
    struct cfg_scrypt cost;
    uint8_t salt[SALT_LEN], key[KEY_LEN];
};

static bool phc_read(const char *s, struct phc *out)
{
    if (strncmp(s, PREFIX, strlen(PREFIX)) != 0)
        return false;
    s += strlen(PREFIX);
    if (!take_number(&s, "ln=", &out->cost.log2n) || !take_number(&s, ",r=", &out->cost.r) ||
        !take_number(&s, ",p=", &out->cost.p))
        return false;
    if (strlen(s) != 1 + SALT_B64 + 1 + KEY_B64 || s[0] != '$' || s[1 + SALT_B64] != '$')
        return false;
    return unb64_bare(s + 1, SALT_B64, out->salt, SALT_LEN) &&
           unb64_bare(s + 1 + SALT_B64 + 1, KEY_B64, out->key, KEY_LEN) && cost_bearable(&out->cost);
}

static bool better_auth_read(const char *s, uint8_t key[static BA_KEY_LEN])
{
    uint8_t salt[BA_SALT_HEX / 2];
    char half[BA_SALT_HEX + 1] = "";
    if (strlen(s) != BA_SALT_HEX + 1 + 2 * BA_KEY_LEN || s[BA_SALT_HEX] != ':')
        return false;
    memcpy(half, s, BA_SALT_HEX);
    return enc_unhex(half, salt, sizeof salt) && enc_unhex(s + BA_SALT_HEX + 1, key, BA_KEY_LEN);
}

static enum err compare(struct arena *a, const struct cfg_scrypt *cost, const char *password, struct bytes salt,
                        struct bytes want, bool *match)
{
    uint8_t key[BA_KEY_LEN];
    TRY(derive(a, cost, password, salt, key, want.n));
    *match = CRYPTO_memcmp(key, want.p, want.n) == 0;
    explicit_bzero(key, sizeof key);
    return ERR_OK;
}

static bool same_cost(const struct cfg_scrypt *x, const struct cfg_scrypt *y)
{
    return x->log2n == y->log2n && x->r == y->r && x->p == y->p;
}

/* Sets *ours if stored has the form and cost of a new hash. */
static enum err verify_any(struct arena *a, const struct cfg_scrypt *cost, const char *password, const char *stored,
                           bool *match, bool *ours)
{
    struct phc phc;
    uint8_t key[BA_KEY_LEN];
    if (phc_read(stored, &phc)) {
        *ours = same_cost(&phc.cost, cost);
        return compare(a, &phc.cost, password, (struct bytes){phc.salt, SALT_LEN}, (struct bytes){phc.key, KEY_LEN},
                       match);
    }
    if (better_auth_read(stored, key))
        return compare(a, &ba_cost, password, (struct bytes){stored, BA_SALT_HEX}, (struct bytes){key, BA_KEY_LEN},
                       match);
    if (kdf_crypt_knows(stored))
        return kdf_crypt_match(a, password, stored, match);
    log_warn("a stored password hash is of a form or cost that cannot be verified");
    return ERR_OK;
}

enum err kdf_verify(struct arena *a, const struct cfg_scrypt *cost, const char *password, const char *stored,
                    bool *match, bool *weaker)
{
    bool hit = false, ours = false;
    TRY(verify_any(a, cost, password, stored, &hit, &ours));
    /* A hash of another cost takes another time, which would tell its account from those that do not exist. */
    if (!hit && !ours)
        TRY(kdf_spend(a, cost, password));
    *match = hit;
    if (weaker)
        *weaker = hit && !ours;
    return ERR_OK;
}

enum err kdf_spend(struct arena *a, const struct cfg_scrypt *cost, const char *password)
{
    static const uint8_t salt[SALT_LEN];
    uint8_t key[KEY_LEN];
    if (!cost_bearable(cost))
        return ERR_INTERNAL;
    TRY(derive(a, cost, password, (struct bytes){salt, sizeof salt}, key, sizeof key));
    explicit_bzero(key, sizeof key);
    return ERR_OK;
}
