/* What a killed writer, or two at once, leave in the shared cache: words of a value written by hand, every prefix and
 * many mixtures. Never is anything believed that is not one of them as a whole. */
#include "shmcache_case.h"

enum { MAX_AGE = 10000, MIXTURES = 20000 };

int64_t clock_now(void)
{
    return 1795424400123;
}

int64_t clock_steady(void)
{
    return 5000000;
}

struct image {
    uint64_t w[W_ALL];
};

/* The one slot of the set that is not empty. */
static struct shmcache_slot *slot_used(struct shmcache *c)
{
    struct shmcache_slot *out = NULL;

    for (size_t i = 0; i < c->head->sets * WAYS; i++) {
        struct shmcache_slot *s = &c->sets[i / WAYS].slot[i % WAYS];
        if (s->w[W_SUM] == 0)
            continue;
        CU_ASSERT_PTR_NULL_FATAL(out);
        out = s;
    }
    CU_ASSERT_FATAL(out != NULL);
    return out;
}

static struct image image_of(const struct shmcache_slot *s)
{
    struct image m;

    for (size_t i = 0; i < W_ALL; i++)
        m.w[i] = s->w[i];
    return m;
}

static void image_set(struct shmcache_slot *s, size_t word, uint64_t w)
{
    atomic_store(&s->w[word], w);
}

/* Two values, as whole slots, of one place. */
struct pair {
    struct cache_key key[2];
    const char *value[2], *tag[2];
    struct image image[2];
};

static struct shmcache_slot *pair_make(struct shmcache *c, struct pair *p)
{
    struct shmcache_slot *s = NULL;

    for (int i = 0; i < 2; i++) {
        for (size_t n = 0; s && n < W_ALL; n++)
            image_set(s, n, 0);
        cache_fill(c, p->key[i], p->tag[i], p->value[i]);
        struct shmcache_slot *is = slot_used(c);
        CU_ASSERT_FATAL(!s || s == is);
        s = is;
        p->image[i] = image_of(s);
    }
    return s;
}

/* Of what lies there now nothing may be believed but one of the two, whole. */
static void judge(struct shmcache *c, const struct pair *p, const struct shmcache_slot *s)
{
    const struct image is = image_of(s);

    for (int i = 0; i < 2; i++) {
        const char *got = cache_get(c, p->key[i]);
        if (!*got)
            continue;
        bool whole = false;
        for (int n = 0; n < 2; n++) {
            size_t words = W_VALUE + (strlen(p->value[n]) + 1 + 7) / 8;
            whole |= strcmp(p->key[i].text, p->key[n].text) == 0 && strcmp(got, p->value[n]) == 0 &&
                     memcmp(is.w, p->image[n].w, words * sizeof is.w[0]) == 0;
        }
        CU_ASSERT(whole);
    }
}

static void prefixes(struct shmcache *c, const struct pair *p, struct shmcache_slot *s)
{
    for (int from = 0; from < 2; from++) {
        for (size_t n = 0; n < W_ALL; n++)
            image_set(s, n, p->image[from].w[n]);
        HAS(c, p->key[from], p->value[from]);
        for (size_t n = 0; n < W_ALL; n++) {
            image_set(s, n, p->image[1 - from].w[n]);
            judge(c, p, s);
        }
        HAS(c, p->key[1 - from], p->value[1 - from]);
    }
}

/* Stores of one process need not be seen in their order by another. */
static void mixtures(struct shmcache *c, const struct pair *p, struct shmcache_slot *s)
{
    unsigned seed = 1;

    for (int i = 0; i < MIXTURES; i++) {
        int most = 1 + rand_r(&seed) % 40; /* words of one between many of the other, or half of each */
        for (size_t n = 0; n < W_ALL; n++)
            image_set(s, n, p->image[rand_r(&seed) % most == 0].w[n]);
        judge(c, p, s);
    }
}

static void torn(struct pair *p)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_slot *s = pair_make(c, p);

    prefixes(c, p, s);
    mixtures(c, p, s);
    for (size_t n = 0; n < W_ALL; n++) /* and whatever lies there, the next one is kept */
        image_set(s, n, p->image[n % 2].w[n]);
    cache_fill(c, p->key[0], "u", "anew");
    HAS(c, p->key[0], "anew");
    shmcache_close(&c);
}

static const char a_long[] =
    "The first value, which is a good deal longer than the other one, so that words of it stay behind.";

static void test_same_key(void)
{
    torn(&(struct pair){.key = {key(1), key(1)}, .value = {a_long, "a short one"}, .tag = {"u", "u"}});
    torn(&(struct pair){
        .key = {key(1), key(1)}, .value = {"2026-11-23 09:00:00.123", "2026-11-23 09:00:00.124"}, .tag = {"u", "u"}});
    torn(&(struct pair){.key = {key(1), key(1)}, .value = {a_long, "a short one"}, .tag = {"u", "v"}});
}

static void test_other_key(void)
{
    torn(&(struct pair){.key = {key_in(1, 1), key_in(1, 2)}, .value = {"Ann", "Bob"}, .tag = {"ann", "bob"}});
    torn(&(struct pair){.key = {key_in(1, 1), key_in(1, 2)}, .value = {"Ann", "Ann"}, .tag = {"ann", "ann"}});
    torn(&(struct pair){.key = {key_in(1, 1), key_in(1, 2)}, .value = {a_long, "Bob"}, .tag = {"ann", "bob"}});
}

/* One bit of a word that stands there. */
static void test_bits(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);

    cache_fill(c, key(1), "u", a_long);
    struct shmcache_slot *s = slot_used(c);
    size_t words = W_VALUE + (sizeof a_long + 7) / 8;
    for (size_t n = 0; n < words; n++) {
        for (int bit = 0; bit < 64; bit++) {
            uint64_t was = s->w[n];
            image_set(s, n, was ^ UINT64_C(1) << bit);
            LACKS(c, key(1));
            image_set(s, n, was);
        }
    }
    HAS(c, key(1), a_long);
    shmcache_close(&c);
}

/* Sizes and shards that no put would write, with a sum that fits. */
static void test_absurd(void)
{
    static const uint64_t sizes[] = {
        0, SHMCACHE_VALUE + 1, 0xffffffff, UINT64_C(1) << 32, UINT64_C(16384) << 32 | 4, UINT64_MAX};
    struct shmcache *c = cache_fresh(MAX_AGE);

    cache_fill(c, key(1), "u", "xyz");
    struct shmcache_slot *s = slot_used(c);
    const struct image was = image_of(s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t h = c->head->seed;
        size_t words = W_VALUE + ((sizes[i] & 0xffffffff) + 7) / 8;
        image_set(s, W_SIZE, sizes[i]);
        for (size_t n = W_KEY; n < words && n < W_ALL; n++)
            h = shmcache_mix(h, s->w[n]);
        image_set(s, W_SUM, h | 1);
        LACKS(c, key(1));
    }
    for (size_t n = 0; n < W_ALL; n++)
        image_set(s, n, was.w[n]);
    HAS(c, key(1), "xyz");
    shmcache_close(&c);
}

static CU_TestInfo tests[] = {
    {"of the same key", test_same_key},
    {"of another key", test_other_key},
    {"bits", test_bits},
    {"absurd", test_absurd},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache torn", tests, cache_dir_make, cache_dir_remove);
}
