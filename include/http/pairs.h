/* Inside http/: how a query is read, laxer than a form. */
#ifndef HTTP_PAIRS_H
#define HTTP_PAIRS_H

#include "http/request.h"

#define PAIRS_MAX 64

/* As pairs_parse, but a '%' that begins no escape stands for itself, as browsers' URL parsers have it (WHATWG URL
 * §1.3). ERR_BAD_REQUEST: NUL byte, invalid UTF-8, more than PAIRS_MAX. */
MUST_USE enum err pairs_parse_query(struct arena *a, const char *s, size_t n, struct pairs *out);

#endif
