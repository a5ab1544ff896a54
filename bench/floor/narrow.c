/* Kind narrow: tables made for nothing else, in MariaDB. */
#include "floor.h"
#include "mysql.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { VALUE = 256 };

struct narrow {
    MYSQL_STMT *stmt;
    unsigned char hash[HASH];
    long long now;
    char text[NARROW_COLUMNS][VALUE];
    unsigned long hash_length, length[NARROW_COLUMNS];
    struct narrow_row row;
};

static void bind(struct narrow *n)
{
    MYSQL_BIND in[2] = {
        {.buffer_type = MYSQL_TYPE_BLOB, .buffer = n->hash, .buffer_length = HASH, .length = &n->hash_length},
        {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &n->now}};
    MYSQL_BIND out[NARROW_COLUMNS] = {0};

    n->hash_length = HASH;
    for (int i = 0; i < NARROW_COLUMNS; i++) {
        int number = NARROW_KINDS[i] == 'i';
        n->row.text[i] = n->text[i];
        out[i].buffer_type = number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
        out[i].buffer = number ? (void *)&n->row.number[i] : n->text[i];
        out[i].buffer_length = VALUE;
        out[i].length = &n->length[i];
    }
    if (mysql_stmt_bind_param(n->stmt, in) || mysql_stmt_bind_result(n->stmt, out))
        die("bind", mysql_stmt_error(n->stmt));
}

static void *narrow_open(char *const *where)
{
    static struct narrow n;

    n.stmt = mysql_prepared(where, NARROW_QUERY);
    bind(&n);
    return &n;
}

static size_t narrow_find(void *state, const unsigned char hash[HASH], char *body)
{
    struct narrow *n = state;

    memcpy(n->hash, hash, HASH);
    n->now = time(NULL);
    if (!mysql_find(n->stmt))
        return 0;
    for (int i = 0; i < NARROW_COLUMNS; i++)
        n->row.length[i] = (int)n->length[i];
    return narrow_json(&n->row, body);
}

size_t narrow_json(const struct narrow_row *row, char *body)
{
    const long long *n = row->number;
    const int *l = row->length;
    int length = snprintf(
        body, BODY,
        "{\"session\":{\"id\":\"%lld\",\"userId\":%lld,\"createdAt\":%lld,\"updatedAt\":%lld,\"expiresAt\":%lld,"
        "\"ipAddress\":\"192.0.2.17\",\"userAgent\":\"%.*s\"},\"user\":{\"id\":%lld,\"email\":\"%.*s\",\"name\":\"%.*"
        "s\","
        "\"emailVerified\":%s,\"image\":\"%.*s\",\"updatedAt\":%lld}}",
        n[ID], n[ID], n[CREATED], n[CREATED], n[EXPIRES], l[AGENT], row->text[AGENT], n[ID], l[EMAIL], row->text[EMAIL],
        l[NAME], row->text[NAME], n[VERIFIED] ? "true" : "false", l[IMAGE], row->text[IMAGE], n[CREATED]);

    if (length < 0 || length >= BODY)
        die("the answer", "too long");
    return (size_t)length;
}

const struct kind kind_narrow = {"narrow", NULL, narrow_open, narrow_find};
