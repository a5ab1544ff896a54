/* conf/config.c and config_value.c: syntax and its faults with file:line, values, environment, file. */
#include "config_case.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- values ------------------------------------------------------------------------------------------------------ */

static void test_defaults(void)
{
    struct cfg *cfg = parse_len(SITE, strlen(SITE), false, ERR_OK);

    if (!cfg)
        return;
    CU_ASSERT_STRING_EQUAL(cfg->auth_base_path, "/auth");
    CU_ASSERT_EQUAL(cfg->auth_trusted_origins.n, 0);
    CU_ASSERT_EQUAL(cfg->session_expires_in, 604800000);
    CU_ASSERT_EQUAL(cfg->session_last_seen_every, 600000);
    CU_ASSERT_EQUAL(cfg->session_max_per_user, 100);
    CU_ASSERT_EQUAL(cfg->session_at_max, ATMAX_END_OLDEST);
    CU_ASSERT_EQUAL(cfg->password_scrypt.log2n, 15);
    CU_ASSERT_EQUAL(cfg->password_scrypt.r, 8);
    CU_ASSERT_EQUAL(cfg->password_scrypt.p, 3);
    CU_ASSERT_EQUAL(cfg->limits_body, 65536);
    CU_ASSERT_EQUAL(cfg->limits_sign_in.n, 100);
    CU_ASSERT_EQUAL(cfg->limits_sign_in.per, 600000);
    CU_ASSERT_EQUAL(cfg->limits_account, 10);
    CU_ASSERT_EQUAL(cfg->log_level, LVL_INFO);
    CU_ASSERT(cfg->cookie_http_only);
    CU_ASSERT_EQUAL(cfg->pool_web_servers.n, 2);
    CU_ASSERT_STRING_EQUAL(cfg->pool_web_servers.v[1], "::1");
    CU_ASSERT_STRING_EQUAL(cfg->database_path, LATCHKEY_STATEDIR "/latchkey.db");
    CU_ASSERT_STRING_EQUAL(cfg->origin, "https://www.example.org");
    CU_ASSERT_STRING_EQUAL(cfg->cookie_full, "__Host-latchkey.session_token");
    config_free(&cfg);
    CU_ASSERT_PTR_NULL(cfg);
}

static int64_t time_of(const char *value)
{
    char text[200];
    int64_t ms = -1;

    snprintf(text, sizeof(text), SITE "[session]\nfresh_age = %s\n", value);
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);
    if (cfg)
        ms = cfg->session_fresh_age;
    config_free(&cfg);
    return ms;
}

static void test_times(void)
{
    CU_ASSERT_EQUAL(time_of("0"), 0);
    CU_ASSERT_EQUAL(time_of("90"), 90000);
    CU_ASSERT_EQUAL(time_of("90s"), 90000);
    CU_ASSERT_EQUAL(time_of("2m"), 120000);
    CU_ASSERT_EQUAL(time_of("3h"), 10800000);
    CU_ASSERT_EQUAL(time_of("400D"), INT64_C(34560000000));
    CU_ASSERT_EQUAL(time_of("34560000"), INT64_C(34560000000));
    refused(SITE "[session]\nfresh_age = 401d\n", "t.conf:4: session.fresh_age: must be from 0 to 400d\n");
    refused(SITE "[session]\nexpires_in = 0\nupdate_age = 0\n",
            "t.conf:4: session.expires_in: must be from 1s to 400d\n");
    refused(SITE "[session]\nfresh_age = 1.5h\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age = -1\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age = 1 h\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age = 1w\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age = 99999999999999999999\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age = 9223372036854775807d\n", "t.conf:4: session.fresh_age: must be a time");
    refused(SITE "[session]\nfresh_age =\n", "t.conf:4: session.fresh_age: must be a time");
}

static void test_numbers(void)
{
    fine(SITE "[limits]\nbody = 1m\nhead = 4k\n[pool]\nworkers = 1000\n");
    refused(SITE "[limits]\nbody = 2m\n", "t.conf:4: limits.body: must be from 1k to 1m\n");
    refused(SITE "[limits]\nbody = 64kb\n", "t.conf:4: limits.body: must be a size");
    refused(SITE "[pool]\nworkers = 0\n", "t.conf:4: pool.workers: must be from 1 to 1000\n");
    refused(SITE "[pool]\nworkers = 4k\n", "t.conf:4: pool.workers: must be a whole number\n");
    refused(SITE "[pool]\nworkers = 0x10\n", "t.conf:4: pool.workers: must be a whole number\n");
}

