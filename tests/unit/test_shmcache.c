/* The shared cache in one process, by clocks that the test moves: what is kept and for how long, and what goes first.
 */
#define MOVED_CLOCKS
#include "shmcache_case.h"

enum { MAX_AGE = 10000 };

/* --- values ------------------------------------------------------------------------------------------------------- */

static void test_sizes(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    char in[SHMCACHE_VALUE + 1];
    uint64_t out[SHMCACHE_VALUE / 8];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (char)(i * 7 + 1);
    for (size_t n = 1; n <= SHMCACHE_VALUE; n++) {
        struct shmcache_reading r = cache_begin(c, key(1));
        shmcache_put(c, key(1).text, "u", &r, in + n % 2, n); /* aligned or not, longer than the one before */
        CU_ASSERT_FATAL(shmcache_get(c, key(1).text, out) == n && memcmp(out, in + n % 2, n) == 0);
    }
    for (size_t n = SHMCACHE_VALUE; n >= 1; n -= n > 100 ? 97 : 1) {
        struct shmcache_reading r = cache_begin(c, key(1));
        shmcache_put(c, key(1).text, "u", &r, in, n);
        CU_ASSERT_FATAL(shmcache_get(c, key(1).text, out) == n && memcmp(out, in, n) == 0);
    }
    struct shmcache_reading r = cache_begin(c, key(2));
    shmcache_put(c, key(2).text, "u", &r, in, 0);
    CU_ASSERT_EQUAL(shmcache_get(c, key(2).text, out), 0);
    shmcache_put(c, key(2).text, "u", &r, in, sizeof in);
    CU_ASSERT_EQUAL(shmcache_get(c, key(2).text, out), 0);
    shmcache_put(c, key(2).text, "u", &r, in, SHMCACHE_VALUE);
    CU_ASSERT_EQUAL(shmcache_get(c, key(2).text, out), SHMCACHE_VALUE);
    shmcache_close(&c);
    CU_ASSERT_PTR_NULL(c);
    shmcache_close(&c);
}

/* Keys that differ in one letter anywhere are different ones. */
static void test_keys(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct cache_key k = key(5);

    cache_fill(c, k, "u", "value");
    for (int i = 0; i < SHMCACHE_KEY; i++) {
        struct cache_key other = k;
        other.text[i] ^= 1;
        LACKS(c, other);
    }
    HAS(c, k, "value");
    shmcache_close(&c);
}

static void test_shared(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b = cache_open(SHMCACHE_BYTES_MIN, 100);

    cache_fill(a, key(1), "u", "one");
    HAS(b, key(1), "one");
    cache_fill(b, key(1), "u", "two");
    HAS(a, key(1), "two");
    pass(100);
    HAS(a, key(1), "two");
    LACKS(b, key(1)); /* each looks by its own age */
    cache_change(b, "u");
    LACKS(a, key(1));
    shmcache_close(&a);
    shmcache_close(&b);
}

/* Four of a set; the one that was read longest ago goes, whenever it was kept; a key takes its own place. */
static void test_oldest_goes(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_reading r[4];

    for (int i = 0; i < 4; i++, pass(10))
        r[i] = cache_begin(c, key_in(1, i));
    for (int i = 3; i >= 0; i--)
        cache_put(c, key_in(1, i), "u", &r[i], "old");
    for (int i = 0; i < 4; i++)
        HAS(c, key_in(1, i), "old");
    cache_fill(c, key_in(1, 2), "u", "new");
    for (int i = 0; i < 4; i++)
        HAS(c, key_in(1, i), i == 2 ? "new" : "old");
    pass(10);
    cache_fill(c, key_in(1, 4), "u", "new");
    LACKS(c, key_in(1, 0));
    pass(10);
    cache_fill(c, key_in(1, 5), "u", "new");
    LACKS(c, key_in(1, 1));
    pass(10);
    cache_fill(c, key_in(1, 6), "u", "new");
    LACKS(c, key_in(1, 3));
    for (int i = 4; i < 7; i++)
        HAS(c, key_in(1, i), "new");
    HAS(c, key_in(1, 2), "new");
    shmcache_close(&c);
}

/* One of before a restart may seem to be the youngest of all. */
static void test_too_old_goes_first(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);

    steady_ms += CLOCK_DAY;
    cache_fill(c, key_in(1, 0), "u", "before the restart");
    steady_ms -= CLOCK_DAY;
    for (int i = 1; i < 4; i++, pass(10))
        cache_fill(c, key_in(1, i), "u", "after it");
    LACKS(c, key_in(1, 0));
    cache_fill(c, key_in(1, 4), "u", "after it");
    for (int i = 1; i <= 4; i++)
        HAS(c, key_in(1, i), "after it");
    shmcache_close(&c);
}

static void test_stat(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_stat s;

    shmcache_stat(c, &s);
    CU_ASSERT(s.room > 900 && s.room < 1024 && s.room % WAYS == 0 && s.used == 0);
    for (int i = 0; i < 3; i++)
        cache_fill(c, key(i), "u", "x");
    shmcache_stat(c, &s);
    CU_ASSERT_EQUAL(s.used, 3);
    pass(MAX_AGE);
    cache_fill(c, key(7), "u", "x");
    shmcache_stat(c, &s);
    CU_ASSERT_EQUAL(s.used, 1);
    shmcache_close(&c);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

/* To the millisecond, and from when the reading began, not from when it was kept. */
static void test_max_age(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_reading r = cache_begin(c, key(1));

    pass(4000);
    cache_put(c, key(1), "u", &r, "x");
    HAS(c, key(1), "x");
    pass(MAX_AGE - 4000 - 1);
    HAS(c, key(1), "x");
    pass(1);
    LACKS(c, key(1));
    r = cache_begin(c, key(2));
    pass(MAX_AGE);
    cache_put(c, key(2), "u", &r, "x");
    LACKS(c, key(2)); /* the reading took that long */
    shmcache_close(&c);
}

static void test_clock_steps(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);

    cache_fill(c, key(1), "u", "x");
    now_ms += MAX_AGE - 1;
    HAS(c, key(1), "x");
    now_ms += 1; /* set forward, or suspended: the steady clock stood still */
    LACKS(c, key(1));
    now_ms -= 2 * MAX_AGE - 1;
    HAS(c, key(1), "x");
    now_ms -= 1; /* set back */
    LACKS(c, key(1));
    now_ms += MAX_AGE;
    HAS(c, key(1), "x");
    steady_ms -= 1; /* started anew: no time of before counts */
    LACKS(c, key(1));
    steady_ms += 1;
    steady_ms += MAX_AGE; /* set back by as much as has passed */
    LACKS(c, key(1));
    shmcache_close(&c);
}

/* Ages around the least and greatest numbers, as a killed writer may leave them. */
static void test_odd_times(void)
{
    static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_reading r = cache_begin(c, key(1));

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        const struct shmcache_reading was = r;
        r.steady = odd[i];
        cache_put(c, key(1), "u", &r, "x");
        LACKS(c, key(1));
        r = was;
        r.now = odd[i];
        cache_put(c, key(1), "u", &r, "x");
        LACKS(c, key(1));
        r = was;
    }
    shmcache_close(&c);
}

static CU_TestInfo tests[] = {
    {"sizes", test_sizes},
    {"keys", test_keys},
    {"shared", test_shared},
    {"the oldest goes", test_oldest_goes},
    {"too old ones go first", test_too_old_goes_first},
    {"stat", test_stat},
    {"max_age", test_max_age},
    {"clock steps", test_clock_steps},
    {"odd times", test_odd_times},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache", tests, cache_dir_make, cache_dir_remove);
}
