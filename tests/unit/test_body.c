/* Bodies: which are read at all, media types, sizes, what is refused as text. */
#include "suite.h"

#include "base/log.h"
#include "http/fcgi.h"
#include "http/request.h"

#include <string.h>

static struct arena *arena;
static const struct cfg cfg = {.limits_body = 1024};

static struct {
    const char *s;
    size_t n, at, step, calls;
    enum err e;
} wire;

enum err fcgi_read(struct fcgi *f, char *to, size_t n, size_t *got)
{
    (void)f;
    wire.calls++;
    if (wire.e != ERR_OK)
        return wire.e;
    size_t left = wire.n - wire.at;
    *got = n < left ? n : left;
    if (wire.step && *got > wire.step)
        *got = wire.step;
    memcpy(to, wire.s + wire.at, *got);
    wire.at += *got;
    return ERR_OK;
}

static const char *detail;

static enum err body_n(struct request *r, const char *type, int64_t length, bool forms, const char *s, size_t n)
{
    *r = (struct request){.content_type = type, .length = length};
    memset(&wire, 0, sizeof wire);
    wire.s = s;
    wire.n = n;
    wire.step = 3;
    detail = NULL;
    enum err e = request_body(&cfg, arena, NULL, forms, r, &detail);
    if (e != ERR_OK)
        CU_ASSERT_PTR_NULL(r->json);
    return e;
}

static enum err body(struct request *r, const char *type, bool forms, const char *s)
{
    return body_n(r, type, (int64_t)strlen(s), forms, s, strlen(s));
}

static void test_no_body(void)
{
    struct request r;

    CU_ASSERT_EQUAL(body(&r, NULL, true, "{}"), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_NONE);
    CU_ASSERT_EQUAL(wire.calls, 0);
    CU_ASSERT_EQUAL(body_n(&r, "image/png", 0, true, "", 0), ERR_OK);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 0, true, "{}", 2), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_NONE);
    CU_ASSERT_EQUAL(wire.calls, 0);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", -1, true, "", 0), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_NONE);
}

static void test_media_types(void)
{
    static const char *const json[] = {"application/json", "APPLICATION/Json", "application/json; charset=utf-8",
                                       " application/json \t;x", "application/json;"};
    static const char *const no[] = {"application/vnd.x+json",
                                     "multipart/form-data",
                                     "text/plain",
                                     "application/jso",
                                     "application/jsonx",
                                     "",
                                     ";application/json",
                                     "application/json, text/plain",
                                     "application/ json"};
    struct request r;

    for (size_t i = 0; i < sizeof json / sizeof *json; i++) {
        CU_ASSERT_EQUAL(body(&r, json[i], false, "{}"), ERR_OK);
        CU_ASSERT_EQUAL(r.body, BODY_JSON);
        request_end(&r);
        CU_ASSERT_PTR_NULL(r.json);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        CU_ASSERT_EQUAL(body(&r, no[i], true, "{}"), ERR_MEDIA_TYPE);
        CU_ASSERT_EQUAL(wire.calls, 0);
    }
    CU_ASSERT_EQUAL(body(&r, "application/x-www-form-urlencoded", true, "a=1&b=%20"), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_FORM);
    CU_ASSERT_STRING_EQUAL(pairs_get(&r.form, "b"), " ");
    CU_ASSERT_EQUAL(body(&r, "Application/X-WWW-Form-Urlencoded;x=y", false, "a=1"), ERR_MEDIA_TYPE);
    CU_ASSERT_STRING_EQUAL(detail, "Content-Type \"Application/X-WWW-Form-Urlencoded;x=y\" is not allowed. "
                                   "Allowed types: application/json");
    CU_ASSERT_EQUAL(body(&r, "text/plain; charset=UTF-8", true, "a=1"), ERR_MEDIA_TYPE);
    CU_ASSERT_STRING_EQUAL(detail, "Content-Type \"text/plain; charset=UTF-8\" is not allowed. "
                                   "Allowed types: application/x-www-form-urlencoded, application/json");
}

static void test_media_type_shown(void)
{
    char type[400], want[300];
    struct request r;

    memset(type, 'x', sizeof type);
    type[399] = '\0';
    CU_ASSERT_EQUAL(body(&r, type, false, "a"), ERR_MEDIA_TYPE);
    snprintf(want, sizeof want, "Content-Type \"%.200s\" is not allowed. Allowed types: application/json", type);
    CU_ASSERT_STRING_EQUAL(detail, want);
    CU_ASSERT_EQUAL(body(&r, "a\r\n\tb\xff", false, "a"), ERR_MEDIA_TYPE);
    CU_ASSERT_STRING_EQUAL(detail,
                           "Content-Type \"a???b\xEF\xBF\xBD\" is not allowed. Allowed types: application/json");
}

static void test_body_sizes(void)
{
    static char much[1100];
    struct request r;

    memset(much, ' ', sizeof much);
    memcpy(much, "{}", 2);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 1024, false, much, sizeof much), ERR_OK);
    CU_ASSERT_EQUAL(wire.at, 1024); /* what lies beyond is not the body */
    request_end(&r);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 1025, false, much, sizeof much), ERR_BODY_LARGE);
    CU_ASSERT_EQUAL(wire.calls, 0);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", INT64_MAX, false, much, sizeof much), ERR_BODY_LARGE);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 3, false, "{}", 2), ERR_BODY_SHORT);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 4, false, "", 0), ERR_BODY_SHORT);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", -1, false, "{\"a\":1}", 7), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_JSON);
    request_end(&r);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", -1, false, much, 1024), ERR_OK);
    request_end(&r);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", -1, false, much, 1025), ERR_BODY_LARGE);
    CU_ASSERT_EQUAL(wire.at, 1025);
}

static void test_body_text(void)
{
    struct request r;

    CU_ASSERT_EQUAL(body(&r, "application/json", true, "{\"a\":"), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(body_n(&r, "application/json", 4, true, "{}\0 ", 4), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(body(&r, "application/json", true, "\"\xff\""), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(body(&r, "application/json", true, "null"), ERR_OK);
    CU_ASSERT_EQUAL(r.body, BODY_JSON);
    CU_ASSERT_PTR_NULL(r.json);
    request_end(&r);
    CU_ASSERT_EQUAL(body_n(&r, "application/x-www-form-urlencoded", 4, true, "a=\0b", 4), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(body(&r, "application/x-www-form-urlencoded", true, "a=%00"), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(body(&r, "application/x-www-form-urlencoded", true, "a=\xff"), ERR_BAD_FORM);
    CU_ASSERT_EQUAL(body(&r, "application/x-www-form-urlencoded", true, "a=%"), ERR_BAD_FORM);
}

static void test_body_broken_off(void)
{
    struct request r = {.content_type = "application/json", .length = 5};

    memset(&wire, 0, sizeof wire);
    wire.e = ERR_CLIENT_GONE;
    CU_ASSERT_EQUAL(request_body(&cfg, arena, NULL, false, &r, &detail), ERR_CLIENT_GONE);
    CU_ASSERT_EQUAL(r.body, BODY_NONE);
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
    {"no body", test_no_body},
    {"media types", test_media_types},
    {"media type shown", test_media_type_shown},
    {"body sizes", test_body_sizes},
    {"body text", test_body_text},
    {"body broken off", test_body_broken_off},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("body", tests, setup, teardown);
}
