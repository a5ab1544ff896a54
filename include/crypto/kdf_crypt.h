/* Password hashes of crypt(3) form, for kdf.c alone. */
#ifndef CRYPTO_KDF_CRYPT_H
#define CRYPTO_KDF_CRYPT_H

#include "base/arena.h"
#include <stdbool.h>

/* Is stored a hash that libcrypt knows, of a cost that one request may spend? DES only where libcrypt calls it good. */
bool kdf_crypt_knows(const char *stored);
/* Does password, its bytes as they are, give stored? Only after kdf_crypt_knows. ERR_NO_MEMORY. */
MUST_USE enum err kdf_crypt_match(struct arena *a, const char *password, const char *stored, bool *match);

#endif
