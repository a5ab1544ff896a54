/* Values in shared memory. What keeps them true: a reading notes how the generations stand before it asks the database;
 * a change moves them after its commit, before anybody is told of it (shmcache_change.c); a value is given out only while
 * they stand as they did when it was read. Must not wait for another process. */
#include "base/shmcache_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define LOAD(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define STORE(x, v) atomic_store_explicit(&(x), (v), memory_order_relaxed)

/* --- where things lie --------------------------------------------------------------------------------------------- */

struct key {
    uint64_t w[KEY_WORDS];
};

static struct key key_of(const char text[static SHMCACHE_KEY])
{
    struct key k;

    memcpy(k.w, text, sizeof k.w);
    return k;
}

static size_t set_of(const struct shmcache *c, const struct key *k)
{
    return shmcache_mix(shmcache_mix(c->head->seed, k->w[0]), k->w[1]) % c->head->sets;
}

/* --- one slot ----------------------------------------------------------------------------------------------------- */

struct words {
    uint64_t w[W_ALL];
};

static size_t words_of(uint64_t size)
{
    return W_VALUE + ((size & 0xffffffff) + 7) / 8;
}

static uint64_t sum_of(const struct shmcache *c, const struct words *v, size_t n)
{
    uint64_t h = c->head->seed;

    for (size_t i = W_KEY; i < n; i++)
        h = shmcache_mix(h, v->w[i]);
    return h | 1; /* nothing but zeros is no value */
}

static bool key_is(const struct shmcache_slot *s, const struct key *k)
{
    for (size_t i = 0; i < KEY_WORDS; i++)
        if (LOAD(s->w[W_KEY + i]) != k->w[i])
            return false;
    return true;
}

/* Copies what is there; false: it is not whole. */
static bool slot_read(const struct shmcache *c, const struct shmcache_slot *s, struct words *out)
{
    uint64_t size = LOAD(s->w[W_SIZE]);
    size_t n = words_of(size);

    if ((size & 0xffffffff) > SHMCACHE_VALUE)
        return false;
    for (size_t i = 0; i < n; i++)
        out->w[i] = LOAD(s->w[i]);
    return out->w[W_SIZE] == size && out->w[W_SUM] == sum_of(c, out, n);
}

struct times {
    int64_t steady, now;
};

static struct times times_now(void)
{
    return (struct times){clock_steady(), clock_now()};
}

/* By both clocks: steady ones begin anew when a host does, and the other may be set. */
static bool is_young(const struct shmcache *c, uint64_t steady, uint64_t now, const struct times *t)
{
    /* unsigned, as what stands in the file may be any number */
    int64_t age = (int64_t)((uint64_t)t->steady - steady), apart = (int64_t)((uint64_t)t->now - now);
    int64_t most = c->options.max_age;

    return age >= 0 && age < most && apart < most && apart > -most;
}

/* Has nothing of it changed since it was read? */
static bool unchanged(const struct shmcache *c, const struct words *v, size_t set)
{
    uint64_t shard = v->w[W_SIZE] >> 32, generations = v->w[W_GENERATIONS];

    return shard < TAGS && atomic_load(&c->head->tags[shard]) == generations >> 32 &&
           atomic_load(&c->moved[set]) == (generations & 0xffffffff) && atomic_load(&c->head->epoch) == v->w[W_EPOCH];
}

/* The slot a new value takes: that of its own key, one that is too old, or the one read longest ago. */
static struct shmcache_slot *slot_for(const struct shmcache *c, struct shmcache_set *set, const struct key *k)
{
    const struct times t = times_now();
    struct shmcache_slot *out = NULL;
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < WAYS; i++) {
        struct shmcache_slot *s = &set->slot[i];
        uint64_t steady = LOAD(s->w[W_STEADY]);
        if (key_is(s, k))
            return s;
        if (!is_young(c, steady, LOAD(s->w[W_NOW]), &t))
            steady = 0;
        if (!out || steady < least) {
            out = s;
            least = steady;
        }
    }
    return out;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const struct shmcache_slot *slot_of(const struct shmcache *c, size_t set, const struct key *k)
{
    for (size_t i = 0; i < WAYS; i++)
        if (key_is(&c->sets[set].slot[i], k))
            return &c->sets[set].slot[i];
    return NULL;
}

