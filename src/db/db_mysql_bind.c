/* Values in the binary protocol of MySQL: what is sent, what is fetched, and times, which never pass through a time zone.
 * Must not talk to the server. */
#include "db/db_mysql.h"
#include "base/enc.h"

#include <string.h>

/* --- times ------------------------------------------------------------------------------------------------------- */

void my_time_of(int64_t ms, MYSQL_TIME *out)
{
    struct enc_date d;

    enc_date_of(ms, &d);
    *out = (MYSQL_TIME){
        .year = d.year,
        .month = d.month,
        .day = d.day,
        .hour = d.hour,
        .minute = d.minute,
        .second = d.second,
        .second_part = d.ms * 1000UL,
        .time_type = MYSQL_TIMESTAMP_DATETIME,
    };
}

bool my_time_ms(const MYSQL_TIME *t, int64_t *ms)
{
    const struct enc_date d = {
        .year = t->year,
        .month = t->month,
        .day = t->day,
        .hour = t->hour,
        .minute = t->minute,
        .second = t->second,
        .ms = (unsigned)t->second_part / 1000,
    };

    return t->second_part < 1000000 && enc_instant(&d, ms);
}

/* --- parameters -------------------------------------------------------------------------------------------------- */

static void param_set(MYSQL_BIND *b, MYSQL_TIME *t, const struct db_val *v)
{
    union {
        const void *from;
        void *to;
    } p = {.from = v->kind == 's' ? (const void *)v->s : &v->i}; /* the library only reads it */

    if (v->null) {
        b->buffer_type = MYSQL_TYPE_NULL;
        return;
    }
    switch (v->kind) {
    case 's':
        b->buffer_type = MYSQL_TYPE_STRING;
        b->buffer = p.to;
        b->buffer_length = (unsigned long)strlen(v->s);
        return;
    case 't':
        my_time_of(v->i, t);
        b->buffer_type = MYSQL_TYPE_DATETIME;
        b->buffer = t;
        return;
    default:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = p.to;
    }
}

