/* Client addresses: parsing, canonical text, networks, and the walk through X-Forwarded-For. Pure. */
#include "auth/auth.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* IPv4 is kept as IPv4-mapped IPv6, so that one comparison serves both. */
struct address {
    uint8_t b[16];
    bool v4;
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool address_parse(const char *s, struct address *out)
{
    struct address a = {.v4 = inet_pton(AF_INET, s, a.b + 12) == 1};

    if (a.v4)
        memcpy(a.b, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, s, a.b) != 1)
        return false;
    a.v4 = memcmp(a.b, mapped, sizeof mapped) == 0;
    *out = a;
    return true;
}

static const char *address_text(const struct address *x, struct arena *a)
{
    char text[INET6_ADDRSTRLEN];
    const char *s = x->v4 ? inet_ntop(AF_INET, x->b + 12, text, sizeof text) : inet_ntop(AF_INET6, x->b, text, sizeof text);
    return s ? arena_strdup(a, s) : "";
}

/* ADDRESS or ADDRESS/BITS; *bits counts in the 128-bit form. */
static bool network_parse(const char *s, struct address *out, unsigned *bits)
{
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(s, '/');
    size_t n = slash ? (size_t)(slash - s) : strlen(s);

    if (n >= sizeof host)
        return false;
    memcpy(host, s, n);
    host[n] = '\0';
    if (!address_parse(host, out))
        return false;
    *bits = 128;
    if (!slash)
        return true;
    char *end;
    unsigned long v = strtoul(slash + 1, &end, 10);
    if (slash[1] < '0' || slash[1] > '9' || *end || v > (out->v4 ? 32 : 128))
        return false;
    *bits = (unsigned)v + (out->v4 ? 96 : 0);
    return true;
}

bool address_network_ok(const char *s)
{
    struct address x;
    unsigned bits;
    return network_parse(s, &x, &bits);
}

static bool same_prefix(const struct address *x, const struct address *y, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(x->b, y->b, whole) != 0)
        return false;
    return rest == 0 || ((x->b[whole] ^ y->b[whole]) >> (8 - rest)) == 0;
}

static bool parsed_in(const struct cfg_list *networks, const struct address *x)
{
    for (size_t i = 0; i < networks->n; i++) {
        struct address net;
        unsigned bits;
        if (network_parse(networks->v[i], &net, &bits) && net.v4 == x->v4 && same_prefix(&net, x, bits))
            return true;
    }
    return false;
}

bool address_in(const struct cfg_list *networks, const char *addr)
{
    struct address x;
    return address_parse(addr, &x) && parsed_in(networks, &x);
}

/* Cuts the last element off list[0..*len); blanks around it go. */
static char *last_hop(struct arena *a, const char *list, size_t *len)
{
    size_t end = *len, start = end;
    while (start > 0 && list[start - 1] != ',')
        start--;
    *len = start > 0 ? start - 1 : 0;
    while (start < end && (list[start] == ' ' || list[start] == '\t'))
        start++;
    while (end > start && (list[end - 1] == ' ' || list[end - 1] == '\t'))
        end--;
    return arena_strndup(a, list + start, end - start);
}

const char *address_client(const struct cfg *cfg, struct arena *a, const char *peer, const char *forwarded)
{
    struct address own, hop;

    if (!address_parse(peer, &own))
        return "";
    hop = own;
    if (!forwarded || !parsed_in(&cfg->auth_trusted_proxies, &own))
        return address_text(&own, a);
    /* From the right: what stands left of the first address we do not trust was written by a stranger. */
    for (size_t len = strlen(forwarded); len > 0;) {
        const char *s = last_hop(a, forwarded, &len);
        if (*s == '\0')
            continue;
        if (!address_parse(s, &hop))
            return address_text(&own, a);
        if (!parsed_in(&cfg->auth_trusted_proxies, &hop))
            break;
    }
    return address_text(&hop, a);
}
