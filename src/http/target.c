/* The path of a request. Web servers agree on no variable: REQUEST_URI alone is raw everywhere, but in Apache's
 * ErrorDocument it is the refused page's. Nothing is decoded or resolved here: a path that is not spelled as a route is
 * spelled simply is none. */
#include "http/target.h"

#include "base/log.h"
#include "http/pairs.h"

#include <string.h>

/* "https://host/path" (RFC 9112 §3.2.2) is reduced to "/path". */
static const char *uri_local(const char *uri)
{
    size_t scheme = strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    if (scheme == 0 || strncmp(uri + scheme, "://", 3) != 0)
        return uri;
    uri += scheme + 3;
    return uri + strcspn(uri, "/?#");
}

static bool is_error_page(const struct target *t)
{
    const char *s = t->redirect_status;

    return s && strspn(s, "0123456789") == 3 && s[3] == '\0' && s[0] >= '4';
}

static const char *below(const char *path, const char *base)
{
    size_t n = strlen(base);

    return strncmp(path, base, n) == 0 && path[n] == '/' ? path + n : NULL;
}

enum err target_read(const struct cfg *cfg, struct arena *a, const struct target *t, struct request *r)
{
    const char *uri = t->uri && *t->uri ? t->uri : NULL;
    const char *path, *query = NULL;

    if (!uri && !t->script_name) {
        log_info("bad request: neither REQUEST_URI nor SCRIPT_NAME");
        return ERR_BAD_REQUEST;
    }
    if (!uri || (is_error_page(t) && t->script_name)) {
        path = arena_printf(a, "%s%s", t->script_name, t->path_info ? t->path_info : "");
    } else {
        path = uri_local(uri);
        query = strchr(path, '?');
        path = arena_strndup(a, path, strcspn(path, "?"));
    }
    query = query ? query + 1 : t->query_string;
    r->path = below(path, cfg->auth_base_path);
    /* queries of other pages (the gate asks about those) are none of ours to judge */
    return r->path && query ? pairs_parse_query(a, query, strlen(query), &r->query) : ERR_OK;
}
