/* The file behind the shared cache: who makes it, and what is taken for one and what is not. */
#include "shmcache_case.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_AGE = 10000 };
static const uid_t nobody = 65534;

int64_t clock_now(void)
{
    return 1795424400123;
}

int64_t clock_steady(void)
{
    return 5000000;
}

static ino_t inode_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static enum err open_as(int64_t bytes, int64_t max_age, struct shmcache **out)
{
    const struct shmcache_options o = cache_options(bytes, max_age);

    return shmcache_open(&o, out);
}

static void refused(void)
{
    struct shmcache *c = NULL;

    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, MAX_AGE, &c), ERR_IO);
    CU_ASSERT_PTR_NULL(c);
}

/* 0: all that f asserts by its status held. */
static int in_child(int (*f)(void))
{
    int status = -1;
    pid_t pid = fork();

    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        _exit(f());
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    return status;
}

/* --- made --------------------------------------------------------------------------------------------------------- */

static void test_made(void)
{
    struct stat st;
    mode_t before = umask(0);
    struct shmcache *c = cache_fresh(MAX_AGE);

    umask(before);
    CU_ASSERT(stat(cache_path, &st) == 0 && (st.st_mode & 07777) == 0600 && S_ISREG(st.st_mode));
    CU_ASSERT(st.st_size > SHMCACHE_BYTES_MIN - 8192 && st.st_size <= SHMCACHE_BYTES_MIN);
    CU_ASSERT(st.st_blocks * 512 >= st.st_size); /* reserved */
    cache_fill(c, key(1), "u", "x");
    shmcache_close(&c);
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    CU_ASSERT_EQUAL(inode_at(cache_path), st.st_ino);
    HAS(c, key(1), "x"); /* outlives those who use it */
    shmcache_close(&c);
}

static void test_sizes(void)
{
    static const int64_t bytes[] = {-1, 0, 1, SHMCACHE_BYTES_MIN, SHMCACHE_BYTES_MIN + 1, 3333333, 1 << 24};
    struct stat st;

    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        struct shmcache *c = cache_open(bytes[i], MAX_AGE);
        int64_t most = bytes[i] < SHMCACHE_BYTES_MIN ? SHMCACHE_BYTES_MIN : bytes[i];
        CU_ASSERT(stat(cache_path, &st) == 0 && st.st_size <= most && st.st_size > most - 3 * 4096);
        for (int n = 0; n < 3000; n++)
            cache_fill(c, key(n), "u", "x");
        shmcache_close(&c);
    }
}

static void test_not_made(void)
{
    char elsewhere[sizeof cache_dir + 16];
    struct shmcache_options o = {.dir = "/nonexistent/dir", .name = CACHE_NAME, .max_age = MAX_AGE};
    struct shmcache *c = NULL;

    CU_ASSERT_EQUAL(shmcache_open(&o, &c), ERR_IO);
    unlink(cache_path);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", cache_dir);
    CU_ASSERT_EQUAL(symlink(elsewhere, cache_path), 0);
    refused();
    CU_ASSERT_NOT_EQUAL(access(elsewhere, F_OK), 0);
    unlink(cache_path);
    CU_ASSERT_EQUAL(mkdir(cache_path, 0700), 0);
    refused();
    rmdir(cache_path);
    CU_ASSERT_EQUAL(mkfifo(cache_path, 0600), 0);
    refused();
    unlink(cache_path);
}

static void test_no_room(void)
{
    struct rlimit was, little = {.rlim_cur = SHMCACHE_BYTES_MIN / 2};
    struct shmcache *c;

    unlink(cache_path);
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &was), 0);
    little.rlim_max = was.rlim_max;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &little), 0);
    refused();
    refused();
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_DFL);
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE); /* what was left there is made whole */
    cache_fill(c, key(1), "u", "x");
    HAS(c, key(1), "x");
    shmcache_close(&c);
}

static void file_of(off_t size)
{
    int fd = open(cache_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT(fd >= 0 && ftruncate(fd, size) == 0);
    close(fd);
}

/* Another user's file is none of ours, though we may write to it. */
static int other_owner(void)
{
    struct shmcache *c = NULL;

    if (setgid(nobody) != 0 || setuid(nobody) != 0)
        return 1;
    return open_as(SHMCACHE_BYTES_MIN, MAX_AGE, &c) == ERR_IO && !c ? 0 : 2;
}

static void test_owner(void)
{
    struct stat st;
    struct shmcache *c;

    if (geteuid() != 0)
        return;
    c = cache_fresh(MAX_AGE);
    shmcache_close(&c);
    CU_ASSERT(chmod(cache_dir, 0777) == 0 && chmod(cache_path, 0666) == 0);
    CU_ASSERT_EQUAL(in_child(other_owner), 0);
    CU_ASSERT_EQUAL(chown(cache_dir, nobody, nobody), 0);
    c = cache_fresh(MAX_AGE);
    CU_ASSERT(stat(cache_path, &st) == 0 && st.st_uid == nobody && st.st_gid == nobody);
    shmcache_close(&c);
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE); /* root may use it, too */
    CU_ASSERT_EQUAL(inode_at(cache_path), st.st_ino);
    shmcache_close(&c);
    unlink(cache_path);
    CU_ASSERT(chown(cache_dir, 0, 0) == 0 && chmod(cache_dir, 0700) == 0);
}

