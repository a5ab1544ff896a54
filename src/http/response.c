/* Building an answer. Nothing that came from outside can end a header line here, and JSON bodies may stand inside HTML.
 * Must not know which headers the program's answers have; that is app/. */
#include "http/response.h"

#include "base/enc.h"
#include "http/json.h"

#include <string.h>

/* RFC 6265bis §5.6: browsers drop cookies whose name and value are longer, and lives above 400 days. */
#define COOKIE_SIZE_MAX 4096
#define COOKIE_AGE_MAX INT64_C(34560000)

struct response response_in(struct arena *a)
{
    return (struct response){.arena = a, .status = 200, .body = buf_in(a)};
}

void response_reset(struct response *r)
{
    *r = response_in(r->arena);
}

/* RFC 9110 §5.6.2 */
static bool token_char(char c)
{
    static const bool may[256] = {
        ['!'] = true,         ['#' ... '\''] = true, ['*'] = true,         ['+'] = true, ['-'] = true, ['.'] = true,
        ['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['^' ... 'z'] = true, ['|'] = true, ['~'] = true};

    return may[(unsigned char)c];
}

static bool token_valid(const char *s)
{
    const char *p = s;

    while (p && token_char(*p))
        p++;
    return p && p > s && *p == '\0';
}

/* A CR or LF would begin another header line: nothing but printable ASCII passes, whatever put it there. */
static bool value_valid(const char *s)
{
    if (!s)
        return false;
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7e)
            return false;
    return true;
}

static bool line_valid(const char *s)
{
    if (value_valid(s))
        return true;
    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if (*p < 0x20 || *p == 0x7f)
            return false;
    return enc_utf8_valid(s, strlen(s));
}

static enum err field_add(struct response *r, const char *name, const char *value, bool valid)
{
    if (r->n == RESPONSE_HEADERS_MAX || !valid || !token_valid(name))
        return ERR_INTERNAL;
    r->header[r->n].name = name;
    r->header[r->n++].value = value;
    return ERR_OK;
}

enum err response_header_text(struct response *r, const char *name, const char *value)
{
    return field_add(r, name, value, line_valid(value));
}

enum err response_header(struct response *r, const char *name, const char *value)
{
    return field_add(r, name, value, value_valid(value));
}

const char *response_get(const struct response *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (enc_equal_nocase(r->header[i].name, name))
            return r->header[i].value;
    return NULL;
}

enum err response_vary(struct response *r, const char *what)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!enc_equal_nocase(r->header[i].name, "Vary"))
            continue;
        if (!value_valid(what))
            return ERR_INTERNAL;
        r->header[i].value = arena_printf(r->arena, "%s, %s", r->header[i].value, what);
        return ERR_OK;
    }
    return response_header(r, "Vary", what);
}

struct buf *response_json(struct response *r, int status, size_t size)
{
    r->status = status;
    r->type = "application/json";
    r->body = buf_in(r->arena);
    buf_reserve(&r->body, size);
    return &r->body;
}

void response_json_take(struct response *r, int status, struct json_object *json)
{
    json_write(response_json(r, status, 0), json);
    json_object_put(json);
}

void response_error(struct response *r, int status, const char *code, const char *message)
{
    struct json_object *o = json_need(json_object_new_object());

    json_put(o, "message", json_of_text(message));
    if (code)
        json_put(o, "code", json_of_text(code));
    response_json_take(r, status, o);
}

/* One Set-Cookie for one name: a browser takes several in no order that could be relied on. */
static enum err cookie_add(struct response *r, const char *name, const char *line)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < r->n; i++) {
        const char *old = r->header[i].value;
        if (!enc_equal_nocase(r->header[i].name, "Set-Cookie") || strncmp(old, name, n) != 0 || old[n] != '=')
            continue;
        if (!value_valid(line))
            return ERR_INTERNAL;
        r->header[i].value = line;
        return ERR_OK;
    }
    return response_header(r, "Set-Cookie", line);
}

/* Clearing must repeat the attributes of setting, or the browser keeps the old cookie: both are written here. */
static enum err cookie_write(struct response *r, const struct cfg *cfg, const char *name, const char *value,
                             const char *age)
{
    static const char *const same_site[] = {"Lax", "Strict", "None"};
    struct buf line = buf_in(r->arena);

    if (!token_valid(name) || strlen(name) + strlen(value) > COOKIE_SIZE_MAX)
        return ERR_INTERNAL;
    buf_printf(&line, "%s=%s", name, value);
    if (age)
        buf_printf(&line, "; Max-Age=%s", age);
    if (*cfg->cookie_domain)
        buf_printf(&line, "; Domain=%s", cfg->cookie_domain);
    buf_printf(&line, "; Path=%s", cfg->cookie_path);
    if (cfg->cookie_http_only)
        buf_puts(&line, "; HttpOnly");
    if (cfg->cookie_is_secure)
        buf_puts(&line, "; Secure");
    buf_printf(&line, "; SameSite=%s", same_site[cfg->cookie_same_site]);
    return cookie_add(r, name, buf_str(&line));
}

enum err cookie_set(struct response *r, const struct cfg *cfg, const char *value, int64_t age_s)
{
    if (age_s < 0)
        return ERR_INTERNAL;
    if (age_s > COOKIE_AGE_MAX)
        age_s = COOKIE_AGE_MAX;
    const char *age = age_s > 0 ? arena_printf(r->arena, "%lld", (long long)age_s) : NULL;
    return cookie_write(r, cfg, cfg->cookie_full, enc_percent(r->arena, value), age);
}

enum err cookie_clear(struct response *r, const struct cfg *cfg)
{
    return cookie_write(r, cfg, cfg->cookie_full, "", "0");
}

enum err cookie_set_form(struct response *r, const struct cfg *cfg, const char *value)
{
    return cookie_write(r, cfg, cfg->cookie_form, enc_percent(r->arena, value), NULL);
}

/* nginx passes the line on as it is, and a status line without a phrase and its blank is none (RFC 9112 §4). */
static const char *phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {
        /* clang-format off */
        {200, "OK"}, {204, "No Content"}, {302, "Found"}, {303, "See Other"},
        {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {413, "Content Too Large"}, {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {503, "Service Unavailable"},
        /* clang-format on */
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status)
            return known[i].text;
    return "Status";
}

static void field_write(struct buf *out, const char *name, const char *value)
{
    buf_puts(out, name);
    buf_add(out, ": ", 2);
    buf_puts(out, value);
    buf_add(out, "\r\n", 2);
}

static void status_write(struct buf *out, int status)
{
    char line[] = "Status: 000 ";

    line[8] = (char)('0' + status / 100 % 10);
    line[9] = (char)('0' + status / 10 % 10);
    line[10] = (char)('0' + status % 10);
    buf_add(out, line, sizeof line - 1);
    buf_puts(out, phrase(status));
    buf_add(out, "\r\n", 2);
}

void response_write(const struct response *r, bool head_only, struct buf *out)
{
    enum { HEAD = 512 }; /* mostly enough */

    buf_reserve(out, HEAD + r->body.len);
    status_write(out, r->status);
    if (r->type)
        field_write(out, "Content-Type", r->type);
    for (size_t i = 0; i < r->n; i++)
        field_write(out, r->header[i].name, r->header[i].value);
    buf_add(out, "\r\n", 2);
    if (r->type && !head_only)
        buf_add(out, buf_str(&r->body), r->body.len);
}
