/* The origin rule (CONTRACT D5, S37), CORS (D20, S39) and addresses to go back to (S43). */
#include "auth/auth.h"

#include "suite.h"

static struct arena *a;
static const char *trusted[] = {"http://localhost:8080", "https://*.example.net", "app-?.example.org", "10.0.*.1"};
static struct cfg cfg = {.origin = "https://www.example.org", .auth_trusted_origins = {4, trusted}};

static void the_matrix(void)
{
    enum { OWN, FOREIGN, NUL, EMPTY, ABSENT };
    static const char *const origin[] = {"https://www.example.org", "https://evil.example", "null", "", NULL};
    /* rows: origin; columns: nothing, cookie, fetch, both */
    static const enum err want[5][4] = {
        {ERR_OK, ERR_OK, ERR_OK, ERR_OK},
        {ERR_INVALID_ORIGIN, ERR_INVALID_ORIGIN, ERR_INVALID_ORIGIN, ERR_INVALID_ORIGIN},
        {ERR_INVALID_ORIGIN, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN},
        {ERR_OK, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN},
        {ERR_OK, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN, ERR_MISSING_ORIGIN},
    };
    for (int o = OWN; o <= ABSENT; o++)
        for (int c = 0; c < 4; c++) {
            struct origin_facts f = {.origin = origin[o], .cookie = c & 1, .fetch = c & 2};
            CU_ASSERT_EQUAL(origin_check(&cfg, a, &f), want[o][c]);
        }
}

static enum err referer(const char *value, bool cookie)
{
    struct origin_facts f = {.referer = value, .cookie = cookie};
    return origin_check(&cfg, a, &f);
}

static void referer_stands_in(void)
{
    CU_ASSERT_EQUAL(referer("https://www.example.org/a/page?x=1", true), ERR_OK);
    CU_ASSERT_EQUAL(referer("https://evil.example/https://www.example.org/", true), ERR_INVALID_ORIGIN);
    CU_ASSERT_EQUAL(referer("https://evil.example/", false), ERR_INVALID_ORIGIN);
    CU_ASSERT_EQUAL(referer("", true), ERR_MISSING_ORIGIN);
    struct origin_facts f = {.origin = "https://evil.example", .referer = "https://www.example.org/", .cookie = true};
    CU_ASSERT_EQUAL(origin_check(&cfg, a, &f), ERR_INVALID_ORIGIN);
}

static enum err login(const char *site, const char *mode, bool is_login)
{
    struct origin_facts f = {
        .origin = "https://www.example.org", .fetch_site = site, .fetch_mode = mode, .fetch = true, .login = is_login};
    return origin_check(&cfg, a, &f);
}

static void cross_site_navigation_cannot_sign_in(void)
{
    CU_ASSERT_EQUAL(login("cross-site", "navigate", true), ERR_CROSS_SITE_LOGIN);
    CU_ASSERT_EQUAL(login("cross-site", "navigate", false), ERR_OK);
    CU_ASSERT_EQUAL(login("cross-site", "cors", true), ERR_OK);
    CU_ASSERT_EQUAL(login("same-origin", "navigate", true), ERR_OK);
    CU_ASSERT_EQUAL(login("cross-site", NULL, true), ERR_OK);
}

static void only_equal_origins_are_trusted(void)
{
    static const char *const good[] = {
        "https://www.example.org",   "https://www.example.org:443", "HTTPS://WWW.EXAMPLE.ORG/x",
        "http://localhost:8080",     "https://a.example.net",       "https://a.b.example.net",
        "https://app-1.example.org", "http://app-x.example.org",    "http://10.0.7.1"};
    static const char *const bad[] = {"http://www.example.org",
                                      "https://www.example.org:444",
                                      "https://www.example.org.evil.example",
                                      "https://www.example.org@evil.example",
                                      "https://evil.example/https://www.example.org",
                                      "https://example.org",
                                      "https://xwww.example.org",
                                      "http://localhost",
                                      "https://localhost:8080",
                                      "http://a.example.net",
                                      "https://example.net",
                                      "https://aexample.net",
                                      "https://app-12.example.org",
                                      "http://10.0.evil.1.example",
                                      "http://10.0.x.1",
                                      "null",
                                      "",
                                      "//www.example.org",
                                      "www.example.org",
                                      "javascript:alert(1)",
                                      "https://www.example.org\\@evil.example",
                                      "https:/www.example.org",
                                      "https://www.example.org:x",
                                      "file://www.example.org",
                                      "https://www.example.org:99999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(origin_trusted(&cfg, a, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(origin_trusted(&cfg, a, bad[i]));
}

static void cors_is_for_others_only(void)
{
    CU_ASSERT_FALSE(origin_foreign_trusted(&cfg, a, "https://www.example.org"));
    CU_ASSERT_TRUE(origin_foreign_trusted(&cfg, a, "http://localhost:8080"));
    CU_ASSERT_FALSE(origin_foreign_trusted(&cfg, a, "https://evil.example"));
    CU_ASSERT_FALSE(origin_foreign_trusted(&cfg, a, "null"));
}

static void callbacks(void)
{
    static const char *const good[] = {
        "/", "/home?a=1", "/a/b#c", "/x?next=%2Fy", "/a?b=//c", "https://www.example.org/x", "http://localhost:8080/"};
    static const char *const bad[] = {"//evil.example",
                                      "/\\evil.example",
                                      "\\\\evil.example",
                                      "/a\\b",
                                      "/%2fevil.example",
                                      "/%2Fevil",
                                      "/%5cevil",
                                      "/a%5Cb",
                                      "/a\tb",
                                      "/a\nb",
                                      "/a\r\nSet-Cookie: x=1",
                                      "/\x01",
                                      " /a",
                                      "a",
                                      "https://evil.example",
                                      "https:evil.example",
                                      "HTTPS://EVIL.EXAMPLE",
                                      "javascript:alert(1)",
                                      "data:text/html,x",
                                      "https://www.example.org@evil.example/",
                                      "https://www.example.org.evil.example/",
                                      "/\xc3\xa4",
                                      "https://www.example.org/\r\nX: y",
                                      "http:///evil.example",
                                      "///evil.example",
                                      "/ /evil.example",
                                      "https://www.example.org\t.evil.example"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(origin_callback_ok(&cfg, a, good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(origin_callback_ok(&cfg, a, bad[i]));
}

static CU_TestInfo tests[] = {
    {"the matrix of Origin, Cookie and Sec-Fetch", the_matrix},
    {"Referer stands in for Origin", referer_stands_in},
    {"a cross-site navigation cannot sign in", cross_site_navigation_cannot_sign_in},
    {"only equal origins are trusted", only_equal_origins_are_trusted},
    {"CORS is for others only", cors_is_for_others_only},
    {"callback addresses", callbacks},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN_ARENA("origin", tests, a)
