/* The gate's settings and the sections [gate PATH]. */
#include "base/buf.h"
#include "config_case.h"

#define RULE(path, text) SITE "[gate " path "]\nrequire = " text "\n"

static void test_rules(void)
{
    fine(RULE("/", "signed-in"));
    fine(RULE("/admin/", "verified-email group:staff, group:Board.2"));
    fine(RULE("/a/", "signed-in") "[gate /b/]\nrequire = group:x\n[log]\nlevel = warn\n");
    fine(RULE("/a b/\xc3\xbc/page.php", "signed-in"));
    refused(RULE("admin/", "signed-in"), "t.conf:3: [gate admin/]: the path must begin with a slash");
    refused(RULE("/a/../b/", "signed-in"), "t.conf:3: [gate /a/../b/]: the path leads to /b/: write that");
    refused(RULE("//a", "signed-in"), "t.conf:3: [gate //a]: the path leads to /a: write that");
    refused(RULE("/a*", "signed-in"), "t.conf:3: [gate /a*]: the path is none of a place");
    refused(RULE("/a%20b", "signed-in"), "t.conf:3: [gate /a%20b]: the path is none of a place");
    refused(RULE("/a", "sometimes"), "t.conf:4: [gate /a] require: 'sometimes' is none of signed-in, ");
    refused(RULE("/a", "group:"), "t.conf:4: [gate /a] require: '' is no name of a group");
    refused(RULE("/a", "group:-x"), "t.conf:4: [gate /a] require: '-x' is no name of a group");
    refused(RULE("/a", "group:x!"), "t.conf:4: [gate /a] require: 'x!' is no name of a group");
    refused(RULE("/a", "signed-in # why"), "t.conf:4: [gate /a] require: '#' is none of ");
    refused(SITE "[gate /a]\nrequired = signed-in\nrequire = signed-in\n", "t.conf:4: [gate /a] required: there is no such key");
    refused(RULE("/a", "signed-in") "require = group:x\n", "t.conf:5: [gate /a] require: already set");
    refused(SITE "[gate /a]\n", "t.conf:3: [gate /a]: lacks 'require = …'");
    refused(RULE("/a/", "signed-in") "[gate /a]\nrequire = group:x\n",
            "t.conf:5: [gate /a]: the same place as in line 3");
    refused(RULE("/Staff/", "signed-in") "[gate /staff]\nrequire = group:x\n",
            "t.conf:5: [gate /staff]: the same place as in line 3");
    refused(RULE("/a", "signed-in") "level = warn\n", "t.conf:5: [gate /a] level: there is no such key");
}

static void test_effective(void)
{
    const char *text = RULE("/a/", "group:b group:a verified-email") "[gate /c]\nrequire = signed-in\n";
    struct arena *a = NULL;
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    CU_ASSERT_EQUAL_FATAL(arena_open(&a, 4096), ERR_OK);
    CU_ASSERT_EQUAL_FATAL(cfg->rules.n, 2);
    CU_ASSERT_STRING_EQUAL(cfg->rules.v[0].path, "/a/");
    CU_ASSERT_STRING_EQUAL(config_rule_text(a, &cfg->rules.v[0]), "verified-email group:b group:a");
    CU_ASSERT_STRING_EQUAL(config_rule_text(a, &cfg->rules.v[1]), "signed-in");
    struct buf b = buf_in(a);
    config_print(&b, cfg);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&b), "\n[gate /a/]\nrequire = verified-email group:b group:a\n"));
    config_free(&cfg);
    cfg = parse_len(buf_str(&b), b.len, false, ERR_OK);
    CU_ASSERT_EQUAL(cfg->rules.n, 2);
    config_free(&cfg);
    arena_close(&a);
}

static void test_settings(void)
{
    fine(SITE "[gate]\nremote_user = id\nsign_in = /members/sign-in\n");
    fine(SITE "[gate]\nsign_in = https://sso.example.org/in\n");
    refused(SITE "[gate]\nremote_user = mail\n", "t.conf:4: gate.remote_user: must be one of email|id|name");
    refused(SITE "[gate]\nsign_in = //evil.example/\n", "t.conf:4: gate.sign_in: must be a path or an http(s) URL");
    refused(SITE "[gate]\nsign_in = login\n", "t.conf:4: gate.sign_in: must be a path or an http(s) URL");
    refused(SITE "[gate]\nsign_in = /in?a=1\n", "t.conf:4: gate.sign_in: must be a path or an http(s) URL");
    refused(SITE "[gate]\nrequire = signed-in\n", "t.conf:4: gate.require: there is no such key");
}

static void warned(const char *text, const char *what)
{
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    config_warn(cfg, note, NULL);
    CU_ASSERT_EQUAL(strstr(said, what ? what : "cookie.max_age") != NULL, what != NULL);
    config_free(&cfg);
}

static void test_second_looks(void)
{
    warned(RULE("/a", "signed-in"), "cookie.max_age: idle signs out who visits pages behind the gate only");
    warned(RULE("/a", "signed-in") "[cookie]\nmax_age = absolute\n", NULL);
    warned(RULE("/a/b.html", "signed-in"), "gate: a rule for a single file holds where the file is asked for");
    warned(RULE("/a", "verified-email"), "gate: require = verified-email lets nobody pass who signs up");
    warned(SITE "[gate]\nremote_user = name\n", "gate.remote_user: name can be chosen by whoever signs up");
}

static CU_TestInfo tests[] = {
    {"rules", test_rules},
    {"effective", test_effective},
    {"settings", test_settings},
    {"second looks", test_second_looks},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN("configuration of the gate", tests)
