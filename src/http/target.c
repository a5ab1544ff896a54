/* The path of a request. Web servers agree on no variable: REQUEST_URI alone is raw everywhere, but in Apache's
 * ErrorDocument it is the refused page's. Nothing is decoded or resolved here: a path that is not spelled as a route is
 * spelled simply is none. */
#include "http/target.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/path.h"
#include "http/pairs.h"

#include <string.h>

/* "https://host/path" (RFC 9112 §3.2.2) is reduced to "/path". */
static const char *uri_local(const char *uri)
{
    if (*uri == '/')
        return uri;
    size_t scheme = strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    if (scheme == 0 || strncmp(uri + scheme, "://", 3) != 0)
        return uri;
    uri += scheme + 3;
    return uri + strcspn(uri, "/?#");
}

/* The status that an error page is shown for; 0: it is none. */
static int refused_status(const struct target *t)
{
    const char *s = t->redirect_status;

    if (!s || strspn(s, "0123456789") != 3 || s[3] != '\0' || s[0] < '4')
        return 0;
    return (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
}

static const char *below(const char *path, const char *base)
{
    size_t n = strlen(base);

    return strncmp(path, base, n) == 0 && path[n] == '/' ? path + n : NULL;
}

static enum err nothing(void)
{
    log_info("bad request: neither REQUEST_URI nor SCRIPT_NAME");
    return ERR_BAD_REQUEST;
}

static void query_take(struct arena *a, const char *query, struct request *r)
{
    r->query_text = query ? query : "";
    if (query)
        r->query_bad = pairs_parse_query(a, query, strlen(query), &r->query) != ERR_OK;
}

/* Where a raw path leads; NULL: it cannot be decoded. Servers do not agree on what comes after a '#', which no browser
 * sends. */
static const char *place_of(struct arena *a, const char *uri)
{
    const char *path = strchr(uri, '#') ? NULL : enc_unpercent(a, uri, strcspn(uri, "?"), false);

    return path && *path == '/' ? path_resolve(a, path) : NULL;
}

enum err target_read(const struct cfg *cfg, struct arena *a, const struct target *t, struct request *r)
{
    const char *uri = t->uri && *t->uri ? uri_local(t->uri) : NULL;
    const char *path, *query = NULL;

    r->query_text = "";
    if (!uri && !t->script_name)
        return nothing();
    r->refused = refused_status(t);
    if (!uri || (r->refused && t->script_name)) {
        path = arena_printf(a, "%s%s", t->script_name, t->path_info ? t->path_info : "");
        r->page = r->refused ? uri : NULL;
        r->place = r->page ? place_of(a, r->page) : NULL;
    } else {
        query = strchr(uri, '?');
        path = arena_strndup(a, uri, strcspn(uri, "?"));
    }
    query = query ? query + 1 : t->query_string;
    r->path = below(path, cfg->auth_base_path);
    /* queries of other pages are none of ours to judge */
    if (r->path)
        query_take(a, query, r);
    return ERR_OK;
}

/* "//host/path" is a path to a web server, and the path "/path" to programs that take it for a reference without a
 * scheme (RFC 3986 §4.2). */
static const char *place_behind_host(struct arena *a, const char *uri)
{
    size_t slashes = strspn(uri, "/\\");

    if (slashes < 2)
        return NULL;
    uri += slashes;
    uri += strcspn(uri, "/\\?");
    return *uri == '/' || *uri == '\\' ? place_of(a, arena_printf(a, "/%s", uri + 1)) : "/";
}

/* The application behind the server may go by the target as it was sent, whatever the server has made of it. */
static enum err also_read(struct arena *a, const char *uri, struct request *r)
{
    const char *asked = uri ? place_of(a, uri) : r->place;

    if (!asked)
        return ERR_BAD_REQUEST;
    if (strcmp(asked, r->place) != 0)
        r->also[0] = asked;
    if (uri)
        r->also[1] = place_behind_host(a, uri);
    return ERR_OK;
}

/* What the web server makes of the path counts, as far as it tells; else the path is resolved as all of them do. */
enum err target_read_gate(struct arena *a, const struct target *t, struct request *r)
{
    const char *uri = t->uri && *t->uri ? uri_local(t->uri) : NULL;
    const char *there = t->redirect_uri && *t->redirect_uri ? uri_local(t->redirect_uri) : uri;

    r->query_text = "";
    if (!there)
        return nothing();
    if (t->place)
        r->place = *t->place == '/' ? path_resolve(a, t->place) : NULL;
    else
        r->place = place_of(a, there);
    r->page = uri ? uri : there;
    if (!r->place || also_read(a, uri, r) != ERR_OK) {
        log_info("bad request: the path of the page cannot be decoded");
        return ERR_BAD_REQUEST;
    }
    return ERR_OK;
}
