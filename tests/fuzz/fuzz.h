/* What the fuzz targets share. A target is a parser with its promises checked; replay.c runs it over a corpus. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/arena.h"
#include "base/enc.h"
#include "base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(what) \
    do {                 \
        if (!(what))     \
            abort();     \
    } while (0)

static inline void fuzz_text(const char *s)
{
    FUZZ_CHECK(enc_utf8_valid(s, strlen(s)));
}

static inline struct arena *fuzz_arena(void)
{
    static int opened;
    struct arena *a = NULL;

    if (!opened++)
        FUZZ_CHECK(log_open("/dev/null", LVL_ERROR) == ERR_OK);
    FUZZ_CHECK(arena_open(&a, 4096) == ERR_OK);
    return a;
}

/* A copy of exactly n bytes, so that reading past them is seen. */
static inline char *fuzz_exact(const uint8_t *data, size_t n)
{
    char *copy = malloc(n + !n);

    FUZZ_CHECK(copy);
    if (n > 0)
        memcpy(copy, data, n);
    return copy;
}

#endif
