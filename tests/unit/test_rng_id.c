/* Ids from given bytes: which are thrown away, and what happens when none come. */
#include "../lib/suite.h"

#include "base/rng.h"

#include <string.h>

static unsigned char next;
static int step, calls, fail_from;

enum err rng_fill(void *p, size_t n)
{
    unsigned char *b = p;
    if (fail_from && ++calls >= fail_from)
        return ERR_RANDOM;
    for (size_t i = 0; i < n; i++, next = (unsigned char)(next + step))
        b[i] = next;
    return ERR_OK;
}

static void inject(unsigned char first, int by, int fails)
{
    next = first;
    step = by;
    calls = 0;
    fail_from = fails;
}

static void test_same_bytes_give_same_id(void)
{
    char one[RNG_ID_SIZE], two[RNG_ID_SIZE];
    inject(7, 5, 0);
    CU_ASSERT(rng_id(one) == ERR_OK);
    inject(7, 5, 0);
    CU_ASSERT(rng_id(two) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(one, two);
    CU_ASSERT_EQUAL(strlen(one), RNG_ID_LEN);
}

static void test_each_letter_has_four_bytes(void)
{
    int seen[256] = {0}, letters = 0;
    for (int b = 0; b < 248; b++) {
        char id[RNG_ID_SIZE];
        inject((unsigned char)b, 0, 0);
        CU_ASSERT(rng_id(id) == ERR_OK && strspn(id, (char[]){id[0], 0}) == RNG_ID_LEN);
        letters += seen[(unsigned char)id[0]]++ == 0;
    }
    CU_ASSERT_EQUAL(letters, 62);
    for (int c = 0; c < 256; c++)
        CU_ASSERT(seen[c] == 0 || seen[c] == 4);
}

static void test_unfair_bytes_are_thrown_away(void)
{
    char id[RNG_ID_SIZE], from_zero[RNG_ID_SIZE];
    inject(248, 1, 0); /* 248 … 255, then 0, 1, 2 … */
    CU_ASSERT(rng_id(id) == ERR_OK);
    inject(0, 1, 0);
    CU_ASSERT(rng_id(from_zero) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(id, from_zero);
}

static void test_no_random_no_id(void)
{
    char id[RNG_ID_SIZE] = "untouched";
    inject(0, 1, 1);
    CU_ASSERT_EQUAL(rng_id(id), ERR_RANDOM);
    CU_ASSERT_STRING_EQUAL(id, "untouched");
}

static void test_a_stuck_source_ends(void)
{
    char id[RNG_ID_SIZE] = "untouched";
    inject(255, 0, 0);
    CU_ASSERT_EQUAL(rng_id(id), ERR_RANDOM);
    CU_ASSERT_STRING_EQUAL(id, "untouched");
}

static CU_TestInfo tests[] = {
    {"same bytes give the same id", test_same_bytes_give_same_id},
    {"each letter has four bytes", test_each_letter_has_four_bytes},
    {"unfair bytes are thrown away", test_unfair_bytes_are_thrown_away},
    {"no random, no id", test_no_random_no_id},
    {"a stuck source ends", test_a_stuck_source_ends},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("rng_id", tests)
