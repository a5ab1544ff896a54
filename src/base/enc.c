/* Hex, base64, percent and ISO-8601. Knows no meaning: what is encoded and who checks it is the caller's. UTF-8 is in
 * enc_utf8.c. No locale, no time zone: ctype.h and gmtime are not used. */
#include "base/enc.h"

#include "base/rng.h"

#include <endian.h>
#include <string.h>

#define B64_COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* Each in one cache line where those are of 64 bytes: which letter of a signature was written is not to be told by it.
 */
static const _Alignas(64) char b64_std[] = B64_COMMON "+/";
static const _Alignas(64) char b64_url[] = B64_COMMON "-_";

/* Eight digits at once, without a table, whose cache lines would tell them. */
static void hex_four(const unsigned char b[static 4], char out[static 8])
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint32_t four;

    memcpy(&four, b, sizeof four);
    uint64_t v = be32toh(four);
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v << 4) & 0x0f * ones;
    uint64_t letter = (v + 6 * ones) >> 4 & ones;
    v = htobe64(v + '0' * ones + letter * ('a' - '9' - 1));
    memcpy(out, &v, sizeof v);
}

void enc_hex(const void *p, size_t n, char *out)
{
    const unsigned char *b = p;
    for (; n >= 4; n -= 4, b += 4, out += 8)
        hex_four(b, out);
    for (; n > 0; n--, b++) {
        *out++ = "0123456789abcdef"[*b >> 4];
        *out++ = "0123456789abcdef"[*b & 15];
    }
    *out = '\0';
}

int enc_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool hex_all(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (enc_hex_digit(s[i]) < 0)
            return false;
    return true;
}

bool enc_unhex(const char *s, void *out, size_t n)
{
    unsigned char *b = out;
    if (strlen(s) != 2 * n || !hex_all(s, 2 * n))
        return false;
    for (size_t i = 0; i < n; i++)
        b[i] = (unsigned char)(enc_hex_digit(s[2 * i]) << 4 | enc_hex_digit(s[2 * i + 1]));
    return true;
}

/* Without padding; where it ends. */
static char *b64(const unsigned char *b, size_t n, const char letters[static 64], char *out)
{
    for (; n >= 3; n -= 3, b += 3) {
        *out++ = letters[b[0] >> 2];
        *out++ = letters[(b[0] & 3) << 4 | b[1] >> 4];
        *out++ = letters[(b[1] & 15) << 2 | b[2] >> 6];
        *out++ = letters[b[2] & 63];
    }
    if (n > 0) {
        unsigned second = n == 2 ? b[1] : 0;
        *out++ = letters[b[0] >> 2];
        *out++ = letters[(b[0] & 3) << 4 | second >> 4];
        if (n == 2)
            *out++ = letters[(second & 15) << 2];
    }
    return out;
}

void enc_b64(const void *p, size_t n, char *out)
{
    char *end = b64(p, n, b64_std, out);
    while ((end - out) % 4 != 0)
        *end++ = '=';
    *end = '\0';
}

void enc_b64url(const void *p, size_t n, char *out)
{
    *b64(p, n, b64_url, out) = '\0';
}

/* All ones if lo <= c <= hi, else 0; without a branch or a table, whose cache lines would tell the character. */
static unsigned between(unsigned c, unsigned lo, unsigned hi)
{
    unsigned outside = (c - lo) | (hi - c); /* one of them wraps below zero */
    return (outside >> 31) - 1u;
}

static unsigned b64_value(unsigned c, unsigned *good)
{
    unsigned upper = between(c, 'A', 'Z'), lower = between(c, 'a', 'z'), digit = between(c, '0', '9');
    unsigned plus = between(c, '+', '+'), slash = between(c, '/', '/');
    *good &= upper | lower | digit | plus | slash;
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63);
}

bool enc_unb64(const char *s, size_t len, void *out, size_t n)
{
    unsigned char *b = out;
    if (len != ENC_B64_LEN(n))
        return false;
    size_t letters = (n * 8 + 5) / 6, done = 0;
    unsigned good = ~0u, held = 0, bits = 0;
    for (size_t i = 0; i < letters; i++) {
        held = held << 6 | b64_value((unsigned char)s[i], &good);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            b[done++] = (unsigned char)(held >> bits);
        }
    }
    for (size_t i = letters; i < len; i++)
        good &= between((unsigned char)s[i], '=', '=');
    if (!good && n)
        explicit_bzero(out, n);
    return good != 0;
}

static bool percent_keeps(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-_.!~*'()", c) != NULL);
}

char *enc_percent(struct arena *a, const char *s)
{
    char *res = arena_alloc(a, strlen(s) * 3 + 1), *at = res;
    for (; *s; s++) {
        if (percent_keeps(*s)) {
            *at++ = *s;
            continue;
        }
        unsigned char c = (unsigned char)*s;
        *at++ = '%';
        *at++ = "0123456789ABCDEF"[c >> 4];
        *at++ = "0123456789ABCDEF"[c & 15];
    }
    return res;
}

char *enc_unpercent(struct arena *a, const char *s, size_t n, bool plus)
{
    char *res = arena_alloc(a, n + 1), *at = res;
    const char *end = s + n;

    /* A NUL would hide the rest from everything that takes the result for a string. */
    if (memchr(s, '\0', n))
        return NULL;
    while (s < end) {
        const char *escape = memchr(s, '%', (size_t)(end - s));
        size_t plain = (size_t)((escape ? escape : end) - s);
        memcpy(at, s, plain);
        for (char *c = at; plus && c < at + plain; c++)
            if (*c == '+')
                *c = ' ';
        at += plain;
        s += plain;
        if (!escape)
            break;
        if (end - s < 3 || !hex_all(s + 1, 2) || (s[1] == '0' && s[2] == '0'))
            return NULL;
        *at++ = (char)(enc_hex_digit(s[1]) << 4 | enc_hex_digit(s[2]));
        s += 3;
    }
    return res;
}

char *enc_lower(struct arena *a, const char *s)
{
    char *res = arena_strdup(a, s);
    for (char *p = res; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return res;
}

void enc_mask(char *s)
{
    static const char id[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    while (*s) {
        size_t n = strspn(s, id);
        if (n >= RNG_ID_LEN)
            memset(s, '*', n);
        s += n > 0 ? n : 1;
    }
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool enc_equal_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}
