/* A cache that all processes of a host share, however they were started: a file that each of them maps. Values by key,
 * each with a tag that tells whom it is of; whoever changes something says so by tag, and from then on no process is
 * given a value that was read before. No locks: a process may be killed at any instruction. What a key, a tag and a
 * value mean is not known here. */
#ifndef BASE_SHMCACHE_H
#define BASE_SHMCACHE_H

#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHMCACHE_KEY = 64, SHMCACHE_VALUE = 912, SHMCACHE_BYTES_MIN = 1 << 20 };

struct shmcache;

struct shmcache_options {
    const char *dir, *name; /* the file: dir/name; borrowed as long as the cache is open */
    int64_t bytes;          /* its size; at least SHMCACHE_BYTES_MIN, cut to whole sets */
    int64_t max_age;        /* ms: a value is never given out longer after it was begun to be read */
    bool tells;             /* only of changes: makes, changes and removes no file, whatever the others are */
};

/* Opens the file, or makes it; one of another size or layout is given up by all who use it. With max_age 0 there shall
 * be none: a file that is there is given up and removed (unless `tells`), and *out keeps and gives out nothing, but tells of changes those
 * who make one later. ERR_IO (logged): e.g. no room, or a network file system. */
MUST_USE enum err shmcache_open(const struct shmcache_options *o, struct shmcache **out);
void shmcache_close(struct shmcache **c);

/* How the cache stood before a value was read. */
struct shmcache_reading {
    uint64_t file, changes, epoch;
    int64_t steady, now;
    uint32_t moved;
};
/* To be called before the value is read from where it is true. */
void shmcache_begin(struct shmcache *c, const char key[static SHMCACHE_KEY], struct shmcache_reading *r);
/* Keeps n bytes, read since r, for key; more than SHMCACHE_VALUE are not kept, nor is what may have changed meanwhile. */
void shmcache_put(struct shmcache *c, const char key[static SHMCACHE_KEY], const char *tag,
                  const struct shmcache_reading *r, const void *value, size_t n);
/* One value was changed by us since r, and is as true as it was: what others still read is not kept. Then it may be put
 * anew. False: somebody else has changed it as well. */
bool shmcache_move(struct shmcache *c, const char key[static SHMCACHE_KEY], struct shmcache_reading *r);
/* Nothing that was read of it so far is given out any more. */
void shmcache_forget(struct shmcache *c, const char key[static SHMCACHE_KEY]);
/* Copies the value to out, which is aligned for uint64_t; how many bytes; 0: there is none. */
size_t shmcache_get(struct shmcache *c, const char key[static SHMCACHE_KEY], uint64_t out[static SHMCACHE_VALUE / 8]);

/* What a transaction changes. */
struct shmcache_change {
    size_t n;
    uint32_t shard[4];
    bool all;
    uint64_t file; /* in which it was announced */
    _Atomic uint64_t *hold;
    uint64_t held; /* what we put there */
};
/* Notes one more; tag NULL: all there is. */
void shmcache_change_add(struct shmcache_change *ch, const char *tag);
/* Before the change can be seen (before the commit): from now on nothing of it is given out, and nothing is kept until
 * the end. A process that is killed before the end leaves that state for two minutes. */
void shmcache_change_begin(struct shmcache *c, struct shmcache_change *ch);
/* After it; may take a tenth of a second if the file was just made. decided: it has happened, or has not; else, after a
 * commit that was not answered, nothing of it is kept for two minutes. c may be NULL in both. */
void shmcache_change_end(struct shmcache *c, struct shmcache_change *ch, bool decided);

/* For people: sets of four values, how many values stand in them and are not too old. */
struct shmcache_stat {
    size_t room, used;
};
void shmcache_stat(struct shmcache *c, struct shmcache_stat *out);

#endif
