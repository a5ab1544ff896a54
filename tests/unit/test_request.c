/* Parameters of a request: every rule of the head's table. */
#include "suite.h"

#include "base/log.h"
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static const struct cfg cfg = {.auth_base_path = "/auth", .limits_head = 4096};

static enum err head(struct request *r, const char *const *more)
{
    const char *env[40] = {"FCGI_ROLE=RESPONDER", "REQUEST_METHOD=GET", "REMOTE_ADDR=192.0.2.1"};
    size_t n = 3;

    for (; more && *more; more++)
        env[n++] = *more;
    memset(r, 0, sizeof *r);
    return request_head(&cfg, arena, (char *const *)(void *)env, r);
}
#define HEAD(r, ...) head((r), (const char *const[]){__VA_ARGS__, NULL})

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct {
    const char *env[6], *path;
} path_row[] = {
    {{"REQUEST_URI=/auth/session"}, "/session"},
    {{"REQUEST_URI=/auth/session?x=1"}, "/session"},
    {{"REQUEST_URI=/auth/"}, "/"},
    {{"REQUEST_URI=/auth"}, NULL},
    {{"REQUEST_URI=/authx/session"}, NULL},
    {{"REQUEST_URI=/Auth/session"}, NULL},
    {{"REQUEST_URI=/other"}, NULL},
    {{"REQUEST_URI=*"}, NULL},
    {{"REQUEST_URI=?x"}, NULL},
    /* raw: these never match a route */
    {{"REQUEST_URI=/auth//session"}, "//session"},
    {{"REQUEST_URI=/auth/session/"}, "/session/"},
    {{"REQUEST_URI=/auth/s%65ssion"}, "/s%65ssion"},
    {{"REQUEST_URI=/auth/x/../session"}, "/x/../session"},
    {{"REQUEST_URI=/%61uth/session"}, NULL},
    /* absolute form */
    {{"REQUEST_URI=http://www.example.org/auth/session?a=b"}, "/session"},
    {{"REQUEST_URI=HTTPS://h:8443/auth/session"}, "/session"},
    {{"REQUEST_URI=http://h"}, NULL},
    {{"REQUEST_URI=http://h?/auth/session"}, NULL},
    /* fall back */
    {{"SCRIPT_NAME=/auth", "PATH_INFO=/session"}, "/session"},
    {{"SCRIPT_NAME=/auth/session"}, "/session"},
    {{"REQUEST_URI=", "SCRIPT_NAME=/auth/session"}, "/session"},
    /* REQUEST_URI wins, but for an ErrorDocument, where it is the refused page's */
    {{"REQUEST_URI=/auth/a", "SCRIPT_NAME=/auth", "PATH_INFO=/b"}, "/a"},
    {{"REQUEST_URI=/auth/a", "SCRIPT_NAME=/auth", "PATH_INFO=/b", "REDIRECT_STATUS=200"}, "/a"},
    {{"REQUEST_URI=/auth/a", "SCRIPT_NAME=/auth", "PATH_INFO=/b", "REDIRECT_STATUS=401"}, "/b"},
    {{"REQUEST_URI=/secret", "SCRIPT_NAME=/auth", "PATH_INFO=/login", "REDIRECT_STATUS=403"}, "/login"},
    {{"REQUEST_URI=/auth/a", "SCRIPT_NAME=/auth", "PATH_INFO=/b", "REDIRECT_STATUS=x401"}, "/a"},
};

static void test_paths(void)
{
    struct request r;

    for (size_t i = 0; i < sizeof path_row / sizeof *path_row; i++) {
        CU_ASSERT_EQUAL(head(&r, path_row[i].env), ERR_OK);
        if (!same(r.path, path_row[i].path))
            printf("path_row %zu: %s\n", i, r.path ? r.path : "NULL");
        CU_ASSERT_TRUE(same(r.path, path_row[i].path));
    }
}

