/* Writing JSON that may stand inside HTML. json-c's own writer leaves out what it finds no memory for, and its
 * constructors give NULL, which is the JSON null: here memory that runs out ends the process, as in arena.c. Must not
 * write anything a client would read otherwise than it was meant. */
#include "http/response.h"

#include "base/log.h"
#include "http/json.h"

#include <stdlib.h>
#include <string.h>

static _Noreturn void die(void)
{
    log_error("out of memory: JSON of an answer");
    abort();
}

struct json_object *json_need(struct json_object *o)
{
    if (!o)
        die();
    return o;
}

struct json_object *json_of_text(const char *s)
{
    return s ? json_need(json_object_new_string(s)) : NULL;
}

void json_put(struct json_object *o, const char *key, struct json_object *value)
{
    if (json_object_object_add(o, key, value) != 0)
        die();
}

void json_append(struct json_object *list, struct json_object *value)
{
    if (json_object_array_add(list, value) != 0)
        die();
}

/* The escape of s[0], if it needs one, in out; how many bytes of s it stands for, 0 for none. < > & and the two line
 * ends of Unicode would mean something to HTML or JavaScript around it. */
static size_t escape(const char *s, char out[static 8])
{
    static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    unsigned char c = (unsigned char)*s;
    const char *which = strchr(from, *s);

    if (strncmp(s, "\xE2\x80\xA8", 3) == 0 || strncmp(s, "\xE2\x80\xA9", 3) == 0) {
        memcpy(out, s[2] == '\xA8' ? "\\u2028" : "\\u2029", 7);
        return 3;
    }
    if (which)
        memcpy(out, (char[]){'\\', to[which - from], '\0'}, 3);
    else if (c < 0x20 || memchr("<>&", c, 3))
        memcpy(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], '\0'}, 7);
    else
        return 0;
    return 1;
}

enum { LANE = 16 };
typedef unsigned char lane __attribute__((vector_size(LANE)));

/* Do all bytes of v stand for themselves surely? 0xE2 begins the line ends of Unicode. */
static inline bool lane_plain(lane v)
{
    uint64_t half[2];
    lane odd = (lane)((v < 0x20) | (v == '"') | (v == '\\') | (v == '<') | (v == '>') | (v == '&') | (v == 0xE2));

    memcpy(half, &odd, sizeof half);
    return (half[0] | half[1]) == 0;
}

static inline lane lane_of(const char *s, size_t n)
{
    lane v = (lane){0} + ' ';

    memcpy(&v, s, n);
    return v;
}

/* Copies of s[0..n) as far as it stands for itself surely, by lanes: nearly always all, and to look at each byte in
 * turn is most of what an answer costs. `to` has room for a lane more, which may be written over. Returns how many
 * bytes. */
static size_t plain_copy(char *to, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i += LANE) {
        lane v = i + LANE <= n ? lane_of(s + i, LANE) : lane_of(s + i, n - i);
        if (!lane_plain(v))
            return i;
        memcpy(to + i, &v, sizeof v);
    }
    return n;
}

static size_t plain_run(const char *s)
{
    static const bool looked_at[256] = {
        ['"'] = true, ['\\'] = true, ['<'] = true, ['>'] = true, ['&'] = true, [0xE2] = true};
    size_t n = 0;

    while ((unsigned char)s[n] >= 0x20 && !looked_at[(unsigned char)s[n]])
        n++;
    return n;
}

static void write_odd(struct buf *b, const char *s)
{
    char escaped[8];

    while (*s) {
        size_t plain = plain_run(s), n = 0;
        buf_add(b, s, plain);
        s += plain;
        if (*s && (n = escape(s, escaped)) > 0)
            buf_puts(b, escaped);
        else if (*s)
            buf_add(b, s, n = 1);
        s += n;
    }
}

void json_write_text(struct buf *b, const char *s)
{
    if (!s) {
        buf_add(b, "null", 4);
        return;
    }
    size_t n = strlen(s);
    buf_reserve(b, n + LANE + 2);
    b->s[b->len++] = '"';
    size_t plain = plain_copy(b->s + b->len, s, n);
    b->len += plain;
    if (plain < n)
        write_odd(b, s + plain);
    buf_add(b, "\"", 1);
}

static void write_object(struct buf *b, struct json_object *o)
{
    const char *before = "{";

    json_object_object_foreach(o, key, value)
    {
        buf_puts(b, before);
        json_write_text(b, key);
        buf_putc(b, ':');
        json_write(b, value);
        before = ",";
    }
    buf_puts(b, *before == '{' ? "{}" : "}");
}

static void write_array(struct buf *b, struct json_object *o)
{
    for (size_t i = 0; i < json_object_array_length(o); i++) {
        buf_putc(b, i == 0 ? '[' : ',');
        json_write(b, json_object_array_get_idx(o, i));
    }
    buf_puts(b, json_object_array_length(o) == 0 ? "[]" : "]");
}

void json_write(struct buf *b, struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_null:
        buf_puts(b, "null");
        return;
    case json_type_boolean:
        buf_puts(b, json_object_get_boolean(v) ? "true" : "false");
        return;
    case json_type_int:
        buf_printf(b, "%lld", (long long)json_object_get_int64(v));
        return;
    case json_type_string:
        json_write_text(b, json_object_get_string(v));
        return;
    case json_type_object:
        write_object(b, v);
        return;
    case json_type_array:
        write_array(b, v);
        return;
    case json_type_double: /* in no answer; as it was read */
        break;
    }
    const char *number = json_object_to_json_string(v);
    if (!number)
        die();
    buf_puts(b, number);
}
