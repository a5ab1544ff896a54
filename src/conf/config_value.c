/* One value: text to member and back, by the type of its row. Must not look at other keys. */
#include "conf/config_internal.h"
#include "base/buf.h"
#include "base/enc.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t size;
};
static const struct unit time_units[] = {
    {"d", CLOCK_DAY}, {"h", CLOCK_HOUR}, {"m", CLOCK_MINUTE}, {"s", CLOCK_SECOND}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"m", 1024 * 1024}, {"k", 1024}, {NULL, 0}};

/* The words of each enum, in its order. */
static const char *const words[][7] = {
    [CFG_T_MODE] = {"session", "bearer", "jwt"},
    [CFG_T_SIGNUP] = {"open", "closed"},
    [CFG_T_DELETEUSER] = {"off", "on", "mail"},
    [CFG_T_ATMAX] = {"refuse", "end-oldest"},
    [CFG_T_SWITCH] = {"auto", "on", "off"},
    [CFG_T_SAMESITE] = {"lax", "strict", "none"},
    [CFG_T_MAXAGE] = {"idle", "absolute"},
    [CFG_T_STRENGTH] = {"auto", "0", "1", "2", "3", "4"},
    [CFG_T_TRANSPORT] = {"none", "file", "sendmail", "smtp"},
    [CFG_T_SMTPTLS] = {"starttls", "tls", "off"},
    [CFG_T_REMOTEUSER] = {"email", "id", "name"},
    [CFG_T_DRIVER] = {"sqlite", "mysql"},
    [CFG_T_LEVEL] = {"error", "warn", "info", "debug"},
};

static const char *const type_texts[] = {
    [CFG_T_STR] = "text",
    [CFG_T_SECRET] = "secret",
    [CFG_T_LIST] = "list",
    [CFG_T_BOOL] = "on|off",
    [CFG_T_INT] = "number",
    [CFG_T_SIZE] = "size",
    [CFG_T_TIME] = "time",
    [CFG_T_RATE] = "number/time|off",
    [CFG_T_SCRYPT] = "log2(N),r,p",
    [CFG_T_MODE] = "session|bearer|jwt",
    [CFG_T_SIGNUP] = "open|closed",
    [CFG_T_DELETEUSER] = "off|on|mail",
    [CFG_T_ATMAX] = "refuse|end-oldest",
    [CFG_T_SWITCH] = "auto|on|off",
    [CFG_T_SAMESITE] = "lax|strict|none",
    [CFG_T_MAXAGE] = "idle|absolute",
    [CFG_T_STRENGTH] = "auto|0|1|2|3|4",
    [CFG_T_TRANSPORT] = "none|file|sendmail|smtp",
    [CFG_T_SMTPTLS] = "starttls|tls|off",
    [CFG_T_REMOTEUSER] = "email|id|name",
    [CFG_T_DRIVER] = "sqlite|mysql",
    [CFG_T_LEVEL] = "error|warn|info|debug",
};

const char *config_type_text(enum cfg_type type)
{
    return type_texts[type];
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *str_fault(struct arena *a, const struct cfg_row *row, const char *text)
{
    size_t len = strlen(text);

    if (len < (size_t)row->min || len > (size_t)row->max)
        return len == 0
                   ? "must not be empty"
                   : arena_printf(a, "must have %lld to %lld characters", (long long)row->min, (long long)row->max);
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' && *p != '\t')
            return "holds a control character";
        if (*p == 0x7f)
            return "holds a control character";
    }
    return enc_utf8_valid(text, len) ? NULL : "is not UTF-8";
}

static const char *str_parse(struct arena *a, const struct cfg_row *row, const char *text, const char **out)
{
    const char *why = str_fault(a, row, text);

    if (!why)
        *out = arena_strdup(a, text);
    return why;
}

static const char *list_parse(struct arena *a, const struct cfg_row *row, const char *text, struct cfg_list *out)
{
    const char *why = str_fault(a, row, text);
    struct cfg_list list = {.n = 0};

    if (why)
        return why;
    list.v = ARENA_ARRAY(a, const char *, strlen(text) / 2 + 1);
    for (const char *p = text; *p;) {
        size_t skip = strspn(p, " \t,"), len = strcspn(p + skip, " \t,");
        if (len > 0)
            list.v[list.n++] = arena_strndup(a, p + skip, len);
        p += skip + len;
    }
    *out = list;
    return NULL;
}

