/* UTF-8 (RFC 3629): what is valid, how long it is, and a copy that is valid whatever came in. Knows no character
 * properties; normal forms are for crypto/kdf.c. */
#include "base/enc.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD"

static bool follows(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

static size_t length_said(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF)
        return 2;
    if (c >= 0xE0 && c <= 0xEF)
        return 3;
    return c >= 0xF0 && c <= 0xF4 ? 4 : 0;
}

/* The second byte decides on overlong forms, surrogates and code points over 10FFFF (RFC 3629 §4). */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0;
    case 0xED:
        return second <= 0x9F;
    case 0xF0:
        return second >= 0x90;
    case 0xF4:
        return second <= 0x8F;
    default:
        return true;
    }
}

size_t enc_utf8_next(const char *s, size_t n)
{
    if (n == 0)
        return 0;
    unsigned char first = (unsigned char)s[0];
    size_t len = length_said(first);
    if (len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!follows((unsigned char)s[i]))
            return 0;
    if (len > 1 && !second_fits(first, (unsigned char)s[1]))
        return 0;
    return len;
}

/* How many bytes of ASCII s[0..n) begins with: nearly all of nearly all texts. */
static size_t ascii_run(const char *s, size_t n)
{
    size_t run = 0;
    uint64_t eight;

    for (; n - run >= sizeof eight; run += sizeof eight) {
        memcpy(&eight, s + run, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (run < n && (unsigned char)s[run] < 0x80)
        run++;
    return run;
}

bool enc_utf8_valid(const char *s, size_t n)
{
    while (n > 0) {
        size_t run = ascii_run(s, n), len = run ? run : enc_utf8_next(s, n);
        if (len == 0)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

char *enc_utf8_clean(struct arena *a, const char *s, size_t max)
{
    size_t n = strnlen(s, max + 4 > max ? max + 4 : max); /* enough to see the last character whole */
    size_t used = 0, cap = n > max / 3 ? max : n * 3;
    char *res = arena_alloc(a, cap + 1);
    while (n > 0) {
        size_t run = ascii_run(s, n < max - used ? n : max - used);
        size_t len = run ? run : enc_utf8_next(s, n), taken = len ? len : 1, add = len ? len : strlen(REPLACEMENT);
        if (add > max - used)
            break;
        memcpy(res + used, len ? s : REPLACEMENT, add);
        used += add;
        s += taken;
        n -= taken;
    }
    return res;
}

size_t enc_utf8_steering(const char *p)
{
    unsigned char c = (unsigned char)p[0], d = c ? (unsigned char)p[1] : 0, e = d ? (unsigned char)p[2] : 0;

    if (c < 0x20 || c == 0x7f)
        return 1;
    if (c == 0xc2 && d < 0xa0)
        return 2;
    if (c == 0xe2 && d == 0x80 && (e == 0x8e || e == 0x8f || (e >= 0xa8 && e <= 0xae)))
        return 3;
    return c == 0xe2 && d == 0x81 && e >= 0xa6 && e <= 0xa9 ? 3 : 0;
}

size_t enc_utf8_points(const char *s)
{
    size_t points = 0;
    for (; *s; s++)
        points += !follows((unsigned char)*s);
    return points;
}

size_t enc_utf16_units(const char *s)
{
    size_t units = 0;
    for (; *s; s++)
        units += !follows((unsigned char)*s) + ((unsigned char)*s >= 0xF0);
    return units;
}
