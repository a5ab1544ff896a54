/* conf/config_check.c: what is unsafe or does not go together refuses, and what is derived from the rest. */
#include "config_case.h"

/* --- checks ------------------------------------------------------------------------------------------------------ */

static void origin_is(const char *url, const char *want)
{
    struct arena *a = NULL;

    CU_ASSERT_EQUAL(arena_open(&a, 1024), ERR_OK);
    const char *got = config_origin_of(a, url);
    if (!want ? got != NULL : !got || strcmp(got, want) != 0)
        printf("origin of <<%s>> is <<%s>>\n", url, got ? got : "(none)");
    CU_ASSERT_EQUAL(got == NULL, want == NULL);
    if (got && want)
        CU_ASSERT_STRING_EQUAL(got, want);
    arena_close(&a);
}

static void test_origin_of(void)
{
    origin_is("https://Example.ORG", "https://example.org");
    origin_is("HTTPS://example.org:443/x?y#z", "https://example.org");
    origin_is("http://example.org:80", "http://example.org");
    origin_is("http://example.org:443/", "http://example.org:443");
    origin_is("https://example.org:08443", "https://example.org:8443");
    origin_is("https://example.org:", "https://example.org");
    origin_is("https://[::1]:8443/", "https://[::1]:8443");
    origin_is("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]");
    origin_is("https://example.org?x", "https://example.org");
    origin_is("https://192.0.2.1:8080", "https://192.0.2.1:8080");
    static const char *const none[] = {
        "",
        "null",
        "example.org",
        "//example.org",
        "ftp://example.org",
        "https:/example.org",
        "https://",
        "https:///x",
        "https://user@example.org",
        "https://u:p@example.org/",
        "https://example.org\\@evil.org",
        "https://exa mple.org",
        "https://example.org/a b",
        "https://example.org\n",
        "https://ex\xc3\xa4mple.org",
        "https://example.org:65536",
        "https://example.org:x",
        "https://example.org:-1",
        "https://[::1",
        "https://[::g]",
        "https://::1",
        "https://a%2eb",
        "https://[::1]x",
        " https://example.org",
        "https://example.org:123456",
        "javascript:https://example.org",
        "https://[]",
        "https://:443",
        "https://*.example.org",
    };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        origin_is(none[i], NULL);
}

#define URL(u) "[auth]\nbase_url = " u "\n"

static void test_base_url(void)
{
    fine(URL("https://www.example.org/"));
    fine(URL("https://www.example.org:8443"));
    refused("", "t.conf: auth.base_url: must be set");
    refused(URL("www.example.org"), "t.conf:2: auth.base_url: must be http:// or https://");
    refused(URL("https://u:p@www.example.org"), "t.conf:2: auth.base_url: must be http:// or https://");
    refused(URL("https://www.example.org/site"),
            "t.conf:2: auth.base_url: must end after host and port, without '/site'\n");
    refused(URL("https://www.example.org?x"), "t.conf:2: auth.base_url: must end after host and port");
    refused(URL("https://www.example.org/#x"), "t.conf:2: auth.base_url: must end after host and port");
}

static void test_plain_http(void)
{
    static const char *const local[] = {"http://localhost", "http://localhost:8080", "http://app.localhost",
                                        "http://127.0.0.1", "http://127.9.8.7:1",    "http://[::1]:80"};
    static const char *const far[] = {"http://www.example.org",       "http://10.0.0.1",
                                      "http://localhost.example.org", "http://[::2]",
                                      "http://127.0.0.1.nip.io",      "http://xlocalhost"};
    char text[200];

    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        snprintf(text, sizeof(text), "[auth]\nbase_url=%s\n", local[i]);
        struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);
        CU_ASSERT(cfg && !cfg->cookie_is_secure && !cfg->https);
        CU_ASSERT_STRING_EQUAL(cfg ? cfg->cookie_full : "", "latchkey.session_token");
        config_free(&cfg);
    }
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
        snprintf(text, sizeof(text), "[auth]\nbase_url=%s\n", far[i]);
        refused(text, "t.conf:2: auth.base_url: is http: passwords and cookies would cross the network in the clear");
        snprintf(text, sizeof(text), "[auth]\nbase_url=%s\n[cookie]\nsecure = on\n", far[i]);
        refused(text, "t.conf:2: auth.base_url: is http");
    }
    fine(LOCAL "[cookie]\nsecure = on\n");
    fine(URL("https://localhost") "[cookie]\nsecure = off\n");
    refused(SITE "[cookie]\nsecure = off\n", "t.conf:4: cookie.secure: may be off only for a loopback host\n");
}

