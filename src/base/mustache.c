/* Templates, read and written in one go. A section that is not shown is read all the same, so that a fault in it is
 * told. Must not call back or open anything: a template is text of an administrator, its values are text of strangers.
 */
#include "base/mustache.h"

#include <string.h>

enum { TAGS_MAX = 100 * 1000 }; /* of lists in lists in lists */

struct render {
    struct buf *out;
    const char *begin, *end, *at; /* at: what comes next */
    bool html;
    size_t most; /* length of out that is not passed */
    size_t tags;
    const char *fault;
};

/* One tag: what stands before it, its sigil and its name. */
struct tag {
    const char *open;     /* of "{{" */
    const char *text_end; /* what stands before it is shown up to here */
    char sigil;           /* 0: a plain name */
    const char *name;     /* of len bytes */
    size_t len;
};

static bool fail(struct render *r, const char *at, const char *what)
{
    size_t line = 1;

    for (const char *p = r->begin; p < at; p++)
        line += *p == '\n';
    r->fault = arena_printf(r->out->arena, "line %zu: %s", line, what);
    return false;
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool name_ok(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' &&
            s[i] != '-')
            return false;
    return n > 0;
}

static void trim(const char **s, size_t *n)
{
    while (*n > 0 && (blank(**s) || **s == '\n' || **s == '\r')) {
        ++*s;
        --*n;
    }
    while (*n > 0 && (blank((*s)[*n - 1]) || (*s)[*n - 1] == '\n' || (*s)[*n - 1] == '\r'))
        --*n;
}

/* A tag that is all of its line takes the line with it (mustache(5), "standalone"). */
static void take_line(struct render *r, struct tag *t, const char *after)
{
    const char *start = t->open, *rest = after;

    while (start > r->begin && blank(start[-1]))
        start--;
    while (rest < r->end && blank(*rest))
        rest++;
    if (start > r->begin && start[-1] != '\n')
        return;
    if (rest < r->end && *rest == '\r' && rest + 1 < r->end && rest[1] == '\n')
        rest++;
    if (rest < r->end && *rest != '\n')
        return;
    t->text_end = start;
    r->at = rest < r->end ? rest + 1 : rest;
}

static bool tag_read(struct render *r, struct tag *t)
{
    const char *inside = t->open + 2, *close = memmem(inside, (size_t)(r->end - inside), "}}", 2);

    if (++r->tags > TAGS_MAX)
        return fail(r, t->open, "too many tags, lists in lists gone through");
    if (!close)
        return fail(r, t->open, "a tag lacks its }}");
    t->sigil = close > inside && strchr("{&#^/!>=", *inside) ? *inside : '\0';
    t->name = inside + (t->sigil != '\0');
    t->len = (size_t)(close - t->name);
    r->at = close + 2;
    if (t->sigil == '{') {
        if (r->at >= r->end || *r->at != '}')
            return fail(r, t->open, "a tag lacks its }}}");
        r->at++;
    }
    if (t->sigil == '>' || t->sigil == '=')
        return fail(r, t->open, "partials and other delimiters are not taken");
    trim(&t->name, &t->len);
    if (t->sigil != '!' && !name_ok(t->name, t->len))
        return fail(r, t->open, "a name is of letters, digits, _ and -");
    if (t->sigil && strchr("#^/!", t->sigil))
        take_line(r, t, r->at);
    return true;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static bool same_name(const struct tag *t, const char *name)
{
    return strlen(name) == t->len && memcmp(name, t->name, t->len) == 0;
}

/* The nearest that has the name, as text or as a list; both NULL: nobody has. */
static void find(const struct mustache_data *d, const struct tag *t, const char **text,
                 const struct mustache_list **list)
{
    *text = NULL;
    *list = NULL;
    for (; d; d = d->outer) {
        for (size_t i = 0; i < d->n_vars; i++)
            if (same_name(t, d->vars[i].name)) {
                *text = d->vars[i].text;
                return;
            }
        for (size_t i = 0; i < d->n_lists; i++)
            if (same_name(t, d->lists[i].name)) {
                *list = &d->lists[i];
                return;
            }
    }
}

static bool add(struct render *r, const char *s, size_t n)
{
    if (n > r->most - r->out->len)
        return fail(r, r->at, "what becomes of it is too long");
    buf_add(r->out, s, n);
    return true;
}

static bool add_escaped(struct render *r, const char *s)
{
    struct buf b = buf_in(r->out->arena);

    buf_html(&b, s);
    return add(r, buf_str(&b), b.len);
}

static bool add_value(struct render *r, const struct mustache_data *d, const struct tag *t)
{
    const struct mustache_list *list;
    const char *text;

    find(d, t, &text, &list);
    if (!text)
        return true;
    return r->html && t->sigil == '\0' ? add_escaped(r, text) : add(r, text, strlen(text));
}

/* --- sections ---------------------------------------------------------------------------------------------------- */

static bool block(struct render *r, const struct mustache_data *d, const struct tag *of, bool shown, int depth);

static bool list_each(struct render *r, const struct mustache_data *d, const struct mustache_list *list,
                      const struct tag *of, int depth)
{
    const char *from = r->at;

    for (size_t i = 0; i < list->n; i++) {
        struct mustache_data item = list->items[i];
        item.outer = d;
        r->at = from;
        if (!block(r, &item, of, true, depth))
            return false;
    }
    return true;
}

static bool section(struct render *r, const struct mustache_data *d, const struct tag *t, bool shown, int depth)
{
    const struct mustache_list *list;
    const char *text;

    if (depth >= MUSTACHE_DEPTH)
        return fail(r, t->open, "sections lie too deep in each other");
    find(d, t, &text, &list);
    bool there = (text && *text) || (list && list->n > 0);
    if (shown && t->sigil == '#' && list && there)
        return list_each(r, d, list, t, depth + 1);
    return block(r, d, t, shown && there == (t->sigil == '#'), depth + 1);
}

/* Up to the end of the section `of` (NULL: of the template). */
static bool block(struct render *r, const struct mustache_data *d, const struct tag *of, bool shown, int depth)
{
    for (;;) {
        const char *from = r->at;
        struct tag t = {.open = memmem(from, (size_t)(r->end - from), "{{", 2)};
        t.text_end = t.open ? t.open : r->end;
        if (t.open && !tag_read(r, &t))
            return false;
        if (shown && t.text_end > from && !add(r, from, (size_t)(t.text_end - from)))
            return false;
        if (!t.open)
            return of ? fail(r, of->open, "a section has no end") : true;
        if (t.sigil == '/') {
            if (!of || of->len != t.len || memcmp(of->name, t.name, t.len) != 0)
                return fail(r, t.open, "the end of a section that is not the one open");
            return true;
        }
        if ((t.sigil == '#' || t.sigil == '^') && !section(r, d, &t, shown, depth))
            return false;
        if (shown && (t.sigil == '\0' || t.sigil == '{' || t.sigil == '&') && !add_value(r, d, &t))
            return false;
    }
}

bool mustache_render(struct buf *out, const char *text, size_t len, const struct mustache_data *data, bool html,
                     const char **fault)
{
    struct render r = {
        .out = out, .begin = text, .end = text + len, .at = text, .html = html, .most = out->len + MUSTACHE_OUT_MAX};

    bool ok = len > MUSTACHE_MAX ? fail(&r, text, "the template is too long") : block(&r, data, NULL, true, 0);
    if (!ok)
        *fault = r.fault;
    return ok;
}
