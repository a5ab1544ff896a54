/* Changes and the cache: the generations that they move, and the holds that keep values from being kept while a change is
 * under way, so that a process may be killed between its commit and its telling of it. Must not wait for another
 * process. */
#include "base/shmcache_internal.h"

#include "base/clock.h"

#define HOLD_MS (2 * CLOCK_MINUTE) /* longer than a commit may take, by whatever is configured */
#define HOLD_ALL UINT64_C(0xffff)
#define HOLD_BITS 16

uint32_t shmcache_shard(const char *tag)
{
    uint64_t h = 0;

    for (; *tag; tag++)
        h = shmcache_mix(h, (unsigned char)*tag);
    return (uint32_t)(h % TAGS);
}

/* Of one shard, or of all. */
bool shmcache_is_held(const struct shmcache *c, uint64_t shard)
{
    int64_t now = clock_steady();
    int64_t crowded = atomic_load(&c->head->crowded);

    /* one that lies further ahead was made before this host was started anew */
    if (crowded > now && crowded <= now + HOLD_MS)
        return true;
    for (size_t i = 0; i < HOLDS; i++) {
        uint64_t h = atomic_load(&c->head->holds[i]), which = h & HOLD_ALL;
        int64_t until = (int64_t)(h >> HOLD_BITS);
        if (which && (which == HOLD_ALL || which == shard + 1) && until > now && until <= now + HOLD_MS)
            return true;
    }
    return false;
}

/* One that is free, or that somebody who was killed has left. NULL: none. */
static _Atomic uint64_t *hold_take(const struct shmcache *c, uint64_t held)
{
    int64_t now = clock_steady();

    for (size_t i = 0; i < HOLDS; i++) {
        uint64_t h = atomic_load(&c->head->holds[i]);
        int64_t ends = (int64_t)(h >> HOLD_BITS);
        bool taken = (h & HOLD_ALL) && ends > now && ends <= now + HOLD_MS;
        if (!taken && atomic_compare_exchange_strong(&c->head->holds[i], &h, held))
            return &c->head->holds[i];
    }
    return NULL;
}

static void crowd(const struct shmcache *c, int64_t until)
{
    int64_t is = atomic_load(&c->head->crowded);

    /* one that lies further ahead is no later one */
    while ((is < until || is > until + HOLD_MS) && !atomic_compare_exchange_strong(&c->head->crowded, &is, until))
        ;
}

/* The counter of all moves first: who sees the new generation of a shard sees that it moved as well (shmcache_put). */
static void generations_move(struct shmcache *c, const struct shmcache_change *ch)
{
    atomic_fetch_add(&c->head->changes, 1);
    if (ch->all)
        atomic_fetch_add(&c->head->epoch, 1);
    for (size_t i = 0; !ch->all && i < ch->n; i++)
        atomic_fetch_add(&c->head->tags[ch->shard[i]], 1);
}

void shmcache_change_add(struct shmcache_change *ch, const char *tag)
{
    uint32_t shard = tag ? shmcache_shard(tag) : 0;

    for (size_t i = 0; tag && i < ch->n; i++)
        if (ch->shard[i] == shard)
            return;
    if (!tag || ch->n == sizeof ch->shard / sizeof ch->shard[0])
        ch->all = true;
    else
        ch->shard[ch->n++] = shard;
}

static bool is_nothing(const struct shmcache_change *ch)
{
    return ch->n == 0 && !ch->all;
}

void shmcache_change_begin(struct shmcache *c, struct shmcache_change *ch)
{
    ch->file = 0;
    if (!c || is_nothing(ch) || !shmcache_current(c))
        return;
    ch->file = c->file;
    int64_t until = clock_steady() + HOLD_MS;
    ch->held = (uint64_t)until << HOLD_BITS | (ch->all || ch->n > 1 ? HOLD_ALL : ch->shard[0] + UINT64_C(1));
    ch->hold = hold_take(c, ch->held);
    if (!ch->hold)
        crowd(c, until);
    generations_move(c, ch);
}

/* After its time it may be another's. */
static void hold_give(const struct shmcache_change *ch)
{
    uint64_t ours = ch->held;

    if (ch->hold)
        atomic_compare_exchange_strong(ch->hold, &ours, 0);
}

void shmcache_change_end(struct shmcache *c, struct shmcache_change *ch, bool decided)
{
    if (c && ch->file == c->file && c->head) {
        generations_move(c, ch);
        if (decided)
            hold_give(ch);
    }
    /* others may have gone on to another file meanwhile, by whoever has taken ours away */
    if (c && !is_nothing(ch) && shmcache_latest(c) && c->file != ch->file)
        generations_move(c, ch);
    if (c && !is_nothing(ch))
        shmcache_told(c);
    *ch = (struct shmcache_change){.n = 0};
}
