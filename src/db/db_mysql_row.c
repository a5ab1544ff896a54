/* Rows in the binary protocol of MySQL: what a server said, strictly. Must not talk to the server. */
#include "db/db_mysql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool my_type_fits(enum enum_field_types type, char kind)
{
    switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return kind == 'i' || kind == 'b';
    case MYSQL_TYPE_NEWDECIMAL: /* what SUM gives */
        return kind == 'i';
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
        return kind == 't';
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
        return kind == 's';
    default:
        return false;
    }
}

#ifdef LIBMARIADB
/* Rows are read where the library has stored them: it would copy each value once more, and not every version of it asks
 * where a row ends, but believes the lengths in it. */

/* Of a column, only what is needed to read it. */
void my_stmt_slim(MYSQL_STMT *s)
{
    for (unsigned i = 0; i < s->field_count; i++) {
        MYSQL_FIELD *f = &s->fields[i];
        f->name = f->org_name = f->table = f->org_table = f->db = f->catalog = f->def = NULL;
    }
}

/* What is left of a row. */
struct rest {
    const unsigned char *at, *end;
};

/* The next n bytes; NULL: there are not as many. */
static const unsigned char *bytes_take(struct rest *r, uint64_t n)
{
    const unsigned char *p = r->at;

    if (n > (uint64_t)(r->end - p))
        return NULL;
    r->at += n;
    return p;
}

