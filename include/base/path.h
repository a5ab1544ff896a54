/* Paths as web servers resolve them, and as a careless one might. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/arena.h"
#include <stdbool.h>

/* A decoded path without empty, "." and ".." segments (RFC 3986 §5.2.4; "//" is "/"); it never leaves the root and keeps
 * its last slash. */
char *path_resolve(struct arena *a, const char *s);
/* The same of what s may mean to a server that takes case, backslashes, parameters of segments (";…") and trailing dots,
 * blanks and control characters for nothing. */
char *path_resolve_loosely(struct arena *a, const char *s);
/* What a server makes of s that decodes it once more, and lets stand what is no escape or would end the text (%zz, %00).
 * NULL: nothing changes. */
char *path_decode_again(struct arena *a, const char *s);
/* Is path what prefix names, or below it? Whole segments count: "/a" and "/a/" hold "/a", "/a/" and "/a/b", not "/ab".
 * Both resolved. */
bool path_below(const char *path, const char *prefix);

#endif
