/* The rules for new passwords. SHA-1 values of the file by sha1sum. */
#include "../lib/suite.h"

#include "base/log.h"
#include "crypto/strength.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct arena *arena;
static char list[] = "/tmp/latchkey-strength-XXXXXX";
static struct cfg cfg = {.password_breached = "", .origin = "https://www.gardening.example"};
static const char *const nobody[] = {NULL};

static enum err check(int least, const char *password, const char *const *about)
{
    cfg.strength_least = least;
    enum err e = strength_check(&cfg, arena, password, about);
    arena_reset(arena);
    return e;
}

static void test_score_boundaries(void)
{
    CU_ASSERT_EQUAL(strength_score(0), 0);
    CU_ASSERT_EQUAL(strength_score(10.9), 0); /* 2^9.9 = 955 guesses on average */
    CU_ASSERT_EQUAL(strength_score(11), 1);
    CU_ASSERT_EQUAL(strength_score(20.9), 1);
    CU_ASSERT_EQUAL(strength_score(21), 2);
    CU_ASSERT_EQUAL(strength_score(27.5), 2);
    CU_ASSERT_EQUAL(strength_score(27.6), 3);
    CU_ASSERT_EQUAL(strength_score(34.2), 3);
    CU_ASSERT_EQUAL(strength_score(34.3), 4);
    CU_ASSERT_EQUAL(strength_score(1000), 4);
}

static void test_no_rule_takes_all(void)
{
    CU_ASSERT_EQUAL(check(0, "password", nobody), ERR_OK);
    CU_ASSERT_EQUAL(check(0, "", nobody), ERR_OK);
}

#ifdef LATCHKEY_WITH_ZXCVBN
static int score(const char *password, const char *const *about)
{
    int n = 0;
    while (n < 4 && check(n + 1, password, about) == ERR_OK)
        n++;
    return n;
}

static void test_known_weak_and_strong(void)
{
    static const char *const weak[] = {"password", "Password1", "p4ssw0rd",   "12345678",  "qwertyuiop",
                                       "letmein1", "iloveyou",  "11111111",   "aaaaaaaaa", "abcdefgh",
                                       "1qaz2wsx", "19841984",  "monkey1234", "trustno1"};
    static const char *const strong[] = {"correct horse battery staple", "correct-horse-1", "D0g.....kx81bq",
                                         "zwölf Boxkämpfer jagen",       "vX3#pq9!Lm2z",    "ожерелье верблюда"};
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
        CU_ASSERT(score(weak[i], nobody) < 2);
    for (size_t i = 0; i < sizeof strong / sizeof *strong; i++)
        CU_ASSERT_EQUAL(score(strong[i], nobody), 4);
}

static void test_own_words_are_guesses(void)
{
    const char *const about[] = {"Brunhild.Oxenstierna@firma-nord.example", "Brunhild Oxenstierna", NULL};
    static const char *const own[] = {"brunhild.oxenstierna@firma-nord.example",
                                      "Brunhild.Oxenstierna",
                                      "oxenstierna",
                                      "OXENSTIERNA1",
                                      "0xenst1erna",
                                      "firma-nord"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        CU_ASSERT(score(own[i], about) < 2);
        CU_ASSERT(score(own[i], about) < score(own[i], nobody));
    }
    CU_ASSERT(score("gardening", nobody) == 0);
    CU_ASSERT_EQUAL(score("vX3#pq9!Lm2z", about), 4);
    const char *const odd[] = {"", "@", "", "a@b", NULL};
    CU_ASSERT_EQUAL(score("vX3#pq9!Lm2z", odd), 4);
    CU_ASSERT_EQUAL(score("password", odd), 0);
}

static void test_normal_form_is_judged(void)
{
    CU_ASSERT_EQUAL(
        score("\xEF\xBD\x90\xEF\xBD\x81\xEF\xBD\x93\xEF\xBD\x93\xEF\xBD\x97\xEF\xBD\x8F\xEF\xBD\x92\xEF\xBD\x84",
              nobody),
        0); /* "password" in fullwidth letters */
}

