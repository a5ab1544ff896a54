/* Ids and tokens from random bytes. Must not use a remainder over all 256 values: 256 is no multiple of 62, and the
 * first characters of the alphabet would come more often. */
#include "base/rng.h"

#include "base/log.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#define LETTERS (sizeof alphabet - 1)
#define FAIR (256 / LETTERS * LETTERS) /* bytes from here on are thrown away */
#define POOL 48                        /* enough for 32 letters nearly always */
#define ROUNDS 64                      /* a source that gives only unusable bytes is broken, not unlucky */

enum err rng_id(char out[static RNG_ID_SIZE])
{
    unsigned char pool[POOL];
    char id[RNG_ID_SIZE] = "";
    size_t len = 0;
    for (int round = 0; len < RNG_ID_LEN && round < ROUNDS; round++) {
        TRY(rng_fill(pool, sizeof pool));
        for (size_t i = 0; i < sizeof pool && len < RNG_ID_LEN; i++)
            if (pool[i] < FAIR)
                id[len++] = alphabet[pool[i] % LETTERS];
    }
    explicit_bzero(pool, sizeof pool);
    if (len == RNG_ID_LEN)
        memcpy(out, id, sizeof id);
    explicit_bzero(id, sizeof id);
    if (len == RNG_ID_LEN)
        return ERR_OK;
    log_error("the source of random bytes is broken");
    return ERR_RANDOM;
}
