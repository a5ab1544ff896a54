/* The shared cache under processes that read, change and move few values without pause, and are killed at any
 * instruction: nobody is given a value that is older than what was true when he asked. Time runs fast here, so that
 * what the killed leave behind is over while the test lasts. */
#include "shmcache_case.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
    PROCESSES = 6,
    OWN = 2,
    TAGS_ALL = PROCESSES * OWN,
    KEYS_PER_TAG = 3,
    KEYS_ALL = TAGS_ALL * KEYS_PER_TAG,
    SETS = 8
};
enum { FASTER = 200, MAX_AGE = 3600 * 1000, STALL_MS = 20 * FASTER, KILLS = 2000 };

static int64_t fast(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000) * FASTER / 1000;
}

int64_t clock_now(void)
{
    return fast(CLOCK_MONOTONIC);
}

int64_t clock_steady(void)
{
    return fast(CLOCK_MONOTONIC);
}

/* What is true, who was told of it, and what came of it. */
static struct shared {
    _Atomic uint64_t truth[TAGS_ALL], told[TAGS_ALL];
    _Atomic uint64_t seen[KEYS_ALL], seen_told[KEYS_ALL];
    _Atomic uint64_t gets, hits, changes, moves, stale, stale_seen, mixed;
    _Atomic bool stop, by_told; /* judge by what was told: while files are replaced no more is promised */
} * all;

struct value {
    uint64_t key, version, seen, filling[(SHMCACHE_VALUE - 24) / 8];
};

static unsigned seed;

static unsigned some(unsigned below)
{
    return (unsigned)rand_r(&seed) % below;
}

static struct cache_key key_of(unsigned k)
{
    return key_in((int)(k % SETS), (int)k);
}

static void raise_to(_Atomic uint64_t *at, uint64_t v)
{
    uint64_t is = atomic_load(at);

    while (is < v && !atomic_compare_exchange_weak(at, &is, v))
        ;
}

static size_t size_of(uint64_t version)
{
    return 24 + 8 * (version % 40);
}

/* --- what each process does --------------------------------------------------------------------------------------- */

static void judge(unsigned k, const struct value *v, size_t n, uint64_t version, uint64_t seen)
{
    bool same = n == size_of(v->version) && v->key == k;

    for (size_t i = 0; same && i < (n - 24) / 8; i++)
        same = v->filling[i] == v->version;
    atomic_fetch_add(&all->hits, 1);
    if (!same)
        atomic_fetch_add(&all->mixed, 1);
    else if (v->version < version)
        atomic_fetch_add(&all->stale, 1);
    else if (v->seen < seen && !all->by_told) /* for times that move nobody waits until all know of a new file */
        atomic_fetch_add(&all->stale_seen, 1);
}

/* The guarded update of a time: true if it was we. */
static bool slide(struct shmcache *c, unsigned k, struct shmcache_reading *r, struct value *v, bool *keep)
{
    uint64_t was = v->seen;

    if (!atomic_compare_exchange_strong(&all->seen[k], &was, v->seen + 1))
        return false;
    v->seen++;
    *keep = shmcache_move(c, key_of(k).text, r);
    raise_to(&all->seen_told[k], v->seen);
    atomic_fetch_add(&all->moves, 1);
    return true;
}

static void find(struct shmcache *c, unsigned k)
{
    struct shmcache_reading r;
    struct value v = {.key = k};
    bool keep = true;

    shmcache_begin(c, key_of(k).text, &r);
    v.version = atomic_load(&all->truth[k / KEYS_PER_TAG]);
    v.seen = atomic_load(&all->seen[k]);
    if (some(4) == 0)
        sched_yield();
    if (some(16) == 0 && !slide(c, k, &r, &v, &keep))
        return;
    for (size_t i = 0; i < (size_of(v.version) - 24) / 8; i++)
        v.filling[i] = v.version;
    char tag[16];
    snprintf(tag, sizeof tag, "user %u", k / KEYS_PER_TAG);
    if (keep && clock_steady() - r.steady < STALL_MS)
        shmcache_put(c, key_of(k).text, tag, &r, &v, size_of(v.version));
}

static void look(struct shmcache *c, unsigned k)
{
    struct value v;
    uint64_t version = atomic_load(all->by_told ? &all->told[k / KEYS_PER_TAG] : &all->truth[k / KEYS_PER_TAG]);
    uint64_t seen = atomic_load(&all->seen_told[k]);

    _Static_assert(sizeof v == SHMCACHE_VALUE, "a value fits");
    size_t n = shmcache_get(c, key_of(k).text, (uint64_t *)&v);
    atomic_fetch_add(&all->gets, 1);
    if (n > 0)
        judge(k, &v, n, version, seen);
    else
        find(c, k);
}

