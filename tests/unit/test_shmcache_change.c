/* The shared cache and changes, by clocks that the test moves: what one hides, what is not kept meanwhile and for how
 * long, and values that are moved on. */
#define MOVED_CLOCKS
#include "shmcache_case.h"

enum { MAX_AGE = 10000, HOLD = 2 * 60 * 1000 };

/* --- changes ------------------------------------------------------------------------------------------------------ */

static void test_change_hides(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);

    cache_fill(c, key(1), "ann", "a1");
    cache_fill(c, key(2), "ann", "a2");
    cache_fill(c, key(3), "bob", "b");
    cache_change(c, "ann");
    LACKS(c, key(1));
    LACKS(c, key(2));
    HAS(c, key(3), "b");
    cache_fill(c, key(1), "ann", "a3");
    HAS(c, key(1), "a3");
    cache_change(c, NULL);
    LACKS(c, key(1));
    LACKS(c, key(3));
    cache_fill(c, key(3), "bob", "b2");
    HAS(c, key(3), "b2");
    cache_change(c, "nobody");
    HAS(c, key(3), "b2");
    shmcache_close(&c);
}

static void test_change_of_many(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    static const char *const tags[] = {"a", "b", "c", "d", "e"};

    for (size_t n = 1; n <= 5; n++) {
        struct shmcache_change ch = {.n = 0};
        for (int i = 0; i < 6; i++)
            cache_fill(c, key(i), i < 5 ? tags[i] : "other", "x");
        for (size_t i = 0; i < 2 * n; i++)
            shmcache_change_add(&ch, tags[i % n]);
        CU_ASSERT_EQUAL(ch.all, n == 5); /* more than there is room for is all there is */
        shmcache_change_begin(c, &ch);
        shmcache_change_end(c, &ch, true);
        CU_ASSERT(ch.n == 0 && !ch.all);
        for (size_t i = 0; i < 5; i++)
            HAS(c, key((int)i), i < n ? "" : "x");
        HAS(c, key(5), n == 5 ? "" : "x");
    }
    shmcache_close(&c);
}

/* Nothing is begun, nothing ended: with no tag, or no cache. */
static void test_no_change(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change none = {.n = 0}, ch = change_of("u");

    cache_fill(c, key(1), "u", "x");
    uint64_t changes = c->head->changes;
    shmcache_change_begin(c, &none);
    shmcache_change_end(c, &none, true);
    shmcache_change_end(c, &none, false);
    HAS(c, key(1), "x");
    shmcache_change_begin(NULL, &ch);
    shmcache_change_end(NULL, &ch, true);
    CU_ASSERT_EQUAL(ch.n, 0);
    HAS(c, key(1), "x");
    CU_ASSERT_EQUAL(c->head->changes, changes);
    shmcache_close(&c);
}

/* A reading that began before the begin of a change, or before its end, is not kept, whenever it comes. */
static void test_fills_begun_before(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    static const char *const whose[] = {"u", NULL};

    for (size_t i = 0; i < 2; i++) {
        struct shmcache_change ch = change_of(whose[i]);
        struct shmcache_reading before = cache_begin(c, key(1)), within;
        shmcache_change_begin(c, &ch);
        cache_put(c, key(1), "u", &before, "old");
        LACKS(c, key(1));
        within = cache_begin(c, key(1));
        cache_put(c, key(1), "u", &within, "old?");
        LACKS(c, key(1));
        shmcache_change_end(c, &ch, true);
        cache_put(c, key(1), "u", &before, "old");
        LACKS(c, key(1));
        cache_put(c, key(1), "u", &within, "old?");
        LACKS(c, key(1));
        cache_fill(c, key(1), "u", "new");
        HAS(c, key(1), "new");
    }
    shmcache_close(&c);
}

/* The same for one that is kept just before: then it is hidden. */
static void test_kept_before(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change ch = change_of("u");
    struct shmcache_reading r = cache_begin(c, key(1));

    cache_put(c, key(1), "u", &r, "old");
    HAS(c, key(1), "old");
    shmcache_change_begin(c, &ch);
    LACKS(c, key(1));
    shmcache_change_end(c, &ch, true);
    LACKS(c, key(1));
    shmcache_close(&c);
}

/* --- while a change is under way ---------------------------------------------------------------------------------- */

/* Nothing of it is kept, for two minutes and no longer; of others it is, if it is of one. */
static void test_held(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    static const char *const whose[] = {"u", NULL};

    for (size_t i = 0; i < 2; i++) {
        struct shmcache_change ch = change_of(whose[i]);
        shmcache_change_begin(c, &ch); /* its process is killed here */
        cache_fill(c, key(1), "u", "x");
        LACKS(c, key(1));
        cache_fill(c, key(2), "other", "y");
        HAS(c, key(2), whose[i] ? "y" : "");
        pass(HOLD - 1);
        cache_fill(c, key(1), "u", "x");
        LACKS(c, key(1));
        pass(1);
        cache_fill(c, key(1), "u", "x");
        HAS(c, key(1), "x");
        cache_change(c, NULL);
    }
    shmcache_close(&c);
}

/* A commit that was not answered may still have happened. */
static void test_undecided(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change ch = change_of("u");

    shmcache_change_begin(c, &ch);
    pass(3000);
    shmcache_change_end(c, &ch, false);
    cache_fill(c, key(1), "u", "x");
    LACKS(c, key(1));
    cache_change(c, "u"); /* another's is over: that one is not */
    cache_fill(c, key(1), "u", "x");
    LACKS(c, key(1));
    pass(HOLD - 3000 - 1);
    cache_fill(c, key(1), "u", "x");
    LACKS(c, key(1));
    pass(1);
    cache_fill(c, key(1), "u", "x");
    HAS(c, key(1), "x");
    shmcache_close(&c);
}

