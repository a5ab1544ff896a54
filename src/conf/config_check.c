/* Whether the settings go together and are safe: refuses what would leak a cookie, believe a stranger or lock everybody
 * out. Pure but for names: opens no file and asks no resolver. */
#include "conf/config_internal.h"
#include "base/enc.h"
#include "base/net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE_NAME "latchkey.session_token"
#define COOKIE_FORM_NAME "latchkey.form"
#define COOKIE_AGE_MAX (400 * CLOCK_DAY) /* RFC 6265bis: browsers cut longer ones */

#define SOCKET_PATH_MAX 107 /* sun_path and its NUL */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
static const char letters_digits[] = LETTERS "0123456789";
static bool only(const char *s, const char *further)
{
    for (; *s; s++) {
        if (!strchr(letters_digits, *s) && !strchr(further, *s))
            return false;
    }
    return true;
}

static bool starts(const char *s, const char *with)
{
    return strncasecmp(s, with, strlen(with)) == 0;
}

bool config_is_address(const char *s)
{
    struct net_addr addr;

    return net_parse(s, &addr);
}

/* --- origins ----------------------------------------------------------------------------------------------------- */

static bool url_clean(const char *url)
{
    for (const unsigned char *p = (const unsigned char *)url; *p; p++) {
        if (*p <= ' ' || *p == 0x7f || *p == '\\')
            return false;
    }
    return true;
}

/* ":port" in canonical form, "" for the default one; NULL if it is none. */
static const char *port_text(struct arena *a, const char *s, bool https)
{
    if (*s == '\0')
        return "";
    size_t len = strspn(s + 1, "0123456789");
    if (*s != ':' || s[1 + len] != '\0' || len > 5)
        return NULL;
    long port = strtol(s + 1, NULL, 10);
    if (port > 65535)
        return NULL;
    return len == 0 || port == (https ? 443 : 80) ? "" : arena_printf(a, ":%ld", port);
}

/* Splits authority into canonical host and the rest, ":port" or "". NULL if the host is none. */
static const char *host_text(struct arena *a, const char *authority, const char **rest)
{
    unsigned char addr[16];
    char text[INET6_ADDRSTRLEN];

    if (*authority == '[') {
        const char *close = strchr(authority, ']');
        if (!close ||
            inet_pton(AF_INET6, arena_strndup(a, authority + 1, (size_t)(close - authority) - 1), addr) != 1 ||
            !inet_ntop(AF_INET6, addr, text, sizeof(text)))
            return NULL;
        *rest = close + 1;
        return arena_printf(a, "[%s]", text);
    }
    size_t len = strcspn(authority, ":");
    const char *host = enc_lower(a, arena_strndup(a, authority, len));
    *rest = authority + len;
    return len > 0 && only(host, ".-_") ? host : NULL;
}

/* *tail: what follows the authority. */
static const char *origin_split(struct arena *a, const char *url, const char **tail)
{
    bool https = starts(url, "https://");
    const char *rest;

    if ((!https && !starts(url, "http://")) || !url_clean(url))
        return NULL;
    const char *at = strstr(url, "://") + 3;
    size_t len = strcspn(at, "/?#");
    const char *authority = arena_strndup(a, at, len);
    *tail = at + len;
    const char *host = host_text(a, authority, &rest);
    const char *port = host ? port_text(a, rest, https) : NULL;
    return port ? arena_printf(a, "%s://%s%s", https ? "https" : "http", host, port) : NULL;
}

const char *config_origin_of(struct arena *a, const char *url)
{
    const char *tail;

    return origin_split(a, url, &tail);
}

const char *config_host_of(struct arena *a, const char *origin)
{
    const char *host = strstr(origin, "://") + 3;

    if (*host == '[')
        return arena_strndup(a, host + 1, strcspn(host + 1, "]"));
    return arena_strndup(a, host, strcspn(host, ":"));
}