size_t shmcache_get(struct shmcache *c, const char text[static SHMCACHE_KEY], uint64_t out[static VALUE_WORDS])
{
    struct key k = key_of(text);
    struct words v;

    if (!shmcache_current(c))
        return 0;
    const struct times t = times_now();
    size_t set = set_of(c, &k);
    const struct shmcache_slot *s = slot_of(c, set, &k);
    if (!s || !slot_read(c, s, &v) || memcmp(&v.w[W_KEY], k.w, sizeof k.w) != 0 ||
        !is_young(c, v.w[W_STEADY], v.w[W_NOW], &t) || !unchanged(c, &v, set))
        return 0;
    size_t n = v.w[W_SIZE] & 0xffffffff;
    memcpy(out, &v.w[W_VALUE], (n + 7) / 8 * 8);
    return n;
}

void shmcache_begin(struct shmcache *c, const char text[static SHMCACHE_KEY], struct shmcache_reading *r)
{
    struct key k = key_of(text);

    *r = (struct shmcache_reading){.steady = -1};
    if (!shmcache_current(c))
        return;
    r->file = c->file;
    r->moved = atomic_load(&c->moved[set_of(c, &k)]);
    r->epoch = atomic_load(&c->head->epoch);
    r->changes = atomic_load(&c->head->changes);
    r->steady = clock_steady();
    r->now = clock_now();
}

/* A tag is known only once the value is read: had its generation moved since then, so had the counter of all. */
static bool tag_read(const struct shmcache *c, const struct shmcache_reading *r, uint32_t shard, uint64_t *generation)
{
    *generation = atomic_load(&c->head->tags[shard]);
    return atomic_load(&c->head->changes) == r->changes && !shmcache_is_held(c, shard);
}

void shmcache_put(struct shmcache *c, const char text[static SHMCACHE_KEY], const char *tag,
                  const struct shmcache_reading *r, const void *value, size_t n)
{
    struct key k = key_of(text);
    uint32_t shard = shmcache_shard(tag);
    struct words v;
    uint64_t generation;

    if (n == 0 || n > SHMCACHE_VALUE || !shmcache_current(c) || r->file != c->file ||
        !tag_read(c, r, shard, &generation))
        return;
    memcpy(&v.w[W_KEY], k.w, sizeof k.w);
    v.w[W_GENERATIONS] = generation << 32 | r->moved;
    v.w[W_EPOCH] = r->epoch;
    v.w[W_STEADY] = (uint64_t)r->steady;
    v.w[W_NOW] = (uint64_t)r->now;
    v.w[W_SIZE] = (uint64_t)shard << 32 | n;
    size_t words = words_of(n);
    v.w[words - 1] = 0;
    memcpy(&v.w[W_VALUE], value, n);
    v.w[W_SUM] = sum_of(c, &v, words);
    struct shmcache_slot *s = slot_for(c, &c->sets[set_of(c, &k)], &k);
    for (size_t i = 0; i < words; i++)
        STORE(s->w[i], v.w[i]);
}

bool shmcache_move(struct shmcache *c, const char text[static SHMCACHE_KEY], struct shmcache_reading *r)
{
    struct key k = key_of(text);

    if (!shmcache_current(c))
        return false;
    uint32_t was = atomic_fetch_add(&c->moved[set_of(c, &k)], 1);
    return was == r->moved++ && r->file == c->file;
}

void shmcache_forget(struct shmcache *c, const char text[static SHMCACHE_KEY])
{
    struct key k = key_of(text);

    if (shmcache_latest(c))
        atomic_fetch_add(&c->moved[set_of(c, &k)], 1);
    shmcache_told(c);
}

void shmcache_stat(struct shmcache *c, struct shmcache_stat *out)
{
    const struct times t = times_now();

    *out = (struct shmcache_stat){.room = 0};
    if (c->options.max_age <= 0 || !shmcache_latest(c))
        return;
    out->room = c->head->sets * WAYS;
    for (size_t i = 0; i < out->room; i++) {
        const struct shmcache_slot *s = &c->sets[i / WAYS].slot[i % WAYS];
        out->used += LOAD(s->w[W_SUM]) != 0 && is_young(c, LOAD(s->w[W_STEADY]), LOAD(s->w[W_NOW]), &t);
    }
}
