/* Reading the Cookie header. Several cookies of one name are all handed out: a subdomain or another path may have set
 * one of them, and only the signature tells which is ours. Must not judge values. */
#include "http/request.h"

#include "base/enc.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *trim(const char *s, size_t *n)
{
    while (*n > 0 && blank(*s)) {
        s++;
        --*n;
    }
    while (*n > 0 && blank(s[*n - 1]))
        --*n;
    return s;
}

static const char *value_decode(struct arena *a, const char *s, size_t n)
{
    s = trim(s, &n);
    if (n > 0 && *s == '"') {
        s++;
        n = n > 1 ? n - 2 : 0;
    }
    const char *out = enc_unpercent(a, s, n, false);
    return out && enc_utf8_valid(out, strlen(out)) ? out : arena_strndup(a, s, n);
}

size_t cookie_values(struct arena *a, const char *header, const char *name, const char **out, size_t max)
{
    size_t found = 0, name_len = strlen(name);

    for (const char *s = header; s && found < max;) {
        const char *end = strchr(s, ';');
        size_t len = end ? (size_t)(end - s) : strlen(s);
        const char *next = end ? end + 1 : NULL;
        const char *equals = memchr(s, '=', len);
        size_t n = equals ? (size_t)(equals - s) : 0;
        const char *key = trim(s, &n);
        if (equals && n == name_len && memcmp(key, name, n) == 0)
            out[found++] = value_decode(a, equals + 1, len - (size_t)(equals + 1 - s));
        s = next;
    }
    return found;
}