static void test_base_path(void)
{
    fine(SITE "base_path = /a/b_c/d-e.f\n");
    fine(SITE "base_path = /.well-known\n");
    fine(SITE "base_path = /a..b\n");
    static const char *const bad[] = {"auth", "/auth/", "//",   "/a//b", "/a/./b", "/a/../b", "/..",
                                      "/.",   "/a/..",  "/a/.", "/a b",  "/a%2f",  "/a?b",    "/\xc3\xa4"};
    char text[200];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), SITE "base_path = %s\n", bad[i]);
        refused(text, "t.conf:3: auth.base_path: m");
    }
}

/* S32: the start matrix of prefix, Secure, path and domain */
static void test_cookie_prefixes(void)
{
    static const struct {
        const char *base, *cookie, *full, *fault;
    } rows[] = {
        {SITE, "", "__Host-latchkey.session_token", NULL},
        {SITE, "path = /app\n", "__Secure-latchkey.session_token", NULL},
        {SITE, "domain = example.org\n", "__Secure-latchkey.session_token", NULL},
        {LOCAL, "", "latchkey.session_token", NULL},
        {LOCAL, "secure = on\n", "__Host-latchkey.session_token", NULL},
        {SITE, "name = sid\n", "sid", NULL},
        {SITE, "name = __Host-sid\n", "__Host-sid", NULL},
        {SITE, "name = __Host-sid\npath = /app\n", NULL, "a __Host- name needs"},
        {SITE, "name = __host-sid\ndomain = example.org\n", NULL, "a __Host- name needs"},
        {LOCAL, "name = __Host-sid\n", NULL, "a __Host- name needs"},
        {SITE, "name = __Secure-sid\ndomain = example.org\n", "__Secure-sid", NULL},
        {LOCAL, "name = __SECURE-sid\n", NULL, "a __Secure- name needs cookie.secure"},
        {SITE, "name = a b\n", NULL, "may hold only the characters of a token"},
        {SITE, "name = a=b\n", NULL, "may hold only the characters of a token"},
        {SITE, "name = a;b\n", NULL, "may hold only the characters of a token"},
        {SITE, "name = caf\xc3\xa9\n", NULL, "may hold only the characters of a token"},
        {SITE, "same_site = none\n", "__Host-latchkey.session_token", NULL},
        {LOCAL, "same_site = none\n", NULL, "none needs cookie.secure"},
        {SITE, "path = app\n", NULL, "must begin with '/'"},
        {SITE, "path = /a;b\n", NULL, "may hold no ';'"},
        {SITE, "path = /a b\n", NULL, "may hold no ';'"},
    };
    char text[300];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "%s[cookie]\n%s", rows[i].base, rows[i].cookie);
        struct cfg *cfg = parse_len(text, strlen(text), false, rows[i].fault ? ERR_CONFIG : ERR_OK);
        if (cfg && rows[i].full)
            CU_ASSERT_STRING_EQUAL(cfg->cookie_full, rows[i].full);
        if (rows[i].fault)
            CU_ASSERT_PTR_NOT_NULL(strstr(said, rows[i].fault));
        config_free(&cfg);
    }
}

static void test_cookie_domain(void)
{
    fine(SITE "[cookie]\ndomain = www.example.org\n");
    fine(SITE "[cookie]\ndomain = Example.org\n");
    fine(LOCAL "[cookie]\ndomain = localhost\n");
    refused(SITE "[cookie]\ndomain = .example.org\n",
            "t.conf:4: cookie.domain: must be a host name without a dot in front\n");
    refused(SITE "[cookie]\ndomain = ample.org\n",
            "t.conf:4: cookie.domain: must be www.example.org or a domain above it\n");
    refused(SITE "[cookie]\ndomain = example.com\n", "t.conf:4: cookie.domain: must be www.example.org or");
    refused(SITE "[cookie]\ndomain = a.www.example.org\n", "t.conf:4: cookie.domain: must be www.example.org or");
    refused(SITE "[cookie]\ndomain = org\n", "t.conf:4: cookie.domain: is a top-level domain");
    refused(SITE "[cookie]\ndomain = a;b\n", "t.conf:4: cookie.domain: must be a host name");
    refused(URL("https://192.0.2.1") "[cookie]\ndomain = 2.1\n", "t.conf:4: cookie.domain: must be 192.0.2.1 or");
}

/* S7, S36 */
static void test_lifetimes(void)
{
    fine(SITE "[session]\nexpires_in = 60\nupdate_age = 59\n");
    refused(SITE "[session]\nexpires_in = 60\nupdate_age = 60\n",
            "t.conf:5: session.update_age: must be less than session.expires_in");
    refused(SITE "[session]\nexpires_in = 60\n", "t.conf: session.update_age: must be less than session.expires_in");
    refused(SITE "[session]\nexpires_in = 401d\n", "t.conf:4: session.expires_in: must be from 1s to 400d\n");
    fine(SITE "[session]\nabsolute = 500d\n");
    refused(SITE "[session]\nabsolute = 500d\n[cookie]\nmax_age = absolute\n",
            "t.conf:4: session.absolute: must be at most 400d");
}