static bool host_is_loopback(const char *host)
{
    static const char tail[] = ".localhost";
    size_t len = strlen(host);
    struct in_addr v4;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (len > sizeof(tail) - 1 && strcmp(host + len - (sizeof(tail) - 1), tail) == 0);
}

static void check_base_url(struct cfg_reader *r)
{
    struct cfg *cfg = r->cfg;
    const char *tail = "";

    if (!*cfg->auth_base_url) {
        config_fault_key(r, CFG_auth_base_url, "must be set, e.g. https://www.example.org");
        return;
    }
    cfg->origin = origin_split(cfg->arena, cfg->auth_base_url, &tail);
    if (!cfg->origin)
        config_fault_key(r, CFG_auth_base_url,
                         "must be http:// or https://, a host and perhaps a port, without user "
                         "and password");
    else if (*tail && strcmp(tail, "/") != 0)
        config_fault_key(r, CFG_auth_base_url, "must end after host and port, without '%s'", tail);
    cfg->https = cfg->origin && starts(cfg->origin, "https:");
}

static void check_base_path(struct cfg_reader *r)
{
    const char *path = r->cfg->auth_base_path;
    size_t len = strlen(path);

    if (path[0] != '/' || path[len - 1] == '/')
        config_fault_key(r, CFG_auth_base_path, "must begin with '/' and not end with it");
    else if (!only(path, "/_.-"))
        config_fault_key(r, CFG_auth_base_path, "may hold only letters, digits, '/', '_', '.' and '-'");
    else if (strstr(path, "//") || strstr(path, "/./") || strstr(path, "/../") || strcmp(path + len - 2, "/.") == 0 ||
             (len > 2 && strcmp(path + len - 3, "/..") == 0))
        config_fault_key(r, CFG_auth_base_path, "may not hold empty, '.' or '..' segments");
}

/* The host part of a pattern must name something: one of wildcards and dots alone would trust every site there is. */
static const char *pattern_fault(const char *s)
{
    const char *host = strstr(s, "://");

    if (host && strspn(s, LETTERS "*?") != (size_t)(host - s))
        return "has a scheme that is none";
    host = host ? host + 3 : s;
    if (!only(host, ".-_:[]*?"))
        return "may hold only a host and a port";
    size_t len = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
    for (size_t i = 0; i < len; i++) {
        if (strchr(letters_digits, host[i]))
            return NULL;
    }
    return "would trust every site";
}

static void check_trusted_origins(struct cfg_reader *r)
{
    const struct cfg_list *list = &r->cfg->auth_trusted_origins;

    for (size_t i = 0; i < list->n; i++) {
        const char *why = NULL, *tail = "";
        if (strpbrk(list->v[i], "*?"))
            why = pattern_fault(list->v[i]);
        else if (!origin_split(r->cfg->arena, list->v[i], &tail) || (*tail && strcmp(tail, "/") != 0))
            why = "is no origin, e.g. https://app.example.org";
        if (why)
            config_fault_key(r, CFG_auth_trusted_origins, "%s %s", list->v[i], why);
    }
}

/* --- networks ---------------------------------------------------------------------------------------------------- */

static void check_networks(struct cfg_reader *r, enum cfg_id id, const struct cfg_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!net_network_ok(list->v[i]))
            config_fault_key(r, id, "%s is no address or network (CIDR)", list->v[i]);
    }
}

static void check_socket(struct cfg_reader *r, enum cfg_id id, const char *where)
{
    struct net_host host;

    if (*where == '/')
        return;
    if (!net_host_parse(where, &host) || host.port < 1 || !config_is_address(host.name))
        config_fault_key(r, id, "must be an absolute path or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)");
}

static void check_sockets(struct cfg_reader *r)
{
    const char *second = r->cfg->pool_sign_in_socket;

    check_socket(r, CFG_pool_socket, r->cfg->pool_socket);
    if (!*second)
        return;
    check_socket(r, CFG_pool_sign_in_socket, second);
    if (strcmp(second, r->cfg->pool_socket) == 0)
        config_fault_key(r, CFG_pool_sign_in_socket, "must be another one than pool.socket");
}

