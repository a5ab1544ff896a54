/* Sessions as they are cached for all processes of the host (base/shmcache.h), by the hash of their token. */
#ifndef STORE_SESSION_CACHE_H
#define STORE_SESSION_CACHE_H

#include "base/shmcache.h"
#include "store/store.h"

/* The file in pool.state. tells: only to tell of changes, as always with session.cache_max_age = 0. What shmcache_open
 * says. */
MUST_USE enum err session_cache_open(const struct cfg *cfg, bool tells, struct shmcache **out);
/* There shall be none from now on. */
MUST_USE enum err session_cache_remove(const struct cfg *cfg);

/* For struct cached, from keys_ring: tells databases apart as well, as several sites of a host may share pool.state. */
uint64_t session_cache_ring(const struct cfg *cfg, uint64_t keys);

/* All that a reader needs to know. Text lies in the arena. */
struct cached {
    struct session session;
    struct user user;
    struct groups groups;
    bool grouped;          /* the groups were asked for */
    const char *signature; /* that the token came with and that held, or "" */
    uint64_t ring;         /* by which secrets, in which database: session_cache_ring */
};
/* False: it is not there, and the store is to be asked. */
bool session_cache_get(struct shmcache *c, struct arena *a, const char hash[static SHMCACHE_KEY], struct cached *out);
/* What was read since r. Without effect where it is too large. */
void session_cache_put(struct shmcache *c, struct arena *a, const char hash[static SHMCACHE_KEY],
                       const struct shmcache_reading *r, const struct cached *in);

#endif