/* Some of our own: one, both, or one that is told as all there is. */
static void change(struct shmcache *c, unsigned me)
{
    struct shmcache_change ch = {.n = 0};
    unsigned first = me * OWN + some(OWN), n = some(64) == 0 ? OWN : 1;
    int64_t began = clock_steady();
    char tag[16];

    for (unsigned i = 0; i < n; i++) {
        snprintf(tag, sizeof tag, "user %u", n == 1 ? first : me * OWN + i);
        shmcache_change_add(&ch, some(64) ? tag : NULL);
    }
    shmcache_change_begin(c, &ch);
    if (some(16) == 0)
        sched_yield();
    bool done = clock_steady() - began < STALL_MS;
    for (unsigned i = 0; done && i < n; i++)
        atomic_fetch_add(&all->truth[n == 1 ? first : me * OWN + i], 1);
    if (some(16) == 0)
        sched_yield();
    shmcache_change_end(c, &ch, true);
    for (unsigned i = 0; done && i < n; i++) {
        unsigned t = n == 1 ? first : me * OWN + i;
        raise_to(&all->told[t], atomic_load(&all->truth[t])); /* nobody else changes it */
    }
    atomic_fetch_add(&all->changes, 1);
}

static void live(unsigned me)
{
    const struct shmcache_options o = cache_options(SHMCACHE_BYTES_MIN, MAX_AGE);
    struct shmcache *c = NULL;

    if (shmcache_open(&o, &c) != ERR_OK)
        _exit(1);
    while (!all->stop) {
        if (some(64) == 0)
            change(c, me);
        else
            look(c, some(KEYS_ALL));
    }
    _exit(0);
}

static pid_t start(unsigned me, unsigned with)
{
    pid_t pid = fork();

    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        seed = with;
        live(me);
    }
    return pid;
}

/* --- the three kinds of trouble ----------------------------------------------------------------------------------- */

static void setup(pid_t pid[PROCESSES])
{
    memset(all, 0, sizeof *all);
    unlink(cache_path);
    for (unsigned i = 0; i < PROCESSES; i++)
        pid[i] = start(i, i + 1);
}

static void finish(const pid_t pid[PROCESSES], const char *what)
{
    int status;

    all->stop = true;
    for (unsigned i = 0; i < PROCESSES; i++)
        CU_ASSERT(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
    printf("%s: %llu gets, %llu hits, %llu changes, %llu moves; stale: %llu, %llu; mixed: %llu\n", what,
           (unsigned long long)all->gets, (unsigned long long)all->hits, (unsigned long long)all->changes,
           (unsigned long long)all->moves, (unsigned long long)all->stale, (unsigned long long)all->stale_seen,
           (unsigned long long)all->mixed);
    CU_ASSERT_EQUAL(all->stale, 0);
    CU_ASSERT_EQUAL(all->stale_seen, 0);
    CU_ASSERT_EQUAL(all->mixed, 0);
    CU_ASSERT(all->hits > 1000 && all->changes > 100 && all->moves > 100);
}

static void test_living(void)
{
    pid_t pid[PROCESSES];

    setup(pid);
    usleep(2000000);
    finish(pid, "living");
}

static void test_killed(void)
{
    pid_t pid[PROCESSES];

    setup(pid);
    seed = 7;
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned who = some(PROCESSES);
        usleep(some(8000));
        CU_ASSERT(kill(pid[who], SIGKILL) == 0 && waitpid(pid[who], NULL, 0) == pid[who]);
        pid[who] = start(who, 1000 + i);
    }
    finish(pid, "killed");
}

/* A process of another setting of the size comes and goes, and somebody removes the file now and then. */
static void test_replaced(void)
{
    pid_t pid[PROCESSES];

    setup(pid);
    all->by_told = true;
    seed = 9;
    for (int i = 0; i < 200; i++) {
        struct shmcache *c = cache_open(SHMCACHE_BYTES_MIN * (i % 2 + 1), MAX_AGE);
        if (i % 3 == 0)
            usleep(1000);
        if (i % 5 == 0)
            unlink(cache_path);
        shmcache_close(&c);
        usleep(some(20000));
    }
    finish(pid, "replaced");
}

static CU_TestInfo tests[] = {
    {"living", test_living},
    {"killed", test_killed},
    {"replaced", test_replaced},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return 2;
    return suite_run("shmcache race", tests, cache_dir_make, cache_dir_remove);
}