/* --- cookie ------------------------------------------------------------------------------------------------------ */

static void check_secure(struct cfg_reader *r)
{
    struct cfg *cfg = r->cfg;
    enum cfg_switch s = cfg->cookie_secure;

    cfg->cookie_is_secure = s == SWITCH_ON || (s == SWITCH_AUTO && cfg->https);
    if (!cfg->origin || host_is_loopback(config_host_of(cfg->arena, cfg->origin)))
        return;
    if (!cfg->https)
        config_fault_key(r, CFG_auth_base_url,
                         "is http: passwords and cookies would cross the network in the clear. "
                         "Use https, or a loopback host (localhost, 127.0.0.1, [::1]) for trials");
    else if (!cfg->cookie_is_secure)
        config_fault_key(r, CFG_cookie_secure, "may be off only for a loopback host");
}

static const char *cookie_name_auto(const struct cfg *cfg, const char *name)
{
    const char *prefix = "";

    if (cfg->cookie_is_secure)
        prefix = strcmp(cfg->cookie_path, "/") == 0 && !*cfg->cookie_domain ? "__Host-" : "__Secure-";
    return arena_printf(cfg->arena, "%s%s", prefix, name);
}

/* Browsers drop a cookie that breaks the rules of its prefix, and compare prefixes without case (RFC 6265bis). */
static void check_cookie_name(struct cfg_reader *r)
{
    struct cfg *cfg = r->cfg;

    bool automatic = strcmp(cfg->cookie_name, "auto") == 0;
    cfg->cookie_full = automatic ? cookie_name_auto(cfg, COOKIE_NAME) : cfg->cookie_name;
    cfg->cookie_form = automatic ? cookie_name_auto(cfg, COOKIE_FORM_NAME)
                                 : arena_printf(cfg->arena, "%s.form", cfg->cookie_name);
    if (!only(cfg->cookie_full, "!#$%&'*+-.^_`|~"))
        config_fault_key(r, CFG_cookie_name, "may hold only the characters of a token (RFC 6265)");
    if (starts(cfg->cookie_full, "__Secure-") && !cfg->cookie_is_secure)
        config_fault_key(r, CFG_cookie_name, "a __Secure- name needs cookie.secure");
    if (!starts(cfg->cookie_full, "__Host-"))
        return;
    if (!cfg->cookie_is_secure || strcmp(cfg->cookie_path, "/") != 0 || *cfg->cookie_domain)
        config_fault_key(r, CFG_cookie_name, "a __Host- name needs cookie.secure, cookie.path / and no cookie.domain");
}

static void check_cookie_path(struct cfg_reader *r)
{
    if (r->cfg->cookie_path[0] != '/')
        config_fault_key(r, CFG_cookie_path, "must begin with '/'");
    for (const unsigned char *p = (const unsigned char *)r->cfg->cookie_path; *p; p++) {
        if (*p > ' ' && *p < 0x7f && *p != ';')
            continue;
        config_fault_key(r, CFG_cookie_path, "may hold no ';', blank, control or non-ASCII character");
        return;
    }
}

static void check_cookie_domain(struct cfg_reader *r)
{
    const char *domain = r->cfg->cookie_domain;

    if (!*domain)
        return;
    if (!only(domain, ".-") || *domain == '.' || *domain == '-') {
        config_fault_key(r, CFG_cookie_domain, "must be a host name without a dot in front");
        return;
    }
    if (!r->cfg->origin)
        return;
    const char *host = config_host_of(r->cfg->arena, r->cfg->origin);
    size_t h = strlen(host), d = strlen(domain);
    if (strcasecmp(host, domain) == 0)
        return;
    if (config_is_address(host) || h <= d || host[h - d - 1] != '.' || strcasecmp(host + h - d, domain) != 0)
        config_fault_key(r, CFG_cookie_domain, "must be %s or a domain above it", host);
    else if (!strchr(domain, '.'))
        config_fault_key(r, CFG_cookie_domain, "is a top-level domain: browsers refuse it");
}

