/* What the tests of the shared cache have in common: a directory, keys and values by number, short assertions. */
#ifndef TESTS_SHMCACHE_CASE_H
#define TESTS_SHMCACHE_CASE_H

#include "../lib/suite.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/shmcache_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_NAME "cache"

/* Both clocks stand still but for being moved; for tests that say so before they include this. */
#ifdef MOVED_CLOCKS
static int64_t now_ms = 1795424400123, steady_ms = 5000000;

int64_t clock_now(void)
{
    return now_ms;
}

int64_t clock_steady(void)
{
    return steady_ms;
}

static void pass(int64_t ms)
{
    now_ms += ms;
    steady_ms += ms;
}
#endif

static char cache_dir[] = "/tmp/latchkey-shmcache-XXXXXX";
static char cache_path[sizeof cache_dir + sizeof CACHE_NAME];

static inline int cache_dir_make(void)
{
    if (!mkdtemp(cache_dir))
        return 1;
    snprintf(cache_path, sizeof cache_path, "%s/" CACHE_NAME, cache_dir);
    return 0;
}

static inline int cache_dir_remove(void)
{
    unlink(cache_path);
    return rmdir(cache_dir);
}

static inline struct shmcache_options cache_options(int64_t bytes, int64_t max_age)
{
    return (struct shmcache_options){.dir = cache_dir, .name = CACHE_NAME, .bytes = bytes, .max_age = max_age};
}

static inline struct shmcache *cache_open(int64_t bytes, int64_t max_age)
{
    const struct shmcache_options o = cache_options(bytes, max_age);
    struct shmcache *c = NULL;

    CU_ASSERT_FATAL(shmcache_open(&o, &c) == ERR_OK && c != NULL);
    return c;
}

/* In a file that nobody has used, and that is old enough to be told of changes without a pause. */
static inline struct shmcache *cache_fresh(int64_t max_age)
{
    unlink(cache_path);
    struct shmcache *c = cache_open(SHMCACHE_BYTES_MIN, max_age);
    c->head->made -= CLOCK_MINUTE;
    return c;
}

struct cache_key {
    char text[SHMCACHE_KEY + 1];
};

/* Key n of a set: what stands in front chooses it. */
static inline struct cache_key key_in(int set, int n)
{
    struct cache_key k;
    uint64_t first = ((uint64_t)set + 1) * UINT64_C(0xbf58476d1ce4e5b9); /* keys are hashes: all their letters differ */

    snprintf(k.text, sizeof k.text, "%016llx%048d", (unsigned long long)(first ^ first >> 29), n);
    return k;
}

static inline struct cache_key key(int n)
{
    return key_in(n, 0);
}

static inline void cache_put(struct shmcache *c, struct cache_key k, const char *tag, const struct shmcache_reading *r,
                             const char *value)
{
    shmcache_put(c, k.text, tag, r, value, strlen(value) + 1);
}

static inline struct shmcache_reading cache_begin(struct shmcache *c, struct cache_key k)
{
    struct shmcache_reading r;

    shmcache_begin(c, k.text, &r);
    return r;
}

/* Read and kept, with nothing in between. */
static inline void cache_fill(struct shmcache *c, struct cache_key k, const char *tag, const char *value)
{
    const struct shmcache_reading r = cache_begin(c, k);

    cache_put(c, k, tag, &r, value);
}

/* What is there; "": nothing. Until the next call. */
static inline const char *cache_get(struct shmcache *c, struct cache_key k)
{
    static uint64_t value[SHMCACHE_VALUE / 8];
    const char *text = (const char *)value;

    size_t n = shmcache_get(c, k.text, value);
    if (n == 0)
        return "";
    CU_ASSERT_FATAL(n <= sizeof value && text[n - 1] == '\0');
    return text;
}

#define HAS(c, k, value) CU_ASSERT_STRING_EQUAL(cache_get((c), (k)), (value))
#define LACKS(c, k) CU_ASSERT_STRING_EQUAL(cache_get((c), (k)), "")

static inline struct shmcache_change change_of(const char *tag)
{
    struct shmcache_change ch = {.n = 0};

    shmcache_change_add(&ch, tag);
    return ch;
}

static inline void cache_change(struct shmcache *c, const char *tag)
{
    struct shmcache_change ch = change_of(tag);

    shmcache_change_begin(c, &ch);
    shmcache_change_end(c, &ch, true);
}

#endif
