/* Names and values of queries and form-encoded bodies. Whatever comes out is valid UTF-8 without NUL, so that what was
 * checked as a C string is what is stored. */
#include "http/pairs.h"

#include "base/enc.h"

#include <string.h>

enum strictness { STRICT, LAX };

/* NULL: a NUL byte or invalid UTF-8, or a broken escape where those count. */
static const char *part_decode(struct arena *a, const char *s, size_t n, enum strictness how)
{
    char *out = arena_alloc(a, n + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        int high = s[i] == '%' && n - i > 2 ? enc_hex_digit(s[i + 1]) : -1;
        int low = high >= 0 ? enc_hex_digit(s[i + 2]) : -1;
        if (s[i] == '%' && low < 0 && how == STRICT)
            return NULL;
        out[len] = s[i] == '+' ? ' ' : s[i];
        if (low >= 0) {
            out[len] = (char)(high << 4 | low);
            i += 2;
        }
        if (out[len++] == '\0')
            return NULL;
    }
    return enc_utf8_valid(out, len) ? out : NULL;
}

static bool pair_decode(struct arena *a, const char *s, size_t n, enum strictness how, struct pair *out)
{
    const char *equals = memchr(s, '=', n);
    size_t name = equals ? (size_t)(equals - s) : n;

    out->name = part_decode(a, s, name, how);
    out->value = equals ? part_decode(a, equals + 1, n - name - 1, how) : "";
    return out->name && out->value;
}

static bool parse(struct arena *a, const char *s, size_t n, enum strictness how, struct pairs *out)
{
    struct pair *v = ARENA_ARRAY(a, struct pair, PAIRS_MAX);
    size_t count = 0;

    while (n > 0) {
        const char *end = memchr(s, '&', n);
        size_t len = end ? (size_t)(end - s) : n;
        if (len > 0 && (count == PAIRS_MAX || !pair_decode(a, s, len, how, &v[count++])))
            return false;
        len += end != NULL;
        s += len;
        n -= len;
    }
    *out = (struct pairs){.n = count, .v = v};
    return true;
}

enum err pairs_parse(struct arena *a, const char *s, size_t n, struct pairs *out)
{
    return parse(a, s, n, STRICT, out) ? ERR_OK : ERR_BAD_FORM;
}

enum err pairs_parse_query(struct arena *a, const char *s, size_t n, struct pairs *out)
{
    return parse(a, s, n, LAX, out) ? ERR_OK : ERR_BAD_REQUEST;
}

const char *pairs_get(const struct pairs *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].name, name) == 0)
            return p->v[i].value;
    return NULL;
}