static void test_query(void)
{
    struct request r;

    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s?a=1&b=%C3%A9+x&a=2&c", "QUERY_STRING=a=no"), ERR_OK);
    CU_ASSERT_EQUAL(r.query.n, 4);
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "a"), "1");
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "b"), "\xC3\xA9 x");
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "c"), "");
    CU_ASSERT_EQUAL(HEAD(&r, "SCRIPT_NAME=/auth/s", "QUERY_STRING=a=yes"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "a"), "yes");
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "QUERY_STRING=a=yes"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "a"), "yes");
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s?a=%zz%4"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.query, "a"), "%zz%4");
    CU_ASSERT_FALSE(r.query_bad);
    static const char *const bad[] = {"REQUEST_URI=/auth/s?a=%00", "REQUEST_URI=/auth/s?a=%ff",
                                      "REQUEST_URI=/auth/s?%c3=x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(HEAD(&r, bad[i]), ERR_OK);
        CU_ASSERT_TRUE(r.query_bad);
        CU_ASSERT_EQUAL(r.query.n, 0);
        CU_ASSERT_STRING_EQUAL(r.query_text, strchr(bad[i], '?') + 1);
    }
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/pictures?a=%ff"), ERR_OK); /* not ours to judge */
    CU_ASSERT_EQUAL(r.query.n, 0);
    CU_ASSERT_FALSE(r.query_bad);
}

static void test_header_fields(void)
{
    struct request r;

    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_COOKIE=a=1", "HTTP_AUTHORIZATION=Bearer x",
                         "HTTP_ORIGIN=https://o", "HTTP_REFERER=https://r/", "HTTP_ACCEPT=*/*", "HTTP_USER_AGENT=UA",
                         "HTTP_X_FORWARDED_FOR=192.0.2.7", "HTTP_SEC_FETCH_SITE=none", "HTTP_SEC_FETCH_MODE=cors",
                         "HTTP_ACCESS_CONTROL_REQUEST_METHOD=POST", "CONTENT_TYPE=text/plain", "HTTP_OTHER=x"),
                    ERR_OK);
    CU_ASSERT_STRING_EQUAL(r.cookie, "a=1");
    CU_ASSERT_STRING_EQUAL(r.authorization, "Bearer x");
    CU_ASSERT_STRING_EQUAL(r.origin, "https://o");
    CU_ASSERT_STRING_EQUAL(r.referer, "https://r/");
    CU_ASSERT_STRING_EQUAL(r.accept, "*/*");
    CU_ASSERT_STRING_EQUAL(r.user_agent, "UA");
    CU_ASSERT_STRING_EQUAL(r.forwarded_for, "192.0.2.7");
    CU_ASSERT_STRING_EQUAL(r.fetch_site, "none");
    CU_ASSERT_STRING_EQUAL(r.fetch_mode, "cors");
    CU_ASSERT_STRING_EQUAL(r.preflight_method, "POST");
    CU_ASSERT_STRING_EQUAL(r.content_type, "text/plain");
    CU_ASSERT_STRING_EQUAL(r.peer, "192.0.2.1");
    CU_ASSERT_TRUE(r.fetch);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "CONTENT_TYPE="), ERR_OK);
    CU_ASSERT_PTR_NULL(r.cookie);
    CU_ASSERT_PTR_NULL(r.origin);
    CU_ASSERT_PTR_NULL(r.content_type);
    CU_ASSERT_FALSE(r.fetch);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_SEC_FETCH_DEST=document", "HTTP_ORIGIN=", "HTTP_COOKIE="),
                    ERR_OK);
    CU_ASSERT_TRUE(r.fetch);
    CU_ASSERT_STRING_EQUAL(r.origin, "");
    CU_ASSERT_STRING_EQUAL(r.cookie, ""); /* an empty one is one */
}

