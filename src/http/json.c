/* Reading JSON. json-c builds the value; the tokens are checked here first, because its strict mode still takes
 * comments, control bytes in strings, NaN, literals in capitals and some odd numbers (JSONTestSuite). What two parsers
 * read differently must not get in. */
#include "http/json.h"

#include "base/enc.h"
#include "http/request.h"

#include <string.h>

#define DEPTH_MAX 16

struct scan {
    const char *s, *end;
    int depth;
};

static bool at(const struct scan *t, char c)
{
    return t->s < t->end && *t->s == c;
}

static bool digits(struct scan *t)
{
    const char *from = t->s;

    while (t->s < t->end && *t->s >= '0' && *t->s <= '9')
        t->s++;
    return t->s > from;
}

/* RFC 8259 §6. */
static bool scan_number(struct scan *t)
{
    t->s += at(t, '-');
    const char *whole = t->s;
    if (!digits(t) || (*whole == '0' && t->s - whole > 1))
        return false;
    if (at(t, '.')) {
        t->s++;
        if (!digits(t))
            return false;
    }
    if (!at(t, 'e') && !at(t, 'E'))
        return true;
    t->s++;
    t->s += at(t, '+') || at(t, '-');
    return digits(t);
}

/* After the backslash. NUL would end a C string early: what was checked and what is stored would differ. */
static bool scan_escape(struct scan *t)
{
    static const char simple[] = "\"\\/bfnrt";

    if (t->s == t->end)
        return false;
    if (*t->s != 'u')
        return memchr(simple, *t->s++, sizeof simple - 1) != NULL;
    t->s++;
    if (t->end - t->s < 4 || memcmp(t->s, "0000", 4) == 0)
        return false;
    for (int i = 0; i < 4; i++)
        if (!memchr("0123456789abcdefABCDEF", *t->s++, 22))
            return false;
    return true;
}

static bool scan_string(struct scan *t)
{
    t->s++;
    while (t->s < t->end) {
        unsigned char c = (unsigned char)*t->s++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !scan_escape(t)))
            return false;
    }
    return false;
}

static bool scan_literal(struct scan *t)
{
    static const char *const literal[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof literal / sizeof *literal; i++) {
        size_t n = strlen(literal[i]);
        if ((size_t)(t->end - t->s) < n || memcmp(t->s, literal[i], n) != 0)
            continue;
        t->s += n;
        return true;
    }
    return false;
}

static bool scan_token(struct scan *t)
{
    if (*t->s == '"')
        return scan_string(t);
    if (*t->s == '-' || (*t->s >= '0' && *t->s <= '9'))
        return scan_number(t);
    if (!memchr("{}[]:, \t\r\n", *t->s, 10))
        return scan_literal(t);
    t->depth += (*t->s == '{' || *t->s == '[') - (*t->s == '}' || *t->s == ']');
    t->s++;
    return t->depth <= DEPTH_MAX;
}

/* Only tokens; how they may follow each other is json-c's part. */
static bool tokens_valid(const char *s, size_t n)
{
    struct scan t = {.s = s, .end = s + n};

    while (t.s < t.end)
        if (!scan_token(&t))
            return false;
    return true;
}

enum err json_parse(const char *s, size_t n, struct json_object **out)
{
    if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
        s += 3;
        n -= 3;
    }
    if (n > INT32_MAX || !enc_utf8_valid(s, n) || !tokens_valid(s, n))
        return ERR_BAD_JSON;
    AUTO(tokener) struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX + 1);
    if (!tok)
        return ERR_NO_MEMORY;
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    AUTO(json) struct json_object *value = json_tokener_parse_ex(tok, s, (int)n);
    /* a number at the end might go on */
    if (json_tokener_get_error(tok) == json_tokener_continue)
        value = json_tokener_parse_ex(tok, " ", 1);
    if (json_tokener_get_error(tok) != json_tokener_success)
        return ERR_BAD_JSON;
    *out = value;
    value = NULL;
    return ERR_OK;
}
