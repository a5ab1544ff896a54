/* The Cookie header as browsers, other programs and attackers write it. */
#include "suite.h"

#include "http/request.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static const struct {
    const char *header;
    size_t n;
    const char *v[4];
} header_row[] = {
    {NULL, 0, {0}},
    {"", 0, {0}},
    {"s=1", 1, {"1"}},
    {"s=", 1, {""}},
    {"s", 0, {0}},
    {"=1", 0, {0}},
    {"S=1; xs=2; sx=3; s =4", 1, {"4"}},
    {"a=1; s=2; b=3", 1, {"2"}},
    {"a=1;s=2", 1, {"2"}},
    {" \t s\t=\t2 ; ", 1, {"2"}},
    {"s=bad; s=good", 2, {"bad", "good"}},
    {"a=1, s=2, b=3", 0, {0}}, /* of another domain's making, to look like ours */
    {"s=1, s=2; s=3", 2, {"1, s=2", "3"}},
    {"s=a=b", 1, {"a=b"}},
    {"a=s=1", 0, {0}},
    {"s=t.AB%2BC%2F%3D", 1, {"t.AB+C/="}},
    {"s=%252B", 1, {"%2B"}}, /* once */
    {"s=a+b", 1, {"a+b"}},
    {"s=a%", 1, {"a%"}},
    {"s=%41%zz", 1, {"%41%zz"}}, /* raw when it fails */
    {"s=%00", 1, {"%00"}},
    {"s=%ff", 1, {"%ff"}},
    {"s=\"abc\"", 1, {"abc"}},
    {"s=\"abc", 1, {"ab"}},
    {"s=\"", 1, {""}},
    {"s=\"\"", 1, {""}},
    {"s=abc\"", 1, {"abc\""}},
    {"s=\"a%20b\"", 1, {"a b"}},
    {";;,; ,s=1,; s=2;", 1, {"2"}},
    {"s=%0d%0aSet-Cookie:x=1", 1, {"\r\nSet-Cookie:x=1"}},
    {"\x01\x02=\xff; s=1", 1, {"1"}},
};

static void test_values(void)
{
    for (size_t i = 0; i < sizeof header_row / sizeof *header_row; i++) {
        const char *v[4] = {0};
        size_t n = cookie_values(arena, header_row[i].header, "s", v, 4);
        CU_ASSERT_EQUAL(n, header_row[i].n);
        if (n != header_row[i].n)
            printf("header_row %zu\n", i);
        for (size_t k = 0; k < header_row[i].n && k < n; k++)
            CU_ASSERT_STRING_EQUAL(v[k], header_row[i].v[k]);
    }
}

static void test_name_is_whole(void)
{
    const char *v[2];

    CU_ASSERT_EQUAL(cookie_values(arena, "__Host-l.t=1; l.t=2", "l.t", v, 2), 1);
    CU_ASSERT_STRING_EQUAL(v[0], "2");
    CU_ASSERT_EQUAL(cookie_values(arena, "__host-l.t=1", "__Host-l.t", v, 2), 0);
}

static void test_cap(void)
{
    char header[600] = "";
    const char *v[5] = {0};

    for (int i = 0; i < 100; i++)
        memcpy(header + 5 * i, "s=1; ", 6);
    CU_ASSERT_EQUAL(cookie_values(arena, header, "s", v, 4), 4);
    CU_ASSERT_PTR_NULL(v[4]);
    CU_ASSERT_EQUAL(cookie_values(arena, header, "s", v, 0), 0);
}

static void test_long(void)
{
    size_t n = 60000;
    char *header = malloc(n + 3);
    const char *v[1];

    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    memset(header, 'x', n + 2);
    memcpy(header, "s=", 2);
    header[n + 2] = '\0';
    CU_ASSERT_EQUAL(cookie_values(arena, header, "s", v, 1), 1);
    CU_ASSERT_EQUAL(strlen(v[0]), n);
    free(header);
}

static int setup(void)
{
    return arena_open(&arena, 4096) == ERR_OK ? 0 : 1;
}

static int teardown(void)
{
    arena_close(&arena);
    return 0;
}

static CU_TestInfo tests[] = {
    {"values", test_values}, {"name is whole", test_name_is_whole}, {"cap", test_cap}, {"long", test_long},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("cookie", tests, setup, teardown);
}
