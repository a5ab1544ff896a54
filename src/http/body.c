/* Reads and parses the body of a request, capped before anything is kept. Which routes take which kind is the caller's
 * knowledge, what the values mean fields.c's. */
#include "http/request.h"

#include "base/enc.h"
#include "http/fcgi.h"

#include <string.h>

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define TYPE_SHOWN_MAX 200

struct bytes {
    char *s;
    size_t n;
};

/* The part before ';', without blanks, in any case. */
static bool media_is(const char *type, const char *wanted)
{
    type += strspn(type, " \t");
    size_t n = strcspn(type, ";");
    while (n > 0 && (type[n - 1] == ' ' || type[n - 1] == '\t'))
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = type[i] >= 'A' && type[i] <= 'Z' ? (char)(type[i] | 0x20) : type[i];
        if (c != wanted[i])
            return false;
    }
    return wanted[n] == '\0';
}

bool request_is_form(const struct request *r)
{
    return r->content_type && media_is(r->content_type, FORM_TYPE);
}

static enum body_kind kind_of(const struct request *r, bool forms)
{
    if (media_is(r->content_type, JSON_TYPE))
        return BODY_JSON;
    return forms && request_is_form(r) ? BODY_FORM : BODY_NONE;
}

static const char *type_refusal(struct arena *a, const char *type, bool forms)
{
    char *shown = enc_utf8_clean(a, type, TYPE_SHOWN_MAX);

    for (char *p = shown; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return arena_printf(a, "Content-Type \"%s\" is not allowed. Allowed types: %s%s", shown,
                        forms ? FORM_TYPE ", " : "", JSON_TYPE);
}

/* n bytes, or fewer at the end. */
static enum err bytes_fill(struct fcgi *f, char *to, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        size_t now = 0;
        TRY(fcgi_read(f, to + *got, n - *got, &now));
        if (now == 0)
            break;
        *got += now;
    }
    return ERR_OK;
}

static enum err bytes_read(const struct cfg *cfg, struct arena *a, struct fcgi *f, int64_t length, struct bytes *out)
{
    size_t cap = (size_t)cfg->limits_body;
    size_t want = length < 0 ? cap + 1 : (size_t)length;

    if (length > cfg->limits_body)
        return ERR_BODY_LARGE;
    out->s = arena_alloc(a, want + 1);
    TRY(bytes_fill(f, out->s, want, &out->n));
    if (out->n > cap)
        return ERR_BODY_LARGE;
    return length < 0 || out->n == want ? ERR_OK : ERR_BODY_SHORT;
}

enum err request_body(const struct cfg *cfg, struct arena *a, struct fcgi *f, bool forms, struct request *r,
                      const char **detail)
{
    struct bytes body = {0};

    if (!r->content_type || r->length == 0)
        return ERR_OK;
    enum body_kind kind = kind_of(r, forms);
    if (kind == BODY_NONE) {
        *detail = type_refusal(a, r->content_type, forms);
        return ERR_MEDIA_TYPE;
    }
    TRY(bytes_read(cfg, a, f, r->length, &body));
    if (body.n == 0)
        return ERR_OK;
    if (kind == BODY_JSON)
        TRY(json_parse(body.s, body.n, &r->json));
    else
        TRY(pairs_parse(a, body.s, body.n, &r->form));
    r->body = kind;
    return ERR_OK;
}