/* n of -1: it was refused. */
static struct cfg_rate rate_of(const char *value)
{
    char text[200];
    struct cfg_rate r = {-1, -1};

    snprintf(text, sizeof(text), SITE "[limits]\nsign_in = %s\n", value);
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);
    if (cfg)
        r = cfg->limits_sign_in;
    config_free(&cfg);
    return r;
}

static void is_rate(const char *value, int64_t n, int64_t per)
{
    struct cfg_rate r = rate_of(value);

    if (r.n != n || r.per != per)
        printf("for <<%s>>: %lld in %lld ms\n", value, (long long)r.n, (long long)r.per);
    CU_ASSERT(r.n == n && r.per == per);
}

static void test_rates(void)
{
    static const char *const off[] = {"off", "OFF", "0", "no", "false"};
    static const char *const bad[] = {"",
                                      "on",
                                      "1",
                                      "100",
                                      "100/",
                                      "/10m",
                                      "100/m",
                                      "100/10 m",
                                      "a/10m",
                                      "100/10w",
                                      "100:10m",
                                      "100/10m/",
                                      "100/10mm",
                                      "-1/10m",
                                      "100/-1s",
                                      "1.5/10m",
                                      "100 / 10m",
                                      "100/1.5h",
                                      "0x10/10m",
                                      "99999999999999999999/10m",
                                      "100/99999999999999999999s"};
    static const char *const outside[] = {"0/10m",      "100/0",   "100/0m",      "1/401d",
                                          "1000001/1d", "1001/1s", "1000000/999s"};

    is_rate("100/10m", 100, 600000);
    is_rate("3/10s", 3, 10000);
    is_rate("3/10", 3, 10000);
    is_rate("60/1H", 60, 3600000);
    is_rate("1/400d", 1, 400 * CLOCK_DAY);
    is_rate("1000/1s", 1000, 1000);
    is_rate("1000000/1000s", 1000000, 1000000);
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        is_rate(off[i], 0, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[200];
        snprintf(text, sizeof(text), SITE "[limits]\nsign_in = %s\n", bad[i]);
        refused(text, "t.conf:4: limits.sign_in: must be a number and a time, e.g. 100/10m, or off\n");
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        char text[200];
        snprintf(text, sizeof(text), SITE "[limits]\nsign_in = %s\n", outside[i]);
        refused(text,
                "t.conf:4: limits.sign_in: must be from 1 to 1000000 in 1s to 400d, and at most one a millisecond\n");
    }
}

static void test_scrypt(void)
{
    fine(SITE "[password]\nscrypt = 10 , 1 , 1\n");
    fine(SITE "[password]\nscrypt = 20,8,16\n");
    refused(SITE "[password]\nscrypt = 20,9,1\n", "t.conf:4: password.scrypt: needs more than 1 GiB");
    refused(SITE "[password]\nscrypt = 9,8,1\n", "t.conf:4: password.scrypt: must have log2 N from 10 to 20");
    refused(SITE "[password]\nscrypt = 15,33,1\n", "t.conf:4: password.scrypt: must have");
    refused(SITE "[password]\nscrypt = 15,8,17\n", "t.conf:4: password.scrypt: must have");
    refused(SITE "[password]\nscrypt = 15,8\n", "t.conf:4: password.scrypt: must be three numbers");
    refused(SITE "[password]\nscrypt = 15,8,3,\n", "t.conf:4: password.scrypt: must be three numbers");
}

static void test_words(void)
{
    static const char *const yes[] = {"on", "true", "yes", "1", "On"}, *const no[] = {"off", "false", "no", "0", "OFF"};
    char text[200];

    for (size_t i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), SITE "[log]\naccess=%s\n[cookie]\nhttp_only=%s\n", no[i], yes[i]);
        struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);
        CU_ASSERT(cfg && !cfg->log_access && cfg->cookie_http_only);
        config_free(&cfg);
    }
    refused(SITE "[log]\naccess = 2\n", "t.conf:4: log.access: must be on or off\n");
    refused(SITE "[log]\naccess =\n", "t.conf:4: log.access: must be on or off\n");
    refused(SITE "[log]\nlevel = verbose\n", "t.conf:4: log.level: must be one of error|warn|info|debug\n");
    refused(SITE "[database]\ndriver = postgres\n", "t.conf:4: database.driver: must be one of sqlite|mysql\n");
    refused(SITE "[session]\nat_max = oldest\n", "t.conf:4: session.at_max: must be one of refuse|end-oldest\n");
    fine(SITE "[session]\nat_max = refuse\n[cookie]\nsame_site = Strict\nmax_age = absolute\n");
}

