/* Turns the parameters of a FastCGI request into struct request: one pass, one table, everything else is ignored.
 * Must not look at routes, users or the body. */
#include "http/request.h"

#include "base/log.h"
#include "http/json.h"
#include "http/target.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PARAMETERS_MAX 512

/* clang-format off */
/* What happens to a second parameter of the same name, and which bytes may be in it. */
enum kind {
    ONCE,     /* from the web server itself: a second one is a fault (a client's value could hide there) */
    ONCE_ANY, /* the same, but decoded by the web server: any byte */
    FIRST,    /* the first stands: FCGI_ROLE, where the first is libfcgi's own */
    LIST,     /* header field: joined with ", " (RFC 9110 §5.3) */
    LIST_ANY, /* the same, any byte: only shown, never compared */
    COOKIE    /* header field: joined with "; "; any byte, since foreign cookies are none of our business */
};
/* clang-format on */

struct head {
    struct request r;
    struct target target;
    const char *length, *transfer_encoding, *role, *apache_role, *op;
};

struct parameter {
    const char *name;
    size_t len;
    enum kind kind;
    size_t offset; /* of a const char * in struct head */
};

/* The first so many parameters of the table tell who asks: read whatever else is at fault, since an answer must fit
 * that. */
enum { DOOR_PARAMETERS = 3, NAME_KEYS = 128 };
/* clang-format off */
#define TO(member) offsetof(struct head, member)
#define NAME(text) text, sizeof(text) - 1
static const struct parameter parameters[] = {
    {NAME("FCGI_ROLE"),            FIRST,    TO(role)},
    {NAME("FCGI_APACHE_ROLE"),     ONCE,     TO(apache_role)},
    {NAME("LATCHKEY_OP"),          ONCE,     TO(op)},
    {NAME("LATCHKEY_PATH"),        ONCE_ANY, TO(target.place)},
    {NAME("REQUEST_METHOD"),       ONCE,     TO(r.method_name)},
    {NAME("REQUEST_URI"),          ONCE,     TO(target.uri)},
    {NAME("SCRIPT_NAME"),          ONCE_ANY, TO(target.script_name)},
    {NAME("PATH_INFO"),            ONCE_ANY, TO(target.path_info)},
    {NAME("QUERY_STRING"),         ONCE_ANY, TO(target.query_string)},
    {NAME("REDIRECT_STATUS"),      ONCE,     TO(target.redirect_status)},
    {NAME("REDIRECT_URI"),         ONCE,     TO(target.redirect_uri)},
    {NAME("REDIRECT_AUTH_USER_ID"), ONCE,    TO(r.passed)},
    {NAME("REMOTE_ADDR"),          ONCE,     TO(r.peer)},
    {NAME("CONTENT_TYPE"),         ONCE,     TO(r.content_type)},
    {NAME("CONTENT_LENGTH"),       ONCE,     TO(length)},
    {NAME("HTTP_TRANSFER_ENCODING"), LIST,   TO(transfer_encoding)},
    {NAME("HTTP_COOKIE"),          COOKIE,   TO(r.cookie)},
    {NAME("HTTP_AUTHORIZATION"),   LIST,     TO(r.authorization)},
    {NAME("HTTP_ORIGIN"),          LIST,     TO(r.origin)},
    {NAME("HTTP_REFERER"),         LIST,     TO(r.referer)},
    {NAME("HTTP_ACCEPT"),          LIST,     TO(r.accept)},
    {NAME("HTTP_ACCEPT_LANGUAGE"), LIST,     TO(r.accept_language)},
    {NAME("HTTP_USER_AGENT"),      LIST_ANY, TO(r.user_agent)},
    {NAME("HTTP_X_FORWARDED_FOR"), LIST,     TO(r.forwarded_for)},
    {NAME("HTTP_SEC_FETCH_SITE"),  LIST,     TO(r.fetch_site)},
    {NAME("HTTP_SEC_FETCH_MODE"),  LIST,     TO(r.fetch_mode)},
    {NAME("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), LIST, TO(r.preflight_method)},
};
/* clang-format on */

static enum err refuse(const char *name, const char *why)
{
    log_info("bad request: %s %s", name, why);
    return ERR_BAD_REQUEST;
}

/* Tells nearly all names apart. */
static unsigned name_key(const char *name, size_t n)
{
    return ((unsigned)n * 7 + (unsigned char)name[n - 1]) % NAME_KEYS;
}

/* Which parameters have a key, one bit for each. A cache of a constant: made once, never changed. */
static const uint32_t *keys_once(void)
{
    static uint32_t of[NAME_KEYS];
    _Static_assert(sizeof parameters / sizeof *parameters <= 32, "a parameter has no bit");

    if (!of[name_key(parameters[0].name, parameters[0].len)])
        for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
            of[name_key(parameters[i].name, parameters[i].len)] |= UINT32_C(1) << i;
    return of;
}

/* Most of what a web server sends is none of ours. */
static const struct parameter *parameter_find(const uint32_t of[static NAME_KEYS], const char *name, size_t n)
{
    for (uint32_t left = n > 0 ? of[name_key(name, n)] : 0; left; left &= left - 1) {
        const struct parameter *p = &parameters[__builtin_ctz(left)];
        if (p->len == n && memcmp(p->name, name, n) == 0)
            return p;
    }
    return NULL;
}

/* Might one of eight bytes be a control byte? A tab might. */
static bool suspect(const char *s)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = 0x80 * ones;
    uint64_t v;

    memcpy(&v, s, sizeof v);
    uint64_t low = v & ~tops; /* so that no sum below carries into the next byte */
    return (~(low + 0x60 * ones) | (low + ones)) & ~v & tops;
}

static bool has_control(const char *s, size_t n)
{
    while (n >= sizeof(uint64_t) && !suspect(s)) {
        s += sizeof(uint64_t);
        n -= sizeof(uint64_t);
    }
    for (; n > 0; s++, n--)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

static enum err parameter_take(struct arena *a, const struct parameter *p, const char *value, size_t n, struct head *h)
{
    const char **to = (const char **)(void *)((char *)h + p->offset);
    bool any = p->kind == ONCE_ANY || p->kind == LIST_ANY || p->kind == COOKIE;

    if (!any && has_control(value, n))
        return refuse(p->name, "has control bytes");
    if (!*to)
        *to = value;
    else if (p->kind == ONCE || p->kind == ONCE_ANY)
        return refuse(p->name, "comes twice");
    else if (p->kind != FIRST)
        *to = arena_printf(a, "%s%s%s", *to, p->kind == COOKIE ? "; " : ", ", value);
    return ERR_OK;
}

static bool is_fetch(const char *name, size_t n)
{
    static const char fetch[] = "HTTP_SEC_FETCH_";

    return n >= sizeof fetch - 1 && memcmp(name, fetch, sizeof fetch - 1) == 0;
}

static enum err parameters_read(const struct cfg *cfg, struct arena *a, char *const *env, struct head *h)
{
    const uint32_t *keys = keys_once();
    size_t sum = 0;
    enum err e = ERR_OK;

    for (size_t i = 0; env[i]; i++) {
        const char *equals = strchr(env[i], '=');
        size_t n = equals ? (size_t)(equals - env[i]) : 0, rest = strlen(env[i] + n);
        const struct parameter *p = equals ? parameter_find(keys, env[i], n) : NULL;

        sum += n + rest;
        if (e == ERR_OK && (i >= PARAMETERS_MAX || sum > (size_t)cfg->limits_head))
            e = ERR_HEAD_LARGE;
        if (e != ERR_OK && (!p || p >= parameters + DOOR_PARAMETERS))
            continue;
        h->r.fetch |= is_fetch(env[i], n);
        enum err taken = p ? parameter_take(a, p, equals + 1, rest - 1, h) : ERR_OK;
        e = e == ERR_OK ? taken : e;
    }
    return e;
}

static enum method method_of(const char *name)
{
    static const char *const names[] = {
        [METHOD_GET] = "GET",         [METHOD_HEAD] = "HEAD", [METHOD_POST] = "POST",   [METHOD_DELETE] = "DELETE",
        [METHOD_OPTIONS] = "OPTIONS", [METHOD_PUT] = "PUT",   [METHOD_PATCH] = "PATCH",
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (enum method)i;
    return METHOD_OTHER;
}

/* By hand: strtol takes signs, blanks and hexadecimal, and a length that two programs read differently is how requests
 * are smuggled. nginx sends an empty one for no body, and so for a chunked one that it does not collect. */
static enum err length_read(const struct head *h, int64_t *out)
{
    const char *s = h->length ? h->length : "";
    int64_t length = 0;

    if (!*s && h->transfer_encoding && *h->transfer_encoding)
        length = -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return refuse("CONTENT_LENGTH", "is no number");
        if (__builtin_mul_overflow(length, 10, &length) || __builtin_add_overflow(length, *s - '0', &length))
            return refuse("CONTENT_LENGTH", "is too large");
    }
    *out = length;
    return ERR_OK;
}

/* libfcgi takes a connection that ends among the parameters for their end: what no request lacks must be there. */
static enum err head_check(const struct head *h)
{
    if (!h->r.method_name || !*h->r.method_name)
        return refuse("REQUEST_METHOD", "is missing");
    if (h->role && strcmp(h->role, "RESPONDER") != 0 && strcmp(h->role, "AUTHORIZER") != 0)
        return refuse("FCGI_ROLE", "is not served");
    return ERR_OK;
}

/* Who asks the gate. The role is of the FastCGI record, LATCHKEY_OP of the web server's configuration: no client has a
 * say in either. */
static enum err door_read(const struct head *h, enum door *out)
{
    bool authorizer = h->role && strcmp(h->role, "AUTHORIZER") == 0;

    *out = DOOR_NONE;
    if (h->op && strcmp(h->op, "check") != 0)
        return refuse("LATCHKEY_OP", "is not known");
    if (authorizer && h->apache_role && strcmp(h->apache_role, "ACCESS_CHECKER") == 0)
        *out = DOOR_BLUNT;
    else if (authorizer)
        *out = DOOR_PASSING;
    else if (h->op)
        *out = DOOR_RESPONDER;
    return ERR_OK;
}

static enum err head_read(const struct cfg *cfg, struct arena *a, char *const *env, struct head *h)
{
    enum err e = parameters_read(cfg, a, env, h), door = door_read(h, &h->r.door);

    TRY(e);
    TRY(door);
    TRY(head_check(h));
    h->r.method = method_of(h->r.method_name);
    TRY(length_read(h, &h->r.length));
    TRY(h->r.door == DOOR_NONE ? target_read(cfg, a, &h->target, &h->r) : target_read_gate(a, &h->target, &h->r));
    if (h->r.content_type && !*h->r.content_type)
        h->r.content_type = NULL; /* nginx sends an empty one for none */
    return ERR_OK;
}

enum err request_head(const struct cfg *cfg, struct arena *a, char *const *env, struct request *out)
{
    struct head h = {.r.method = METHOD_OTHER, .r.peer = NULL};
    enum err e = head_read(cfg, a, env, &h);

    if (!h.r.peer)
        h.r.peer = "";
    *out = h.r;
    return e;
}

void request_end(struct request *r)
{
    json_object_put(r->json);
    r->json = NULL;
}
