/* The [database] settings of a server: hosts, what goes together, and a password that nobody gets to see. */
#include "config_case.h"
#include "base/buf.h"
#include "base/net.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MYSQL SITE "[database]\ndriver = mysql\n"

static void test_host_syntax(void)
{
    static const struct {
        const char *text, *name;
        int port;
    } good[] = {{"db", "db", -1},         {"db-1.example.org:3307", "db-1.example.org", 3307}, {"10.0.0.1", "10.0.0.1", -1},
                {"127.0.0.1:0", "127.0.0.1", 0}, {"[::1]", "::1", -1},                         {"[::1]:65535", "::1", 65535}};
    static const char *const bad[] = {"",        ":1",     "db:",      "db:x",        "db:65536", "db:1:2", "::1",
                                      "[::1",    "[::1]1", "[db]:1",   "[127.0.0.1]", "d b",      "db/x",   "db:-1",
                                      "db:123456", "[]",   "\xc3\xa4"};
    struct net_host h;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CU_ASSERT_FATAL(net_host_parse(good[i].text, &h));
        CU_ASSERT_STRING_EQUAL(h.name, good[i].name);
        CU_ASSERT_EQUAL(h.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CU_ASSERT_FALSE(net_host_parse(bad[i], &h));
    CU_ASSERT(net_host_local("127.1.2.3") && net_host_local("::1") && net_host_local("LocalHost"));
    CU_ASSERT_FALSE(net_host_local("128.0.0.1") || net_host_local("localhost.example.org"));
}

#ifdef LATCHKEY_WITH_MYSQL
static void test_hosts(void)
{
    fine(MYSQL);
    fine(MYSQL "hosts = /run/a.sock db db:3307 [2001:db8::1]:3306\n");
    refused(MYSQL "hosts = db db:x\n", "t.conf:5: database.hosts: db:x is no absolute path");
    refused(MYSQL "hosts = 2001:db8::1\n", "t.conf:5: database.hosts: 2001:db8::1 is no absolute path");
    refused(MYSQL "hosts = db:0\n", "t.conf:5: database.hosts: db:0 is no absolute path");
    refused(MYSQL "hosts = ,\n", "t.conf:5: database.hosts: ");
    fine(SITE "[database]\nhosts = db:x\n"); /* of a server nobody asks */
}

static void test_together(void)
{
    refused(MYSQL "tls_cert = /c\n", "t.conf:5: database.tls_cert: database.tls_cert and database.tls_key go together");
    refused(MYSQL "tls_key = /k\n", "t.conf:5: database.tls_key: database.tls_cert and database.tls_key go together");
    fine(MYSQL "tls_cert = /c\ntls_key = /k\n");
    fine(MYSQL "timeout = 5s\n");
    refused(MYSQL "timeout = 6s\n", "t.conf:5: database.timeout: must be at most half of limits.request");
    fine(MYSQL "timeout = 6s\n[limits]\nrequest = 12s\n");
    refused(MYSQL "name = a\001b\n", "t.conf:5: database.name: holds a control character");
    refused(MYSQL "user = a\177\n", "t.conf:5: database.user: holds a control character");
}

static void test_warning(void)
{
    static const struct {
        const char *text;
        bool warned;
    } rows[] = {{"tls = off\nhosts = db\n", true},
                {"tls = off\nhosts = 127.0.0.1:3306 /run/s localhost\n", false},
                {"hosts = db\n", false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        int len = snprintf(text, sizeof(text), "%s%s", MYSQL, rows[i].text);
        struct cfg *cfg = parse_len(text, (size_t)len, false, ERR_OK);
        CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
        config_warn(cfg, note, NULL);
        CU_ASSERT_EQUAL(strstr(said, "database.tls: off lets everybody on the way to db") != NULL, rows[i].warned);
        config_free(&cfg);
    }
}
#else
static void test_without(void)
{
    refused(MYSQL, "t.conf:4: database.driver: this latchkey was built without MySQL");
}
#endif

/* --- the password ------------------------------------------------------------------------------------------------ */

#define PASSWORD "[database]\npassword = hidden-word\n"

static void test_password_is_not_printed(void)
{
    struct cfg *cfg = parse_len(SITE PASSWORD, strlen(SITE PASSWORD), false, ERR_OK);
    struct config_item item;

    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    CU_ASSERT_STRING_EQUAL(cfg->database_password, "hidden-word");
    struct buf out = buf_in(cfg->arena);
    config_print(&out, cfg);
    CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "hidden"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "\npassword = (set)\n"));
    for (size_t i = 0; config_item(cfg, cfg->arena, i, &item); i++)
        CU_ASSERT_PTR_NULL(strstr(item.value, "hidden"));
    config_warn(cfg, note, NULL);
    CU_ASSERT_PTR_NULL(strstr(said, "hidden"));
    config_free(&cfg);
}

static enum err load(const char *path, const char *text, mode_t mode)
{
    struct cfg *cfg = NULL;
    FILE *f = fopen(path, "we");

    said[0] = '\0';
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
    enum err e = config_load(path, note, NULL, &cfg);
    config_free(&cfg);
    return e;
}

static void test_password_in_an_open_file(void)
{
    char path[] = "/tmp/latchkey-conf-XXXXXX";

    close(mkstemp(path));
    CU_ASSERT_EQUAL(load(path, SITE PASSWORD, 0640), ERR_OK);
    CU_ASSERT_EQUAL(load(path, SITE PASSWORD, 0644), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, ": holds database.password and is readable by everybody: chmod o-r\n"));
    CU_ASSERT_PTR_NULL(strstr(said, "hidden"));
    CU_ASSERT_EQUAL(load(path, SITE "[database]\npassword =\n", 0644), ERR_OK);
    setenv("LATCHKEY_DATABASE_PASSWORD", "hidden-word", 1); /* is in no file */
    CU_ASSERT_EQUAL(load(path, SITE, 0644), ERR_OK);
    CU_ASSERT_EQUAL(load(path, SITE PASSWORD, 0644), ERR_CONFIG); /* though another one counts */
    unsetenv("LATCHKEY_DATABASE_PASSWORD");
    unlink(path);
}

static CU_TestInfo tests[] = {
    {"syntax of hosts", test_host_syntax},
#ifdef LATCHKEY_WITH_MYSQL
    {"hosts", test_hosts},
    {"what goes together", test_together},
    {"TLS that is off", test_warning},
#else
    {"built without", test_without},
#endif
    {"the password is not printed", test_password_is_not_printed},
    {"the password in an open file", test_password_in_an_open_file},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("config_database", tests)
