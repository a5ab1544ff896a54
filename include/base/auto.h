/* AUTO(kind): a foreign handle that is released when its block ends. Each kind is declared once, beside the header of
 * the library it belongs to, with AUTO_KIND. */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stdio.h>
#include <unistd.h>

#define AUTO(kind) __attribute__((cleanup(auto_##kind)))
#define AUTO_KIND(kind, type, release)      \
    static inline void auto_##kind(type *p) \
    {                                       \
        if (*p)                             \
            release(*p);                    \
    }                                       \
    struct auto_##kind##_needs_semicolon

AUTO_KIND(file, FILE *, fclose);

/* A descriptor; -1 is none. */
static inline void auto_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
