/* The file behind the cache: found, made, given up. One at a time makes it, under flock(2), which the kernel gives back;
 * a file half made has no magic number and is made anew by the next. Its blocks are reserved: writing to one that the
 * disk has no room for would end the process. */
#include "base/shmcache_internal.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, LOCK_TRIES = 500, LOCK_PAUSE_MS = 10, FEW_TRIES = 20, ATTACH_TRIES = 100, LOOK_EVERY_MS = 100, AGAIN_MS = 5000 };

static size_t page_up(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

static size_t moved_at(void)
{
    return page_up(sizeof(struct shmcache_head));
}

static size_t sets_at(size_t sets)
{
    return moved_at() + page_up(sets * sizeof(uint32_t));
}

static size_t size_of(size_t sets)
{
    return sets_at(sets) + sets * sizeof(struct shmcache_set);
}

/* As many as bytes have room for. */
static size_t sets_of(int64_t bytes)
{
    size_t most = (size_t)(bytes < SHMCACHE_BYTES_MIN ? SHMCACHE_BYTES_MIN : bytes), sets = most / sizeof(struct shmcache_set);

    while (size_of(sets) > most)
        sets--;
    return sets;
}

static bool path_of(const struct shmcache *c, char out[static PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", c->options.dir, c->options.name);

    return n > 0 && n < PATH_MAX;
}

static enum err failed(const struct shmcache *c, const char *doing)
{
    log_error("%s/%s: %s: %s", c->options.dir, c->options.name, doing, strerror(errno));
    return ERR_IO;
}

static bool lock_take(int fd, int tries)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || --tries <= 0)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

static void map_into(struct shmcache *c, void *at, size_t size, const struct stat *st)
{
    c->head = at;
    c->size = size;
    c->file++;
    c->device = st->st_dev;
    c->inode = st->st_ino;
    c->looked = clock_steady();
    c->moved = (void *)((char *)at + moved_at());
    c->sets = (void *)((char *)at + sets_at(c->head->sets));
    madvise(at, size, MADV_DONTDUMP); /* names and addresses stay out of core dumps */
}

static void *map(int fd, size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* Another number after each start of the host; 0: the kernel does not tell. */
static uint64_t boot_now(void)
{
    AUTO(fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[64];
    uint64_t h = 0;

    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text);
    for (ssize_t i = 0; i < n; i++)
        h = shmcache_mix(h, (unsigned char)text[i]);
    return h;
}

/* Is what lies there a cache as we would make it? Who had one already goes on to one of another size: two settings of it
 * would be at odds for ever. */
static bool fits(const struct shmcache *c, const struct shmcache_head *head, size_t size)
{
    size_t sets = head->sets;

    return atomic_load(&head->magic) == SHMCACHE_MAGIC && !atomic_load(&head->retired) && head->boot == boot_now() &&
           sets > 0 && size == size_of(sets) && (c->off || c->file > 0 || sets == sets_of(c->options.bytes));
}

/* The root user makes it for whom the directory belongs to. */
static bool to_owner(const struct shmcache *c, int fd)
{
    struct stat st;

    return geteuid() != 0 || (stat(c->options.dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

static enum err make(struct shmcache *c, int fd, size_t sets)
{
    struct stat st;
    struct shmcache_head *head;
    uint64_t seed;

    TRY(rng_fill(&seed, sizeof seed));
    if (ftruncate(fd, 0) != 0 || fchmod(fd, 0600) != 0 || !to_owner(c, fd))
        return failed(c, "cannot be made");
    errno = posix_fallocate(fd, 0, (off_t)size_of(sets));
    if (errno != 0 || fstat(fd, &st) != 0)
        return failed(c, "no room (session.cache_size)");
    head = map(fd, size_of(sets));
    if (!head)
        return failed(c, "cannot be mapped");
    head->sets = sets;
    head->seed = seed;
    head->boot = boot_now();
    head->made = clock_steady();
    atomic_store(&head->magic, SHMCACHE_MAGIC);
    map_into(c, head, size_of(sets), &st);
    return ERR_OK;
}

/* Tells all who have it mapped that it is no more, and takes its name away. */
static enum err give_up(const struct shmcache *c, int fd, const char *path, enum shmcache_retired how)
{
    struct shmcache_head *head = map(fd, sizeof *head);

    if (head) {
        atomic_store(&head->retired, how);
        munmap(head, sizeof *head);
    }
    return unlink(path) == 0 || errno == ENOENT ? ERR_OK : failed(c, "cannot be removed");
}

/* Root takes one of whom the directory belongs to. Another name of a file that is something else, too, must not make us
 * empty that. */
static bool is_ours(const struct shmcache *c, const struct stat *st)
{
    struct stat dir;
    bool mine = st->st_uid == geteuid() ||
                (geteuid() == 0 && stat(c->options.dir, &dir) == 0 && dir.st_uid == st->st_uid);

    return mine && S_ISREG(st->st_mode) && st->st_nlink <= 1;
}

/* Has whoever had the lock before us not put another file there? */
static bool is_at(int fd, const char *path)
{
    struct stat st, named;

    return fstat(fd, &st) == 0 && stat(path, &named) == 0 && named.st_ino == st.st_ino && named.st_dev == st.st_dev;
}

/* With the lock on fd: maps it, or makes it, or takes it away; ERR_NONE: try again with what is there then. */
static enum err take(struct shmcache *c, int fd, const char *path)
{
    size_t sets = sets_of(c->options.bytes);
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(c, "cannot be read");
    if (!is_ours(c, &st)) {
        errno = EPERM;
        return failed(c, "is not ours");
    }
    if (!is_at(fd, path))
        return ERR_NONE;
    if ((size_t)st.st_size < sizeof(struct shmcache_head))
        return make(c, fd, sets);
    struct shmcache_head *head = map(fd, (size_t)st.st_size);
    if (!head)
        return failed(c, "cannot be mapped");
    if (fits(c, head, (size_t)st.st_size)) {
        map_into(c, head, (size_t)st.st_size, &st);
        return ERR_OK;
    }
    bool half = atomic_load(&head->magic) == 0;
    munmap(head, (size_t)st.st_size);
    if (half)
        return make(c, fd, sets);
    TRY(give_up(c, fd, path, SHMCACHE_REPLACED));
    return ERR_NONE;
}

enum err shmcache_attach(struct shmcache *c, int tries)
{
    char path[PATH_MAX];
    enum err e = ERR_NONE;

    if (!path_of(c, path)) {
        errno = ENAMETOOLONG;
        return failed(c, "the name");
    }
    for (int i = 0; e == ERR_NONE && i < ATTACH_TRIES; i++) {
        AUTO(fd) int fd = -1;
        TRY(fs_lock_open(c->options.dir, c->options.name, &fd));
        if (!lock_take(fd, tries))
            return failed(c, "cannot be locked");
        e = take(c, fd, path);
        flock(fd, LOCK_UN); /* the mapping keeps the file open, and would keep the lock */
    }
    if (e == ERR_NONE)
        log_error("%s: is made anew again and again: do two configurations share %s?", path, c->options.dir);
    return e == ERR_NONE ? ERR_IO : e;
}

void shmcache_detach(struct shmcache *c)
{
    if (c->head)
        munmap(c->head, c->size);
    c->head = NULL;
}

static bool is_named(const struct shmcache *c)
{
    char path[PATH_MAX];
    struct stat st;

    return path_of(c, path) && stat(path, &st) == 0 && st.st_ino == c->inode && st.st_dev == c->device;
}

/* 0: nothing is amiss. */
static uint32_t retired(const struct shmcache *c)
{
    return c->head ? atomic_load_explicit(&c->head->retired, memory_order_acquire) : SHMCACHE_REPLACED;
}

static void off_note(struct shmcache *c)
{
    if (!c->off)
        log_info("%s/%s: was given up by one who is to have no cache: used no more", c->options.dir, c->options.name);
    c->off = true;
}

/* tries: of a lock that another may have for a moment; whoever only reads does not wait long for it. */
static bool settle(struct shmcache *c, bool look, int tries)
{
    uint32_t how = retired(c);

    if (how == 0 && !look)
        return true;
    if (how == SHMCACHE_OFF)
        off_note(c);
    if (c->off || (!c->head && !look))
        return false;
    c->looked = clock_steady();
    if (how == 0 && is_named(c))
        return true;
    if (how == 0)
        atomic_store(&c->head->retired, SHMCACHE_REPLACED); /* who has it still shall not look only in a while */
    shmcache_detach(c);
    if (shmcache_attach(c, tries) == ERR_OK)
        return true;
    c->looked += AGAIN_MS - LOOK_EVERY_MS; /* what fails now will fail with the next request, too */
    return false;
}

bool shmcache_current(struct shmcache *c)
{
    return settle(c, clock_steady() - c->looked >= LOOK_EVERY_MS, FEW_TRIES);
}

/* What is there now, though we have none: others may. False: there is none that anybody reads. */
static bool attach_to_tell(struct shmcache *c)
{
    char path[PATH_MAX];
    AUTO(fd) int fd = -1;
    struct stat st;

    shmcache_detach(c);
    if (path_of(c, path))
        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 && errno != ENOENT)
        failed(c, "is not told of a change");
    if (fd < 0 || fstat(fd, &st) != 0 || !is_ours(c, &st) || (size_t)st.st_size < sizeof(struct shmcache_head))
        return false;
    struct shmcache_head *head = map(fd, (size_t)st.st_size);
    if (!head) {
        failed(c, "is not told of a change");
        return false;
    }
    if (fits(c, head, (size_t)st.st_size)) {
        map_into(c, head, (size_t)st.st_size, &st);
        return true;
    }
    if (atomic_load(&head->magic) != 0 && !atomic_load(&head->retired))
        atomic_store(&head->retired, SHMCACHE_REPLACED);
    munmap(head, (size_t)st.st_size);
    return false;
}

bool shmcache_latest(struct shmcache *c)
{
    return settle(c, true, LOCK_TRIES) || (c->off && attach_to_tell(c));
}

void shmcache_told(struct shmcache *c)
{
    int64_t left = c->head ? c->head->made + LOOK_EVERY_MS + 2 - clock_steady() : 0;

    if (left > 0 && left <= LOOK_EVERY_MS + 2) {
        const struct timespec pause = {.tv_nsec = (long)left * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (c->off)
        shmcache_detach(c);
}

/* Without a cache there shall be no file: who still uses one ends with it. */
static enum err remove_file(struct shmcache *c)
{
    char path[PATH_MAX];
    AUTO(fd) int fd = -1;
    struct stat st;

    if (path_of(c, path))
        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0)
        return ERR_OK;
    if (!lock_take(fd, LOCK_TRIES) || fstat(fd, &st) != 0)
        return failed(c, "cannot be locked");
    if (!is_ours(c, &st) || !is_at(fd, path))
        return ERR_OK; /* none of ours, or somebody else is at it */
    if ((size_t)st.st_size >= sizeof(struct shmcache_head))
        return give_up(c, fd, path, SHMCACHE_OFF);
    return unlink(path) == 0 ? ERR_OK : failed(c, "cannot be removed");
}

enum err shmcache_open(const struct shmcache_options *o, struct shmcache **out)
{
    struct shmcache *c = calloc(1, sizeof *c);

    if (!c) {
        log_error("out of memory: cache");
        return ERR_NO_MEMORY;
    }
    c->options = *o;
    c->off = o->tells || o->max_age <= 0;
    enum err e = !c->off ? shmcache_attach(c, LOCK_TRIES) : o->tells ? ERR_OK : remove_file(c);
    if (e == ERR_OK)
        *out = c;
    else
        free(c);
    return e;
}

void shmcache_close(struct shmcache **c)
{
    if (!*c)
        return;
    shmcache_detach(*c);
    free(*c);
    *c = NULL;
}
