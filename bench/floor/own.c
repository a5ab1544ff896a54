/* Kind own: the statement of latchkey itself in latchkey's own tables. All columns are fetched and answered, under
 * their names, first those of the session. */
#include "floor.h"
#include "mysql.h"
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 32, VALUE = 512, KEY = 48 };

#define STMT(name, in, out, sql, mysql) name,
enum {
#include "db/stmts.def"
};
#undef STMT
#define STMT(name, in, out, sql, mysql) [name] = {out, mysql ? mysql : sql},
static const struct {
    const char *out, *sql;
} statements[] = {
#include "db/stmts.def"
};

struct column {
    char kind, key[KEY], text[VALUE]; /* key: with what stands in front of it, and the colon */
    unsigned long key_length, length;
    MYSQL_TIME time;
    long long number;
    my_bool null;
};

struct own {
    MYSQL_STMT *stmt;
    char hex[2 * HASH];
    unsigned long hex_length;
    unsigned columns;
    struct column column[COLUMNS];
};

static void without_prefix(const char *sql, char *to, size_t size)
{
    if (strlen(sql) >= size)
        die("the statement", "too long");
    for (; *sql; sql++)
        if (*sql != '@')
            *to++ = *sql;
    *to = '\0';
}

static void keys_write(struct own *o)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(o->stmt);
    const char *table = "";

    for (unsigned i = 0; i < o->columns; i++) {
        MYSQL_FIELD *f = mysql_fetch_field_direct(meta, i);
        struct column *c = &o->column[i];
        const char *front = i == 0 ? "{\"session\":{" : strcmp(table, f->table) == 0 ? "," : "},\"user\":{";
        c->key_length = (unsigned long)snprintf(c->key, KEY, "%s\"%s\":", front, f->name);
        table = f->table;
    }
    mysql_free_result(meta);
}

static MYSQL_BIND bind_of(struct column *c)
{
    MYSQL_BIND b = {.length = &c->length, .is_null = &c->null};

    switch (c->kind) {
    case 's':
        b.buffer_type = MYSQL_TYPE_STRING, b.buffer = c->text, b.buffer_length = VALUE;
        break;
    case 't':
        b.buffer_type = MYSQL_TYPE_DATETIME, b.buffer = &c->time;
        break;
    default:
        b.buffer_type = MYSQL_TYPE_LONGLONG, b.buffer = &c->number;
    }
    return b;
}

static void *own_open(char *const *where)
{
    static struct own o;
    char sql[1024];
    MYSQL_BIND out[COLUMNS],
        in = {
            .buffer_type = MYSQL_TYPE_STRING, .buffer = o.hex, .buffer_length = sizeof o.hex, .length = &o.hex_length};

    without_prefix(statements[SESSION_FIND].sql, sql, sizeof sql);
    o.stmt = mysql_prepared(where, sql);
    o.hex_length = sizeof o.hex;
    o.columns = mysql_stmt_field_count(o.stmt);
    if (o.columns > COLUMNS || o.columns != strlen(statements[SESSION_FIND].out))
        die("the statement", "has other columns");
    for (unsigned i = 0; i < o.columns; i++) {
        o.column[i].kind = statements[SESSION_FIND].out[i];
        out[i] = bind_of(&o.column[i]);
    }
    keys_write(&o);
    if (mysql_stmt_bind_param(o.stmt, &in) || mysql_stmt_bind_result(o.stmt, out))
        die("bind", mysql_stmt_error(o.stmt));
    return &o;
}

static char *put(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

static char *digits(char *to, unsigned long n, int width, char behind)
{
    for (int i = width - 1; i >= 0; i--, n /= 10)
        to[i] = (char)('0' + n % 10);
    to[width] = behind;
    return to + width + 1;
}

static char *time_put(char *to, const MYSQL_TIME *t)
{
    *to++ = '"';
    to = digits(digits(digits(to, t->year, 4, '-'), t->month, 2, '-'), t->day, 2, 'T');
    to = digits(digits(digits(to, t->hour, 2, ':'), t->minute, 2, ':'), t->second, 2, '.');
    to = digits(to, t->second_part / 1000, 3, 'Z');
    *to++ = '"';
    return to;
}

static char *value_put(char *to, const struct column *c)
{
    if (c->null)
        return put(to, "null", 4);
    if (c->kind == 't')
        return time_put(to, &c->time);
    if (c->kind != 's')
        return c->number ? put(to, "true", 4) : put(to, "false", 5);
    *to++ = '"';
    to = put(to, c->text, c->length);
    *to++ = '"';
    return to;
}

static size_t own_find(void *state, const unsigned char hash[HASH], char *body)
{
    static const char hex[] = "0123456789abcdef";
    struct own *o = state;
    char *to = body;

    for (int i = 0; i < HASH; i++) {
        o->hex[2 * i] = hex[hash[i] >> 4];
        o->hex[2 * i + 1] = hex[hash[i] & 15];
    }
    if (!mysql_find(o->stmt))
        return 0;
    for (unsigned i = 0; i < o->columns; i++) {
        const struct column *c = &o->column[i];
        if (to + c->key_length + c->length + 32 > body + BODY)
            die("the answer", "too long");
        to = value_put(put(to, c->key, c->key_length), c);
    }
    return (size_t)(put(to, "}}", 2) - body);
}

const struct kind kind_own = {"own", NULL, own_open, own_find};
