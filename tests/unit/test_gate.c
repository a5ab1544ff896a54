/* The gate's policy: which rules a place has, whether they hold, what a page is told. */
#include "auth/gate.h"

#include "base/path.h"
#include "base/buf.h"
#include "config_case.h"

static struct arena *a;
static struct cfg *cfg;

static const char text[] = SITE "[gate /admin/]\nrequire = group:staff\n"
                                "[gate /admin/help/]\nrequire = signed-in\n"
                                "[gate /Shop/]\nrequire = verified-email\n"
                                "[gate /admin/board.php]\nrequire = group:board group:staff verified-email\n";

static void load(void)
{
    cfg = parse_len(text, sizeof text - 1, false, ERR_OK);
}

/* "path path": the rules of a place, in the order they are found. */
static const char *rules_of(const char *place)
{
    struct gate_need need;
    struct buf b = buf_in(a);

    gate_need(cfg, a, path_resolve(a, place), &need);
    for (size_t i = 0; i < need.n; i++)
        buf_printf(&b, "%s%s", i ? " " : "", need.rule[i]->path);
    return buf_str(&b);
}

static enum err pass(const char *place, bool verified, size_t n, const char **groups)
{
    struct gate_need need;
    struct user u = {.email_verified = verified};
    struct groups g = {n, groups};

    gate_need(cfg, a, place, &need);
    return gate_pass(&need, &u, &g);
}

static void test_rules(void)
{
    load();
    CU_ASSERT_STRING_EQUAL(rules_of("/"), "");
    CU_ASSERT_STRING_EQUAL(rules_of("/administration"), "");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/x"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/help"), "/admin/help/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/help/x"), "/admin/help/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/help/../x"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/board.php"), "/admin/board.php");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/board.php/info"), "/admin/board.php");
    CU_ASSERT_STRING_EQUAL(rules_of("/Shop/x"), "/Shop/");
    config_free(&cfg);
}

