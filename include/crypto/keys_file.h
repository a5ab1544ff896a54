/* What keys.c (secrets in memory) and keys_file.c (the file they are in) need of each other; for these two alone. */
#ifndef CRYPTO_KEYS_FILE_H
#define CRYPTO_KEYS_FILE_H

#include "crypto/keys.h"

#define KEYS_MAX_BYTES (4 * KEYS_MAX_LEN) /* a character is up to four bytes */
#define KEYS_FILE_MAX 32768

/* Reads all of fd after checking that it is a plain file, ours or root's, closed to others; path is for messages.
 * text holds KEYS_FILE_MAX bytes. ERR_SECRET, ERR_IO. */
MUST_USE enum err keys_file_read(const char *path, int fd, char *text, size_t *len);
/* The secrets in fd. The caller owns *out: keys_close. ERR_SECRET, ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err keys_load(const char *path, int fd, struct keys **out);
/* Bytes of the i-th secret; borrowed, not NUL-terminated. */
const char *keys_secret(const struct keys *k, size_t i, size_t *len);

#endif
