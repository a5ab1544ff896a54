/* See fixed.h. The bytes are those of splitmix64: even enough for rng_id to end. */
#include "fixed.h"

#include "base/clock.h"
#include "base/rng.h"

#include <time.h>

int64_t fixed_now;
static uint64_t state;

int64_t clock_now(void)
{
    return fixed_now;
}

/* Nobody else is at work here for whom a pause before another try (db.c) would make room. */
int nanosleep(const struct timespec *pause, struct timespec *left)
{
    (void)pause;
    (void)left;
    return 0;
}

void fixed_random(unsigned which)
{
    state = (uint64_t)which << 40;
}

enum err rng_fill(void *p, size_t n)
{
    unsigned char *to = p;

    for (size_t i = 0; i < n; i++) {
        uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        to[i] = (unsigned char)(z ^ (z >> 31));
    }
    return ERR_OK;
}