static void test_lists_and_text(void)
{
    const char *text = SITE "trusted_origins = https://a.example,https://b.example  https://c.example , \n";
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    if (cfg) {
        CU_ASSERT_EQUAL(cfg->auth_trusted_origins.n, 3);
        CU_ASSERT_STRING_EQUAL(cfg->auth_trusted_origins.v[0], "https://a.example");
        CU_ASSERT_STRING_EQUAL(cfg->auth_trusted_origins.v[2], "https://c.example");
    }
    config_free(&cfg);
    refused(SITE "[database]\npath =\n", "t.conf:4: database.path: must not be empty\n");
    refused(SITE "[database]\npath = /a\x01z\n", "t.conf:4: database.path: holds a control character\n");
    refused(SITE "[database]\npath = /\xff\n", "t.conf:4: database.path: is not UTF-8\n");
    refused(SITE "[database]\nprefix = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            "t.conf:4: database.prefix: must have 0 to 32 char");
}

/* --- syntax ------------------------------------------------------------------------------------------------------ */

static void test_syntax_fine(void)
{
    const char *text =
        "\xEF\xBB\xBF; a comment\r\n# another\r\n\r\n  [auth] ; why not\r\n\tbase_url:https://www.example.org ; "
        "here\r\n"
        "[session]\nexpires_in=2d\n[auth]\nbase_path = /a=b"; /* '=' is refused by base_path, not by syntax */
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_CONFIG);

    CU_ASSERT_STRING_EQUAL(said, "t.conf:9: auth.base_path: may hold only letters, digits, '/', '_', '.' and '-'\n");
    config_free(&cfg);
    fine(SITE "[log]\nfile = /var/log/a;b#c\n");
}

static void test_syntax_faults(void)
{
    refused(SITE "nonsense\n", "t.conf:3: this is no [section], no 'key = value' and no comment\n");
    refused(SITE "\n\nnonsense", "t.conf:5: this is no [section]");
    refused(SITE "[session\nexpires_in = 3d\n", "t.conf:3: a [section] lacks its closing bracket\n");
    refused(SITE "[session] expires_in = 3d\n", "t.conf:3: nothing but a comment may follow a [section]\n");
    refused(SITE "[sessions]\nexpires_in = 3d\n", "t.conf:3: there is no section [sessions]\n");
    refused(SITE "[ session]\nexpires_in = 3d\n", "t.conf:3: there is no section [ session]\n");
    refused(SITE "base_uri = x\n", "t.conf:3: auth.base_uri: there is no such key\n");
    refused(SITE "Base_Path = /x\n", "t.conf:3: auth.Base_Path: there is no such key\n");
    refused("base_path = /x\n" SITE, "t.conf:1: base_path: a key must stand below a [section]\n");
    refused(SITE "base_path = /x # why\n",
            "t.conf:3: auth.base_path: a comment after a value begins with a blank and ';'\n");
    refused(SITE "= x\n", "t.conf:3: auth.: there is no such key\n");
}

static void test_double_and_joined(void)
{
    refused(SITE "base_path = /a\nbase_path = /a\n", "t.conf:4: auth.base_path: already set in line 3\n");
    refused(SITE "[session]\n[auth]\nbase_url = https://x.org\n", "t.conf:5: auth.base_url: already set in line 2\n");
    /* indentation continues nothing: the second line stands for itself */
    refused(SITE "trusted_origins = https://a.org\n    https://b.org\n",
            "t.conf:4: auth.https: there is no such key\n");
    refused(SITE "trusted_origins = https://a.org\n\tb.org\n", "t.conf:4: this is no [section]");
    fine(SITE "base_path = /x\n  [session]\n  expires_in = 3d\n");
}

static void test_long_lines(void)
{
    char text[1000] = SITE "[log]\nfile = /";
    size_t at = strlen(text), start = at - strlen("file = /");

    memset(text + at, 'x', 197 - (at - start));
    fine(text);
    memset(text + at, 'x', 198 - (at - start));
    refused(text, "t.conf:4: this line has 198 bytes; at most 197 can be read\n");
    memset(text + at, 'x', 900 - (at - start));
    memcpy(text + 400, "\n[pool]\nworkers = 0\n", 20);
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "t.conf:4: this line has"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "\nt.conf:6: pool.workers: must be from 1 to 1000\n"));
    config_free(&cfg);
    memset(text + start, '#', 600); /* a long comment harms nobody */
    text[start + 600] = '\0';
    fine(text);
}