/* Root takes none that a third one has put there, and nobody one that has another name, too: it would be made empty. */
static void test_not_ours(void)
{
    char other[sizeof cache_dir + 16];
    struct stat st;

    snprintf(other, sizeof other, "%s/other", cache_dir);
    unlink(cache_path);
    file_of(100);
    CU_ASSERT_EQUAL(link(cache_path, other), 0);
    refused();
    CU_ASSERT(stat(other, &st) == 0 && st.st_size == 100);
    unlink(other);
    if (geteuid() == 0) {
        CU_ASSERT_EQUAL(chown(cache_path, nobody, nobody), 0);
        refused();
        CU_ASSERT(stat(cache_path, &st) == 0 && st.st_size == 100 && st.st_uid == nobody);
    }
    unlink(cache_path);
}

/* --- at the same time --------------------------------------------------------------------------------------------- */

static int lock_a_while(int ready)
{
    int fd = open(cache_path, O_RDWR | O_CREAT, 0600);

    if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready, "", 1) != 1)
        return 1;
    usleep(200000);
    return 0; /* the kernel lets go */
}

static void test_waits_for_lock(void)
{
    int up[2], status;
    char byte;

    unlink(cache_path);
    CU_ASSERT_FATAL(pipe(up) == 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0)
        _exit(lock_a_while(up[1]));
    CU_ASSERT_EQUAL(read(up[0], &byte, 1), 1);
    struct shmcache *c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
    close(up[0]);
    close(up[1]);
    shmcache_close(&c);
}

/* Nobody keeps the lock who uses the file. */
static void test_lock_given_back(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    int fd = open(cache_path, O_RDWR);

    CU_ASSERT_EQUAL(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    shmcache_close(&c);
}

/* Waits until the other end is closed, opens the cache and leaves its mark there, where nobody else's can be. */
static int make_mark(int go, int n)
{
    struct shmcache *c = NULL;
    char byte;

    if (read(go, &byte, 1) != 0 || open_as(SHMCACHE_BYTES_MIN, MAX_AGE, &c) != ERR_OK)
        return 1;
    c->head->tags[n]++;
    return 0;
}

enum { MAKERS = 8, ROUNDS = 20 };

static void makers_start(int go[2], pid_t pid[MAKERS])
{
    for (int i = 0; i < MAKERS; i++) {
        pid[i] = fork();
        CU_ASSERT_FATAL(pid[i] >= 0);
        if (pid[i] > 0)
            continue;
        close(go[1]);
        _exit(make_mark(go[0], i));
    }
}

/* Several find none and make it: all have the same in the end. */
static void test_made_at_once(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], status;
        pid_t pid[MAKERS];
        unlink(cache_path);
        CU_ASSERT_FATAL(pipe(go) == 0);
        makers_start(go, pid);
        close(go[0]);
        close(go[1]);
        for (int i = 0; i < MAKERS; i++)
            CU_ASSERT(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
        struct shmcache *c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
        for (int i = 0; i < MAKERS; i++)
            CU_ASSERT_EQUAL(c->head->tags[i], 1);
        shmcache_close(&c);
    }
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

/* As a process leaves one that is killed before the magic number is there. */
static void test_half_made(void)
{
    struct stat st;
    struct shmcache *c = cache_fresh(MAX_AGE);

    CU_ASSERT_EQUAL(stat(cache_path, &st), 0);
    shmcache_close(&c);
    const off_t sizes[] = {0,
                           1,
                           4095,
                           4096,
                           (off_t)sizeof(struct shmcache_head) - 1,
                           sizeof(struct shmcache_head),
                           st.st_size - 1,
                           st.st_size,
                           st.st_size + 1,
                           8 * st.st_size};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct stat is;
        unlink(cache_path);
        file_of(sizes[i]);
        c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
        CU_ASSERT(stat(cache_path, &is) == 0 && is.st_size == st.st_size && is.st_blocks * 512 >= is.st_size);
        cache_fill(c, key(1), "u", "x");
        HAS(c, key(1), "x");
        shmcache_close(&c);
    }
}

/* Of another layout, or not a cache at all: told that it is no more, and made anew beside it. */
static void test_other_layout(void)
{
    struct shmcache *old = cache_fresh(MAX_AGE), *c;
    ino_t was = inode_at(cache_path);

    cache_fill(old, key(1), "u", "x");
    old->head->magic++;
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    CU_ASSERT_NOT_EQUAL(inode_at(cache_path), was);
    CU_ASSERT_EQUAL(old->head->retired, SHMCACHE_REPLACED);
    LACKS(c, key(1));
    cache_fill(c, key(1), "u", "y");
    HAS(old, key(1), "y");
    shmcache_close(&old);
    shmcache_close(&c);
}

/* Of before the host was started anew, when pages of it may have been lost that others of it knew of. */
static void test_other_boot(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    uint64_t boot = c->head->boot;

    CU_ASSERT_NOT_EQUAL(boot, 0); /* where /proc is */
    cache_fill(c, key(1), "u", "x");
    c->head->boot++;
    shmcache_close(&c);
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    LACKS(c, key(1));
    CU_ASSERT_EQUAL(c->head->boot, boot);
    shmcache_close(&c);
}

static CU_TestInfo tests[] = {
    {"made", test_made},
    {"sizes", test_sizes},
    {"not made", test_not_made},
    {"no room", test_no_room},
    {"owner", test_owner},
    {"not ours", test_not_ours},
    {"waits for the lock", test_waits_for_lock},
    {"the lock is given back", test_lock_given_back},
    {"made at once", test_made_at_once},
    {"half made", test_half_made},
    {"another layout", test_other_layout},
    {"another boot", test_other_boot},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache file", tests, cache_dir_make, cache_dir_remove);
}
