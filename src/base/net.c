/* Addresses and networks. Pure: nothing is resolved. */
#include "base/net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool net_parse(const char *s, struct net_addr *out)
{
    struct net_addr a = {.v4 = inet_pton(AF_INET, s, a.b + 12) == 1};

    if (a.v4)
        memcpy(a.b, mapped, sizeof mapped);
    else if (inet_pton(AF_INET6, s, a.b) != 1)
        return false;
    a.v4 = memcmp(a.b, mapped, sizeof mapped) == 0;
    *out = a;
    return true;
}

bool net_of_sockaddr(const struct sockaddr_storage *from, struct net_addr *out)
{
    struct net_addr a = {.v4 = from->ss_family == AF_INET};

    if (a.v4) {
        memcpy(a.b, mapped, sizeof mapped);
        memcpy(a.b + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    } else if (from->ss_family == AF_INET6) {
        memcpy(a.b, &((const struct sockaddr_in6 *)from)->sin6_addr, sizeof a.b);
        a.v4 = memcmp(a.b, mapped, sizeof mapped) == 0;
    } else {
        return false;
    }
    *out = a;
    return true;
}

/* With every request, and inet_ntop(3) goes by way of printf(3). */
static void v4_text(const unsigned char b[static 4], char *out)
{
    for (size_t i = 0; i < 4; i++) {
        if (b[i] >= 100)
            *out++ = (char)('0' + b[i] / 100);
        if (b[i] >= 10)
            *out++ = (char)('0' + b[i] / 10 % 10);
        *out++ = (char)('0' + b[i] % 10);
        *out++ = i < 3 ? '.' : '\0';
    }
}

void net_text(const struct net_addr *x, char out[static NET_TEXT_SIZE])
{
    if (x->v4)
        v4_text(x->b + 12, out);
    else if (!inet_ntop(AF_INET6, x->b, out, NET_TEXT_SIZE))
        out[0] = '\0';
}

/* ADDRESS or ADDRESS/BITS; *bits counts in the 128-bit form. */
static bool network_parse(const char *s, struct net_addr *out, unsigned *bits)
{
    char host[NET_TEXT_SIZE];
    const char *slash = strchr(s, '/');
    size_t n = slash ? (size_t)(slash - s) : strlen(s);

    if (n >= sizeof host)
        return false;
    memcpy(host, s, n);
    host[n] = '\0';
    if (!net_parse(host, out))
        return false;
    *bits = 128;
    if (!slash)
        return true;
    char *end;
    unsigned long v = strtoul(slash + 1, &end, 10);
    bool zeros = slash[1] == '0' && slash[2] != '\0';
    if (slash[1] < '0' || slash[1] > '9' || zeros || *end || v > (out->v4 ? 32 : 128))
        return false;
    *bits = (unsigned)v + (out->v4 ? 96 : 0);
    return true;
}

bool net_network_ok(const char *s)
{
    struct net_addr x;
    unsigned bits;
    return network_parse(s, &x, &bits);
}

/* s is ":0" to ":65535", or nothing: -1. */
static bool port_parse(const char *s, int *out)
{
    size_t n = *s == ':' ? strspn(s + 1, "0123456789") : 0;
    long port = n > 0 && n <= 5 ? strtol(s + 1, NULL, 10) : -1;

    *out = (int)port;
    return *s == '\0' || (port >= 0 && port <= 65535 && s[1 + n] == '\0');
}

bool net_host_parse(const char *s, struct net_host *out)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    bool v6 = *s == '[';
    const char *from = v6 ? s + 1 : s;
    size_t n = v6 ? strcspn(from, "]") : strspn(from, name);
    struct net_host h = {.port = -1};
    struct net_addr addr;

    if (n == 0 || n >= sizeof h.name || (v6 && from[n] != ']'))
        return false;
    memcpy(h.name, from, n);
    if ((v6 && (!strchr(h.name, ':') || !net_parse(h.name, &addr))) || !port_parse(from + n + v6, &h.port))
        return false;
    *out = h;
    return true;
}

bool net_host_local(const char *name)
{
    static const char *const local[] = {"127.0.0.0/8", "::1"};
    struct net_addr addr;

    return strcasecmp(name, "localhost") == 0 || (net_parse(name, &addr) && net_in(local, 2, &addr));
}

static bool same_prefix(const struct net_addr *x, const struct net_addr *y, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(x->b, y->b, whole) != 0)
        return false;
    return rest == 0 || ((x->b[whole] ^ y->b[whole]) >> (8 - rest)) == 0;
}

bool net_in(const char *const *networks, size_t n, const struct net_addr *x)
{
    for (size_t i = 0; i < n; i++) {
        struct net_addr net;
        unsigned bits;
        if (network_parse(networks[i], &net, &bits) && net.v4 == x->v4 && same_prefix(&net, x, bits))
            return true;
    }
    return false;
}

/* --- mail addresses ------------------------------------------------------------------------------------------------
 */

#define LETTERS_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
enum { MAILBOX_MAX = 255 };

/* Neither begins nor ends with a dot, and none follows another. */
static bool dots_ok(const char *s, size_t n)
{
    if (n == 0 || s[0] == '.' || s[n - 1] == '.')
        return false;
    for (size_t i = 1; i < n; i++)
        if (s[i] == '.' && s[i - 1] == '.')
            return false;
    return true;
}

bool net_mailbox_ok(const char *s)
{
    size_t local = strspn(s, LETTERS_DIGITS "!#$%&'*+-/=?^_`{|}~."), len = strnlen(s, MAILBOX_MAX + 1);

    if (*s == '-' || len > MAILBOX_MAX || s[local] != '@')
        return false;
    const char *domain = s + local + 1;
    size_t rest = strspn(domain, LETTERS_DIGITS "-.");
    return domain[rest] == '\0' && dots_ok(s, local) && dots_ok(domain, rest);
}
