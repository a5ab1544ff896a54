/* Templates by name: a file of the site's directory, else the one built in. */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include "base/mustache.h"

/* Made by build-aux/embed-templates.sh. */
struct builtin {
    const char *name, *text; /* name of the file; NULL ends the list */
};
struct template_set {
    const struct builtin *builtins;
    const char *dir; /* "": the site has none */
};

/* The text of a template. site: the directory is asked first. true: *text and *len are set (text in the arena, or built
 * in), and *own tells whether it is the site's. false: *fault tells why ("FILE: what"). */
bool template_text(const struct template_set *set, bool site, struct arena *a, const char *name, const char **text,
                   size_t *len, bool *own, const char **fault);
/* Appends what becomes of it. false: *fault, as above or of its text. */
bool template_render(const struct template_set *set, bool site, struct buf *out, const char *name,
                     const struct mustache_data *data, bool html, bool *own, const char **fault);

#endif
