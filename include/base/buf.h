/* Growing text buffer in an arena. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

struct buf {
    struct arena *arena;
    char *s; /* always NUL-terminated once anything was added; may be NULL before */
    size_t len, cap;
};

/* An empty buffer whose bytes come from a. */
struct buf buf_in(struct arena *a);
void buf_add(struct buf *b, const char *s, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends s so that it is text inside HTML, also within a quoted attribute: & < > " ' as entities. */
void buf_html(struct buf *b, const char *s);
/* The text, NUL-terminated; "" if nothing was added. Valid until the next addition. */
const char *buf_str(const struct buf *b);

#endif
