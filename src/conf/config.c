/* Reads the configuration: file text by libinih, then the environment. Finds places and names; what a value means is
 * config_value.c, whether values go together config_check.c. Must not guess: whatever libinih would cut, join or drop
 * in silence is a fault here. */
#include "conf/config_internal.h"
#include "base/auto.h"
#include "base/enc.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX_BYTES (1 << 20)
#define RULE_SECTION "gate "

/* The text as libinih's reader sees it: one line for each call, so that the handler knows its line number, which the
 * packaged library does not tell. */
struct config_text {
    struct cfg_reader *r;
    const char *at, *end;
    int line;
    bool wants_key;   /* this line must reach the handler */
    bool bad_section; /* told already; its keys are passed over */
    bool in_rule;     /* below [gate PATH] */
};

static const struct cfg_row rows[] = {
#define CFG(section, key, type, def, min, max, text) \
    [CFG_##section##_##                              \
        key] = {#section, #key, CFG_T_##type, def, min, max, text, offsetof(struct cfg, section##_##key)},
#include "conf/config.def"
#undef CFG
};

const struct cfg_row *config_row(enum cfg_id id)
{
    return &rows[id];
}

PRINTF_LIKE(3, 0)
static void fault_tell(struct cfg_reader *r, const char *place, const char *fmt, va_list ap)
{
    const char *what = arena_vprintf(r->cfg->arena, fmt, ap);

    r->faults++;
    if (r->fault)
        r->fault(r->arg, arena_printf(r->cfg->arena, "%s: %s", place, what));
}

void config_fault_line(struct cfg_reader *r, int line, const char *fmt, ...)
{
    const char *place = line > 0 ? arena_printf(r->cfg->arena, "%s:%d", r->file, line) : r->file;
    va_list ap;

    va_start(ap, fmt);
    fault_tell(r, place, fmt, ap);
    va_end(ap);
}

static const char *key_place(struct cfg_reader *r, enum cfg_id id)
{
    const struct cfg_row *row = config_row(id);
    struct arena *a = r->cfg->arena;

    switch (r->source[id].from) {
    case CFG_FROM_ENV:
        return arena_printf(a, "environment: %s", config_env_name(a, row));
    case CFG_FROM_FILE:
        return arena_printf(a, "%s:%d: %s.%s", r->file, r->source[id].line, row->section, row->key);
    case CFG_FROM_DEFAULT:
        break;
    }
    return arena_printf(a, "%s: %s.%s", r->file, row->section, row->key);
}

void config_fault_key(struct cfg_reader *r, enum cfg_id id, const char *fmt, ...)
{
    va_list ap;

    if (r->source[id].bad)
        return;
    va_start(ap, fmt);
    fault_tell(r, key_place(r, id), fmt, ap);
    va_end(ap);
}

void config_value_take(struct cfg_reader *r, enum cfg_id id, const char *text)
{
    const char *why = config_value_parse(r->cfg->arena, config_row(id), text, r->cfg);

    if (!why)
        return;
    config_fault_key(r, id, "%s", why);
    r->source[id].bad = true;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static bool row_find(const char *section, const char *key, enum cfg_id *id)
{
    for (size_t i = 0; i < CFG_COUNT; i++) {
        if (strcmp(rows[i].section, section) == 0 && (!key || strcmp(rows[i].key, key) == 0)) {
            *id = (enum cfg_id)i;
            return true;
        }
    }
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* libinih takes " ;" for the start of a comment, and only that; a " #" would silently become part of the value. */
static bool comment_left(const char *value)
{
    for (const char *p = value; *p; p++) {
        if ((*p == '#' || *p == ';') && (p == value || blank(p[-1])))
            return true;
    }
    return false;
}

static void key_take(struct config_text *t, const char *section, const char *key, const char *value)
{
    struct cfg_reader *r = t->r;
    enum cfg_id id;

    if (!*section) {
        config_fault_line(r, t->line, "%s: a key must stand below a [section]", key);
        return;
    }
    if (!row_find(section, key, &id)) {
        config_fault_line(r, t->line, "%s.%s: there is no such key", section, key);
        return;
    }
    if (r->source[id].from == CFG_FROM_FILE) {
        config_fault_line(r, t->line, "%s.%s: already set in line %d", section, key, r->source[id].line);
        return;
    }
    r->source[id] = (struct cfg_source){.from = CFG_FROM_FILE, .line = t->line};
    if (comment_left(value)) {
        config_fault_key(r, id, "a comment after a value begins with a blank and ';'");
        r->source[id].bad = true;
        return;
    }
    if (r->open_to_all && config_row(id)->type == CFG_T_SECRET && *value)
        config_fault_line(r, 0, "holds %s.%s and is readable by everybody: chmod o-r", section, key);
    config_value_take(r, id, value);
}

static int handle_key(void *arg, const char *section, const char *key, const char *value)
{
    struct config_text *t = arg;

    if (!key || !value || !t->wants_key)
        return 1;
    t->wants_key = false;
    if (t->in_rule)
        config_rule_take(t->r, t->line, key, value);
    else if (!t->bad_section)
        key_take(t, section, key, value);
    return 1;
}

static void section_check(struct config_text *t, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    enum cfg_id id;

    t->bad_section = true;
    t->in_rule = false;
    if (!close) {
        config_fault_line(t->r, t->line, "a [section] lacks its closing bracket");
        return;
    }
    size_t rest = (size_t)(close - line) + 1;
    while (rest < len && blank(line[rest]))
        rest++;
    if (rest < len && line[rest] != ';' && line[rest] != '#') {
        config_fault_line(t->r, t->line, "nothing but a comment may follow a [section]");
        return;
    }
    const char *name = arena_strndup(t->r->cfg->arena, line + 1, (size_t)(close - line) - 1);
    if (strncmp(name, RULE_SECTION, sizeof RULE_SECTION - 1) == 0) {
        t->in_rule = config_rule_begin(t->r, t->line, name + sizeof RULE_SECTION - 1);
        return;
    }
    if (!row_find(name, NULL, &id)) {
        config_fault_line(t->r, t->line, "there is no section [%s]", name);
        return;
    }
    t->bad_section = false;
}

/* Looks at a line before libinih does. False: it is not to be parsed. */
static bool line_look(struct config_text *t, const char *line, size_t len, size_t room)
{
    if (len == 0 || *line == ';' || *line == '#')
        return false;
    if (memchr(line, '\0', len)) {
        config_fault_line(t->r, t->line, "there is a NUL byte in this line");
        return false;
    }
    if (len > room) {
        config_fault_line(t->r, t->line, "this line has %zu bytes; at most %zu can be read", len, room);
        return false;
    }
    if (*line == '[')
        section_check(t, line, len);
    else
        t->wants_key = true;
    return true;
}

static void line_settle(struct config_text *t)
{
    if (t->wants_key && !t->bad_section)
        config_fault_line(t->r, t->line, "this is no [section], no 'key = value' and no comment");
    t->wants_key = false;
}

/* fgets for libinih. A line loses its indentation, since libinih would otherwise join it to the value before. */
static char *line_read(char *out, int size, void *arg)
{
    struct config_text *t = arg;
    size_t room = size > 3 ? (size_t)size - 3 : 0;

    line_settle(t);
    if (t->at == t->end || size < 2)
        return NULL;
    const char *line = t->at, *stop = memchr(line, '\n', (size_t)(t->end - line));
    t->at = stop ? stop + 1 : t->end;
    t->line++;
    size_t len = (size_t)((stop ? stop : t->end) - line);
    for (; len > 0 && blank(*line); len--)
        line++;
    while (len > 0 && (blank(line[len - 1]) || line[len - 1] == '\r'))
        len--;
    if (!line_look(t, line, len, room))
        len = 0;
    memcpy(out, line, len);
    memcpy(out + len, "\n", 2);
    return out;
}

static enum err text_read(struct cfg_reader *r, const char *text, size_t len)
{
    struct config_text t = {.r = r, .at = text, .end = text + len};
    size_t before = r->faults;

    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        t.at += 3;
    int bad = ini_parse_stream(line_read, &t, handle_key, &t);
    line_settle(&t);
    if (bad == -2)
        return ERR_NO_MEMORY;
    if (bad != 0 && r->faults == before)
        config_fault_line(r, bad, "this line could not be read");
    return ERR_OK;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static enum err cfg_new(struct cfg **out)
{
    struct arena *a = NULL;

    TRY(arena_open(&a, 16 * 1024));
    struct cfg *cfg = ARENA_NEW(a, struct cfg);
    cfg->arena = a;
    *out = cfg;
    return ERR_OK;
}

void config_free(struct cfg **cfg)
{
    if (!*cfg)
        return;
    struct arena *a = (*cfg)->arena; /* the struct lies in its own arena */
    *cfg = NULL;
    arena_close(&a);
}

static enum err parse_all(struct cfg_reader *r, const char *text, size_t len, bool env, struct cfg **out)
{
    TRY(cfg_new(&r->cfg));
    for (size_t i = 0; i < CFG_COUNT; i++)
        config_value_take(r, (enum cfg_id)i, rows[i].def);
    enum err e = text_read(r, text, len);
    if (env)
        config_env_read(r);
    config_check(r);
    e = e == ERR_OK && r->faults ? ERR_CONFIG : e;
    if (e != ERR_OK)
        config_free(&r->cfg);
    else
        *out = r->cfg;
    return e;
}

enum err config_parse(const char *path, const char *text, size_t len, bool env, config_fault_fn fault, void *arg,
                      struct cfg **out)
{
    struct cfg_reader r = {.file = path, .fault = fault, .arg = arg};

    return parse_all(&r, text, len, env, out);
}

static enum err file_refuse(struct arena *a, config_fault_fn fault, void *arg, const char *line, enum err e)
{
    if (fault)
        fault(arg, line);
    arena_close(&a);
    return e;
}

static const char *file_fault(struct arena *a, const char *path, FILE *f, bool *open_to_all)
{
    struct stat st;

    if (fstat(fileno(f), &st) != 0)
        return arena_printf(a, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return arena_printf(a, "%s: is not a regular file", path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return arena_printf(a, "%s: others than its owner may write it (mode %04o): chmod go-w", path,
                            (unsigned)st.st_mode & 07777);
    *open_to_all = st.st_mode & S_IROTH;
    if (st.st_size > CONFIG_MAX_BYTES)
        return arena_printf(a, "%s: is larger than %d bytes", path, CONFIG_MAX_BYTES);
    return NULL;
}

enum err config_load(const char *path, config_fault_fn fault, void *arg, struct cfg **out)
{
    struct cfg_reader r = {.file = path, .fault = fault, .arg = arg};
    struct arena *a = NULL;
    AUTO(file) FILE *f = fopen(path, "re");
    int reason = errno;

    TRY(arena_open(&a, 4096));
    if (!f)
        return file_refuse(a, fault, arg, arena_printf(a, "%s: cannot be opened: %s", path, strerror(reason)), ERR_IO);
    const char *why = file_fault(a, path, f, &r.open_to_all);
    if (why)
        return file_refuse(a, fault, arg, why, ERR_CONFIG);
    char *text = arena_alloc(a, CONFIG_MAX_BYTES);
    size_t len = fread(text, 1, CONFIG_MAX_BYTES, f);
    if (ferror(f))
        return file_refuse(a, fault, arg, arena_printf(a, "%s: cannot be read: %s", path, strerror(errno)), ERR_IO);
    enum err e = parse_all(&r, text, len, true, out);
    arena_close(&a);
    return e;
}
