/* Output of latchkeyctl: aligned tables for people, JSON for programs. Text from users is escaped, so that a name
 * cannot steer the terminal. */
#include "ctl.h"

#include "base/buf.h"
#include "base/enc.h"

#include <json-c/json_object.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS_MAX = 16, PAGE_ROWS = 1000, CELL_MAX = 60, PROGRESS_FROM = 5000 };

struct column {
    const char *name;
    char type;
    size_t width;
};

struct out {
    struct ctl *ctl;
    size_t cols, rows, printed;
    struct column col[COLUMNS_MAX];
    const char **cell; /* PAGE_ROWS × cols */
    bool object;
};

struct out *out_begin(struct ctl *ctl, const char *columns)
{
    struct out *o = ARENA_NEW(ctl->arena, struct out);

    o->ctl = ctl;
    while (*columns && o->cols < COLUMNS_MAX) {
        size_t n = strcspn(columns, ":");
        struct column *c = &o->col[o->cols++];
        *c = (struct column){arena_strndup(ctl->arena, columns, n), columns[n + 1], n};
        columns += n + 2;
        columns += *columns == ' ';
    }
    o->cell = ARENA_ARRAY(ctl->arena, const char *, PAGE_ROWS * o->cols);
    if (ctl->json)
        fputs("[", stdout);
    return o;
}

struct out *out_object(struct ctl *ctl, const char *columns)
{
    bool json = ctl->json;

    ctl->json = false; /* no bracket of a list */
    struct out *o = out_begin(ctl, columns);
    ctl->json = json;
    o->object = true;
    return o;
}

/* Text fit for a terminal: control bytes shown as \xNN, cut to a sane width unless whole. */
static const char *printable(const struct out *o, const char *s, bool whole)
{
    struct buf b = buf_in(o->ctl->arena);
    const char *clean = enc_utf8_clean(o->ctl->arena, s, whole ? strlen(s) : CELL_MAX);

    for (const char *p = clean; *p;) {
        size_t n = enc_utf8_steering(p);
        for (size_t i = n == 2 ? 1 : 0; i < n; i++) /* of C1 the second byte says it all */
            buf_printf(&b, "\\x%02x", (unsigned char)p[i]);
        if (n == 0)
            buf_putc(&b, *p++);
        p += n;
    }
    return buf_str(&b);
}

static const char *text_of(const struct out *o, char type, va_list *ap)
{
    char iso[ENC_ISO_SIZE];
    const char *s;
    int64_t v;

    switch (type) {
    case 'i':
        return arena_printf(o->ctl->arena, "%lld", (long long)va_arg(*ap, int64_t));
    case 'b':
        return va_arg(*ap, int) ? "yes" : "no";
    case 't':
        v = va_arg(*ap, int64_t);
        if (v == 0)
            return "-";
        enc_iso(v, iso);
        iso[19] = 'Z'; /* people do not need the milliseconds */
        iso[20] = '\0';
        return arena_strdup(o->ctl->arena, iso);
    default:
        s = va_arg(*ap, const char *);
        return s && *s ? printable(o, s, o->object || type == 'w') : "-";
    }
}

static struct json_object *json_of(char type, va_list *ap)
{
    char iso[ENC_ISO_SIZE];
    const char *s;
    int64_t v;

    switch (type) {
    case 'i':
        return json_object_new_int64(va_arg(*ap, int64_t));
    case 'b':
        return json_object_new_boolean(va_arg(*ap, int));
    case 't':
        v = va_arg(*ap, int64_t);
        enc_iso(v, iso);
        return v == 0 ? NULL : json_object_new_string(iso);
    default:
        s = va_arg(*ap, const char *);
        return s ? json_object_new_string(s) : NULL;
    }
}

static void print_json(struct out *o, va_list *ap)
{
    struct json_object *row = json_object_new_object();

    for (size_t i = 0; i < o->cols; i++)
        json_object_object_add(row, o->col[i].name, json_of(o->col[i].type, ap));
    fputs(o->object ? "" : o->printed ? ",\n " : "\n ", stdout);
    fputs(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE), stdout);
    json_object_put(row);
    o->printed++;
}

static void print_cell(const struct column *c, const char *s, bool last)
{
    size_t len = enc_utf8_points(s), pad = c->width > len ? c->width - len : 0;

    if (c->type == 'i')
        printf("%*s%s%s", (int)pad, "", s, last ? "" : "  ");
    else
        printf("%s%*s", s, last ? 0 : (int)pad + 2, "");
}

static void print_page(struct out *o)
{
    for (size_t i = 0; i < o->rows * o->cols; i++) {
        struct column *c = &o->col[i % o->cols];
        size_t len = enc_utf8_points(o->cell[i]);
        c->width = len > c->width ? len : c->width;
    }
    for (size_t i = 0; o->printed == 0 && i < o->cols; i++)
        print_cell(&o->col[i], o->col[i].name, i + 1 == o->cols);
    if (o->printed == 0)
        putchar('\n');
    for (size_t i = 0; i < o->rows * o->cols; i++) {
        bool last = (i + 1) % o->cols == 0;
        print_cell(&o->col[i % o->cols], o->cell[i], last);
        if (last)
            putchar('\n');
    }
    o->printed += o->rows;
    o->rows = 0;
}

static void print_object(struct out *o)
{
    size_t width = 0;

    for (size_t i = 0; i < o->cols; i++)
        width = strlen(o->col[i].name) > width ? strlen(o->col[i].name) : width;
    for (size_t i = 0; i < o->cols; i++)
        printf("%-*s  %s\n", (int)width, o->col[i].name, o->cell[i]);
}

void out_row(struct out *o, ...)
{
    va_list ap;

    va_start(ap, o);
    if (o->ctl->json) {
        print_json(o, &ap);
    } else {
        for (size_t i = 0; i < o->cols; i++)
            o->cell[o->rows * o->cols + i] = text_of(o, o->col[i].type, &ap);
        o->rows++;
    }
    va_end(ap);
    if (o->rows == PAGE_ROWS)
        print_page(o);
}

int out_end(struct out *o)
{
    if (o->ctl->json)
        fputs(o->object ? "\n" : o->printed ? "\n]\n" : "]\n", stdout);
    else if (o->object)
        print_object(o);
    else if (o->rows > 0 || o->printed == 0)
        print_page(o);
    return fflush(stdout) == 0 && !ferror(stdout) ? CTL_OK : CTL_FAILED;
}

/* --- while it goes on -------------------------------------------------------------------------------------------- */

struct progress progress_for(const struct ctl *ctl, const char *what)
{
    return (struct progress){.what = what, .people = !ctl->json && isatty(STDERR_FILENO)};
}

void progress_tell(void *arg, int64_t n)
{
    struct progress *p = arg;

    if (!p->people || n < PROGRESS_FROM)
        return;
    fprintf(stderr, "\r%lld %s", (long long)n, p->what);
    p->shown = true;
}

void progress_end(const struct progress *p)
{
    if (p->shown)
        fputc('\n', stderr);
}
