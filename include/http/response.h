/* An answer: status, header fields, body; sent once, whole. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/buf.h"
#include "conf/config.h"

struct fcgi;
struct json_object;

#define RESPONSE_HEADERS_MAX 24

struct response {
    struct arena *arena;
    int status;
    const char *type; /* Content-Type; NULL: no body */
    struct buf body;
    size_t n;
    struct {
        const char *name, *value;
    } header[RESPONSE_HEADERS_MAX];
};

struct response response_in(struct arena *a);
/* Drops all that was set. */
void response_reset(struct response *r);
/* Adds a field; borrowed strings that live as long as the arena. CR, LF, other control bytes or non-ASCII in the value,
 * a name that is no token, or one field too many: ERR_INTERNAL, and nothing is added. */
MUST_USE enum err response_header(struct response *r, const char *name, const char *value);
/* The same for a value that may hold any UTF-8 but control bytes: what the gate tells a page is no field of an answer
 * to a client. */
MUST_USE enum err response_header_text(struct response *r, const char *name, const char *value);
/* Adds to Vary what the answer depends on: a list, in one field. ERR_INTERNAL. */
MUST_USE enum err response_vary(struct response *r, const char *what);
/* The value of a field set before; NULL. Names are compared without case. */
const char *response_get(const struct response *r, const char *name);
/* For building answers: where memory runs out these end the process after a log line, as the arena does, so that no
 * answer lacks a part. What json-c made, never NULL. */
struct json_object *json_need(struct json_object *o);
/* A string; NULL gives JSON's null. */
struct json_object *json_of_text(const char *s);
/* Both take `value`. */
void json_put(struct json_object *o, const char *key, struct json_object *value);
void json_append(struct json_object *list, struct json_object *value);
/* v as text that may stand inside HTML: < > & U+2028 U+2029 as \u escapes. */
void json_write(struct buf *b, struct json_object *v);
/* A string, likewise, without a json_object; NULL gives null. */
void json_write_text(struct buf *b, const char *s);

/* For a JSON value that is written without json_object: where to, empty and with room for `size` bytes. */
struct buf *response_json(struct response *r, int status, size_t size);
/* Body from a JSON value, as json_write writes it. Takes `json`. */
void response_json_take(struct response *r, int status, struct json_object *json);
/* {"message":…,"code":…}; code may be NULL. */
void response_error(struct response *r, int status, const char *code, const char *message);

/* Set-Cookie of the session cookie as cfg says: value percent-encoded; age_s 0: no Max-Age. In the order Max-Age,
 * Domain, Path, HttpOnly, Secure, SameSite. Replaces one set before; age_s is cut at 400 days. ERR_INTERNAL. */
MUST_USE enum err cookie_set(struct response *r, const struct cfg *cfg, const char *value, int64_t age_s);
/* The same with an empty value and Max-Age=0. */
MUST_USE enum err cookie_clear(struct response *r, const struct cfg *cfg);
/* The cookie that forms are bound to, with the same attributes, until the browser is closed. */
MUST_USE enum err cookie_set_form(struct response *r, const struct cfg *cfg, const char *value);

/* The whole answer in CGI form, head and body, or the head alone. */
void response_write(const struct response *r, bool head_only, struct buf *out);

#endif
