/* Random bytes from the kernel, per call, so that nothing is shared across fork. Tests replace rng_fill by linking
 * their own. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/err.h"
#include <stddef.h>

/* Characters of ids and tokens: 32 of [A-Za-z0-9], 190 bits. */
#define RNG_ID_LEN 32
#define RNG_ID_SIZE (RNG_ID_LEN + 1)

/* Fills n bytes by getrandom(2). ERR_RANDOM: nothing may be issued. */
MUST_USE enum err rng_fill(void *p, size_t n);
/* An id or token, NUL-terminated, unbiased by rejection. Tests that inject rng_fill get a determined one. ERR_RANDOM.
 */
MUST_USE enum err rng_id(char out[static RNG_ID_SIZE]);

#endif
