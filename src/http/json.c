/* Reading JSON (RFC 8259). json-c holds the value, but does not read it: its strict mode still takes comments, control
 * bytes in strings, NaN, literals in capitals and some odd numbers (JSONTestSuite), and where memory runs out it
 * crashes or leaves parts of the value out. What two parsers read differently must not get in. */
#include "http/json.h"

#include "base/enc.h"
#include "base/log.h"
#include "http/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16

struct scan {
    const char *s, *end;
    int depth;
    char *text; /* where the next string is decoded to; all together are no longer than what is read */
};

static enum err no_memory(void)
{
    log_error("out of memory: JSON of a request");
    return ERR_NO_MEMORY;
}

static bool at(const struct scan *t, char c)
{
    return t->s < t->end && *t->s == c;
}

static void skip_blanks(struct scan *t)
{
    while (t->s < t->end && memchr(" \t\r\n", *t->s, 4))
        t->s++;
}

static bool take(struct scan *t, char c)
{
    skip_blanks(t);
    bool there = at(t, c);
    t->s += there;
    return there;
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

/* Four hex digits; -1 if they are not. */
static int take_unit(struct scan *t)
{
    int unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = t->s < t->end ? enc_hex_digit(*t->s++) : -1;
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

static void text_add(struct scan *t, int point)
{
    if (point < 0x80) {
        *t->text++ = (char)point;
        return;
    }
    int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const int first[] = {0, 0xC0, 0xE0, 0xF0};
    *t->text++ = (char)(first[more] | point >> (6 * more));
    while (more-- > 0)
        *t->text++ = (char)(0x80 | (point >> (6 * more) & 0x3F));
}

/* After "\u". NUL would end a C string early: what was checked and what is stored would differ. A surrogate alone has
 * no UTF-8 and becomes U+FFFD. */
static bool take_escaped_point(struct scan *t)
{
    int unit = take_unit(t);

    if (unit <= 0)
        return false;
    if (unit < 0xD800 || unit > 0xDFFF) {
        text_add(t, unit);
        return true;
    }
    struct scan low = *t;
    int next = -1;
    if (unit < 0xDC00 && low.end - low.s > 2 && low.s[0] == '\\' && low.s[1] == 'u') {
        low.s += 2;
        next = take_unit(&low);
    }
    if (next < 0xDC00 || next > 0xDFFF) {
        text_add(t, 0xFFFD);
        return true;
    }
    t->s = low.s;
    text_add(t, 0x10000 + ((unit - 0xD800) << 10) + next - 0xDC00);
    return true;
}

/* After the backslash. */
static bool take_escape(struct scan *t)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = t->s < t->end ? *t->s++ : '\0';
    const char *which = c ? strchr(from, c) : NULL;

    if (c == 'u')
        return take_escaped_point(t);
    if (which)
        *t->text++ = to[which - from];
    return which != NULL;
}

/* With its quotes; NULL if it is none. The text is NUL-terminated. */
static const char *take_string(struct scan *t)
{
    const char *out = t->text;

    if (!take(t, '"'))
        return NULL;
    while (t->s < t->end) {
        unsigned char c = (unsigned char)*t->s++;
        if (c == '"') {
            *t->text++ = '\0';
            return out;
        }
        if (c < 0x20 || (c == '\\' && !take_escape(t)))
            return NULL;
        if (c != '\\')
            *t->text++ = (char)c;
    }
    return NULL;
}

static enum err read_string(struct scan *t, struct json_object **out)
{
    const char *s = take_string(t);

    if (!s)
        return ERR_BAD_JSON;
    *out = json_object_new_string(s);
    return *out ? ERR_OK : no_memory();
}

/* --- numbers and literals ------------------------------------------------------------------------------------------
 */

static bool digits(struct scan *t)
{
    const char *from = t->s;

    while (t->s < t->end && *t->s >= '0' && *t->s <= '9')
        t->s++;
    return t->s > from;
}

/* RFC 8259 §6. */
static bool scan_number(struct scan *t, bool *whole)
{
    t->s += at(t, '-');
    const char *from = t->s;
    if (!digits(t) || (*from == '0' && t->s - from > 1))
        return false;
    *whole = !at(t, '.') && !at(t, 'e') && !at(t, 'E');
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

/* One that no integer holds keeps its text. */
static enum err read_number(struct scan *t, struct json_object **out)
{
    const char *from = t->s;
    bool whole = false;

    if (!scan_number(t, &whole))
        return ERR_BAD_JSON;
    memcpy(t->text, from, (size_t)(t->s - from));
    t->text[t->s - from] = '\0';
    errno = 0;
    long long n = whole ? strtoll(t->text, NULL, 10) : 0;
    if (whole && errno == 0)
        *out = json_object_new_int64(n);
    else
        *out = json_object_new_double_s(strtod(t->text, NULL), t->text);
    return *out ? ERR_OK : no_memory();
}

static bool take_word(struct scan *t, const char *word)
{
    size_t n = strlen(word);
    bool there = (size_t)(t->end - t->s) >= n && memcmp(t->s, word, n) == 0;

    t->s += there ? n : 0;
    return there;
}

static enum err read_literal(struct scan *t, struct json_object **out)
{
    bool yes = take_word(t, "true");

    *out = NULL;
    if (!yes && take_word(t, "null"))
        return ERR_OK;
    if (!yes && !take_word(t, "false"))
        return ERR_BAD_JSON;
    *out = json_object_new_boolean(yes);
    return *out ? ERR_OK : no_memory();
}

/* --- values ----------------------------------------------------------------------------------------------------------
 */

static enum err read_value(struct scan *t, struct json_object **out);

/* After the brace. */
static enum err read_members(struct scan *t, struct json_object *o)
{
    if (take(t, '}'))
        return ERR_OK;
    do {
        AUTO(json) struct json_object *value = NULL;
        const char *key = take_string(t);
        if (!key || !take(t, ':'))
            return ERR_BAD_JSON;
        TRY(read_value(t, &value));
        if (json_object_object_add(o, key, value) != 0)
            return no_memory();
        value = NULL;
    } while (take(t, ','));
    return take(t, '}') ? ERR_OK : ERR_BAD_JSON;
}

/* After the bracket. */
static enum err read_elements(struct scan *t, struct json_object *o)
{
    if (take(t, ']'))
        return ERR_OK;
    do {
        AUTO(json) struct json_object *value = NULL;
        TRY(read_value(t, &value));
        if (json_object_array_add(o, value) != 0)
            return no_memory();
        value = NULL;
    } while (take(t, ','));
    return take(t, ']') ? ERR_OK : ERR_BAD_JSON;
}

static enum err read_nested(struct scan *t, struct json_object **out)
{
    bool object = *t->s++ == '{';

    if (++t->depth > DEPTH_MAX)
        return ERR_BAD_JSON;
    AUTO(json) struct json_object *o = object ? json_object_new_object() : json_object_new_array();
    if (!o)
        return no_memory();
    TRY(object ? read_members(t, o) : read_elements(t, o));
    t->depth--;
    *out = o;
    o = NULL;
    return ERR_OK;
}

static enum err read_value(struct scan *t, struct json_object **out)
{
    skip_blanks(t);
    if (at(t, '{') || at(t, '['))
        return read_nested(t, out);
    if (at(t, '"'))
        return read_string(t, out);
    if (at(t, '-') || (t->s < t->end && *t->s >= '0' && *t->s <= '9'))
        return read_number(t, out);
    return read_literal(t, out);
}

enum err json_parse(const char *s, size_t n, struct json_object **out)
{
    if (n >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0) {
        s += 3;
        n -= 3;
    }
    if (n > INT32_MAX || !enc_utf8_valid(s, n))
        return ERR_BAD_JSON;
    char *text = malloc(n + 1);
    if (!text)
        return no_memory();
    struct scan t = {.s = s, .end = s + n, .text = text};
    AUTO(json) struct json_object *value = NULL;
    enum err e = read_value(&t, &value);
    skip_blanks(&t);
    if (e == ERR_OK && t.s != t.end)
        e = ERR_BAD_JSON;
    explicit_bzero(text, n + 1); /* a password may lie in it */
    free(text);
    if (e != ERR_OK)
        return e;
    *out = value;
    value = NULL;
    return ERR_OK;
}
