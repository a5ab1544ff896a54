/* Form-encoded text: the WHATWG rules, and what is refused. */
#include "suite.h"

#include "http/pairs.h"

#include <string.h>

static struct arena *arena;
static struct pairs p;

static enum err form(const char *s)
{
    return pairs_parse(arena, s, strlen(s), &p);
}

static void test_split(void)
{
    static const struct {
        const char *in;
        size_t n;
        const char *v[8];
    } row[] = {
        {"", 0, {0}},
        {"&&&", 0, {0}},
        {"a", 1, {"a", ""}},
        {"a=", 1, {"a", ""}},
        {"=", 1, {"", ""}},
        {"=b", 1, {"", "b"}},
        {"a=b=c", 1, {"a", "b=c"}},
        {"a=1&b=2", 2, {"a", "1", "b", "2"}},
        {"&a=1&&b=2&", 2, {"a", "1", "b", "2"}},
        {"a+b=c+d", 1, {"a b", "c d"}},
        {"a%2Bb=%2b%20", 1, {"a+b", "+ "}},
        {"a%26=%3D", 1, {"a&", "="}},
        {"n=%E2%82%AC", 1, {"n", "\xE2\x82\xAC"}},
        {"n=\xE2\x82\xAC", 1, {"n", "\xE2\x82\xAC"}},
        {"a=1&a=2&A=3", 3, {"a", "1", "a", "2", "A", "3"}},
        {"a=%2525", 1, {"a", "%25"}},
        {"x=%0d%0aSet-Cookie:x=1", 1, {"x", "\r\nSet-Cookie:x=1"}},
    };

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        CU_ASSERT_EQUAL(form(row[i].in), ERR_OK);
        CU_ASSERT_EQUAL_FATAL(p.n, row[i].n);
        for (size_t k = 0; k < p.n; k++) {
            CU_ASSERT_STRING_EQUAL(p.v[k].name, row[i].v[2 * k]);
            CU_ASSERT_STRING_EQUAL(p.v[k].value, row[i].v[2 * k + 1]);
        }
    }
}

static void test_refused(void)
{
    static const char *const bad[] = {"a=%",    "a=%4",  "a=%zz", "a=%4g",    "%=1",         "a=%00",         "%00",
                                      "a=\xff", "a=%ff", "%c3=1", "a=%c0%80", "a=%ED%A0%80", "a=%F4%90%80%80"};
    const struct pairs before = p;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(form(bad[i]), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(pairs_parse(arena, "a\0=1", 4, &p), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(pairs_parse(arena, "a=\0", 3, &p), ERR_BAD_FORM);
    CU_ASSERT_PTR_EQUAL(p.v, before.v);
}

static void test_escapes_at_the_end(void)
{
    /* the bytes after n belong to somebody else */
    CU_ASSERT_EQUAL(pairs_parse(arena, "a=%41", 4, &p), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(pairs_parse(arena, "a=%41", 5, &p), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "a"), "A");
}

static void test_cap(void)
{
    char s[400] = "";

    for (int i = 0; i < 64; i++)
        memcpy(s + 4 * i, "a=1&", 5);
    CU_ASSERT_EQUAL(form(s), ERR_OK);
    CU_ASSERT_EQUAL(p.n, 64);
    memcpy(s + 256, "b", 2);
    CU_ASSERT_EQUAL(form(s), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(pairs_parse_query(arena, s, strlen(s), &p), ERR_BAD_REQUEST);
}

static void test_query_is_laxer(void)
{
    const char *s = "a=100%&b=%zz&c=%4&d=%41%";

    CU_ASSERT_EQUAL(pairs_parse_query(arena, s, strlen(s), &p), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "a"), "100%");
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "b"), "%zz");
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "c"), "%4");
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "d"), "A%");
    CU_ASSERT_EQUAL(pairs_parse_query(arena, "a=%00", 5, &p), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(pairs_parse_query(arena, "a=%ff", 5, &p), ERR_BAD_REQUEST);
}

static void test_get(void)
{
    CU_ASSERT_EQUAL(form("a=1&b=2&a=3"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "a"), "1");
    CU_ASSERT_STRING_EQUAL(pairs_get(&p, "b"), "2");
    CU_ASSERT_PTR_NULL(pairs_get(&p, "A"));
    CU_ASSERT_PTR_NULL(pairs_get(&p, ""));
    const struct pairs none = {0};
    CU_ASSERT_PTR_NULL(pairs_get(&none, "a"));
}

static int setup(void)
{
    return arena_open(&arena, 65536) == ERR_OK ? 0 : 1;
}

static int teardown(void)
{
    arena_close(&arena);
    return 0;
}

static CU_TestInfo tests[] = {
    {"split", test_split},
    {"refused", test_refused},
    {"escapes at the end", test_escapes_at_the_end},
    {"cap", test_cap},
    {"query is laxer", test_query_is_laxer},
    {"get", test_get},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("pairs", tests, setup, teardown);
}
