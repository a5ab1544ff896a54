/* conf/config_print.c: the sample, effective values, items, and what deserves a second look. */
#include "config_case.h"
#include "base/buf.h"

static const char *warnings(const char *text)
{
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    said[0] = '\0';
    if (cfg)
        config_warn(cfg, note, NULL);
    config_free(&cfg);
    return said;
}

static void test_warn(void)
{
    CU_ASSERT_STRING_EQUAL(warnings(SITE), "");
    CU_ASSERT_EQUAL(strncmp(warnings(LOCAL), "auth.base_url: is http", 22), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[cookie]\nhttp_only = off\n"), "cookie.http_only:", 17), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[cookie]\npath = /au\n"), "cookie.path:", 12), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[cookie]\npath = /auth/x\n"), "cookie.path:", 12), 0);
    CU_ASSERT_STRING_EQUAL(warnings(SITE "[cookie]\npath = /auth\n"), "");
    CU_ASSERT_STRING_EQUAL(warnings(SITE "base_path = /auth/v1\n[cookie]\npath = /auth/\n"), "");
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[cookie]\nsame_site = none\n"), "cookie.same_site:", 17), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[session]\nabsolute = 6d\n"), "session.absolute:", 17), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[session]\nmax_per_user = 0\n"), "session.max_per_user:", 21), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[password]\nscrypt = 15,8,2\n"), "password.scrypt:", 16), 0);
    CU_ASSERT_STRING_EQUAL(warnings(SITE "[password]\nscrypt = 17,8,1\n"), "");
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[password]\nmin_strength = 0\n"), "password.min_strength:", 22), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "[password]\nslots = 3\n"), "password.slots:", 15), 0);
    CU_ASSERT_STRING_EQUAL(warnings(SITE "[password]\nslots = 2\n"), "");
    CU_ASSERT_EQUAL(
        strncmp(warnings(SITE "trusted_origins = *example.org\n"), "auth.trusted_origins: *example.org", 34), 0);
    CU_ASSERT_EQUAL(strncmp(warnings(SITE "trusted_proxies = 0.0.0.0/0\n"), "auth.trusted_proxies: 0.0.0.0/0", 31), 0);
}

/* --- printing ---------------------------------------------------------------------------------------------------- */

/* The sample must parse with no more than its base_url made active, and again with every commented key: the documented
 * defaults are those. */
static void test_print_sample(void)
{
    struct arena *a = NULL;

    CU_ASSERT_EQUAL(arena_open(&a, 4096), ERR_OK);
    struct buf sample = buf_in(a), active = buf_in(a);
    config_print(&sample, NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&sample), "\n# base_url = "));
    struct buf least = buf_in(a);
    size_t keys = 0;
    for (const char *p = buf_str(&sample); *p;) {
        size_t len = strcspn(p, "\n");
        const char *equals = memchr(p, '=', len);
        bool key = len > 4 && strncmp(p, "# ", 2) == 0 && equals &&
                   strspn(p + 2, "abcdefghijklmnopqrstuvwxyz_") == (size_t)(equals - p) - 3;
        CU_ASSERT(len <= 116);
        buf_add(&active, key ? p + 2 : p, key ? len - 2 : len);
        buf_putc(&active, '\n');
        bool site = strncmp(p, "# base_url = ", 13) == 0;
        buf_add(&least, site ? p + 2 : p, site ? len - 2 : len);
        buf_putc(&least, '\n');
        keys += key;
        p += len + (p[len] == '\n');
    }
    CU_ASSERT_EQUAL(keys, 99);
    struct cfg *one = parse_len(buf_str(&least), least.len, false, ERR_OK);
    struct cfg *two = parse_len(buf_str(&active), active.len, false, ERR_OK);
    struct buf x = buf_in(a), y = buf_in(a);
    if (one && two) {
        config_print(&x, one);
        config_print(&y, two);
        CU_ASSERT_STRING_EQUAL(buf_str(&x), buf_str(&y));
    }
    config_free(&one);
    config_free(&two);
    arena_close(&a);
}

static void test_print_effective(void)
{
    const char *text =
        SITE "trusted_origins = https://a.org,https://b.org\n[session]\nexpires_in = 129600\nfresh_age=0\n"
             "[limits]\nbody = 5000\nhead = 131072\nsign_in = 0\nsign_up = 7/3600\ntotal = 90/90s\n[cookie]\nhttp_only "
             "= no\nsame_site = strict\nsecure=yes\n"
             "[password]\nscrypt = 16, 8, 2\n";
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK), *again;

    if (!cfg)
        return;
    struct buf out = buf_in(cfg->arena), two = buf_in(cfg->arena);
    config_print(&out, cfg);
    static const char *const lines[] = {
        "\ntrusted_origins = https://a.org https://b.org\n",
        "\nexpires_in = 36h\n",
        "\nfresh_age = 0\n",
        "\nbody = 5000\n",
        "\nhead = 128k\n",
        "\nsign_in = off\n",
        "\nsign_up = 7/1h\n",
        "\npassword = 30/10m\n",
        "\ntotal = 90/90s\n",
        "\nhttp_only = off\n",
        "\nsame_site = strict\n",
        "\nsecure = on\n",
        "\nscrypt = 16,8,2\n",
        "\ntrusted_proxies =\n",
        "\nname = auto\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), lines[i]));
    again = parse_len(buf_str(&out), out.len, false, ERR_OK);
    if (again)
        config_print(&two, again);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), buf_str(&two));
    config_free(&again);
    config_free(&cfg);
}

static void test_items(void)
{
    struct cfg *cfg = parse_len(SITE, strlen(SITE), false, ERR_OK);
    struct config_item item;
    size_t i;

    if (!cfg)
        return;
    CU_ASSERT(config_item(NULL, cfg->arena, 0, &item));
    CU_ASSERT_STRING_EQUAL(item.section, "auth");
    CU_ASSERT_STRING_EQUAL(item.key, "base_url");
    CU_ASSERT_PTR_NULL(item.value);
    for (i = 0; config_item(cfg, cfg->arena, i, &item); i++) {
        CU_ASSERT_PTR_NOT_NULL(item.value);
        CU_ASSERT(*item.text && *item.type);
        if (i > 0)
            CU_ASSERT_STRING_EQUAL(item.value, item.def); /* defaults are written as they are printed */
    }
    CU_ASSERT_EQUAL(i, 99);
    config_free(&cfg);
}

static CU_TestInfo tests[] = {
    {"warnings", test_warn},
    {"sample", test_print_sample},
    {"effective values", test_print_effective},
    {"items", test_items},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("config_print", tests)