/* Digits at *s, which moves behind them. False: none, or too many. */
static bool digits(const char **s, int64_t *out)
{
    const char *p = *s;
    int64_t n = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (n > (INT64_MAX - 9) / 10)
            return false;
        n = n * 10 + (*p - '0');
    }
    if (p == *s)
        return false;
    *s = p;
    *out = n;
    return true;
}

static const char *unit_text(struct arena *a, const struct unit *units, int64_t n)
{
    for (; units->name && n > 0; units++) {
        if (n % units->size == 0)
            return arena_printf(a, "%lld%s", (long long)(n / units->size), units->name);
    }
    return arena_printf(a, "%lld", (long long)n);
}

/* A number with an optional unit; one without is in units of `bare`. units NULL: no unit is allowed. */
static bool unit_parse(const char *text, const struct unit *units, int64_t bare, int64_t *out)
{
    int64_t n, size = bare;

    if (!digits(&text, &n))
        return false;
    for (; units && *text && units->name; units++) {
        if (!enc_equal_nocase(text, units->name))
            continue;
        size = units->size;
        text = "";
    }
    if (*text || n > INT64_MAX / size)
        return false;
    *out = n * size;
    return true;
}

static const struct unit *units_of(enum cfg_type type)
{
    return type == CFG_T_TIME ? time_units : type == CFG_T_SIZE ? size_units : NULL;
}

static const char *number_text(struct arena *a, const struct cfg_row *row, int64_t n)
{
    const struct unit *units = units_of(row->type);

    return units ? unit_text(a, units, n) : arena_printf(a, "%lld", (long long)n);
}

static const char *number_parse(struct arena *a, const struct cfg_row *row, const char *text, int64_t *out)
{
    int64_t n;

    if (!unit_parse(text, units_of(row->type), row->type == CFG_T_TIME ? CLOCK_SECOND : 1, &n)) {
        if (row->type == CFG_T_TIME)
            return "must be a time: a number, then ms, s, m, h or d, e.g. 10m";
        return row->type == CFG_T_SIZE ? "must be a size: a number, then k or m if wanted, e.g. 64k"
                                       : "must be a whole number";
    }
    if (n < row->min || n > row->max)
        return arena_printf(a, "must be from %s to %s", number_text(a, row, row->min), number_text(a, row, row->max));
    *out = n;
    return NULL;
}

static bool switch_word(const char *text, bool *out)
{
    static const char *const on_off[2][4] = {{"off", "false", "no", "0"}, {"on", "true", "yes", "1"}};

    for (size_t i = 0; i < 8; i++) {
        if (enc_equal_nocase(text, on_off[i / 4][i % 4])) {
            *out = i / 4 == 1;
            return true;
        }
    }
    return false;
}

static const char *enum_parse(struct arena *a, const struct cfg_row *row, const char *text, int *out)
{
    bool on;

    for (int i = 0; words[row->type][i]; i++) {
        if (enc_equal_nocase(text, words[row->type][i])) {
            *out = i;
            return NULL;
        }
    }
    if (row->type == CFG_T_SWITCH && switch_word(text, &on)) {
        *out = on ? SWITCH_ON : SWITCH_OFF;
        return NULL;
    }
    return arena_printf(a, "must be one of %s", type_texts[row->type]);
}

/* "100/10m"; "off" or 0: no limit. */
static const char *rate_parse(const char *text, struct cfg_rate *out)
{
    static const char what[] = "must be a number and a time, e.g. 100/10m, or off";
    struct cfg_rate r = {0, 0};
    bool on;

    if (switch_word(text, &on) && !on) {
        *out = r;
        return NULL;
    }
    if (!digits(&text, &r.n) || *text != '/' || !unit_parse(text + 1, time_units, CLOCK_SECOND, &r.per))
        return what;
    if (r.n < 1 || r.n > 1000000 || r.per < CLOCK_SECOND || r.per > 400 * CLOCK_DAY || r.per / r.n < 1)
        return "must be from 1 to 1000000 in 1s to 400d, and at most one a millisecond";
    *out = r;
    return NULL;
}

