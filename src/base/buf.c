/* Growing text in an arena. Outgrown copies stay in the arena until its reset, which also wipes them; doubling keeps
 * their sum below the final size. A first piece that is longer than usual gets what it needs. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 128

struct buf buf_in(struct arena *a)
{
    return (struct buf){.arena = a};
}

void buf_grow(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : n < BUF_FIRST ? BUF_FIRST : n + 1;
    while (cap - b->len <= n) {
        if (cap > SIZE_MAX / 4) {
            cap = SIZE_MAX; /* refused by the arena, which ends the process with a log line */
            break;
        }
        cap *= 2;
    }
    char *s = arena_alloc(b->arena, cap);
    if (b->len)
        memcpy(s, b->s, b->len);
    b->s = s;
    b->cap = cap;
}

void buf_putc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

static int PRINTF_LIKE(2, 0) buf_try(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(b->s + b->len, b->cap - b->len, fmt, again);
    va_end(again);
    if (n < 0)
        abort(); /* a text of 2 GiB or a broken format: a bug, and half a text must not go out */
    return n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_reserve(b, 0);
    size_t n = (size_t)buf_try(b, fmt, ap);
    if (n >= b->cap - b->len) {
        buf_reserve(b, n);
        (void)buf_try(b, fmt, ap);
    }
    va_end(ap);
    b->len += n;
}

const char *buf_str(const struct buf *b)
{
    return b->s ? b->s : "";
}

void buf_html(struct buf *b, const char *s)
{
    static const char special[] = "&<>\"'";
    static const char *const as[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

    for (;;) {
        size_t n = strcspn(s, special);
        buf_add(b, s, n);
        s += n;
        if (!*s)
            return;
        buf_puts(b, as[strchr(special, *s++) - special]);
    }
}