/* Each would take more than a second if it were looked at as a whole. */
static void test_long_ones_take_no_time(void)
{
    static const char *const pattern[] = {"12", "010203", "1", "a", "4@", "5$s", "qwerty", "\xc3\xa4"};
    static char name[60000];
    char password[400];
    struct timespec from, to;
    memset(name, '1', sizeof name - 1);
    for (size_t i = 0; i + 1 < sizeof name; i += 30)
        name[i] = ' ';
    const char *const about[] = {"121212121212@example.org", name, NULL};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++) {
        password[0] = '\0';
        for (size_t n = 0; n + strlen(pattern[i]) <= 384; n += strlen(pattern[i]))
            memcpy(password + n, pattern[i], strlen(pattern[i]) + 1);
        enum err e = check(2, password, about);
        CU_ASSERT(e == ERR_OK || e == ERR_PASSWORD_WEAK);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    CU_ASSERT(to.tv_sec - from.tv_sec < 2);
}
#endif

static void list_put(const char *text)
{
    int fd = open(list, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void test_breached(void)
{
    list_put("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\n" /* password */
             "8F0EC89D026EC134BC22FAAE80221CFD762297AD\n"          /* vX3#pq9!Lm2z */
             "AC9ACCCCCE077D00BEF3FC27DE8F9D9C83AA88E2:1\n");      /* überraschung, composed */
    cfg.password_breached = list;
    CU_ASSERT_EQUAL(check(0, "password", nobody), ERR_PASSWORD_WEAK);
    CU_ASSERT_EQUAL(check(0, "vX3#pq9!Lm2z", nobody), ERR_PASSWORD_WEAK);
    CU_ASSERT_EQUAL(check(0,
                          "\xC3\xBC"
                          "berraschung",
                          nobody),
                    ERR_PASSWORD_WEAK);
    CU_ASSERT_EQUAL(check(0,
                          "u\xCC\x88"
                          "berraschung",
                          nobody),
                    ERR_PASSWORD_WEAK);
    CU_ASSERT_EQUAL(check(0, "passwore", nobody), ERR_OK);
    cfg.password_breached = "";
    CU_ASSERT_EQUAL(check(0, "password", nobody), ERR_OK);
}

static void test_a_file_that_fails_refuses_all(void)
{
    cfg.password_breached = "/tmp/latchkey-none/there";
    CU_ASSERT_EQUAL(check(0, "vX3#pq9!Lm2z", nobody), ERR_INTERNAL);
    list_put("");
    cfg.password_breached = list;
    CU_ASSERT_EQUAL(check(0, "vX3#pq9!Lm2z", nobody), ERR_INTERNAL);
    cfg.password_breached = "";
}

static CU_TestInfo tests[] = {
    {"score boundaries", test_score_boundaries},
    {"no rule takes all", test_no_rule_takes_all},
#ifdef LATCHKEY_WITH_ZXCVBN
    {"known weak and strong", test_known_weak_and_strong},
    {"own words are guesses", test_own_words_are_guesses},
    {"normal form is judged", test_normal_form_is_judged},
    {"long ones take no time", test_long_ones_take_no_time},
#endif
    {"breached", test_breached},
    {"a file that fails refuses all", test_a_file_that_fails_refuses_all},
    CU_TEST_INFO_NULL,
};

static int begin(void)
{
    int fd = mkstemp(list);
    if (fd < 0)
        return 1;
    close(fd);
    return log_open("/dev/null", LVL_ERROR) != ERR_OK || arena_open(&arena, 65536) != ERR_OK;
}

static int end(void)
{
    arena_close(&arena);
    return unlink(list);
}

int main(void)
{
    return suite_run("strength", tests, begin, end);
}
