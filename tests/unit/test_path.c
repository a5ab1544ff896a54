/* Paths: resolved as web servers do, and loosely. */
#include "suite.h"

#include "base/path.h"

#include <string.h>

static struct arena *arena;

static void resolves(const char *from, const char *to)
{
    char *got = path_resolve(arena, from);

    if (strcmp(got, to) != 0)
        printf("%s -> %s, not %s\n", from, got, to);
    CU_ASSERT_STRING_EQUAL(got, to);
    CU_ASSERT_STRING_EQUAL(path_resolve(arena, got), to);
}

static void test_resolve(void)
{
    CU_ASSERT_EQUAL_FATAL(arena_open(&arena, 4096), ERR_OK);
    resolves("/", "/");
    resolves("", "/");
    resolves("//", "/");
    resolves("/a", "/a");
    resolves("/a/", "/a/");
    resolves("//a///b", "/a/b");
    resolves("/a/./b/.", "/a/b/");
    resolves("/a/../b", "/b");
    resolves("/a/b/..", "/a/");
    resolves("/a/b/../", "/a/");
    resolves("/..", "/");
    resolves("/../../a", "/a");
    resolves("/a/../../..", "/");
    resolves("/a/.../b", "/a/.../b");
    resolves("/a/..b/c", "/a/..b/c");
    resolves("/.a/", "/.a/");
    resolves("/a/..;/b", "/a/..;/b");
    arena_close(&arena);
}

static void loosely(const char *from, const char *to)
{
    char *got = path_resolve_loosely(arena, from);

    if (strcmp(got, to) != 0)
        printf("%s -> %s, not %s\n", from, got, to);
    CU_ASSERT_STRING_EQUAL(got, to);
}

static void test_loosely(void)
{
    CU_ASSERT_EQUAL_FATAL(arena_open(&arena, 4096), ERR_OK);
    loosely("/Admin/", "/admin/");
    loosely("/admin;x/page", "/admin/page");
    loosely("/open/..;/admin/", "/admin/");
    loosely("/open\\..\\admin/x", "/admin/x");
    loosely("/admin./x", "/admin/x");
    loosely("/admin /x", "/admin/x");
    loosely("/admin. ./x", "/admin/x");
    loosely("/a/./b", "/a/b");
    loosely("/a/.;p/b", "/a/b");
    loosely("/;a;b/c;d", "/c");
    loosely("/a/x..", "/a/x");
    arena_close(&arena);
}

static void test_below(void)
{
    CU_ASSERT_TRUE(path_below("/a", "/a"));
    CU_ASSERT_TRUE(path_below("/a", "/a/"));
    CU_ASSERT_TRUE(path_below("/a/", "/a"));
    CU_ASSERT_TRUE(path_below("/a/b", "/a/"));
    CU_ASSERT_TRUE(path_below("/a/b", "/"));
    CU_ASSERT_TRUE(path_below("/", "/"));
    CU_ASSERT_FALSE(path_below("/ab", "/a"));
    CU_ASSERT_FALSE(path_below("/ab", "/a/"));
    CU_ASSERT_FALSE(path_below("/", "/a"));
    CU_ASSERT_FALSE(path_below("/A/b", "/a"));
}

static CU_TestInfo tests[] = {
    {"resolve", test_resolve}, {"loosely", test_loosely}, {"below", test_below}, CU_TEST_INFO_NULL};
SUITE_MAIN("paths", tests)
