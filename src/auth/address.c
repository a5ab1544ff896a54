/* The client's address: whom to believe, and the walk through X-Forwarded-For. Pure. */
#include "auth/auth.h"

#include "base/net.h"

#include <string.h>

static bool is_trusted(const struct cfg *cfg, const struct net_addr *x)
{
    return net_in(cfg->auth_trusted_proxies.v, cfg->auth_trusted_proxies.n, x);
}

static const char *text_of(const struct net_addr *x, struct arena *a)
{
    char text[NET_TEXT_SIZE];
    net_text(x, text);
    return arena_strdup(a, text);
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
    struct net_addr own, hop;

    if (!net_parse(peer, &own))
        return "";
    hop = own;
    if (!forwarded || !is_trusted(cfg, &own))
        return own.v4 && !strchr(peer, ':') ? peer : text_of(&own, a); /* inet_pton(3) knows one spelling of IPv4 */
    /* From the right: what stands left of the first address we do not trust was written by a stranger. */
    for (size_t len = strlen(forwarded); len > 0;) {
        const char *s = last_hop(a, forwarded, &len);
        if (*s == '\0')
            continue;
        if (!net_parse(s, &hop))
            return text_of(&own, a);
        if (!is_trusted(cfg, &hop))
            break;
    }
    return text_of(&hop, a);
}