static uint64_t little_endian(const unsigned char *p, unsigned n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

/* Bytes that begin with their length: of one byte, or one that says how many more it has. */
static const unsigned char *counted_take(struct rest *r, uint64_t *len)
{
    const unsigned char *p = bytes_take(r, 1);

    if (!p || *p == 251 || *p == 255)
        return NULL;
    *len = *p;
    if (*p > 251) {
        unsigned more = *p == 252 ? 2 : *p == 253 ? 3 : 8;
        p = bytes_take(r, more);
        if (!p)
            return NULL;
        *len = little_endian(p, more);
    }
    return bytes_take(r, *len);
}

static bool text_take(struct rest *r, struct arena *a, const char **out)
{
    uint64_t len;
    const unsigned char *p = counted_take(r, &len);

    if (p)
        *out = arena_strndup(a, (const char *)p, (size_t)len);
    return p != NULL;
}

static bool time_take(struct rest *r, int64_t *out)
{
    uint64_t len;
    const unsigned char *p = counted_take(r, &len);
    MYSQL_TIME t = {.time_type = MYSQL_TIMESTAMP_DATETIME};

    if (!p || (len != 4 && len != 7 && len != 11))
        return false;
    t.year = p[0] | (unsigned)p[1] << 8;
    t.month = p[2];
    t.day = p[3];
    if (len > 4) {
        t.hour = p[4];
        t.minute = p[5];
        t.second = p[6];
    }
    if (len > 7)
        t.second_part = (unsigned long)little_endian(p + 7, 4);
    return my_time_ms(&t, out);
}

static bool decimal_take(struct rest *r, int64_t *out)
{
    uint64_t len;
    const unsigned char *p = counted_take(r, &len);
    char text[24], *end = text;

    if (!p || len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, p, (size_t)len);
    text[len] = '\0';
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static unsigned size_of(enum enum_field_types type)
{
    switch (type) {
    case MYSQL_TYPE_TINY:
        return 1;
    case MYSQL_TYPE_SHORT:
        return 2;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
        return 4;
    default:
        return 8;
    }
}

static bool number_take(struct rest *r, const MYSQL_FIELD *f, int64_t *out)
{
    unsigned n = size_of(f->type);
    const unsigned char *p = bytes_take(r, n);

    if (!p)
        return false;
    uint64_t v = little_endian(p, n), sign = UINT64_C(1) << (8 * n - 1);
    if (!(f->flags & UNSIGNED_FLAG))
        v = (v ^ sign) - sign;
    else if (v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

static bool value_take(struct rest *r, const MYSQL_FIELD *f, struct arena *a, struct db_val *out)
{
    if (!my_type_fits(f->type, out->kind))
        return false;
    if (out->kind == 's')
        return text_take(r, a, &out->s);
    if (out->kind == 't')
        return time_take(r, &out->i);
    if (f->type == MYSQL_TYPE_NEWDECIMAL)
        return decimal_take(r, &out->i);
    if (!number_take(r, f, &out->i))
        return false;
    if (out->kind == 'b')
        out->i = out->i != 0;
    return true;
}

static bool row_take(const MYSQL_FIELD *fields, const MYSQL_ROWS *row, const char *kinds, struct arena *a,
                     struct db_val *out)
{
    enum { HEAD = 1, FIRST = 2 }; /* a byte that says nothing; the bit of the first column among those that say NULL */
    const unsigned char *start = (const unsigned char *)row->data;
    struct rest r = {.at = start, .end = start + row->length};
    const unsigned char *nulls = bytes_take(&r, HEAD + (strlen(kinds) + FIRST + 7) / 8);

    if (!nulls)
        return false;
    nulls += HEAD;
    for (unsigned i = 0; kinds[i]; i++) {
        out[i].kind = kinds[i];
        out[i].null = nulls[(i + FIRST) / 8] >> (i + FIRST) % 8 & 1;
        bool fits = out[i].null ? kinds[i] == 's' || kinds[i] == 't' : value_take(&r, &fields[i], a, &out[i]);
        if (!fits)
            return false;
    }
    return true;
}

bool my_rows_take(MYSQL_STMT *s, const char *kinds, struct db_result *res)
{
    if (s->field_count != res->cols)
        return false;
    for (const MYSQL_ROWS *row = s->result_cursor; row; row = row->next) {
        if (!row_take(s->fields, row, kinds, res->arena, db_result_row(res)))
            return false;
    }
    return true;
}
#else
void my_stmt_slim(MYSQL_STMT *s)
{
    (void)s;
}

struct columns {
    MYSQL_BIND b[MY_VALUES];
    MYSQL_TIME t[MY_VALUES];
    int64_t i[MY_VALUES];
    unsigned long len[MY_VALUES];
    my_flag null[MY_VALUES], error[MY_VALUES];
};

static void column_set(struct columns *c, unsigned at, char kind)
{
    MYSQL_BIND *b = &c->b[at];

    b->is_null = &c->null[at];
    b->length = &c->len[at];
    b->error = &c->error[at];
    switch (kind) {
    case 's': /* no room: the length is told, and the text fetched when there is some */
        b->buffer_type = MYSQL_TYPE_STRING;
        return;
    case 't':
        b->buffer_type = MYSQL_TYPE_DATETIME;
        b->buffer = &c->t[at];
        b->buffer_length = sizeof(c->t[at]);
        return;
    default:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &c->i[at];
        b->buffer_length = sizeof(c->i[at]);
    }
}

static bool text_take(MYSQL_STMT *s, unsigned at, unsigned long len, struct arena *a, struct db_val *out)
{
    char *text = arena_alloc(a, len + 1);
    my_flag null = 0, error = 0;
    unsigned long is = 0;
    MYSQL_BIND b;

    memset(&b, 0, sizeof(b));
    b.buffer_type = MYSQL_TYPE_STRING;
    b.buffer = text;
    b.buffer_length = len;
    b.length = &is;
    b.is_null = &null;
    b.error = &error;
    out->s = text;
    return len == 0 || (mysql_stmt_fetch_column(s, &b, at, 0) == 0 && is == len);
}

static bool value_take(MYSQL_STMT *s, const struct columns *c, unsigned at, struct arena *a, struct db_val *out)
{
    if (out->null)
        return out->kind == 's' || out->kind == 't';
    if (out->kind == 's')
        return text_take(s, at, c->len[at], a, out);
    if (out->kind == 't')
        return my_time_ms(&c->t[at], &out->i);
    out->i = out->kind == 'b' ? c->i[at] != 0 : c->i[at];
    return !c->error[at];
}

bool my_rows_take(MYSQL_STMT *s, const char *kinds, struct db_result *res)
{
    struct columns c;
    int rc;

    if (mysql_stmt_field_count(s) != res->cols)
        return false;
    memset(&c, 0, sizeof(c));
    for (unsigned i = 0; kinds[i]; i++)
        column_set(&c, i, kinds[i]);
    if (mysql_stmt_bind_result(s, c.b) != 0)
        return false;
    while ((rc = mysql_stmt_fetch(s)) == 0 || rc == MYSQL_DATA_TRUNCATED) {
        struct db_val *v = db_result_row(res);
        for (unsigned i = 0; kinds[i]; i++) {
            v[i] = (struct db_val){.kind = kinds[i], .null = c.null[i]};
            if (!value_take(s, &c, i, res->arena, &v[i]))
                return false;
        }
    }
    return rc == MYSQL_NO_DATA;
}
#endif
