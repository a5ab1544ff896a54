/* Answers byte by byte: what may stand in a header, what JSON looks like inside HTML, the session cookie's line. */
#include "suite.h"

#include "http/json.h"
#include "http/response.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static const char *written(const struct response *r, bool head_only)
{
    struct buf out = buf_in(arena);

    response_write(r, head_only, &out);
    return buf_str(&out);
}

static void test_whole(void)
{
    struct response r = response_in(arena);
    struct json_object *o = json_object_new_object();

    CU_ASSERT_EQUAL(r.status, 200);
    json_object_object_add(o, "ok", json_object_new_boolean(true));
    response_json_take(&r, 201, o);
    CU_ASSERT_EQUAL(response_header(&r, "Cache-Control", "no-store"), ERR_OK);
    CU_ASSERT_EQUAL(response_header(&r, "X-Empty", ""), ERR_OK);
    CU_ASSERT_STRING_EQUAL(written(&r, false),
                           "Status: 201 Status\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                           "X-Empty: \r\n\r\n{\"ok\":true}");
    CU_ASSERT_STRING_EQUAL(written(&r, true),
                           "Status: 201 Status\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                           "X-Empty: \r\n\r\n");
    response_reset(&r);
    CU_ASSERT_STRING_EQUAL(written(&r, false), "Status: 200 OK\r\n\r\n");
    CU_ASSERT_PTR_NULL(response_get(&r, "Cache-Control"));
}

static void test_body_with_nul(void)
{
    struct response r = response_in(arena);
    struct buf out = buf_in(arena);

    r.type = "application/octet-stream";
    buf_add(&r.body, "a\0b", 3);
    response_write(&r, false, &out);
    CU_ASSERT_EQUAL(memcmp(out.s + out.len - 5, "\r\na\0b", 5), 0);
}

/* S80 */
static void test_header_injection(void)
{
    static const char *const bad_value[] = {"a\r\nSet-Cookie: x=1", "a\n",  "\r",      "a\tb", "\x01", "\x7f",
                                            "caf\xC3\xA9",          "\x80", "a\x1b[2J"};
    static const char *const bad_name[] = {"",      "a b", "a:b", "a\r\n", "a\n", "X-\xC3\xA9",
                                           "a\x7f", "(a)", "a/b", "a\"",   "a=b"};
    struct response r = response_in(arena);

    for (size_t i = 0; i < sizeof bad_value / sizeof *bad_value; i++)
        CU_ASSERT_EQUAL(response_header(&r, "X-A", bad_value[i]), ERR_INTERNAL);
    for (size_t i = 0; i < sizeof bad_name / sizeof *bad_name; i++)
        CU_ASSERT_EQUAL(response_header(&r, bad_name[i], "v"), ERR_INTERNAL);
    CU_ASSERT_EQUAL(response_header(&r, "X-A", NULL), ERR_INTERNAL);
    CU_ASSERT_EQUAL(response_header(&r, NULL, "v"), ERR_INTERNAL);
    CU_ASSERT_EQUAL(r.n, 0);
    CU_ASSERT_EQUAL(response_header(&r, "X_a.b-1~", "v \"~!"), ERR_OK);
}

static void test_header_cap_and_get(void)
{
    struct response r = response_in(arena);

    for (int i = 0; i < RESPONSE_HEADERS_MAX; i++)
        CU_ASSERT_EQUAL(response_header(&r, "X-Many", i == 0 ? "first" : "later"), ERR_OK);
    CU_ASSERT_EQUAL(response_header(&r, "X-More", "v"), ERR_INTERNAL);
    CU_ASSERT_EQUAL(r.n, RESPONSE_HEADERS_MAX);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "x-mANY"), "first");
    CU_ASSERT_PTR_NULL(response_get(&r, "X-More"));
}

static const char *json_text(struct json_object *o)
{
    struct response r = response_in(arena);

    response_json_take(&r, 200, o);
    return buf_str(&r.body);
}

static void test_vary(void)
{
    struct response r = response_in(arena);

    CU_ASSERT_EQUAL(response_vary(&r, "Cookie"), ERR_OK);
    CU_ASSERT_EQUAL(response_header(&r, "X-Other", "1"), ERR_OK);
    CU_ASSERT_EQUAL(response_vary(&r, "Origin"), ERR_OK);
    CU_ASSERT_EQUAL(r.n, 2); /* one field, whoever adds to it */
    CU_ASSERT_STRING_EQUAL(response_get(&r, "vary"), "Cookie, Origin");
    CU_ASSERT_EQUAL(response_vary(&r, "a\r\nb"), ERR_INTERNAL);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "vary"), "Cookie, Origin");
}

static void test_json_inside_html(void)
{
    CU_ASSERT_STRING_EQUAL(json_text(json_object_new_string("</script><!--&")),
                           "\"\\u003c/script\\u003e\\u003c!--\\u0026\"");
    CU_ASSERT_STRING_EQUAL(json_text(json_object_new_string("a\xE2\x80\xA8"
                                                            "b\xE2\x80\xA9")),
                           "\"a\\u2028b\\u2029\"");
    CU_ASSERT_STRING_EQUAL(json_text(json_object_new_string("\xE2\x82\xAC \xE2\x80\xA6 \xC3\xA9")),
                           "\"\xE2\x82\xAC \xE2\x80\xA6 \xC3\xA9\"");
    CU_ASSERT_STRING_EQUAL(json_text(json_object_new_string("\"\\\r\n\x01/")), "\"\\\"\\\\\\r\\n\\u0001/\"");
    CU_ASSERT_STRING_EQUAL(json_text(json_object_new_string("\xE2")), "\"\xE2\"");
    CU_ASSERT_STRING_EQUAL(json_text(NULL), "null");
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "<b>", json_object_new_int(1));
    json_object_object_add(o, "z", NULL);
    CU_ASSERT_STRING_EQUAL(json_text(o), "{\"\\u003cb\\u003e\":1,\"z\":null}");
}

