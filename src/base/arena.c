/* Memory of one request, in blocks. Invariant: bytes of a block that are not handed out are zero, so that handing out
 * costs no clearing and reset wipes what was used and no more. Sanitizer builds give each allocation a block of exactly
 * its size, so that an overrun is seen. Must not grow a way to free a single allocation. */
#include "base/arena.h"

#include "base/log.h"
#include "base/sanitized.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN alignof(max_align_t)

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *first;   /* kept over resets */
    struct block *current; /* head of the later blocks, or first */
    size_t block, handed;
};

static _Noreturn void arena_die(size_t n)
{
    log_error("out of memory: %zu bytes for a request", n);
    abort();
}

static struct block *block_new(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    struct block *b = calloc(1, sizeof *b + size);
    if (b)
        b->size = size;
    return b;
}

/* explicit_bzero, not memset: tokens and passwords lie here, and a compiler may drop a store before free. In pieces:
 * for more at once C libraries go over to string instructions of the processor, which are slow to begin. */
static void block_wipe(struct block *b)
{
    enum { PIECE = 1024 };

    for (size_t at = 0; at < b->used; at += PIECE)
        explicit_bzero(b->data + at, b->used - at < PIECE ? b->used - at : PIECE);
    b->used = 0;
}

enum err arena_open(struct arena **out, size_t block)
{
    struct arena *a = calloc(1, sizeof *a);
    struct block *first = block_new(SANITIZED ? 0 : block);
    if (!a || !first) {
        free(a);
        free(first);
        log_error("out of memory: arena of %zu bytes", block);
        return ERR_NO_MEMORY;
    }
    a->block = block;
    a->first = a->current = first;
    *out = a;
    return ERR_OK;
}

void arena_reset(struct arena *a)
{
    while (a->current != a->first) {
        struct block *b = a->current;
        a->current = b->next;
        block_wipe(b);
        free(b);
    }
    block_wipe(a->first);
    a->handed = 0;
}

void arena_close(struct arena **a)
{
    if (!a || !*a)
        return;
    arena_reset(*a);
    free((*a)->first);
    free(*a);
    *a = NULL;
}

static struct block *block_push(struct arena *a, size_t n)
{
    size_t size = SANITIZED || n > a->block ? n : a->block;
    struct block *b = block_new(size);
    if (!b)
        arena_die(n);
    b->next = a->current;
    a->current = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        arena_die(n);
    struct block *b = a->current;
    size_t at = (b->used + ALIGN - 1) / ALIGN * ALIGN;
    if (SANITIZED || at > b->size || n > b->size - at) {
        b = block_push(a, n);
        at = 0;
    }
    b->used = at + n;
    a->handed += n;
    return b->data + at;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    if (n == SIZE_MAX)
        arena_die(n);
    char *copy = arena_alloc(a, n + 1);
    if (n)
        memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        arena_die(0);
    char *s = arena_alloc(a, (size_t)n + 1);
    if (vsnprintf(s, (size_t)n + 1, fmt, ap) != n)
        arena_die((size_t)n);
    return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

size_t arena_used(const struct arena *a)
{
    return a->handed;
}
