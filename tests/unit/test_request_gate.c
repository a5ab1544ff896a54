/* Requests that ask the gate: by which door, and about which place. */
#include "suite.h"

#include "http/request.h"

#include <string.h>

static struct arena *arena;
static const struct cfg cfg = {.auth_base_path = "/auth", .limits_head = 4096};

static enum err head(struct request *r, const char *const *more)
{
    const char *env[16];
    size_t n = 0;

    for (; *more; more++)
        env[n++] = *more;
    env[n++] = "FCGI_ROLE=RESPONDER"; /* counts unless another came before */
    env[n++] = "REQUEST_METHOD=GET";
    env[n] = NULL;
    memset(r, 0, sizeof *r);
    return request_head(&cfg, arena, (char *const *)(void *)env, r);
}
#define HEAD(r, ...) head((r), (const char *const[]){__VA_ARGS__, NULL})

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_doors(void)
{
    struct request r;

    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_NONE);
    CU_ASSERT_PTR_NULL(r.place);
    CU_ASSERT_EQUAL(HEAD(&r, "REQUEST_URI=/auth/s", "HTTP_LATCHKEY_OP=check"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_NONE);
    CU_ASSERT_EQUAL(HEAD(&r, "LATCHKEY_OP=check", "REQUEST_URI=/a/../b%20c/?x=/../"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_RESPONDER);
    CU_ASSERT_STRING_EQUAL(r.place, "/b c/");
    CU_ASSERT_STRING_EQUAL(r.page, "/a/../b%20c/?x=/../");
    CU_ASSERT_PTR_NULL(r.path);
    CU_ASSERT_EQUAL(HEAD(&r, "LATCHKEY_OP=check", "REQUEST_URI=/auth/session"), ERR_OK);
    CU_ASSERT_PTR_NULL(r.path);
    CU_ASSERT_EQUAL(HEAD(&r, "FCGI_ROLE=AUTHORIZER", "REQUEST_URI=/a"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_PASSING);
    CU_ASSERT_EQUAL(HEAD(&r, "FCGI_ROLE=AUTHORIZER", "FCGI_APACHE_ROLE=AUTHENTICATOR", "REQUEST_URI=/a"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_PASSING);
    CU_ASSERT_EQUAL(HEAD(&r, "FCGI_ROLE=AUTHORIZER", "FCGI_APACHE_ROLE=ACCESS_CHECKER", "REQUEST_URI=/a"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_BLUNT);
    CU_ASSERT_EQUAL(HEAD(&r, "FCGI_ROLE=RESPONDER", "FCGI_APACHE_ROLE=ACCESS_CHECKER", "REQUEST_URI=/a"), ERR_OK);
    CU_ASSERT_EQUAL(r.door, DOOR_NONE);
    CU_ASSERT_EQUAL(HEAD(&r, "LATCHKEY_OP=open", "REQUEST_URI=/a"), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(HEAD(&r, "LATCHKEY_OP=check", "LATCHKEY_OP=check", "REQUEST_URI=/a"), ERR_BAD_REQUEST);
    CU_ASSERT_EQUAL(HEAD(&r, "LATCHKEY_OP=", "REQUEST_URI=/a"), ERR_BAD_REQUEST);
}

/* What the web server makes of a path counts more than what the client wrote; without either there is no page. */
static void test_places(void)
{
    static const struct {
        const char *uri, *redirect, *path, *place;
    } row[] = {
        {"/a", NULL, NULL, "/a"},
        {"/a//b/./c/../d", NULL, NULL, "/a/b/d"},
        {"/%61%2e%2E/%2e%2e/b", NULL, NULL, "/b"},
        {"/a%2f..%2fb", NULL, NULL, "/b"},
        {"/a%252fb", NULL, NULL, "/a%2fb"},
        {"http://other.example/a/b?c", NULL, NULL, "/a/b"},
        {"/new?x", "/old/%41", NULL, "/old/A"},
        {"/new?x", "", NULL, "/new"},
        {"/new", "/mid", "/old/%41/../b", "/old/b"},
        {"/a+b", NULL, NULL, "/a+b"},
        {NULL, NULL, "/x", NULL},
        {"/a%00b", NULL, NULL, NULL},
        {"/a%zz", NULL, NULL, NULL},
        {"/a#b", NULL, NULL, NULL},
        {"/a", NULL, "", NULL},
        {"*", NULL, NULL, NULL},
        {NULL, NULL, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct request r = {.place = NULL};
        const char *env[5] = {"LATCHKEY_OP=check"};
        size_t n = 1;
        if (row[i].uri)
            env[n++] = arena_printf(arena, "REQUEST_URI=%s", row[i].uri);
        if (row[i].redirect)
            env[n++] = arena_printf(arena, "REDIRECT_URI=%s", row[i].redirect);
        if (row[i].path)
            env[n++] = arena_printf(arena, "LATCHKEY_PATH=%s", row[i].path);
        CU_ASSERT_EQUAL(head(&r, env), row[i].place ? ERR_OK : ERR_BAD_REQUEST);
        if (!same(r.place, row[i].place))
            printf("place %zu: %s\n", i, r.place ? r.place : "NULL");
        CU_ASSERT_TRUE(same(r.place, row[i].place));
    }
}

static CU_TestInfo tests[] = {{"doors", test_doors}, {"places", test_places}, CU_TEST_INFO_NULL};
SUITE_MAIN_ARENA("requests at the gate", tests, arena)