/* Two of one tag at once: the end of one is not the end of the other. */
static void test_two_at_once(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change a = change_of("u"), b = change_of("u");

    shmcache_change_begin(c, &a);
    shmcache_change_begin(c, &b);
    shmcache_change_end(c, &a, true);
    cache_fill(c, key(1), "u", "x");
    LACKS(c, key(1));
    shmcache_change_end(c, &b, true);
    cache_fill(c, key(1), "u", "x");
    HAS(c, key(1), "x");
    shmcache_close(&c);
}

/* What ends long after its time must not free the place that another has by then. */
static void test_late_end(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change late = change_of("u"), other = change_of("v");

    shmcache_change_begin(c, &late);
    pass(HOLD);
    shmcache_change_begin(c, &other);
    CU_ASSERT_PTR_EQUAL(late.hold, other.hold);
    shmcache_change_end(c, &late, true);
    cache_fill(c, key(1), "v", "x");
    LACKS(c, key(1));
    shmcache_change_end(c, &other, true);
    cache_fill(c, key(1), "v", "x");
    HAS(c, key(1), "x");
    shmcache_close(&c);
}

/* Not even by a process that was stopped between looking at the clock and freeing it. */
static void test_place_of_another(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change late = change_of("u");
    uint64_t others = (uint64_t)(steady_ms + HOLD) << 16 | (shmcache_shard("v") + 1);

    shmcache_change_begin(c, &late);
    *late.hold = others;
    shmcache_change_end(c, &late, true);
    cache_fill(c, key(1), "v", "x");
    LACKS(c, key(1));
    shmcache_close(&c);
}

/* More at once than there are places: nothing at all is kept. */
static void test_crowd(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change ch[HOLDS + 1];

    for (int i = 0; i <= HOLDS; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "user %d", i);
        ch[i] = change_of(tag);
        cache_fill(c, key(1), "nobody", "x");
        shmcache_change_begin(c, &ch[i]);
        HAS(c, key(1), "x");
    }
    CU_ASSERT_PTR_NULL(ch[HOLDS].hold);
    cache_fill(c, key(1), "nobody", "y");
    HAS(c, key(1), "x"); /* what is there stays */
    for (int i = 0; i <= HOLDS; i++)
        shmcache_change_end(c, &ch[i], true);
    cache_fill(c, key(2), "user 128", "x");
    LACKS(c, key(2));
    pass(HOLD - 1);
    cache_fill(c, key(2), "user 128", "x");
    LACKS(c, key(2));
    pass(1);
    cache_fill(c, key(2), "user 128", "x");
    HAS(c, key(2), "x");
    shmcache_close(&c);
}

/* A clock that began anew: what stands in the file for then is long over, and must not hide what is now. */
static void test_crowd_of_before(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_change ch[HOLDS + 1];

    c->head->crowded = steady_ms + CLOCK_DAY;
    for (int i = 0; i < HOLDS; i++)
        c->head->holds[i] = (uint64_t)(steady_ms + CLOCK_DAY) << 16 | 1;
    cache_fill(c, key(1), "u", "x");
    HAS(c, key(1), "x");
    for (int i = 0; i <= HOLDS; i++) {
        ch[i] = change_of("u");
        shmcache_change_begin(c, &ch[i]);
        CU_ASSERT((ch[i].hold != NULL) == (i < HOLDS));
    }
    cache_fill(c, key(2), "other", "x");
    LACKS(c, key(2));
    shmcache_close(&c);
}

/* --- moving ------------------------------------------------------------------------------------------------------- */

static void test_move(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_reading r = cache_begin(c, key(1)), other = cache_begin(c, key(1)), late = other;

    cache_fill(c, key(1), "u", "seen at 1");
    CU_ASSERT(shmcache_move(c, key(1).text, &r));
    LACKS(c, key(1));
    cache_put(c, key(1), "u", &other, "seen at 1");
    LACKS(c, key(1)); /* who read it before is late */
    cache_put(c, key(1), "u", &r, "seen at 2");
    HAS(c, key(1), "seen at 2");
    CU_ASSERT_FALSE(shmcache_move(c, key(1).text, &late)); /* somebody else had moved it */
    LACKS(c, key(1));
    r = cache_begin(c, key(1));
    cache_change(c, "u");
    CU_ASSERT(shmcache_move(c, key(1).text, &r));
    cache_put(c, key(1), "u", &r, "of before the change");
    LACKS(c, key(1));
    shmcache_close(&c);
}

/* What another host did to it: what is there goes, and what was read before is not kept. */
static void test_forget(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);

    c->head->seed = 1; /* with which the two are of different sets */
    struct shmcache_reading r = cache_begin(c, key(1));
    cache_fill(c, key(1), "u", "x");
    cache_fill(c, key(2), "u", "y");
    shmcache_forget(c, key(1).text);
    LACKS(c, key(1));
    cache_put(c, key(1), "u", &r, "x");
    LACKS(c, key(1));
    HAS(c, key(2), "y");
    cache_fill(c, key(1), "u", "x");
    HAS(c, key(1), "x");
    shmcache_close(&c);
}

static CU_TestInfo tests[] = {
    {"a change hides", test_change_hides},
    {"a change of many", test_change_of_many},
    {"no change", test_no_change},
    {"readings begun before", test_fills_begun_before},
    {"kept just before", test_kept_before},
    {"held", test_held},
    {"undecided", test_undecided},
    {"two at once", test_two_at_once},
    {"a late end", test_late_end},
    {"the place of another", test_place_of_another},
    {"a crowd", test_crowd},
    {"a crowd of before", test_crowd_of_before},
    {"move", test_move},
    {"forget", test_forget},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache changes", tests, cache_dir_make, cache_dir_remove);
}