void my_params_set(struct my_params *p, const char *kinds, const struct db_val *v)
{
    size_t n = strlen(kinds);

    memset(p->b, 0, n * sizeof(p->b[0]));
    for (size_t i = 0; i < n; i++)
        param_set(&p->b[i], &p->t[i], &v[i]);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

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

static void column_set(MYSQL_BIND *b, struct my_columns *c, unsigned at, char kind)
{
    b->is_null = &c->null[at];
    b->length = &c->len[at];
    b->error = &c->error[at];
    switch (kind) {
    case 's': /* no room: its length is told, and it is copied when there is some */
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

bool my_columns_bind(MYSQL_STMT *s, struct my_columns *c, const char *kinds)
{
    MYSQL_BIND b[MY_VALUES];
    unsigned n = (unsigned)strlen(kinds);

    if (n > MY_VALUES || mysql_stmt_field_count(s) != n)
        return false;
    memset(b, 0, n * sizeof(b[0]));
    for (unsigned i = 0; i < n; i++)
        column_set(&b[i], c, i, kinds[i]);
    return n == 0 || mysql_stmt_bind_result(s, b) == 0;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

#ifdef LIBMARIADB
/* The library forgets the first if a server says that more results follow, and takes another count of columns. */
bool my_columns_bound(const MYSQL_STMT *s, const struct my_columns *c, const char *kinds)
{
    return s->field_count == strlen(kinds) && s->bind[0].is_null == &c->null[0];
}

/* Of a column that a server does not describe again, only what is needed to read it. */
void my_names_drop(MYSQL_STMT *s)
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

static bool skip(struct rest *r, uint64_t n)
{
    if (n > (uint64_t)(r->end - r->at))
        return false;
    r->at += n;
    return true;
}

/* A length as the protocol has it: one byte, or one that says how many follow. */
static bool length_take(struct rest *r, uint64_t *out)
{
    const unsigned char *p = r->at + 1;

    if (!skip(r, 1))
        return false;
    *out = p[-1];
    if (*out < 251)
        return true;
    int n = *out == 252 ? 2 : *out == 253 ? 3 : 8;
    if (*out == 251 || *out == 255 || !skip(r, (uint64_t)n))
        return false;
    *out = 0;
    while (n-- > 0)
        *out = *out << 8 | p[n];
    return true;
}

static size_t size_of(enum enum_field_types type)
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

static bool value_skip(struct rest *r, enum enum_field_types type, char kind, struct my_row *out, unsigned at)
{
    uint64_t len;

    if (!my_type_fits(type, kind))
        return false;
    if (kind != 's' && kind != 't' && type != MYSQL_TYPE_NEWDECIMAL)
        return skip(r, size_of(type));
    if (!length_take(r, &len))
        return false;
    out->text[at] = (const char *)r->at;
    out->len[at] = (size_t)len;
    return (kind != 't' || len == 0 || len == 4 || len == 7 || len == 11) && skip(r, len);
}

/* Not every version of the library asks where a row ends: it believes the lengths in it, which a server may have cut off.
 */
bool my_row_next(const MYSQL_STMT *s, const char *kinds, struct my_row *out)
{
    enum { HEAD = 1, FIRST = 2 }; /* a byte that says nothing; the first bit that says NULL */
    const MYSQL_ROWS *row = s->result_cursor;

    if (!row)
        return true;
    const unsigned char *nulls = (const unsigned char *)row->data + HEAD;
    struct rest r = {.at = nulls - HEAD, .end = nulls - HEAD + row->length};
    if (!skip(&r, HEAD + (s->field_count + FIRST + 7) / 8))
        return false;
    for (unsigned i = 0; kinds[i]; i++) {
        bool null = nulls[(i + FIRST) / 8] >> (i + FIRST) % 8 & 1;
        if (!null && !value_skip(&r, s->fields[i].type, kinds[i], out, i))
            return false;
    }
    return true;
}

static bool text_take(MYSQL_STMT *s, const struct my_row *row, unsigned at, unsigned long len, struct arena *a,
                      struct db_val *out)
{
    (void)s, (void)len;
    out->s = arena_strndup(a, row->text[at], row->len[at]);
    return true;
}
#else
bool my_columns_bound(const MYSQL_STMT *s, const struct my_columns *c, const char *kinds)
{
    (void)s, (void)c, (void)kinds;
    return true;
}

void my_names_drop(MYSQL_STMT *s)
{
    (void)s;
}

bool my_row_next(const MYSQL_STMT *s, const char *kinds, struct my_row *out)
{
    (void)s, (void)kinds, (void)out;
    return true;
}

static bool text_take(MYSQL_STMT *s, const struct my_row *row, unsigned at, unsigned long len, struct arena *a,
                      struct db_val *out)
{
    char *text = arena_alloc(a, len + 1);
    my_flag null = 0, error = 0;
    unsigned long is = 0;
    MYSQL_BIND b;

    (void)row;
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
#endif

static bool value_take(MYSQL_STMT *s, const struct my_row *row, const struct my_columns *c, unsigned at, struct arena *a,
                       struct db_val *out)
{
    if (out->null)
        return out->kind == 's' || out->kind == 't';
    switch (out->kind) {
    case 's':
        return text_take(s, row, at, c->len[at], a, out);
    case 't':
        return my_time_ms(&c->t[at], &out->i);
    case 'b':
        out->i = c->i[at] != 0;
        return !c->error[at];
    default:
        out->i = c->i[at];
        return !c->error[at];
    }
}

bool my_row_take(MYSQL_STMT *s, const struct my_row *row, const struct my_columns *c, const char *kinds,
                 struct arena *a, struct db_val *out)
{
    for (unsigned i = 0; kinds[i]; i++) {
        out[i] = (struct db_val){.kind = kinds[i], .null = c->null[i]};
        if (!value_take(s, row, c, i, a, &out[i]))
            return false;
    }
    return true;
}
