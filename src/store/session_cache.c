/* Sessions in the cache: numbers first, then texts one after another, each with its NUL. Must not know when one may be
 * used; nor does it trust what it reads to be well formed, though only we write there. */
#include "store/session_cache.h"

#include <string.h>

#define FILE_NAME "session-cache"

enum { FLAG_REMEMBER = 1, FLAG_VERIFIED = 2, FLAG_GROUPED = 4, FLAG_IMAGE = 8, FLAG_LAST_IP = 16 };

struct packed {
    int64_t expires_at, created_at, updated_at, authenticated_at, dies_at, last_seen_at, user_created_at,
        user_updated_at;
    uint64_t ring;
    uint32_t flags, groups;
};

enum err session_cache_open(const struct cfg *cfg, bool tells, struct shmcache **out)
{
    const struct shmcache_options options = {
        .dir = cfg->pool_state,
        .name = FILE_NAME,
        .bytes = cfg->session_cache_size,
        .max_age = cfg->session_cache_max_age,
        .tells = tells || cfg->session_cache_max_age == 0,
    };

    return shmcache_open(&options, out);
}

enum err session_cache_remove(const struct cfg *cfg)
{
    const struct shmcache_options options = {.dir = cfg->pool_state, .name = FILE_NAME};
    struct shmcache *none = NULL;

    TRY(shmcache_open(&options, &none));
    shmcache_close(&none);
    return ERR_OK;
}

static uint64_t text_mix(uint64_t h, const char *s)
{
    for (size_t n = strlen(s) + 1; n > 0; n--, s++) /* with its end: "ab" "c" is not "a" "bc" */
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t session_cache_ring(const struct cfg *cfg, uint64_t keys)
{
    bool server = cfg->database_driver == DRIVER_MYSQL;
    uint64_t h = text_mix(keys, cfg->database_prefix);

    h = text_mix(h, server ? cfg->database_name : cfg->database_path);
    for (size_t i = 0; server && i < cfg->database_hosts.n; i++)
        h = text_mix(h, cfg->database_hosts.v[i]);
    return h;
}

/* --- out of it ---------------------------------------------------------------------------------------------------- */

struct texts {
    const char *at, *end;
};

/* The next one; NULL: there is none that ends. */
static const char *text_next(struct texts *t)
{
    const char *s = t->at, *nul = t->at < t->end ? memchr(s, '\0', (size_t)(t->end - s)) : NULL;

    if (!nul)
        return NULL;
    t->at = nul + 1;
    return s;
}

static bool groups_unpack(struct texts *t, struct arena *a, size_t n, struct groups *out)
{
    *out = (struct groups){.n = n};
    if (n > SHMCACHE_VALUE)
        return false;
    if (n > 0)
        out->v = ARENA_ARRAY(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        if (!(out->v[i] = text_next(t)))
            return false;
    return true;
}

static void numbers_unpack(const struct packed *p, struct cached *out)
{
    out->session = (struct session){
        .expires_at = p->expires_at,
        .created_at = p->created_at,
        .updated_at = p->updated_at,
        .authenticated_at = p->authenticated_at,
        .dies_at = p->dies_at,
        .last_seen_at = p->last_seen_at,
        .remember = (p->flags & FLAG_REMEMBER) != 0,
    };
    out->user = (struct user){
        .created_at = p->user_created_at,
        .updated_at = p->user_updated_at,
        .email_verified = (p->flags & FLAG_VERIFIED) != 0,
    };
    out->ring = p->ring;
    out->grouped = (p->flags & FLAG_GROUPED) != 0;
}

/* In the order of session_cache_put. */
static bool texts_unpack(struct texts *t, uint32_t flags, struct cached *out)
{
    const char *last_ip, *image;
    bool whole = (out->session.id = text_next(t)) && (out->session.user_id = text_next(t)) &&
                 (out->session.ip = text_next(t)) && (out->session.agent = text_next(t)) && (last_ip = text_next(t)) &&
                 (out->user.name = text_next(t)) && (out->user.email = text_next(t)) && (image = text_next(t)) &&
                 (out->signature = text_next(t));

    if (!whole)
        return false;
    out->user.id = out->session.user_id;
    out->session.last_ip = flags & FLAG_LAST_IP ? last_ip : NULL;
    out->user.image = flags & FLAG_IMAGE ? image : NULL;
    return true;
}

bool session_cache_get(struct shmcache *c, struct arena *a, const char hash[static SHMCACHE_KEY], struct cached *out)
{
    uint64_t *value = arena_alloc(a, SHMCACHE_VALUE);
    const struct packed *p = (const void *)value;
    size_t n = shmcache_get(c, hash, value);

    if (n < sizeof *p)
        return false;
    struct texts t = {(const char *)(p + 1), (const char *)value + n};
    numbers_unpack(p, out);
    return texts_unpack(&t, p->flags, out) && groups_unpack(&t, a, p->groups, &out->groups);
}

/* --- into it ------------------------------------------------------------------------------------------------------ */

struct room {
    char *at, *end; /* at NULL: it was not enough */
};

static void text_add(struct room *r, const char *s)
{
    size_t n = strlen(s ? s : "") + 1;

    if (!r->at || n > (size_t)(r->end - r->at)) {
        r->at = NULL;
        return;
    }
    memcpy(r->at, s ? s : "", n);
    r->at += n;
}

static struct packed numbers_pack(const struct cached *in)
{
    const struct session *s = &in->session;
    const struct user *u = &in->user;

    return (struct packed){
        .expires_at = s->expires_at,
        .created_at = s->created_at,
        .updated_at = s->updated_at,
        .authenticated_at = s->authenticated_at,
        .dies_at = s->dies_at,
        .last_seen_at = s->last_seen_at,
        .user_created_at = u->created_at,
        .user_updated_at = u->updated_at,
        .ring = in->ring,
        .flags = (s->remember ? FLAG_REMEMBER : 0U) | (u->email_verified ? FLAG_VERIFIED : 0U) |
                 (in->grouped ? FLAG_GROUPED : 0U) | (u->image ? FLAG_IMAGE : 0U) | (s->last_ip ? FLAG_LAST_IP : 0U),
        .groups = in->grouped ? (uint32_t)in->groups.n : 0,
    };
}

void session_cache_put(struct shmcache *c, struct arena *a, const char hash[static SHMCACHE_KEY],
                       const struct shmcache_reading *r, const struct cached *in)
{
    const struct session *s = &in->session;
    const struct user *u = &in->user;
    const char *const texts[] = {s->id, s->user_id, s->ip, s->agent, s->last_ip, u->name, u->email, u->image, in->signature};
    char *value = arena_alloc(a, SHMCACHE_VALUE);
    const struct packed numbers = numbers_pack(in);
    struct room room = {value + sizeof numbers, value + SHMCACHE_VALUE};

    memcpy(value, &numbers, sizeof numbers);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        text_add(&room, texts[i]);
    for (size_t i = 0; i < numbers.groups; i++)
        text_add(&room, in->groups.v[i]);
    if (room.at)
        shmcache_put(c, hash, s->user_id, r, value, (size_t)(room.at - value));
}
