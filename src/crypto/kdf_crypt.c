/* Password hashes of crypt(3) form, by libcrypt. Must not run one whose stated cost a single request may not spend:
 * libcrypt itself runs whatever a row says. Passwords are not normalized here: their makers did not. */
#include "crypto/kdf_crypt.h"

#include "base/log.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 10000000 /* of SHA-2, SHA-1 or MD5: a few seconds */
#define BCRYPT_MAX 16       /* log2: some five seconds */
#define YESCRYPT_MAX 17     /* log2 N; with the largest r of one character 1 GiB */
#define SCRYPT_MEMORY_MAX (UINT64_C(1) << 30)

static int itoa64(char c)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool number_bearable(const char *s)
{
    return strtoul(s, NULL, 10) <= ROUNDS_MAX;
}

/* $5$rounds=N$, $6$rounds=N$, $md5,rounds=N$; without it libcrypt takes its own default. */
static bool rounds_bearable(const char *s)
{
    static const char word[] = "rounds=";
    s += *s == ',';
    return strncmp(s, word, sizeof word - 1) != 0 || number_bearable(s + sizeof word - 1);
}

static bool bcrypt_bearable(const char *s)
{
    return s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9' && (s[0] - '0') * 10 + s[1] - '0' <= BCRYPT_MAX;
}

/* $7$: log2 N in one character, r and p in five each, least significant first. */
static bool scrypt_bearable(const char *s)
{
    uint64_t field[2] = {0, 0};
    int log2n = itoa64(s[0]);
    for (int i = 0; i < 10; i++) {
        int digit = s[0] ? itoa64(s[1 + i]) : -1;
        if (digit < 0)
            return false;
        field[i / 5] |= (uint64_t)digit << (i % 5 * 6);
    }
    uint64_t r = field[0], p = field[1];
    return log2n >= 1 && log2n <= 24 && r >= 1 && r <= 64 && p >= 1 && p <= 16 &&
           (UINT64_C(128) * r) << log2n <= SCRYPT_MEMORY_MAX;
}

/* $y$, $gy$: flavour, log2 N - 1 and r, one character each up to 48 (as all that libcrypt makes are); whatever follows
 * (p, t, and so on) multiplies the cost and is not made by libcrypt either. */
static bool yescrypt_bearable(const char *s)
{
    if (itoa64(s[0]) < 0)
        return false;
    int log2n = itoa64(s[1]) + 1;
    if (log2n < 2 || log2n > YESCRYPT_MAX)
        return false;
    int r = itoa64(s[2]);
    return r >= 0 && r < 48 && s[3] == '$';
}

static const struct method {
    const char *prefix;
    bool (*bearable)(const char *after_prefix);
} methods[] = {
    {"$1$", NULL},
    {"$3$", NULL},
    {"$5$", rounds_bearable},
    {"$6$", rounds_bearable},
    {"$sha1$", number_bearable},
    {"$md5", rounds_bearable},
    {"$2a$", bcrypt_bearable},
    {"$2b$", bcrypt_bearable},
    {"$2x$", bcrypt_bearable},
    {"$2y$", bcrypt_bearable},
    {"$7$", scrypt_bearable},
    {"$y$", yescrypt_bearable},
    {"$gy$", yescrypt_bearable},
};

static bool bearable(const char *stored)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t len = strlen(methods[i].prefix);
        if (strncmp(stored, methods[i].prefix, len) == 0)
            return !methods[i].bearable || methods[i].bearable(stored + len);
    }
    return false;
}

/* Old methods are "legacy" to libcrypt. With a $ in front somebody's software meant them; a DES hash is any thirteen
 * letters, so it counts only where the host still calls DES good. */
bool kdf_crypt_knows(const char *stored)
{
    size_t len = strlen(stored);
    if (len == 0 || len >= CRYPT_OUTPUT_SIZE || stored[0] == '*')
        return false;
    int salt = crypt_checksalt(stored);
    if (stored[0] != '$')
        return salt == CRYPT_SALT_OK;
    return (salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY) && bearable(stored);
}

/* libcrypt tells every failure by the same error number. These methods take memory of their own, and a whole hash of
 * theirs, its cost looked at before, fails for want of that. */
static bool lacked_memory(const char *stored)
{
    const char *key = strrchr(stored, '$') + 1;
    bool takes = strncmp(stored, "$y$", 3) == 0 || strncmp(stored, "$gy$", 4) == 0 || strncmp(stored, "$7$", 3) == 0;
    size_t n = 0;
    while (itoa64(key[n]) >= 0)
        n++;
    return takes && n == 43 && key[n] == '\0';
}

enum err kdf_crypt_match(struct arena *a, const char *password, const char *stored, bool *match)
{
    struct crypt_data *data = ARENA_NEW(a, struct crypt_data);
    const char *made = crypt_r(password, stored, data);
    /* On failure crypt_r gives "*0" or "*1", never equal to what it was asked for; a row may hold just that. */
    bool failed = !made || made[0] == '*';
    *match = !failed && strlen(made) == strlen(stored) && CRYPTO_memcmp(made, stored, strlen(stored)) == 0;
    explicit_bzero(data, sizeof *data);
    if (!failed || stored[0] != '$' || !lacked_memory(stored))
        return ERR_OK;
    log_error("out of memory: password hash of another kind");
    return ERR_NO_MEMORY;
}
