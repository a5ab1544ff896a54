/* The file behind the shared cache that is given up, removed, or made anew: what those do who still have it, and that
 * each of them is told of changes. */
#define MOVED_CLOCKS
#include "shmcache_case.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_AGE = 10000, LOOK = 1000, BIGGER = 2 * SHMCACHE_BYTES_MIN };

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

static void file_of(off_t size)
{
    int fd = open(cache_path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT(fd >= 0 && ftruncate(fd, size) == 0);
    close(fd);
}

/* --- given up ----------------------------------------------------------------------------------------------------- */

/* There shall be none: those who have one end with it, and make none. */
static void test_off(void)
{
    struct shmcache *c = cache_fresh(MAX_AGE), *off = NULL;

    cache_fill(c, key(1), "u", "x");
    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK);
    CU_ASSERT_NOT_EQUAL(access(cache_path, F_OK), 0);
    LACKS(off, key(1));
    cache_fill(off, key(1), "u", "x");
    cache_change(off, "u");
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

/* Who has none, by its setting or because others wanted none for a while, still tells those who have one since. */
static void test_off_and_on(void)
{
    struct shmcache *off = NULL, *was = cache_fresh(MAX_AGE), *on;
    struct shmcache_change ch = change_of("u");

    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK);
    CU_ASSERT_FATAL(off != NULL);
    LACKS(was, key(1));
    shmcache_change_begin(off, &ch);
    on = cache_open(BIGGER, MAX_AGE);
    cache_fill(on, key(1), "u", "read before the commit");
    shmcache_change_end(off, &ch, true);
    LACKS(on, key(1));
    for (int i = 0; i < 3; i++, pass(LOOK)) {
        struct shmcache *who = i % 2 ? was : off;
        cache_fill(on, key(1), "u", "x");
        cache_fill(on, key(2), "v", "y");
        LACKS(who, key(1));
        cache_change(who, "u");
        LACKS(on, key(1));
        HAS(on, key(2), "y");
        shmcache_forget(who, key(2).text);
        LACKS(on, key(2));
        CU_ASSERT_PTR_NULL(who->head);
    }
    shmcache_close(&off);
    shmcache_close(&was);
    shmcache_close(&on);
}

/* One of another layout, which he cannot tell, is given up. */
static void test_off_and_other_layout(void)
{
    struct shmcache *off = NULL, *on;

    CU_ASSERT_EQUAL(open_as(SHMCACHE_BYTES_MIN, 0, &off), ERR_OK);
    on = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    cache_fill(on, key(1), "u", "x");
    on->head->magic++;
    cache_change(off, "u");
    LACKS(on, key(1));
    shmcache_close(&on);
    unlink(cache_path);
    file_of(8 * SHMCACHE_BYTES_MIN); /* nor is it one yet */
    cache_change(off, "u");
    unlink(cache_path);
    file_of(10);
    cache_change(off, "u");
    shmcache_close(&off);
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

/* One has gone on to the new file, the other has not seen yet that it is gone: it is told of that one's changes, and
 * what it has in its own is good no more once somebody knows that the file is another. */
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

static int64_t real_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Who makes a file cannot tell those who may have one that was removed: by the time his change is over they have
 * looked. */
static void test_young_file(void)
{
    struct shmcache *old = cache_fresh(MAX_AGE), *c;
    int64_t began;

    cache_fill(old, key(1), "u", "x");
    unlink(cache_path);
    c = cache_open(SHMCACHE_BYTES_MIN, MAX_AGE);
    began = real_ms();
    cache_change(c, "u");
    int64_t took = real_ms() - began;
    CU_ASSERT(took >= 100 && took < 5000);
    pass(102); /* as much as that */
    LACKS(old, key(1));
    began = real_ms();
    shmcache_forget(c, key(1).text);
    for (int i = 0; i < 100; i++)
        cache_change(c, "u");
    CU_ASSERT(real_ms() - began < 5000);
    shmcache_close(&old);
    shmcache_close(&c);
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
    {"off", test_off},
    {"off and on", test_off_and_on},
    {"off, and another layout", test_off_and_other_layout},
    {"unlinked", test_unlinked},
    {"unlinked, and one has seen it", test_unlinked_seen_by_one},
    {"unlinked, and none has seen it", test_unlinked_seen_by_none},
    {"a young file", test_young_file},
    {"a change after a failure", test_change_after_failure},
    {"a reading of another file", test_reading_of_another_file},
    {"two sizes", test_two_sizes},
    {"two sizes settle", test_two_sizes_settle},
    {"replaced in a change", test_replaced_in_a_change},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("shmcache gone", tests, cache_dir_make, cache_dir_remove);
}