static void test_nul_byte(void)
{
    static const char text[] = SITE "base_path = /a\0b\n";
    struct cfg *cfg = parse_len(text, sizeof(text) - 1, false, ERR_CONFIG);

    CU_ASSERT_STRING_EQUAL(said, "t.conf:3: there is a NUL byte in this line\n");
    config_free(&cfg);
}

static void test_all_faults_told(void)
{
    const char *text = "[auth]\nbase_path = auth\n[session]\nexpires_in = never\nwhat = 1\n[pool]\nworkers = 0\n";
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_CONFIG);

    CU_ASSERT_STRING_EQUAL(said, "t.conf:4: session.expires_in: must be a time: a number, then ms, s, m, h or d, e.g. 10m\n"
                                 "t.conf:5: session.what: there is no such key\n"
                                 "t.conf:7: pool.workers: must be from 1 to 1000\n"
                                 "t.conf: auth.base_url: must be set, e.g. https://www.example.org\n"
                                 "t.conf:2: auth.base_path: must begin with '/' and not end with it\n");
    config_free(&cfg);
}

/* --- environment and file ---------------------------------------------------------------------------------------- */

static void test_environment(void)
{
    setenv("LATCHKEY_SESSION_EXPIRES_IN", "3d", 1);
    setenv("LATCHKEY_AUTH_BASE_URL", "https://env.example.org", 1);
    setenv("LATCHKEY_CONF", "/etc/x", 1);
    setenv("LATCHKEY_TEST_ANYTHING", "1", 1);
    const char *text = SITE "[session]\nexpires_in = 2d\n";
    struct cfg *cfg = parse_len(text, strlen(text), true, ERR_OK);
    if (cfg) {
        CU_ASSERT_EQUAL(cfg->session_expires_in, 3 * CLOCK_DAY);
        CU_ASSERT_STRING_EQUAL(cfg->origin, "https://env.example.org");
    }
    config_free(&cfg);
    setenv("LATCHKEY_SESSION_EXPIRES_IN", "3 days", 1);
    setenv("LATCHKEY_SESSION_EXPIRE", "3d", 1);
    setenv("LATCHKEY_CONFIG", "/etc/x", 1);
    cfg = parse_len(text, strlen(text), true, ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "environment: LATCHKEY_SESSION_EXPIRES_IN: must be a time"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "environment: LATCHKEY_SESSION_EXPIRE: there is no such key\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "environment: LATCHKEY_CONFIG: there is no such key\n"));
    config_free(&cfg);
    unsetenv("LATCHKEY_SESSION_EXPIRES_IN");
    unsetenv("LATCHKEY_SESSION_EXPIRE");
    unsetenv("LATCHKEY_CONFIG");
    unsetenv("LATCHKEY_AUTH_BASE_URL");
}

static enum err load_with_mode(const char *path, mode_t mode)
{
    struct cfg *cfg = NULL;

    said[0] = '\0';
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
    enum err e = config_load(path, note, NULL, &cfg);
    config_free(&cfg);
    return e;
}

static void test_file(void)
{
    char path[] = "/tmp/latchkey-conf-XXXXXX";
    int fd = mkstemp(path);

    CU_ASSERT_EQUAL(write(fd, SITE, strlen(SITE)), (ssize_t)strlen(SITE));
    close(fd);
    CU_ASSERT_EQUAL(load_with_mode(path, 0644), ERR_OK);
    CU_ASSERT_STRING_EQUAL(said, "");
    CU_ASSERT_EQUAL(load_with_mode(path, 0664), ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, ": others than its owner may write it (mode 0664): chmod go-w\n"));
    CU_ASSERT_EQUAL(strncmp(said, path, strlen(path)), 0);
    CU_ASSERT_EQUAL(load_with_mode(path, 0602), ERR_CONFIG);
    unlink(path);
    struct cfg *cfg = NULL;
    said[0] = '\0';
    CU_ASSERT_EQUAL(config_load(path, note, NULL, &cfg), ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, ": cannot be opened: No such file or directory\n"));
    CU_ASSERT_EQUAL(config_load("/tmp", NULL, NULL, &cfg), ERR_CONFIG);
}

static CU_TestInfo tests[] = {
    {"defaults", test_defaults},
    {"times", test_times},
    {"numbers", test_numbers},
    {"rates", test_rates},
    {"scrypt", test_scrypt},
    {"words", test_words},
    {"lists and text", test_lists_and_text},
    {"syntax", test_syntax_fine},
    {"syntax faults", test_syntax_faults},
    {"double and joined keys", test_double_and_joined},
    {"long lines", test_long_lines},
    {"NUL byte", test_nul_byte},
    {"all faults are told", test_all_faults_told},
    {"environment", test_environment},
    {"file", test_file},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("config", tests)
