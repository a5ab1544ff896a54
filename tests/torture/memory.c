/* See memory.h. Under AddressSanitizer its own allocator stands behind these, so that its checks go on. */
#include "memory.h"

#include "base/sanitized.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool counting, lasts;
static unsigned long calls, fails_at;

#define PLAIN __attribute__((no_sanitize("address", "undefined"), used))

#if SANITIZED
#define BEHIND(name) __interceptor_##name
#else
#define BEHIND(name) __libc_##name
#endif
void *BEHIND(malloc)(size_t n);
void *BEHIND(calloc)(size_t n, size_t each);
void *BEHIND(realloc)(void *p, size_t n);

/* declared here, not by <stdlib.h>, whose attributes would let a compiler assume what malloc does */
void *malloc(size_t n);
void *calloc(size_t n, size_t each);
void *realloc(void *p, size_t n);

PLAIN static bool due(void)
{
    if (!counting)
        return false;
    calls++;
    if (fails_at == 0 || calls < fails_at || (calls > fails_at && !lasts))
        return false;
    errno = ENOMEM;
    return true;
}

PLAIN void *malloc(size_t n)
{
    return due() ? NULL : BEHIND(malloc)(n);
}

PLAIN void *calloc(size_t n, size_t each)
{
    return due() ? NULL : BEHIND(calloc)(n, each);
}

PLAIN void *realloc(void *p, size_t n)
{
    return due() ? NULL : BEHIND(realloc)(p, n);
}

#if !SANITIZED
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    if ((flags & MAP_ANONYMOUS) && due())
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, from);
}
#endif

void memory_fail(unsigned long n, bool lasting)
{
    calls = 0;
    fails_at = n;
    lasts = lasting;
    counting = true;
}

unsigned long memory_mend(void)
{
    counting = false;
    return calls;
}
