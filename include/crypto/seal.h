/* Sealing: what lies in the database but is to be read only by who has the secret file. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "crypto/keys.h"

/* Seals n bytes under the newest secret: AES-256-GCM (NIST SP 800-38D), its key an HMAC of the purpose under the
 * secret. bound: what the seal holds for, e.g. the row's id; moved elsewhere it does not open. *out is text,
 * base64 without line breaks, in the arena. ERR_RANDOM, ERR_INTERNAL. */
MUST_USE enum err seal_close(const struct keys *k, struct arena *a, const char *purpose, const char *bound,
                             const void *p, size_t n, char **out);
/* The reverse, under any of the secrets; *out has a NUL behind its *n bytes. ERR_NONE: not sealed by one of ours for
 * this, or altered. ERR_INTERNAL. */
MUST_USE enum err seal_open(const struct keys *k, struct arena *a, const char *purpose, const char *bound,
                            const char *sealed, char **out, size_t *n);
/* The same, and which secret it is under: 0 is the newest. */
MUST_USE enum err seal_open_by(const struct keys *k, struct arena *a, const char *purpose, const char *bound,
                               const char *sealed, char **out, size_t *n, size_t *by);

#endif