static void test_repeated(void)
{
    static const char *const once[] = {"REQUEST_METHOD", "REQUEST_URI",    "SCRIPT_NAME",
                                       "PATH_INFO",      "QUERY_STRING",   "REMOTE_ADDR",
                                       "CONTENT_TYPE",   "CONTENT_LENGTH", "REDIRECT_STATUS"};
    struct request r;
    char a[64], b[64];

    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        snprintf(a, sizeof a, "%s=1", once[i]);
        snprintf(b, sizeof b, "%s=", once[i]);
        CU_ASSERT_EQUAL(HEAD(&r, "SCRIPT_NAME=/auth/s", a, b), ERR_BAD_REQUEST);
    }
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_COOKIE=a=1", "HTTP_COOKIE=b=2", "HTTP_ORIGIN=o",
                         "HTTP_ORIGIN=p", "HTTP_X_FORWARDED_FOR=1.1.1.1", "HTTP_X_FORWARDED_FOR=2.2.2.2",
                         "HTTP_X_FORWARDED_FOR=3"),
                    ERR_OK);
    CU_ASSERT_STRING_EQUAL(r.cookie, "a=1; b=2");
    CU_ASSERT_STRING_EQUAL(r.origin, "o, p");
    CU_ASSERT_STRING_EQUAL(r.forwarded_for, "1.1.1.1, 2.2.2.2, 3");
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "UNKNOWN=1", "UNKNOWN=2", "FCGI_ROLE=FILTER"), ERR_OK);
}

static void test_missing(void)
{
    struct request r;
    const char *no_method[] = {"FCGI_ROLE=RESPONDER", "REQUEST_URI=/auth/s", NULL};
    const char *empty_method[] = {"REQUEST_METHOD=", "REQUEST_URI=/auth/s", NULL};
    const char *no_address[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/auth/s", NULL};
    const char *filter[] = {"FCGI_ROLE=FILTER", "REQUEST_METHOD=GET", "REQUEST_URI=/auth/s", NULL};
    const char *nothing[] = {NULL};
    const char *odd[] = {"REQUEST_METHOD", "=", "", "=x", NULL};

    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)no_method, &r), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)empty_method, &r), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)filter, &r), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)nothing, &r), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)odd, &r), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(HEAD(&r, "PATH_INFO=/auth/s"), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)no_address, &r), ERR_OK);
    CU_ASSERT_STRING_EQUAL(r.peer, "");
}

static void test_methods(void)
{
    static const struct {
        const char *name;
        enum method method;
    } row[] = {{"GET", METHOD_GET},         {"HEAD", METHOD_HEAD}, {"POST", METHOD_POST},   {"DELETE", METHOD_DELETE},
               {"OPTIONS", METHOD_OPTIONS}, {"PUT", METHOD_PUT},   {"PATCH", METHOD_PATCH}, {"get", METHOD_OTHER},
               {"BREW", METHOD_OTHER},      {"GETS", METHOD_OTHER}};
    struct request r;
    char method[32];

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(method, sizeof method, "REQUEST_METHOD=%s", row[i].name);
        const char *env[] = {method, "REQUEST_URI=/auth/s", NULL};
        CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)env, &r), ERR_OK);
        CU_ASSERT_EQUAL(r.method, row[i].method);
        CU_ASSERT_STRING_EQUAL(r.method_name, row[i].name);
    }
}

