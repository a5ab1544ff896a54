/* Growing text buffer in an arena. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"
#include <string.h>

struct buf {
    struct arena *arena;
    char *s; /* always NUL-terminated once anything was added; may be NULL before */
    size_t len, cap;
};

/* An empty buffer whose bytes come from a. */
struct buf buf_in(struct arena *a);
/* buf_reserve's way to more room. */
void buf_grow(struct buf *b, size_t n);
/* Makes room for n more bytes and the NUL. These stand here since an answer is made of many short pieces. */
static inline void buf_reserve(struct buf *b, size_t n)
{
    if (n >= b->cap - b->len)
        buf_grow(b, n);
}
static inline void buf_add(struct buf *b, const char *s, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->s + b->len, s, n);
    b->len += n;
    b->s[b->len] = '\0';
}
static inline void buf_puts(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends s so that it is text inside HTML, also within a quoted attribute: & < > " ' as entities. */
void buf_html(struct buf *b, const char *s);
/* The text, NUL-terminated; "" if nothing was added. Valid until the next addition. */
const char *buf_str(const struct buf *b);

#endif
