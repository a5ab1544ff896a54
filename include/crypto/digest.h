/* SHA-256, HMAC-SHA-256 and SHA-1 in one call each. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32 /* bytes of the first two */
#define SHA1_LEN 20

struct digest_key;

/* SHA-256 (FIPS 180-4) of n bytes. ERR_INTERNAL. */
MUST_USE enum err digest_sha256(const void *p, size_t n, uint8_t out[static DIGEST_LEN]);
/* A key of len bytes (1 or more) made ready for digest_hmac, once for many. The caller owns *out: digest_key_close.
 * ERR_INTERNAL. */
MUST_USE enum err digest_key(const void *key, size_t len, struct digest_key **out);
/* Cleanses and frees; *key may be NULL. */
void digest_key_close(struct digest_key **key);
/* HMAC-SHA-256 (RFC 2104) of n bytes under a key. ERR_INTERNAL. */
MUST_USE enum err digest_hmac(const struct digest_key *key, const void *p, size_t n, uint8_t out[static DIGEST_LEN]);
/* SHA-1 (FIPS 180-4) of n bytes, for looking up breached passwords and nothing else. ERR_INTERNAL. */
MUST_USE enum err digest_sha1(const void *p, size_t n, uint8_t out[static SHA1_LEN]);

#endif