static const char *scrypt_parse(const char *text, struct cfg_scrypt *out)
{
    int64_t v[3];

    for (int i = 0; i < 3; i++) {
        while (blank(*text))
            text++;
        if (!digits(&text, &v[i]))
            return "must be three numbers, log2 N, r and p, e.g. 15,8,3";
        while (blank(*text))
            text++;
        if (*text != (i < 2 ? ',' : '\0'))
            return "must be three numbers, log2 N, r and p, e.g. 15,8,3";
        text++;
    }
    if (v[0] < 10 || v[0] > 20 || v[1] < 1 || v[1] > 32 || v[2] < 1 || v[2] > 16)
        return "must have log2 N from 10 to 20, r from 1 to 32 and p from 1 to 16";
    if (128 * v[1] * (INT64_C(1) << v[0]) > INT64_C(1) << 30)
        return "needs more than 1 GiB for one hash (128 * 2^N * r bytes)";
    *out = (struct cfg_scrypt){(int)v[0], (int)v[1], (int)v[2]};
    return NULL;
}

static void *member(const struct cfg_row *row, struct cfg *cfg)
{
    return (char *)cfg + row->offset;
}

static const void *member_of(const struct cfg_row *row, const struct cfg *cfg)
{
    return (const char *)cfg + row->offset;
}

const char *config_value_parse(struct arena *a, const struct cfg_row *row, const char *text, struct cfg *cfg)
{
    const char *why;
    int word = 0;

    switch (row->type) {
    case CFG_T_STR:
    case CFG_T_SECRET:
        return str_parse(a, row, text, member(row, cfg));
    case CFG_T_LIST:
        return list_parse(a, row, text, member(row, cfg));
    case CFG_T_BOOL:
        return switch_word(text, member(row, cfg)) ? NULL : "must be on or off";
    case CFG_T_INT:
    case CFG_T_SIZE:
    case CFG_T_TIME:
        return number_parse(a, row, text, member(row, cfg));
    case CFG_T_RATE:
        return rate_parse(text, member(row, cfg));
    case CFG_T_SCRYPT:
        return scrypt_parse(text, member(row, cfg));
    default:
        why = enum_parse(a, row, text, &word);
        if (!why)
            memcpy(member(row, cfg), &word, sizeof(word));
        return why;
    }
}

_Static_assert(sizeof(enum cfg_mode) == sizeof(int) && sizeof(enum log_level) == sizeof(int),
               "enums are copied as int");

static const char *rate_text(struct arena *a, const struct cfg_rate *r)
{
    return r->n == 0 ? "off" : arena_printf(a, "%lld/%s", (long long)r->n, unit_text(a, time_units, r->per));
}

static const char *list_text(struct arena *a, const struct cfg_list *list)
{
    struct buf b = buf_in(a);

    for (size_t i = 0; i < list->n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", list->v[i]);
    return buf_str(&b);
}

const char *config_value_text(struct arena *a, const struct cfg_row *row, const struct cfg *cfg)
{
    const void *p = member_of(row, cfg);
    const struct cfg_scrypt *s = p;
    int64_t n;
    int word;

    switch (row->type) {
    case CFG_T_STR:
        return *(const char *const *)p;
    case CFG_T_SECRET:
        return **(const char *const *)p ? "(set)" : "";
    case CFG_T_LIST:
        return list_text(a, p);
    case CFG_T_BOOL:
        return *(const bool *)p ? "on" : "off";
    case CFG_T_INT:
    case CFG_T_SIZE:
    case CFG_T_TIME:
        memcpy(&n, p, sizeof(n));
        return number_text(a, row, n);
    case CFG_T_RATE:
        return rate_text(a, p);
    case CFG_T_SCRYPT:
        return arena_printf(a, "%d,%d,%d", s->log2n, s->r, s->p);
    default:
        memcpy(&word, p, sizeof(word));
        return words[row->type][word];
    }
}
