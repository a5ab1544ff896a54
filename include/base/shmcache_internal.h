/* The layout of the shared file, and what base/shmcache_file.c and base/shmcache.c share. Nobody else includes it (but
 * their own tests). Every word that more than one process writes is atomic. */
#ifndef BASE_SHMCACHE_INTERNAL_H
#define BASE_SHMCACHE_INTERNAL_H

#include "base/shmcache.h"

#include <stdatomic.h>
#include <sys/types.h>

#define SHMCACHE_MAGIC UINT64_C(0x6c61746368310002) /* the last digits: version of this layout */
enum { WAYS = 4, TAGS = 16384, HOLDS = 128, KEY_WORDS = SHMCACHE_KEY / 8, VALUE_WORDS = SHMCACHE_VALUE / 8 };

/* One value. Believed only if the checksum fits: whoever is killed while writing it, or writes it at the same time as
 * another, leaves one that does not. */
enum {
    W_SUM,
    W_KEY,
    W_GENERATIONS = W_KEY + KEY_WORDS, /* of the tag above, of the set below */
    W_EPOCH,
    W_STEADY, /* when its reading began, by both clocks: after a restart, a suspension or a step of one of them they
                 differ */
    W_NOW,
    W_SIZE, /* shard of its tag above, bytes of its value below */
    W_VALUE,
    W_ALL = W_VALUE + VALUE_WORDS
};
struct shmcache_slot {
    _Atomic uint64_t w[W_ALL];
};
struct shmcache_set {
    struct shmcache_slot slot[WAYS];
};

/* Why a file is used no more: there is another one; there shall be no cache. */
enum shmcache_retired { SHMCACHE_REPLACED = 1, SHMCACHE_OFF };

struct shmcache_head {
    /* These four are the same in every layout. */
    _Atomic uint64_t magic; /* written last */
    uint64_t sets, seed;
    _Atomic uint32_t retired;
    /* Between two starts of the host: of what was written last any page may be lost, a change and not what it changed. */
    uint64_t boot;
    int64_t made; /* clock_steady */
    _Atomic uint64_t changes; /* moves with every change, before the generation of its tag does */
    _Atomic uint64_t epoch;   /* the generation of all */
    /* Changes under way: milliseconds of clock_steady until when they count, above; below, 1 + the shard, HOLD_ALL, or 0
     * for one that is free. */
    _Atomic uint64_t holds[HOLDS];
    _Atomic int64_t crowded; /* as long as this no value is kept: there were more changes than holds */
    _Atomic uint32_t tags[TAGS];
};

struct shmcache {
    struct shmcache_options options;
    struct shmcache_head *head;
    _Atomic uint32_t *moved; /* the generation of each set */
    struct shmcache_set *sets;
    size_t size;    /* bytes mapped */
    uint64_t file;  /* how many have been mapped: which one it is */
    bool off;       /* for good: changes are told, nothing is kept nor given out */
    int64_t looked; /* clock_steady: when the file was last seen to be still the one of that name */
    dev_t device;
    ino_t inode;
};

/* Maps the file of that name, made where it is not there. c->head NULL after an error. */
MUST_USE enum err shmcache_attach(struct shmcache *c, int tries);
void shmcache_detach(struct shmcache *c);
/* Goes on to the file that is there now, if ours was given up or removed. False: none could be had, and there is no cache
 * for now. */
bool shmcache_current(struct shmcache *c);
/* For telling only, also by who is off: then shmcache_told follows. The file is looked for though that was
 * done a moment ago: what is read in another one from now on is read after what we have done so far. */
bool shmcache_latest(struct shmcache *c);

/* Ends the telling of something. Not before all have looked who may have a file that somebody removed, and that we never
 * had, so that we could not say so in it: the one we tell may be as young as that. */
void shmcache_told(struct shmcache *c);

/* --- shmcache_change.c --- */

uint32_t shmcache_shard(const char *tag);
/* Is a change under way that may be of that shard? */
bool shmcache_is_held(const struct shmcache *c, uint64_t shard);

/* No more than spreads and tells apart: nobody outside chooses what goes in. */
static inline uint64_t shmcache_mix(uint64_t h, uint64_t w)
{
    h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

#endif