static void test_errors(void)
{
    struct response r = response_in(arena);

    response_error(&r, 401, "UNAUTHORIZED", "Unauthorized");
    CU_ASSERT_EQUAL(r.status, 401);
    CU_ASSERT_STRING_EQUAL(r.type, "application/json");
    CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "{\"message\":\"Unauthorized\",\"code\":\"UNAUTHORIZED\"}");
    response_error(&r, 400, NULL, "No fields to \"update\"");
    CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "{\"message\":\"No fields to \\\"update\\\"\"}");
}

static struct cfg plain(void)
{
    return (struct cfg){.cookie_full = "latchkey.session_token",
                        .cookie_path = "/",
                        .cookie_domain = "",
                        .cookie_http_only = true,
                        .cookie_same_site = SAMESITE_LAX};
}

static void test_cookie_lines(void)
{
    struct response r = response_in(arena);
    struct cfg cfg = plain();

    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "tok.AB+C/=", 604800), ERR_OK);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "Set-Cookie"),
                           "latchkey.session_token=tok.AB%2BC%2F%3D; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax");
    response_reset(&r);
    CU_ASSERT_EQUAL(cookie_clear(&r, &cfg), ERR_OK);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "Set-Cookie"),
                           "latchkey.session_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax");
    response_reset(&r);
    cfg.cookie_full = "__Secure-s";
    cfg.cookie_domain = "example.org";
    cfg.cookie_path = "/app";
    cfg.cookie_is_secure = true;
    cfg.cookie_http_only = false;
    cfg.cookie_same_site = SAMESITE_NONE;
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "v", 0), ERR_OK);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "Set-Cookie"),
                           "__Secure-s=v; Domain=example.org; Path=/app; Secure; SameSite=None");
    response_reset(&r);
    cfg.cookie_same_site = SAMESITE_STRICT;
    cfg.cookie_http_only = true;
    CU_ASSERT_EQUAL(cookie_clear(&r, &cfg), ERR_OK);
    CU_ASSERT_STRING_EQUAL(response_get(&r, "Set-Cookie"),
                           "__Secure-s=; Max-Age=0; Domain=example.org; Path=/app; HttpOnly; Secure; SameSite=Strict");
}

static void test_cookie_last_one_stands(void)
{
    struct response r = response_in(arena);
    struct cfg cfg = plain();

    CU_ASSERT_EQUAL(response_header(&r, "Set-Cookie", "latchkey.session_token2=x"), ERR_OK);
    CU_ASSERT_EQUAL(cookie_clear(&r, &cfg), ERR_OK);
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "new", 60), ERR_OK);
    CU_ASSERT_EQUAL(r.n, 2);
    CU_ASSERT_STRING_EQUAL(r.header[0].value, "latchkey.session_token2=x");
    CU_ASSERT_STRING_EQUAL(r.header[1].value, "latchkey.session_token=new; Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
}

static void test_cookie_limits(void)
{
    struct response r = response_in(arena);
    struct cfg cfg = plain();
    size_t room = 4096 - strlen(cfg.cookie_full);
    char *value = calloc(1, room + 2);

    CU_ASSERT_PTR_NOT_NULL_FATAL(value);
    memset(value, 'a', room);
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, value, 60), ERR_OK);
    value[room] = 'a';
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, value, 60), ERR_INTERNAL);
    free(value);
    response_reset(&r);
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "v", -1), ERR_INTERNAL);
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "v", INT64_MAX), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(response_get(&r, "Set-Cookie"), "; Max-Age=34560000;"));
    response_reset(&r);
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "a\r\nb;c,d\"e", 60), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(response_get(&r, "Set-Cookie"), "=a%0D%0Ab%3Bc%2Cd%22e;"));
    cfg.cookie_path = "/\r\nX: y";
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "v", 60), ERR_INTERNAL);
    CU_ASSERT_EQUAL(r.n, 1);
    cfg = plain();
    cfg.cookie_full = "a b";
    CU_ASSERT_EQUAL(cookie_set(&r, &cfg, "v", 60), ERR_INTERNAL);
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

static void test_phrases(void)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        int status = err_row((enum err)e)->status;
        if (status == 0)
            continue;
        struct response r = response_in(arena);
        r.status = status;
        CU_ASSERT_PTR_NULL(strstr(written(&r, true), " Status\r\n"));
    }
}

static CU_TestInfo tests[] = {
    {"every status of an error has its phrase", test_phrases},
    {"whole", test_whole},
    {"body with nul", test_body_with_nul},
    {"header injection", test_header_injection},
    {"header cap and get", test_header_cap_and_get},
    {"one vary", test_vary},
    {"json inside html", test_json_inside_html},
    {"errors", test_errors},
    {"cookie lines", test_cookie_lines},
    {"cookie last one stands", test_cookie_last_one_stands},
    {"cookie limits", test_cookie_limits},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("response", tests, setup, teardown);
}
