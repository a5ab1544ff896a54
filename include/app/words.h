/* The words of pages, in each language: built in (templates/pages), and over them the site's (pages.directory). */
#ifndef APP_WORDS_H
#define APP_WORDS_H

#include "base/template.h"
#include "conf/config.h"

struct words_book;

/* Of one language. */
enum { WORDS_MAX = 300 };

/* One language: what templates name "t-KEY". */
struct words {
    const char *lang; /* "de" */
    struct mustache_data data;
};

/* Takes the lines "key = text" of a file into v of WORDS_MAX, where a later one stands for an earlier one of its key.
 * Passes over those with a fault, and says which is the first ("line 3 …", in the arena); NULL: none. */
const char *words_read(struct arena *a, const char *text, size_t len, struct mustache_var *v, size_t *n);
/* Reads all of them. A fault in a file of the site is logged, and its line passed over. The caller owns *out. */
MUST_USE enum err words_open(const struct cfg *cfg, struct words_book **out);
void words_close(struct words_book **b);
/* Those that pages.language says, or with auto the best for an Accept-Language field (RFC 9110 §12.5.4; NULL: none). */
const struct words *words_for(const struct words_book *b, const char *accept_language);
/* NULL: there is none for the key. */
const char *words_get(const struct words *w, const char *key);
/* The templates of pages. */
struct template_set words_templates(const struct cfg *cfg);
/* The first fault in a file of the site, for latchkeyctl check; NULL: none. *own: there is one. */
const char *words_fault(const struct cfg *cfg, struct arena *a, bool *own);

#endif
