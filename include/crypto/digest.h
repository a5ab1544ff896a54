/* SHA-256, HMAC-SHA-256 and SHA-1 in one call each. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32 /* bytes of the first two */
#define SHA1_LEN 20

/* SHA-256 (FIPS 180-4) of n bytes. ERR_INTERNAL. */
MUST_USE enum err digest_sha256(const void *p, size_t n, uint8_t out[static DIGEST_LEN]);
/* HMAC-SHA-256 (RFC 2104) of n bytes under a key of key_len bytes. ERR_INTERNAL. */
MUST_USE enum err digest_hmac(const void *key, size_t key_len, const void *p, size_t n, uint8_t out[static DIGEST_LEN]);
/* SHA-1 (FIPS 180-4) of n bytes, for looking up breached passwords and nothing else. ERR_INTERNAL. */
MUST_USE enum err digest_sha1(const void *p, size_t n, uint8_t out[static SHA1_LEN]);

#endif