static void test_trusted_origins(void)
{
    fine(SITE
         "trusted_origins = https://app.example.org http://localhost:3000/ *.example.org https://*.example.org:8443\n");
    fine(SITE "trusted_origins = app?.example.org https://[::1]:* *://x.org 192.0.2.*\n");
    static const char *const bad[] = {
        "*",
        "**",
        "?",
        "*.*",
        "*:*",
        "*:8443",
        "https://*",
        "https://*:443",
        "*://*",
        "https://?*.*",
        "[*]:80",
        "example.org",
        "https://example.org/path",
        "https://*.example.org/path",
        "null",
        "https://u@example.org",
        "https://u@*.example.org",
        "ht+tp://*.org",
        "1://*.org",
        "*.ex%61mple.org",
    };
    char text[200];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), SITE "trusted_origins = https://ok.org %s\n", bad[i]);
        size_t len = strlen("t.conf:3: auth.trusted_origins: ");
        refused(text, "t.conf:3: auth.trusted_origins: ");
        CU_ASSERT_EQUAL(strncmp(said + len, bad[i], strlen(bad[i])), 0);
    }
}

static void test_networks(void)
{
    fine(
        SITE
        "trusted_proxies = 10.0.0.0/8 ::1 2001:db8::/32 192.0.2.1/32 ::/0 0.0.0.0/0\n[pool]\nweb_servers = 10.0.0.1\n");
    static const char *const bad[] = {"10.0.0",       "10.0.0.0/33", "::/129", "10.0.0.0/",
                                      "10.0.0.0/+8",  "10.0.0.0/08", "host",   "/8",
                                      "10.0.0.0/8/8", "1.2.3.4:80",  "[::1]",  "256.1.1.1"};
    char text[200];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), SITE "trusted_proxies = ::1 %s\n", bad[i]);
        refused(text, "t.conf:3: auth.trusted_proxies: ");
        snprintf(text, sizeof(text), SITE "[pool]\nweb_servers = %s\n", bad[i]);
        refused(text, "t.conf:4: pool.web_servers: ");
    }
}

static void test_socket_and_prefix(void)
{
    fine(SITE "[pool]\nsocket = 127.0.0.1:9000\n");
    fine(SITE "[pool]\nsocket = [::1]:9000\n");
    static const char *const bad[] = {"latchkey.sock",   "localhost:9000", "127.0.0.1", "127.0.0.1:0",
                                      "127.0.0.1:65536", "::1:9000",       "[::1]",     "[127.0.0.1]:90",
                                      ":9000",           "127.0.0.1:"};
    char text[200];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), SITE "[pool]\nsocket = %s\n", bad[i]);
        refused(text, "t.conf:4: pool.socket: must be an absolute path or ADDRESS:PORT");
    }
    fine(SITE "[database]\nprefix = site1_\n");
    refused(SITE "[database]\nprefix = a-b\n", "t.conf:4: database.prefix: may hold only");
    refused(SITE "[database]\nprefix = a'b\n", "t.conf:4: database.prefix: may hold only");
    refused(SITE "[database]\nprefix = 1a\n", "t.conf:4: database.prefix: may not begin with a digit\n");
    refused(SITE "[database]\nprefix = sqlite_x\n", "t.conf:4: database.prefix: may not begin with sqlite_\n");
}

static int least(const char *min_strength)
{
    char text[200];

    snprintf(text, sizeof(text), SITE "[password]\nmin_strength = %s\n", min_strength);
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);
    int n = cfg ? cfg->strength_least : -1;
    config_free(&cfg);
    return n;
}

static void test_password_strength(void)
{
    CU_ASSERT_EQUAL(least("0"), 0);
    refused(SITE "[password]\nmin_strength = 5\n", "t.conf:4: password.min_strength: must be one of auto|0|1|2|3|4\n");
    refused(SITE "[password]\nmin_strength = -1\n", "t.conf:4: password.min_strength: must be one of");
#ifdef LATCHKEY_WITH_ZXCVBN
    CU_ASSERT_EQUAL(least("auto"), 2);
    CU_ASSERT_EQUAL(least("1"), 1);
    CU_ASSERT_EQUAL(least("4"), 4);
#else
    CU_ASSERT_EQUAL(least("auto"), 0);
    refused(SITE "[password]\nmin_strength = 1\n",
            "t.conf:4: password.min_strength: this latchkey was built without libzxcvbn: only 0 or auto\n");
#endif
}

static CU_TestInfo tests[] = {
    {"origin of a URL", test_origin_of},
    {"base_url", test_base_url},
    {"plain http", test_plain_http},
    {"base_path", test_base_path},
    {"cookie prefixes", test_cookie_prefixes},
    {"cookie domain", test_cookie_domain},
    {"lifetimes", test_lifetimes},
    {"trusted origins", test_trusted_origins},
    {"networks", test_networks},
    {"socket and prefix", test_socket_and_prefix},
    {"password strength", test_password_strength},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("config_check", tests)
