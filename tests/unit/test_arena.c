/* Arena: alignment, zeroing, reset and its wiping, text helpers. */
#include "../lib/suite.h"

#include "base/arena.h"
#include "base/sanitized.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static struct arena *opened(size_t block)
{
    struct arena *a = NULL;
    CU_ASSERT_FATAL(arena_open(&a, block) == ERR_OK && a != NULL);
    return a;
}

static bool all_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void test_alloc_is_aligned_and_zeroed(void)
{
    struct arena *a = opened(256);
    for (size_t n = 0; n < 600; n++) {
        char *p = arena_alloc(a, n);
        CU_ASSERT_FATAL(p != NULL);
        CU_ASSERT((uintptr_t)p % _Alignof(max_align_t) == 0);
        CU_ASSERT(all_zero(p, n));
        memset(p, 0xA5, n);
    }
    CU_ASSERT_EQUAL(arena_used(a), 599 * 600 / 2);
    arena_close(&a);
    CU_ASSERT_PTR_NULL(a);
}

static void test_allocations_do_not_overlap(void)
{
    enum { MANY = 300 };
    unsigned char *p[MANY];
    struct arena *a = opened(128);
    for (size_t i = 0; i < MANY; i++) {
        p[i] = arena_alloc(a, i + 1);
        memset(p[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < MANY; i++)
        CU_ASSERT(p[i][0] == i % 251 && p[i][i] == i % 251);
    arena_close(&a);
}

static void test_reset_wipes_and_reuses_first_block(void)
{
    struct arena *a = opened(1024);
    char *before = arena_strdup(a, "a secret that must not stay");
    arena_alloc(a, 5000);
    arena_reset(a);
    CU_ASSERT_EQUAL(arena_used(a), 0);
    if (!SANITIZED) /* there the memory is gone, and looking is what the sanitizer would stop */
        CU_ASSERT(all_zero(before, strlen("a secret that must not stay")));
    char *after = arena_alloc(a, 64);
    if (!SANITIZED)
        CU_ASSERT_PTR_EQUAL(before, after);
    CU_ASSERT(all_zero(after, 64));
    arena_close(&a);
}

static void test_many_resets_stay_zeroed(void)
{
    struct arena *a = opened(512);
    for (size_t round = 0; round < 200; round++) {
        for (size_t i = 0; i < 20; i++) {
            char *p = arena_alloc(a, round % 97 + i);
            CU_ASSERT(all_zero(p, round % 97 + i));
            memset(p, 0xFF, round % 97 + i);
        }
        arena_reset(a);
    }
    arena_close(&a);
}

static void test_text_helpers(void)
{
    struct arena *a = opened(64);
    CU_ASSERT_STRING_EQUAL(arena_strdup(a, "abc"), "abc");
    CU_ASSERT_PTR_NULL(arena_strdup(a, NULL));
    CU_ASSERT_STRING_EQUAL(arena_strndup(a, "abcdef", 3), "abc");
    CU_ASSERT_STRING_EQUAL(arena_strndup(a, NULL, 0), "");
    CU_ASSERT(memcmp(arena_strndup(a, "a\0b", 3), "a\0b", 4) == 0);
    CU_ASSERT_STRING_EQUAL(arena_printf(a, "%d-%s", 42, "x"), "42-x");
    char *wide = arena_printf(a, "%1000d", 7);
    CU_ASSERT(strlen(wide) == 1000 && wide[999] == '7');
    arena_close(&a);
}

static void test_new_and_array_macros(void)
{
    struct arena *a = opened(64);
    int64_t *one = ARENA_NEW(a, int64_t), *many = ARENA_ARRAY(a, int64_t, 100);
    CU_ASSERT(*one == 0 && many[0] == 0 && many[99] == 0);
    CU_ASSERT_EQUAL(arena_used(a), 101 * sizeof(int64_t));
    arena_close(&a);
}

static void test_close_null_is_safe(void)
{
    struct arena *none = NULL;
    arena_close(&none);
    arena_close(NULL);
    CU_ASSERT_PTR_NULL(none);
}

static CU_TestInfo tests[] = {
    {"alloc is aligned and zeroed", test_alloc_is_aligned_and_zeroed},
    {"allocations do not overlap", test_allocations_do_not_overlap},
    {"reset wipes and reuses the first block", test_reset_wipes_and_reuses_first_block},
    {"many resets stay zeroed", test_many_resets_stay_zeroed},
    {"text helpers", test_text_helpers},
    {"new and array macros", test_new_and_array_macros},
    {"close of NULL is safe", test_close_null_is_safe},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("arena", tests)
