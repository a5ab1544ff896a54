/* Templates: a subset of mustache(5) that escapes by default. Taken: {{x}} (HTML-escaped where the output is HTML),
 * {{{x}}} and {{&x}} (as it is), {{#x}}…{{/x}}, {{^x}}…{{/x}}, {{! comment}}, lines that hold nothing but a tag. Not
 * taken, and a fault: partials, other delimiters, dotted names. A name is of letters, digits, _ and -. */
#ifndef BASE_MUSTACHE_H
#define BASE_MUSTACHE_H

#include "base/buf.h"
#include <stdbool.h>

enum { MUSTACHE_MAX = 64 * 1024, MUSTACHE_OUT_MAX = 1024 * 1024, MUSTACHE_DEPTH = 8 };

struct mustache_data;

struct mustache_var {
    const char *name, *text; /* text NULL or "": a section of it is not shown */
};
struct mustache_list {
    const char *name;
    const struct mustache_data *items;
    size_t n;
};
/* What a template may name. An item of a list is asked first, then what it lies in. */
struct mustache_data {
    const struct mustache_var *vars;
    size_t n_vars;
    const struct mustache_list *lists;
    size_t n_lists;
    const struct mustache_data *outer; /* set while a list is gone through; NULL */
};

/* Appends what becomes of the len bytes of a template. false: *fault tells what is wrong in which line ("line 3: …", in
 * the arena of out); what was appended is of no use then. Names that data does not have are empty. A template of more
 * than MUSTACHE_MAX bytes, sections deeper than MUSTACHE_DEPTH and more than MUSTACHE_OUT_MAX bytes are faults. */
bool mustache_render(struct buf *out, const char *text, size_t len, const struct mustache_data *data, bool html,
                     const char **fault);

#endif