/* No spelling finds a weaker rule than any server behind the gate may think of. */
static void test_other_readings(void)
{
    static const char *const spellings[] = {
        "/ADMIN/x", "/open/..;/admin/x",    "/admin;v=1/x",       "/open\\..\\admin\\x",   "/admin./x",
        "/admin /", "/open/%2e%2e/admin/x", "/%61dmin/x",         "/open%2f..%2fadmin/x",  "/aDmin/%68elp../x",
        "/./admin", "/open/%252e/..;a/b",   "/open;/..;/Admin/x", "/open/%2e%2e%5cadmin/",
    };

    load();
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        bool weak = i == 11; /* leads elsewhere by all readings */
        const char *got = rules_of(spellings[i]);
        CU_ASSERT_EQUAL(strstr(got, "/admin/") == NULL, weak);
        if ((strstr(got, "/admin/") == NULL) != weak)
            printf("%s: %s\n", spellings[i], got);
    }
    /* nor does what is no escape, or escaped once more */
    CU_ASSERT_STRING_EQUAL(rules_of("/%61dmin/%zz"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/%61dmin/%00"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/%2561dmin/x"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/open/%25252e%25252e/admin/%"), "/admin/");
    CU_ASSERT_EQUAL(pass("/x/%252525252525252525252525252525252561", true, 0, NULL), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/x/%2561", true, 0, NULL), ERR_OK);
    /* a NUL ends the text to some; a regular expression finds the end of a line before its newline */
    CU_ASSERT_EQUAL(pass("/x/%00", true, 0, NULL), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/x/%2500", true, 0, NULL), ERR_NOT_IN_GROUP);
    CU_ASSERT_STRING_EQUAL(rules_of("/admin\n"), "/admin/");
    CU_ASSERT_STRING_EQUAL(rules_of("/admin%0a/x"), "/admin/");
    /* and where the exact one is stricter than the loose one, both hold */
    CU_ASSERT_STRING_EQUAL(rules_of("/admin/HELP/x"), "/admin/ /admin/help/");
    CU_ASSERT_STRING_EQUAL(rules_of("/shop/x"), "/Shop/");
    config_free(&cfg);
}

/* What a request may mean besides adds rules; to what is our own it adds none. */
static void test_other_places(void)
{
    struct gate_need need;

    load();
    gate_need(cfg, a, "/open/", &need);
    gate_need_also(cfg, a, "/admin/help/x", &need);
    CU_ASSERT_EQUAL(need.n, 1);
    CU_ASSERT_STRING_EQUAL(need.rule[0]->path, "/admin/help/");
    gate_need(cfg, a, "/auth/login", &need);
    gate_need_also(cfg, a, "/admin/", &need);
    CU_ASSERT_EQUAL(need.n, 0);
    CU_ASSERT_TRUE(need.own);
    config_free(&cfg);
}

static bool own(const char *place)
{
    struct gate_need need;

    gate_need(cfg, a, path_resolve(a, place), &need);
    return need.own;
}

static void test_own(void)
{
    load();
    CU_ASSERT_TRUE(own("/auth/sign-in/email"));
    CU_ASSERT_TRUE(own("/auth"));
    CU_ASSERT_FALSE(own("/authority"));
    CU_ASSERT_FALSE(own("/auth/../admin/"));
    CU_ASSERT_FALSE(own("/auth/..;/admin/"));
    CU_ASSERT_FALSE(own("/auth/%2e%2e/admin/"));
    CU_ASSERT_FALSE(own("/auth/..\\admin/"));
    CU_ASSERT_FALSE(own("/auth/%2e%2e/admin/%zz"));
    CU_ASSERT_FALSE(own("/auth/%252e%252e/admin/"));
    CU_ASSERT_TRUE(own("/auth/login%zz"));
    CU_ASSERT_FALSE(own("/Auth/x"));
    config_free(&cfg);
}

static void test_pass(void)
{
    const char *staff[] = {"x", "staff"}, *loud[] = {"STAFF"}, *part[] = {"staf", "staffer"};

    load();
    CU_ASSERT_EQUAL(pass("/", false, 0, NULL), ERR_OK);
    CU_ASSERT_EQUAL(pass("/admin/", true, 0, NULL), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/admin/", false, 2, staff), ERR_OK);
    CU_ASSERT_EQUAL(pass("/admin/", false, 1, loud), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/admin/", false, 2, part), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/admin/help/", false, 0, NULL), ERR_OK);
    CU_ASSERT_EQUAL(pass("/admin/HELP/", false, 0, NULL), ERR_NOT_IN_GROUP);
    CU_ASSERT_EQUAL(pass("/Shop/", false, 0, NULL), ERR_EMAIL_NOT_VERIFIED);
    CU_ASSERT_EQUAL(pass("/shop/", true, 0, NULL), ERR_OK);
    CU_ASSERT_EQUAL(pass("/admin/board.php", false, 2, staff), ERR_EMAIL_NOT_VERIFIED);
    CU_ASSERT_EQUAL(pass("/admin/board.php", true, 2, staff), ERR_OK);
    CU_ASSERT_EQUAL(pass("/admin/board.php", true, 2, part), ERR_NOT_IN_GROUP);
    config_free(&cfg);
}

static void test_lines(void)
{
    CU_ASSERT_STRING_EQUAL(gate_line(a, "Ann"), "Ann");
    CU_ASSERT_STRING_EQUAL(gate_line(a, " Ann\r\nVariable-REMOTE_USER: root\t"), "Ann  Variable-REMOTE_USER: root");
    CU_ASSERT_STRING_EQUAL(gate_line(a, "J\xc3\xbcrgen \xe2\x80\xae x"), "J\xc3\xbcrgen   x");
    CU_ASSERT_STRING_EQUAL(gate_line(a, "a\x7f\xc2\x85\xe2\x80\xa8\x62"), "a   b");
    CU_ASSERT_STRING_EQUAL(gate_line(a, "\xff"), "\xef\xbf\xbd");
    CU_ASSERT_STRING_EQUAL(gate_line(a, ""), "");
    CU_ASSERT_STRING_EQUAL(gate_line(a, " \n "), "");
}

static CU_TestInfo tests[] = {
    {"rules", test_rules}, {"other readings", test_other_readings},
    {"other places", test_other_places}, {"own", test_own},     {"pass", test_pass},
    {"lines", test_lines}, CU_TEST_INFO_NULL,
};
SUITE_MAIN_ARENA("gate", tests, a)
