/* Ids from the kernel's randomness: no duplicate, even in every place, not shared across fork. */
#include "../lib/suite.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS 100000
#define CHILDREN 64
#define EACH 1000
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static int compare(const void *x, const void *y)
{
    return memcmp(x, y, RNG_ID_SIZE);
}

static size_t duplicates(char (*ids)[RNG_ID_SIZE], size_t n)
{
    size_t same = 0;
    qsort(ids, n, sizeof *ids, compare);
    for (size_t i = 1; i < n; i++)
        same += memcmp(ids[i - 1], ids[i], RNG_ID_SIZE) == 0;
    return same;
}

/* 61 degrees of freedom: 140 is passed by chance once in some 30 million; a remainder over 256 values gives 500. */
static double chi_square(char (*ids)[RNG_ID_SIZE], size_t n, size_t place)
{
    double seen[256] = {0}, expected = (double)n / 62, sum = 0;
    for (size_t i = 0; i < n; i++)
        seen[(unsigned char)ids[i][place]]++;
    for (const char *c = LETTERS; *c; c++)
        sum += (seen[(unsigned char)*c] - expected) * (seen[(unsigned char)*c] - expected) / expected;
    return sum;
}

static void test_ids_are_wellformed_even_and_single(void)
{
    char(*ids)[RNG_ID_SIZE] = calloc(IDS, sizeof *ids);
    CU_ASSERT_FATAL(ids != NULL);
    size_t bad = 0;
    for (size_t i = 0; i < IDS; i++) {
        bad += rng_id(ids[i]) != ERR_OK;
        bad += strlen(ids[i]) != RNG_ID_LEN || strspn(ids[i], LETTERS) != RNG_ID_LEN;
    }
    CU_ASSERT_EQUAL(bad, 0);
    for (size_t place = 0; place < RNG_ID_LEN; place++)
        CU_ASSERT(chi_square(ids, IDS, place) < 140);
    CU_ASSERT_EQUAL(duplicates(ids, IDS), 0);
    free(ids);
}

static void mint_and_exit(char (*ids)[RNG_ID_SIZE])
{
    for (size_t i = 0; i < EACH; i++)
        if (rng_id(ids[i]) != ERR_OK)
            _exit(1);
    _exit(0);
}

static void test_forked_children_do_not_collide(void)
{
    size_t n = (size_t)CHILDREN * EACH;
    char(*ids)[RNG_ID_SIZE] = mmap(NULL, n * sizeof *ids, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(ids != MAP_FAILED);
    char first[RNG_ID_SIZE];
    CU_ASSERT(rng_id(first) == ERR_OK); /* so that whatever state there might be exists before the fork */
    for (size_t c = 0; c < CHILDREN; c++) {
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0)
            mint_and_exit(ids + c * EACH);
    }
    for (size_t c = 0; c < CHILDREN; c++) {
        int status = -1;
        CU_ASSERT(wait(&status) > 0 && status == 0);
    }
    CU_ASSERT_EQUAL(duplicates(ids, n), 0);
    CU_ASSERT_EQUAL(strlen(ids[0]), RNG_ID_LEN);
    munmap(ids, n * sizeof *ids);
}

static void test_fill_fills_all_and_no_more(void)
{
    static unsigned char buf[100002];
    size_t zeros = 0;
    CU_ASSERT(rng_fill(buf + 1, sizeof buf - 2) == ERR_OK);
    CU_ASSERT(buf[0] == 0 && buf[sizeof buf - 1] == 0);
    for (size_t i = 1; i + 1 < sizeof buf; i++)
        zeros += buf[i] == 0;
    CU_ASSERT(zeros > 200 && zeros < 600); /* 391 expected */
    CU_ASSERT(rng_fill(buf, 0) == ERR_OK);
}

static CU_TestInfo tests[] = {
    {"ids are well-formed, even and single", test_ids_are_wellformed_even_and_single},
    {"forked children do not collide", test_forked_children_do_not_collide},
    {"fill fills all and no more", test_fill_fills_all_and_no_more},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("rng", tests)
