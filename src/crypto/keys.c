/* Secrets in memory: parsing what a secret file says, and HMAC under them. The file itself is keys_file.c. Must not log
 * a byte of a secret, nor leave one in memory that is given back. */
#include "crypto/keys.h"

#include "base/enc.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/keys_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct keys {
    size_t n;
    struct {
        size_t len;
        char s[KEYS_MAX_BYTES];
        struct digest_key *ready; /* the same, for HMAC */
    } v[KEYS_MAX];
};

static bool printable(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
            return false;
    return enc_utf8_valid(s, n);
}

static size_t points(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i += enc_utf8_next(s + i, n - i))
        count++;
    return count;
}

/* Says what is wrong with one line, or NULL. */
static const char *secret_fault(const char *s, size_t n)
{
    if (!printable(s, n))
        return "has unprintable bytes";
    if (points(s, n) < KEYS_MIN_LEN)
        return "is too short";
    return points(s, n) > KEYS_MAX_LEN ? "is too long" : NULL;
}

static enum err keys_take_line(struct keys *k, const char *path, int number, const char *s, size_t n)
{
    if (n > 0 && s[n - 1] == '\r')
        n--;
    if (strspn(s, " \t") >= n || s[0] == '#')
        return ERR_OK;
    const char *fault = k->n == KEYS_MAX ? "is one secret too many" : secret_fault(s, n);
    if (fault) {
        log_error("secret file %s: line %d %s", path, number, fault);
        return ERR_SECRET;
    }
    TRY(digest_key(s, n, &k->v[k->n].ready));
    memcpy(k->v[k->n].s, s, n);
    k->v[k->n++].len = n;
    return ERR_OK;
}

static enum err keys_parse(struct keys *k, const char *path, const char *text, size_t len)
{
    const char *end = text + len;
    for (int number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop)
            stop = end;
        TRY(keys_take_line(k, path, number, text, (size_t)(stop - text)));
        text = stop + (stop < end);
    }
    if (k->n > 0)
        return ERR_OK;
    log_error("secret file %s: no secret in it", path);
    return ERR_SECRET;
}

enum err keys_load(const char *path, int fd, struct keys **out)
{
    char text[KEYS_FILE_MAX + 1]; /* its last byte stays NUL: strspn ends there */
    size_t len = 0;
    struct keys *k = calloc(1, sizeof *k);
    if (!k) {
        log_error("out of memory: secrets");
        return ERR_NO_MEMORY;
    }
    /* not what OpenSSL keeps ready of them; and it may fail where nothing may be locked: swap is the administrator's */
    mlock(k, sizeof *k);
    memset(text, 0, sizeof text);
    enum err e = keys_file_read(path, fd, text, &len);
    if (e == ERR_OK)
        e = keys_parse(k, path, text, len);
    explicit_bzero(text, sizeof text);
    if (e != ERR_OK)
        keys_close(&k);
    else
        *out = k;
    return e;
}

void keys_close(struct keys **k)
{
    if (!k || !*k)
        return;
    for (size_t i = 0; i < (*k)->n; i++)
        digest_key_close(&(*k)->v[i].ready);
    explicit_bzero(*k, sizeof **k);
    munlock(*k, sizeof **k);
    free(*k);
    *k = NULL;
}

size_t keys_count(const struct keys *k)
{
    return k->n;
}

const char *keys_secret(const struct keys *k, size_t i, size_t *len)
{
    *len = k->v[i].len;
    return k->v[i].s;
}

enum err keys_mac(const struct keys *k, size_t i, const char *msg, size_t len, uint8_t out[static KEYS_MAC_LEN])
{
    if (i >= k->n)
        return ERR_INTERNAL;
    return digest_hmac(k->v[i].ready, msg, len, out);
}

/* The text is of another form than any token, so that a fingerprint is never the signature of one. */
enum err keys_print(const struct keys *k, size_t i, char out[static KEYS_PRINT_SIZE])
{
    static const char text[] = "latchkey: fingerprint of a secret";
    uint8_t mac[KEYS_MAC_LEN];
    TRY(keys_mac(k, i, text, sizeof text - 1, mac));
    enc_hex(mac, sizeof mac, out);
    return ERR_OK;
}

enum err keys_ring(const struct keys *k, uint64_t *out)
{
    static const char text[] = "latchkey: set of secrets";
    uint8_t mac[KEYS_MAC_LEN];
    uint64_t ring = k->n;

    for (size_t i = 0; i < k->n; i++) {
        uint64_t part;
        TRY(keys_mac(k, i, text, sizeof text - 1, mac));
        memcpy(&part, mac, sizeof part);
        ring = ring * UINT64_C(0x9e3779b97f4a7c15) + part;
    }
    *out = ring;
    return ERR_OK;
}
