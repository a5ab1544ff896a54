/* A request as the program sees it: checked, capped, without duplicates. Nothing here knows routes or users. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/config.h"

struct fcgi;
struct json_object;

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_OTHER
};

/* Name and value, decoded; for queries and forms. */
struct pair {
    const char *name, *value;
};
struct pairs {
    size_t n;
    const struct pair *v;
};

/* How the gate is asked, which decides in what words it can answer. */
enum door {
    DOOR_NONE,      /* it is not: a request for one of our own paths */
    DOOR_RESPONDER, /* nginx's auth_request (LATCHKEY_OP): knows 2xx, 401 and 403 */
    DOOR_PASSING,   /* an authorizer whose answer is passed on as it is: lighttpd, Apache's mod_authnz_fcgi */
    DOOR_BLUNT      /* one of Apache's mod_fcgid: whatever is no 200 is a 401 */
};

enum body_kind { BODY_NONE, BODY_JSON, BODY_FORM };

struct request {
    enum method method;
    const char *method_name; /* as sent */
    const char *path;        /* below auth.base_path, beginning with '/', raw; NULL: not below it */
    struct pairs query;      /* empty if path is NULL */
    const char *query_text;  /* the same as sent; "" */
    bool query_bad;          /* it is no text: query is empty */
    enum door door;          /* then path is NULL */
    const char *page;        /* at the gate or on an error page: path and query of the page, as sent; else NULL */
    const char *place;       /* at the gate or on an error page: where the page is, decoded and resolved; else NULL */
    const char *also[2];     /* where it is if the target is read otherwise (rewriting, "//"); NULL: nowhere else */
    int refused;             /* on an error page: the status that led there; else 0 */
    const char *passed;      /* on Apache's error page: whom the gate had let pass; NULL: nobody */
    /* header fields, NULL when absent */
    const char *cookie, *authorization, *origin, *referer, *accept, *accept_language, *user_agent, *forwarded_for;
    const char *fetch_site, *fetch_mode, *preflight_method;
    bool fetch;               /* any Sec-Fetch-* field */
    const char *peer;         /* REMOTE_ADDR; "" if the server gave none */
    const char *content_type; /* as sent; NULL when absent */
    int64_t length;           /* CONTENT_LENGTH; 0 absent or empty; -1 chunked, to the end */
    /* after request_body */
    enum body_kind body;
    struct json_object *json; /* BODY_JSON: the value (NULL is JSON null); released by request_end */
    struct pairs form;        /* BODY_FORM */
};

/* Reads the parameters. Repeated header fields are joined (Cookie with "; ", others with ", "); another parameter that
 * comes twice, a missing method or target, control bytes, a malformed CONTENT_LENGTH, an unknown LATCHKEY_OP, the role
 * of a filter, a page at the gate whose path cannot be decoded: ERR_BAD_REQUEST. Over limits.head or 512 parameters:
 * ERR_HEAD_LARGE. Much of *out points into env. Unless it fails, request_end is due. */
MUST_USE enum err request_head(const struct cfg *cfg, struct arena *a, char *const *env, struct request *out);
/* Is the body said to be that of an HTML form? */
bool request_is_form(const struct request *r);
/* Reads and parses the body, if there is a Content-Type and a length. forms: form-encoded bodies are taken as well as
 * JSON. ERR_MEDIA_TYPE (*detail says which are allowed), ERR_BODY_LARGE, ERR_BODY_SHORT, ERR_BAD_JSON, ERR_BAD_FORM,
 * ERR_CLIENT_GONE. */
MUST_USE enum err request_body(const struct cfg *cfg, struct arena *a, struct fcgi *f, bool forms, struct request *r,
                               const char **detail);
void request_end(struct request *r);

/* First value of a query or form field; NULL. */
const char *pairs_get(const struct pairs *p, const char *name);
/* Parses application/x-www-form-urlencoded text (WHATWG URL §5.1), at most 64 pairs. ERR_BAD_FORM: a broken escape, NUL
 * byte, invalid UTF-8 or too many. */
MUST_USE enum err pairs_parse(struct arena *a, const char *s, size_t n, struct pairs *out);

/* Values of the cookies called name in a Cookie header, percent-decoded (raw where that fails), quotes stripped, in
 * order; at most max. Pairs end at ';' only: a comma is part of a value, which a sibling domain may have planted so
 * that what follows looks like ours. Returns how many. */
size_t cookie_values(struct arena *a, const char *header, const char *name, const char **out, size_t max);

/* Strict JSON (RFC 8259): valid UTF-8, one value, nothing after it, depth at most 16, no NUL in strings; a leading BOM
 * is skipped, of equal keys the last wins. The caller owns *out (json_object_put). ERR_BAD_JSON. */
MUST_USE enum err json_parse(const char *s, size_t n, struct json_object **out);

#endif
