/* Secrets: one or more lines of a 0600 file, newest first. Sign with the first, verify with all. */
#ifndef CRYPTO_KEYS_H
#define CRYPTO_KEYS_H

#include "base/arena.h"
#include "base/auto.h"
#include <stdbool.h>
#include <stdint.h>

#define KEYS_MAX 8
#define KEYS_MIN_LEN 32 /* characters of a secret */
#define KEYS_MAX_LEN 512
#define KEYS_MAC_LEN 32 /* bytes of HMAC-SHA-256 */
#define KEYS_PRINT_SIZE 65

struct keys;

/* Reads path; makes it with one new secret if it is not there (O_EXCL and link(2): of two starting at once the loser
 * reads the winner's). Refuses a file others may read, short or too many secrets. The caller owns *out: keys_close.
 * ERR_SECRET, ERR_IO, ERR_RANDOM; the reason is logged. */
MUST_USE enum err keys_open(const char *path, struct keys **out);
/* Cleanses and frees; NULL-safe. */
void keys_close(struct keys **k);
size_t keys_count(const struct keys *k);
/* Puts a new secret in front of those in path and drops all but the `keep` newest; by rename(2), never half written.
 * ERR_SECRET, ERR_IO, ERR_RANDOM. */
MUST_USE enum err keys_add(const char *path, size_t keep);
/* Drops all but the `keep` newest (at least one stays), in the same way. */
MUST_USE enum err keys_keep(const char *path, size_t keep);

/* HMAC-SHA-256 (RFC 2104) of msg under the i-th secret. ERR_INTERNAL. */
MUST_USE enum err keys_mac(const struct keys *k, size_t i, const char *msg, size_t len,
                           uint8_t out[static KEYS_MAC_LEN]);
/* Keyed fingerprint of the i-th secret, hex: tells whether two hosts hold the same one, and nothing else. */
MUST_USE enum err keys_print(const struct keys *k, size_t i, char out[static KEYS_PRINT_SIZE]);

/* Tells sets of secrets apart, and nothing else. ERR_INTERNAL. */
MUST_USE enum err keys_ring(const struct keys *k, uint64_t *out);

/* AUTO(keys) */
static inline void auto_keys(struct keys **k)
{
    keys_close(k);
}

#endif