static void test_control_bytes(void)
{
    static const char *const bad[] = {
        "HTTP_ORIGIN=https://a\x01", "HTTP_REFERER=a\r\nb",      "CONTENT_TYPE=a\x7f",
        "HTTP_X_FORWARDED_FOR=1\n2", "REMOTE_ADDR=1\x02",        "HTTP_AUTHORIZATION=Bearer \x1f",
        "REQUEST_METHOD=GE\rT",      "HTTP_SEC_FETCH_SITE=\x01", "REQUEST_URI=/auth/\x01"};
    struct request r;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *env[] = {bad[i], NULL, NULL, NULL};
        size_t n = 1;
        if (strncmp(bad[i], "REQUEST_METHOD", 14) != 0)
            env[n++] = "REQUEST_METHOD=GET";
        if (strncmp(bad[i], "REQUEST_URI", 11) != 0)
            env[n++] = "REQUEST_URI=/auth/s";
        CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)env, &r), ERR_BAD_REQUEST);
    }
    CU_ASSERT_EQUAL(
        HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_USER_AGENT=a\x01\x1b[2J", "HTTP_ORIGIN=a\tb", "HTTP_COOKIE=other=\x01"),
        ERR_OK);
    CU_ASSERT_STRING_EQUAL(r.user_agent, "a\x01\x1b[2J");
}

/* S77 */
static void test_content_length(void)
{
    static const struct {
        const char *value;
        enum err e;
        int64_t length;
    } row[] = {
        {"", ERR_OK, 0},
        {"0", ERR_OK, 0},
        {"5", ERR_OK, 5},
        {"0005", ERR_OK, 5},
        {"4294967297", ERR_OK, INT64_C(4294967297)},
        {"9223372036854775807", ERR_OK, INT64_MAX},
        {"9223372036854775808", ERR_BAD_REQUEST, 0},
        {"18446744073709551616", ERR_BAD_REQUEST, 0},
        {"18446744073709551621", ERR_BAD_REQUEST, 0},
        {"-1", ERR_BAD_REQUEST, 0},
        {"+5", ERR_BAD_REQUEST, 0},
        {"5 ", ERR_BAD_REQUEST, 0},
        {" 5", ERR_BAD_REQUEST, 0},
        {"0x10", ERR_BAD_REQUEST, 0},
        {"5,5", ERR_BAD_REQUEST, 0},
        {"1e3", ERR_BAD_REQUEST, 0},
    };
    struct request r;
    char length[64];

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(length, sizeof length, "CONTENT_LENGTH=%s", row[i].value);
        CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", length), row[i].e);
        if (row[i].e == ERR_OK)
            CU_ASSERT_EQUAL(r.length, row[i].length);
    }
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s"), ERR_OK);
    CU_ASSERT_EQUAL(r.length, 0);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_TRANSFER_ENCODING=chunked"), ERR_OK);
    CU_ASSERT_EQUAL(r.length, -1);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_TRANSFER_ENCODING=chunked", "CONTENT_LENGTH=7"), ERR_OK);
    CU_ASSERT_EQUAL(r.length, 7);
}

static void test_head_caps(void)
{
    static char big[5000];
    const char *many[600];
    struct request r;

    snprintf(big, sizeof big, "HTTP_OTHER=");
    memset(big + 11, 'a', 3900);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", big), ERR_OK);
    memset(big + 11, 'a', 4500);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", big), ERR_HEAD_LARGE);
    many[0] = "REQUEST_METHOD=GET";
    many[1] = "REQUEST_URI=/auth/s";
    for (size_t i = 2; i < 513; i++)
        many[i] = "X=1";
    many[512] = NULL;
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)many, &r), ERR_OK);
    many[512] = "X=1";
    many[513] = NULL;
    CU_ASSERT_EQUAL(request_head(&cfg, arena, (char *const *)(void *)many, &r), ERR_HEAD_LARGE);
}

static int setup(void)
{
    return log_open("/dev/null", LVL_ERROR) == ERR_OK && arena_open(&arena, 65536) == ERR_OK ? 0 : 1;
}

static int teardown(void)
{
    arena_close(&arena);
    return 0;
}

static CU_TestInfo tests[] = {
    {"paths", test_paths},
    {"query", test_query},
    {"header fields", test_header_fields},
    {"repeated", test_repeated},
    {"missing", test_missing},
    {"methods", test_methods},
    {"control bytes", test_control_bytes},
    {"content length", test_content_length},
    {"head caps", test_head_caps},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("request", tests, setup, teardown);
}
