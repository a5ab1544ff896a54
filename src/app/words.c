/* Catalogues of words. A line is "key = text"; what is built in stands in for what a site's file lacks, and English for
 * what a language lacks. */
#include "app/words.h"

#include "base/enc.h"
#include "base/log.h"

#include <string.h>
#include <strings.h>

enum { LANGS = 2, ARENA_BLOCK = 64 * 1024, KEY_MAX = 80 };

extern const struct builtin page_builtins[];

struct words_book {
    struct arena *arena;
    size_t n; /* languages; the first is the default */
    bool choose;
    bool own;          /* a file of the site is there */
    const char *fault; /* the first */
    struct words v[LANGS];
};

struct template_set words_templates(const struct cfg *cfg)
{
    return (struct template_set){page_builtins, cfg->pages_directory};
}

/* --- one file --------------------------------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(const char **s, size_t *n)
{
    while (*n > 0 && blank(**s)) {
        ++*s;
        --*n;
    }
    while (*n > 0 && blank((*s)[*n - 1]))
        --*n;
}

/* What a template can name. */
static bool key_ok(const char *s, size_t n)
{
    static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

    for (size_t i = 0; i < n; i++)
        if (!memchr(known, s[i], sizeof known - 1))
            return false;
    return n > 0 && n <= KEY_MAX;
}

static const char *put(struct mustache_var *v, size_t *n, const char *key, const char *text)
{
    size_t i = 0;

    while (i < *n && strcmp(v[i].name, key) != 0)
        i++;
    if (i == WORDS_MAX)
        return "is one too many";
    v[i] = (struct mustache_var){key, text};
    *n += i == *n;
    return NULL;
}

static const char *line_take(struct arena *a, const char *s, size_t len, struct mustache_var *v, size_t *n)
{
    trim(&s, &len);
    if (len == 0 || *s == '#')
        return NULL;
    if (memchr(s, '\0', len) || !enc_utf8_valid(s, len))
        return "is not UTF-8";
    const char *equals = memchr(s, '=', len), *text = equals ? equals + 1 : NULL;
    if (!equals)
        return "is no 'key = text'";
    size_t key_len = (size_t)(equals - s), text_len = len - key_len - 1;
    trim(&s, &key_len);
    trim(&text, &text_len);
    if (!key_ok(s, key_len))
        return "has no key of letters, digits, _ and -";
    return put(v, n, arena_printf(a, "t-%s", arena_strndup(a, s, key_len)), arena_strndup(a, text, text_len));
}

const char *words_read(struct arena *a, const char *text, size_t len, struct mustache_var *v, size_t *n)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put it there */
    const char *first = NULL;

    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        len -= 3;
    }
    for (int line = 1; len > 0; line++) {
        const char *end = memchr(text, '\n', len);
        size_t here = end ? (size_t)(end - text) : len;
        const char *why = line_take(a, text, here, v, n);
        if (why && !first)
            first = arena_printf(a, "line %d %s", line, why);
        here += end != NULL;
        text += here;
        len -= here;
    }
    return first;
}

/* --- the book --------------------------------------------------------------------------------------------------- */

/* Built in, then the site's over it. */
static void file_read(const struct cfg *cfg, struct words_book *b, const char *lang, struct mustache_var *v, size_t *n)
{
    struct template_set set = words_templates(cfg);
    const char *text, *fault, *why = NULL, *name = arena_printf(b->arena, "%s.strings", lang);
    size_t len;
    bool own;

    if (template_text(&set, false, b->arena, name, &text, &len, &own, &fault))
        (void)words_read(b->arena, text, len, v, n);
    if (template_text(&set, true, b->arena, name, &text, &len, &own, &fault) && own)
        why = words_read(b->arena, text, len, v, n);
    if (why)
        fault = arena_printf(b->arena, "%s/%s: %s", set.dir, name, why);
    if (!b->fault)
        b->fault = fault;
    b->own = b->own || own;
}

static void language_add(const struct cfg *cfg, struct words_book *b, const char *lang)
{
    struct mustache_var *v = ARENA_ARRAY(b->arena, struct mustache_var, WORDS_MAX);
    size_t n = 0;

    if (strcmp(lang, "en") != 0)
        file_read(cfg, b, "en", v, &n);
    file_read(cfg, b, lang, v, &n);
    b->v[b->n++] = (struct words){lang, {.vars = v, .n_vars = n}};
}

static void book_read(const struct cfg *cfg, struct words_book *b)
{
    b->choose = strcmp(cfg->pages_language, "auto") == 0;
    language_add(cfg, b, b->choose ? "en" : cfg->pages_language);
    if (b->choose)
        language_add(cfg, b, "de");
}

enum err words_open(const struct cfg *cfg, struct words_book **out)
{
    struct arena *a = NULL;

    TRY(arena_open(&a, ARENA_BLOCK));
    struct words_book *b = ARENA_NEW(a, struct words_book);
    b->arena = a;
    book_read(cfg, b);
    if (b->fault)
        log_error("words of pages: %s", b->fault);
    *out = b;
    return ERR_OK;
}

void words_close(struct words_book **b)
{
    if (!*b)
        return;
    struct arena *a = (*b)->arena; /* the book lies in its own arena */
    *b = NULL;
    arena_close(&a);
}

const char *words_fault(const struct cfg *cfg, struct arena *a, bool *own)
{
    struct words_book b = {.arena = a};

    book_read(cfg, &b);
    *own = b.own;
    return b.fault;
}

/* --- which language --------------------------------------------------------------------------------------------- */

/* The weight of one item, in thousandths; 1000 without one. */
static int weight(const char *s, size_t n)
{
    const char *q = memmem(s, n, "q=", 2), *end = s + n;
    int value = 0, unit = 1000;

    if (!q)
        return 1000;
    for (q += 2; q < end && unit > 0 && strchr(".0123456789", *q); q++) {
        if (*q == '.') {
            unit = 100;
            continue;
        }
        value += (*q - '0') * unit;
        unit /= 10;
    }
    return value < 1000 ? value : 1000;
}

static const struct words *language_find(const struct words_book *b, const char *s, size_t n)
{
    size_t len = 0;

    while (len < n && !strchr("-;, \t", s[len]))
        len++;
    for (size_t i = 0; i < b->n; i++)
        if (strlen(b->v[i].lang) == len && strncasecmp(b->v[i].lang, s, len) == 0)
            return &b->v[i];
    return NULL;
}

const struct words *words_for(const struct words_book *b, const char *accept_language)
{
    const struct words *best = &b->v[0];
    int most = 0;

    for (const char *s = b->choose ? accept_language : NULL; s && *s;) {
        s += strspn(s, ", \t");
        size_t n = strcspn(s, ",");
        const struct words *w = language_find(b, s, n);
        if (w && weight(s, n) > most) {
            most = weight(s, n);
            best = w;
        }
        s += n;
    }
    return best;
}

const char *words_get(const struct words *w, const char *key)
{
    for (size_t i = 0; i < w->data.n_vars; i++)
        if (strcmp(w->data.vars[i].name + 2, key) == 0)
            return w->data.vars[i].text;
    return NULL;
}
