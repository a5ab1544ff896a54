/* The file behind the shared cache: who makes it, what is taken for one and what is not, how one is given up, and what
 * those who still have it do then. */
#include "shmcache_case.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MAX_AGE = 10000, LOOK = 1000, BIGGER = 2 * SHMCACHE_BYTES_MIN };
static const uid_t nobody = 65534;

static int64_t now_ms = 1795424400123, steady_ms = 5000000;

int64_t clock_now(void)
{
    return now_ms;
}

int64_t clock_steady(void)
{
    return steady_ms;
}

static void pass(int64_t ms)
{
    now_ms += ms;
    steady_ms += ms;
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

static void file_of(off_t size)
{
    int fd = open(cache_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT(fd >= 0 && ftruncate(fd, size) == 0);
    close(fd);
}

/* As a process leaves one that is killed before the magic number is there. */
static void test_half_made(void)
{
    struct stat st;
    struct shmcache *c = cache_fresh(MAX_AGE);

    CU_ASSERT_EQUAL(stat(cache_path, &st), 0);
    shmcache_close(&c);
    const off_t sizes[] = {0, 1, 4095, 4096, (off_t)sizeof(struct shmcache_head) - 1, sizeof(struct shmcache_head),
                           st.st_size - 1, st.st_size, st.st_size + 1, 8 * st.st_size};
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

/* --- given up ----------------------------------------------------------------------------------------------------- */

/* There shall be none: those who have one end with it, and make none. */
static void test_off(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE), *off = NULL;

    cache_fill(c, key(1), "u", "x");
    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK);
    CU_ASSERT_NOT_EQUAL(access(cache_path, F_OK), 0);
    for (int i = 0; i < 3; i++, pass(LOOK)) {
        LACKS(c, key(1));
        cache_fill(c, key(1), "u", "x");
        LACKS(c, key(1));
        CU_ASSERT_NOT_EQUAL(access(cache_path, F_OK), 0);
    }
    shmcache_close(&c);
    shmcache_close(&off);
    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK); /* there is none any more */
    shmcache_close(&off);
    file_of(10);
    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK);
    shmcache_close(&off);
    CU_ASSERT_NOT_EQUAL(access(cache_path, F_OK), 0);
}

/* Removed by somebody else: those who have it go on to one and the same new one. */
static void test_unlinked(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);

    cache_fill(a, key(1), "u", "x");
    HAS(b, key(1), "x");
    unlink(cache_path);
    pass(LOOK);
    LACKS(a, key(1));
    LACKS(b, key(1));
    cache_fill(a, key(1), "u", "y");
    HAS(b, key(1), "y");
    CU_ASSERT(a->inode == b->inode && a->inode == inode_at(cache_path));
    shmcache_close(&a);
    shmcache_close(&b);
}

/* As if it had just seen that the file is still there. */
static void just_looked(struct shmcache *c)
{
    c->looked = steady_ms;
}

/* One has gone on to the new file, the other has not seen yet that it is gone: it is told of that one's changes, and what
 * it has in its own is good no more once somebody knows that the file is another. */
static void test_unlinked_seen_by_one(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);

    unlink(cache_path);
    pass(LOOK);
    cache_fill(b, key(1), "u", "x");
    just_looked(a);
    cache_change(a, "u");
    LACKS(b, key(1));
    CU_ASSERT_EQUAL(a->inode, b->inode);
    cache_fill(a, key(2), "u", "x");
    unlink(cache_path);
    pass(LOOK);
    just_looked(a);
    HAS(a, key(2), "x");
    cache_change(b, "u");
    LACKS(a, key(2));
    shmcache_close(&a);
    shmcache_close(&b);
}

/* The same where the new one is made by who never had the old one. */
static void test_unlinked_seen_by_none(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b;

    unlink(cache_path);
    b = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    cache_fill(b, key(1), "u", "x");
    just_looked(a);
    CU_ASSERT_NOT_EQUAL(a->inode, b->inode);
    cache_change(a, "u");
    LACKS(b, key(1));
    shmcache_close(&a);
    shmcache_close(&b);
}

