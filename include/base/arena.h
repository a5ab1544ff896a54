/* Arena: memory of one request. Everything request-scoped is taken from it and nothing is freed by hand; reset cleanses
 * and releases all at once, so secrets may lie in it. Sanitizer builds give each allocation its own malloc. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Makes an arena whose first block holds `block` bytes. Owned by the caller: arena_close. ERR_NO_MEMORY. */
MUST_USE enum err arena_open(struct arena **out, size_t block);
/* Cleanses and frees it; *a becomes NULL. NULL-safe. */
void arena_close(struct arena **a);
/* Cleanses all that was taken and keeps the first block for the next request. */
void arena_reset(struct arena *a);

/* n bytes, zeroed, aligned for any type; valid until reset. Never NULL: memory exhaustion ends the process by
 * abort() after a log line, since a worker is replaced and no handler could go on. n = 0 is allowed. */
void *arena_alloc(struct arena *a, size_t n);
/* Copies n bytes of s and a closing NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
/* Copies a string. NULL gives NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Bytes handed out since the last reset; for tests and limits. */
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), (n) * sizeof(type)))

#endif
