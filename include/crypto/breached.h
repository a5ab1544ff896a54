/* A file of breached passwords: sorted SHA-1 hashes in hex, one a line, perhaps each with a colon and a count. It may
 * have tens of gigabytes: searched by halves where it lies, opened anew each time, so that it can be replaced by
 * renaming. */
#ifndef CRYPTO_BREACHED_H
#define CRYPTO_BREACHED_H

#include "base/err.h"
#include "crypto/digest.h"
#include <stdbool.h>

/* Is hash in the file? ERR_IO: it cannot be read or is no such file, as far as was looked; told in the log. */
MUST_USE enum err breached_find(const char *path, const uint8_t hash[static SHA1_LEN], bool *found);
/* Before anything is served: first and last line, and some between, which must be in order. ERR_IO, told in the log. */
MUST_USE enum err breached_check(const char *path);

#endif