/* One who could not have the file a moment ago tries again before a change is over. */
static void test_change_after_failure(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b;
    struct shmcache_change ch = change_of("u");

    unlink(cache_path);
    CU_ASSERT_EQUAL(mkdir(cache_path, 0700), 0);
    pass(LOOK);
    LACKS(a, key(1));
    rmdir(cache_path);
    b = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    shmcache_change_begin(a, &ch);
    cache_fill(b, key(1), "u", "read before the commit");
    shmcache_change_end(a, &ch, true);
    LACKS(b, key(1));
    shmcache_close(&a);
    shmcache_close(&b);
}

/* A reading from one file is not kept in another. */
static void test_reading_of_another_file(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE);
    struct shmcache_reading r = cache_begin(c, key(1)), moved = r;

    unlink(cache_path);
    pass(LOOK);
    cache_put(c, key(1), "u", &r, "x");
    LACKS(c, key(1));
    CU_ASSERT_FALSE(shmcache_move(c, key(1).text, &moved));
    shmcache_close(&c);
}

/* Two settings of the size: whatever file each of them has, a change by one is seen by the other. */
static void test_two_sizes(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b = cache_open(BIGGER, MAX_AGE);
    struct shmcache *c[] = {a, b};

    for (int i = 0; i < 8; i++) {
        struct shmcache *one = c[i % 2], *other = c[(i + i / 2) % 2];
        cache_fill(one, key(1), "u", "x");
        HAS(one, key(1), "x");
        cache_change(other, "u");
        LACKS(a, key(1));
        LACKS(b, key(1));
    }
    shmcache_close(&a);
    shmcache_close(&b);
}

/* They settle on the file of who came last: none is made anew by each of them in turn. */
static void test_two_sizes_settle(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b = cache_open(BIGGER, MAX_AGE);
    ino_t is = inode_at(cache_path);

    for (int i = 0; i < 4; i++, pass(LOOK)) {
        cache_fill(i % 2 ? a : b, key(1), "u", "x");
        HAS(a, key(1), "x");
        HAS(b, key(1), "x");
        CU_ASSERT_EQUAL(inode_at(cache_path), is);
    }
    for (int n = 0; n < 3000; n++)
        cache_fill(a, key(n), "u", "y");
    shmcache_close(&b);
    b = cache_open(BIGGER, MAX_AGE);
    CU_ASSERT_EQUAL(b->inode, a->inode);
    shmcache_close(&a);
    shmcache_close(&b);
}

/* Given up while a change is under way: it is told in the new one, too. */
static void test_replaced_in_a_change(void)
{
    struct shmcache *a = cache_fresh(MAX_AGE), *b;
    struct shmcache_change ch = change_of("u");

    shmcache_change_begin(a, &ch);
    b = cache_open(BIGGER, MAX_AGE);
    struct shmcache_reading r = cache_begin(b, key(2));
    cache_fill(b, key(1), "u", "read before the commit");
    HAS(b, key(1), "read before the commit");
    shmcache_change_end(a, &ch, true);
    LACKS(b, key(1));
    cache_put(b, key(2), "u", &r, "read before the commit");
    LACKS(b, key(2));
    shmcache_close(&a);
    shmcache_close(&b);
}

static CU_TestInfo tests[] = {
    {"made", test_made},
    {"sizes", test_sizes},
    {"not made", test_not_made},
    {"no room", test_no_room},
    {"owner", test_owner},
    {"waits for the lock", test_waits_for_lock},
    {"the lock is given back", test_lock_given_back},
    {"made at once", test_made_at_once},
    {"half made", test_half_made},
    {"another layout", test_other_layout},
    {"another boot", test_other_boot},
    {"off", test_off},
    {"unlinked", test_unlinked},
    {"unlinked, and one has seen it", test_unlinked_seen_by_one},
    {"unlinked, and none has seen it", test_unlinked_seen_by_none},
    {"a change after a failure", test_change_after_failure},
    {"a reading of another file", test_reading_of_another_file},
    {"two sizes", test_two_sizes},
    {"two sizes settle", test_two_sizes_settle},
    {"replaced in a change", test_replaced_in_a_change},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache file", tests, cache_dir_make, cache_dir_remove);
}
