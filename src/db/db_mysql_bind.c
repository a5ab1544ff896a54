/* Values in the binary protocol of MySQL: what is sent, and times, which never pass through a time zone. Must not talk
 * to the server. */
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
