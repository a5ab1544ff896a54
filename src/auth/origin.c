/* Where a request may come from: the origin rule for unsafe methods, CORS, and addresses to go back to. Pure. */
#include "auth/auth.h"

#include "base/enc.h"

#include <string.h>
#include <strings.h>

/* * stands for any characters, ? for one. Backtracks to the last star only, so its time is bounded by |s|·|pattern|. */
static bool wildcard_match(const char *pattern, const char *s)
{
    const char *star = NULL, *from = NULL;
    while (*s) {
        if (*pattern == '*') {
            star = pattern++;
            from = s;
        } else if (*pattern == '?' || *pattern == *s) {
            pattern++;
            s++;
        } else if (star) {
            pattern = star + 1;
            s = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* A pattern of digits, dots and wildcards means addresses: it must not match a name such as 10.evil.example. */
static bool pattern_is_numeric(const char *pattern)
{
    return pattern[strspn(pattern, "0123456789.*?:")] == '\0';
}

static bool pattern_matches(const char *pattern, const char *origin)
{
    if (strstr(pattern, "://"))
        return wildcard_match(pattern, origin);
    const char *host = strstr(origin, "://") + 3;
    if (pattern_is_numeric(pattern) && host[strspn(host, "0123456789.:")] != '\0')
        return false;
    return wildcard_match(pattern, host);
}

/* origin: as config_origin_of makes it. */
static bool listed(const struct cfg *cfg, struct arena *a, const char *origin)
{
    for (size_t i = 0; i < cfg->auth_trusted_origins.n; i++) {
        const char *entry = cfg->auth_trusted_origins.v[i];
        if (strpbrk(entry, "*?")) {
            if (pattern_matches(enc_lower(a, entry), origin))
                return true;
            continue;
        }
        const char *exact = config_origin_of(a, entry);
        if (exact && strcmp(exact, origin) == 0)
            return true;
    }
    return false;
}

bool origin_trusted(const struct cfg *cfg, struct arena *a, const char *url)
{
    const char *origin = config_origin_of(a, url);
    return origin && (strcmp(origin, cfg->origin) == 0 || listed(cfg, a, origin));
}

bool origin_foreign_trusted(const struct cfg *cfg, struct arena *a, const char *url)
{
    const char *origin = config_origin_of(a, url);
    /* What is trusted here is sent back as it came: it must be an origin and nothing more (RFC 6454 §6.2). */
    return origin && strcmp(origin, url) == 0 && strcmp(origin, cfg->origin) != 0 && listed(cfg, a, origin);
}

enum err origin_check(const struct cfg *cfg, struct arena *a, const struct origin_facts *f)
{
    if (f->login && f->fetch_site && f->fetch_mode && strcmp(f->fetch_site, "cross-site") == 0 &&
        strcmp(f->fetch_mode, "navigate") == 0)
        return ERR_CROSS_SITE_LOGIN;
    const char *from = f->origin && *f->origin ? f->origin : f->referer;
    bool none = !from || *from == '\0', null = !none && strcmp(from, "null") == 0;
    if ((none || null) && (f->cookie || f->fetch))
        return ERR_MISSING_ORIGIN;
    if (none)
        return ERR_OK;
    return origin_trusted(cfg, a, from) ? ERR_OK : ERR_INVALID_ORIGIN;
}

/* Fit to stand in a Location field as it is. */
static bool printable_ascii(const char *s)
{
    for (; *s; s++)
        if (*s <= 0x20 || *s >= 0x7f)
            return false;
    return true;
}

/* A path on our own origin, whatever a browser makes of it: one leading '/', nothing it would read as a second one. */
static bool own_path_ok(const char *s)
{
    if (s[0] != '/' || s[1] == '/')
        return false;
    bool path = true;
    for (; *s; s++) {
        if (*s == '\\')
            return false;
        if (*s == '?' || *s == '#')
            path = false;
        if (path && (strncasecmp(s, "%2f", 3) == 0 || strncasecmp(s, "%5c", 3) == 0))
            return false;
    }
    return true;
}

bool origin_callback_ok(const struct cfg *cfg, struct arena *a, const char *url)
{
    if (!printable_ascii(url))
        return false;
    return *url == '/' ? own_path_ok(url) : origin_trusted(cfg, a, url);
}
