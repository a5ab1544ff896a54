/* Values in the binary protocol of MySQL: what is sent, what is fetched, and times, which never pass through a time zone.
 * Must not talk to the server. */
#include "db/db_mysql.h"
#include "base/enc.h"

#include <string.h>

/* --- times ------------------------------------------------------------------------------------------------------- */

static unsigned digits(const char *at, int n)
{
    unsigned value = 0;

    for (int i = 0; i < n; i++)
        value = value * 10 + (unsigned)(at[i] - '0');
    return value;
}

void my_time_of(int64_t ms, MYSQL_TIME *out)
{
    char iso[ENC_ISO_SIZE];

    enc_iso(ms, iso);
    memset(out, 0, sizeof(*out));
    out->year = digits(iso, 4);
    out->month = digits(iso + 5, 2);
    out->day = digits(iso + 8, 2);
    out->hour = digits(iso + 11, 2);
    out->minute = digits(iso + 14, 2);
    out->second = digits(iso + 17, 2);
    out->second_part = digits(iso + 20, 3) * 1000UL;
    out->time_type = MYSQL_TIMESTAMP_DATETIME;
}

/* Not by way of text: a session check reads several of them. */
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

void my_columns_set(struct my_columns *c, const char *kinds)
{
    size_t n = strlen(kinds);

    memset(c->b, 0, n * sizeof(c->b[0]));
    for (size_t i = 0; i < n; i++) {
        MYSQL_BIND *b = &c->b[i];
        c->i[i] = 0; /* where a value is NULL nothing is written */
        c->null[i] = c->error[i] = 0;
        b->is_null = &c->null[i];
        b->length = &c->len[i];
        b->error = &c->error[i];
        if (kinds[i] == 's') { /* no room: the length is told, and the text fetched when there is some */
            b->buffer_type = MYSQL_TYPE_STRING;
            continue;
        }
        bool time = kinds[i] == 't';
        b->buffer_type = time ? MYSQL_TYPE_DATETIME : MYSQL_TYPE_LONGLONG;
        b->buffer = time ? (void *)&c->t[i] : &c->i[i];
        b->buffer_length = time ? sizeof(c->t[i]) : sizeof(c->i[i]);
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

#ifdef LIBMARIADB
/* The library reads a row a second time when its values are fetched, and believes the lengths in it, which a server may
 * have cut off. Ends the text within the row? */
static bool text_inside(const MYSQL_STMT *s, const struct my_row *row, unsigned at, unsigned long len)
{
    const unsigned char *from = s->bind[at].u.row_ptr, *end = (const unsigned char *)row->data + row->length;

    if (!from || from < (const unsigned char *)row->data || from >= end)
        return false;
    size_t prefix = *from < 251 ? 1 : *from == 252 ? 3 : *from == 253 ? 4 : 9;
    return prefix <= (size_t)(end - from) && len <= (size_t)(end - from) - prefix;
}

struct my_row my_row_next(const MYSQL_STMT *s)
{
    const MYSQL_ROWS *row = s->result_cursor;

    return row ? (struct my_row){row->data, row->length} : (struct my_row){NULL, 0};
}
#else
static bool text_inside(const MYSQL_STMT *s, const struct my_row *row, unsigned at, unsigned long len)
{
    (void)s, (void)row, (void)at, (void)len;
    return true;
}

struct my_row my_row_next(const MYSQL_STMT *s)
{
    (void)s;
    return (struct my_row){NULL, 0};
}
#endif

bool my_row_take(MYSQL_STMT *s, const struct my_row *row, struct my_columns *c, const char *kinds, struct arena *a, struct db_val *out)
{
    for (unsigned i = 0; kinds[i]; i++) {
        bool fits;
        out[i] = (struct db_val){.kind = kinds[i], .null = c->null[i]};
        if (out[i].null)
            fits = kinds[i] == 's' || kinds[i] == 't';
        else if (kinds[i] == 's')
            fits = text_inside(s, row, i, c->len[i]) && text_take(s, i, c->len[i], a, &out[i]);
        else if (kinds[i] == 't')
            fits = my_time_ms(&c->t[i], &out[i].i);
        else
            fits = !c->error[i];
        if (!fits)
            return false;
        if (!out[i].null && kinds[i] != 's' && kinds[i] != 't')
            out[i].i = kinds[i] == 'b' ? c->i[i] != 0 : c->i[i];
    }
    return true;
}