static void check_cookie(struct cfg_reader *r)
{
    check_secure(r);
    check_cookie_path(r);
    check_cookie_domain(r);
    check_cookie_name(r);
    if (r->cfg->cookie_same_site == SAMESITE_NONE && !r->cfg->cookie_is_secure)
        config_fault_key(r, CFG_cookie_same_site, "none needs cookie.secure");
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static void check_session(struct cfg_reader *r)
{
    const struct cfg *cfg = r->cfg;

    if (cfg->session_update_age >= cfg->session_expires_in && !r->source[CFG_session_expires_in].bad)
        config_fault_key(r, CFG_session_update_age,
                         "must be less than session.expires_in, or sessions are never extended");
    if (cfg->cookie_max_age == MAXAGE_ABSOLUTE && cfg->session_absolute > COOKIE_AGE_MAX)
        config_fault_key(r, CFG_session_absolute, "must be at most 400d where cookie.max_age is absolute");
}

static void check_prefix(struct cfg_reader *r)
{
    const char *prefix = r->cfg->database_prefix;

    if (!only(prefix, "_"))
        config_fault_key(r, CFG_database_prefix, "may hold only letters, digits and '_'");
    else if (strchr("0123456789", *prefix) && *prefix)
        config_fault_key(r, CFG_database_prefix, "may not begin with a digit");
    else if (starts(prefix, "sqlite_"))
        config_fault_key(r, CFG_database_prefix, "may not begin with sqlite_");
}

static void check_hosts(struct cfg_reader *r)
{
    const struct cfg_list *list = &r->cfg->database_hosts;
    struct net_host host;

    if (list->n == 0)
        config_fault_key(r, CFG_database_hosts, "must name a server");
    for (size_t i = 0; i < list->n; i++) {
        if (*list->v[i] != '/' && (!net_host_parse(list->v[i], &host) || host.port == 0))
            config_fault_key(r, CFG_database_hosts, "%s is no absolute path, HOST, HOST:PORT or [ADDRESS]:PORT",
                             list->v[i]);
        else if (*list->v[i] == '/' && strlen(list->v[i]) > SOCKET_PATH_MAX)
            config_fault_key(r, CFG_database_hosts, "%s is too long for a unix socket", list->v[i]);
    }
}

static void check_mysql(struct cfg_reader *r)
{
    const struct cfg *cfg = r->cfg;

#ifndef LATCHKEY_WITH_MYSQL
    config_fault_key(r, CFG_database_driver, "this latchkey was built without MySQL");
#endif
    check_hosts(r);
    if (!*cfg->database_tls_cert != !*cfg->database_tls_key)
        config_fault_key(r, *cfg->database_tls_cert ? CFG_database_tls_cert : CFG_database_tls_key,
                         "database.tls_cert and database.tls_key go together");
    /* what is begun in the first half of a request's time is waited for in the second */
    if (cfg->database_timeout > cfg->limits_request / 2 || cfg->limits_request < 3 * CLOCK_SECOND)
        config_fault_key(r, CFG_database_timeout,
                         "must be at most half of limits.request, and that at least 3s, or a request could not be "
                         "answered in its time");
}

static void check_database(struct cfg_reader *r)
{
    check_prefix(r);
    if (r->cfg->database_driver == DRIVER_MYSQL)
        check_mysql(r);
}

void config_check(struct cfg_reader *r)
{
    check_base_url(r);
    check_base_path(r);
    check_trusted_origins(r);
    check_networks(r, CFG_auth_trusted_proxies, &r->cfg->auth_trusted_proxies);
    check_networks(r, CFG_pool_web_servers, &r->cfg->pool_web_servers);
    check_sockets(r);
    check_cookie(r);
    check_session(r);
    config_check_password(r);
    config_check_mail(r);
    config_check_gate(r);
    config_check_pages(r);
    check_database(r);
}
