/* Paths. What is decided about one is decided about the place it leads to, never about how it is spelled. */
#include "base/path.h"

#include "base/enc.h"

#include <string.h>

/* Where the last segment of out[0..n) begins; out ends in a slash. */
static size_t parent(const char *out, size_t n)
{
    if (n > 1)
        n--;
    while (n > 1 && out[n - 1] != '/')
        n--;
    return n;
}

static bool is(const char *s, size_t n, const char *word)
{
    return n == strlen(word) && memcmp(s, word, n) == 0;
}

char *path_resolve(struct arena *a, const char *s)
{
    char *out = arena_alloc(a, strlen(s) + 2);
    size_t n = 0;

    out[n++] = '/';
    while (*s) {
        size_t len = strcspn(s, "/");
        bool last = s[len] == '\0';
        if (is(s, len, "..")) {
            n = parent(out, n);
        } else if (len > 0 && !is(s, len, ".")) {
            memcpy(out + n, s, len);
            n += len;
            if (!last)
                out[n++] = '/';
        }
        s += len + !last;
    }
    out[n] = '\0';
    return out;
}

/* Control characters as well: to many a regular expression a line ends before its newline. */
static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* A segment without what may be taken for nothing at its end; dots alone keep their meaning. */
static size_t segment_trimmed(const char *s, size_t len)
{
    const char *parameters = memchr(s, ';', len);

    if (parameters)
        len = (size_t)(parameters - s);
    while (len > 0 && (is_blank(s[len - 1]) || (s[len - 1] == '.' && !is(s, len, ".") && !is(s, len, ".."))))
        len--;
    return len;
}

char *path_resolve_loosely(struct arena *a, const char *s)
{
    char *copy = enc_lower(a, s), *out = arena_alloc(a, strlen(s) + 1), *to = out;

    for (char *p = copy; *p; p++)
        if (*p == '\\')
            *p = '/';
    for (const char *p = copy; *p;) {
        size_t len = strcspn(p, "/"), kept = segment_trimmed(p, len);
        memcpy(to, p, kept);
        to += kept;
        p += len;
        if (*p)
            *to++ = *p++;
    }
    *to = '\0';
    return path_resolve(a, out);
}

char *path_decode_again(struct arena *a, const char *s)
{
    char *out = arena_alloc(a, strlen(s) + 1), *to = out;
    bool changed = false;

    while (*s) {
        int high = *s == '%' ? enc_hex_digit(s[1]) : -1, low = high >= 0 ? enc_hex_digit(s[2]) : -1;
        bool escape = low >= 0 && (high || low);
        *to++ = escape ? (char)(high << 4 | low) : *s;
        s += escape ? 3 : 1;
        changed |= escape;
    }
    *to = '\0';
    return changed ? out : NULL;
}

bool path_below(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);

    while (n > 0 && prefix[n - 1] == '/')
        n--;
    return strncmp(path, prefix, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
