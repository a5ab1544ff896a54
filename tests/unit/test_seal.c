/* Sealing: opens for whom it was sealed and for nobody else, and a changed bit is noticed. One seal was made by
 * Python's cryptography. */
#include "../lib/suite.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/rng.h"
#include "crypto/seal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ONE "0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define TWO "another secret, of more than 32 characters"

static bool random_fails;
static struct arena *arena;
static struct keys *one, *both, *two;

enum err rng_fill(void *p, size_t n)
{
    return random_fails || getrandom(p, n, 0) != (ssize_t)n ? ERR_RANDOM : ERR_OK;
}

static enum err opened(const struct keys *k, const char *purpose, const char *bound, const char *sealed)
{
    char *out = NULL;
    size_t n = 0;
    enum err e = seal_open(k, arena, purpose, bound, sealed, &out, &n);

    CU_ASSERT(e != ERR_OK || (n == 5 && memcmp(out, "hello", 6) == 0));
    return e;
}

static char *sealed(const struct keys *k)
{
    char *out = NULL;
    CU_ASSERT_EQUAL_FATAL(seal_close(k, arena, "tests", "row 1", "hello", 5, &out), ERR_OK);
    return out;
}

static void test_opens(void)
{
    char *s = sealed(one);
    CU_ASSERT_EQUAL(opened(one, "tests", "row 1", s), ERR_OK);
    CU_ASSERT_EQUAL(opened(both, "tests", "row 1", s), ERR_OK);
    CU_ASSERT_EQUAL(opened(two, "tests", "row 1", s), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "test", "row 1", s), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "tests", "row 2", s), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "tests", "", s), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "tests", "row 1", sealed(both)), ERR_NONE);
    CU_ASSERT_EQUAL(opened(two, "tests", "row 1", sealed(both)), ERR_OK);
}

static void test_sizes(void)
{
    char big[5000], *s, *out;
    size_t n;

    memset(big, 'x', sizeof big);
    for (size_t i = 0; i <= sizeof big; i += i < 70 ? 1 : 493) {
        CU_ASSERT_EQUAL_FATAL(seal_close(one, arena, "p", "b", big, i, &s), ERR_OK);
        CU_ASSERT_EQUAL_FATAL(seal_open(one, arena, "p", "b", s, &out, &n), ERR_OK);
        CU_ASSERT(n == i && memcmp(out, big, n) == 0 && out[n] == '\0');
        CU_ASSERT_PTR_NULL(strpbrk(s, "\r\n "));
    }
    CU_ASSERT_EQUAL(seal_close(one, arena, "p", "b", big, 1024 * 1024 + 1, &s), ERR_INTERNAL);
}

static void test_altered(void)
{
    char *s = sealed(one);
    uint8_t raw[33];

    CU_ASSERT_TRUE_FATAL(enc_unb64(s, strlen(s), raw, sizeof raw));
    for (size_t bit = 0; bit < sizeof raw * 8; bit++) {
        char text[ENC_B64_LEN(sizeof raw) + 1];
        raw[bit / 8] ^= (uint8_t)(1U << bit % 8);
        enc_b64(raw, sizeof raw, text);
        raw[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CU_ASSERT_EQUAL(opened(one, "tests", "row 1", text), ERR_NONE);
    }
    for (size_t len = 0; len < strlen(s); len++)
        CU_ASSERT_EQUAL(opened(one, "tests", "row 1", arena_strndup(arena, s, len)), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "tests", "row 1", arena_printf(arena, "%sAAAA", s)), ERR_NONE);
    CU_ASSERT_EQUAL(opened(one, "tests", "row 1", "no base64 at all, is it?"), ERR_NONE);
}

static void test_never_the_same(void)
{
    CU_ASSERT_STRING_NOT_EQUAL(sealed(one), sealed(one));
    random_fails = true;
    char *s = NULL;
    CU_ASSERT_EQUAL(seal_close(one, arena, "tests", "row 1", "hello", 5, &s), ERR_RANDOM);
    CU_ASSERT_PTR_NULL(s);
    random_fails = false;
}

static void test_known(void)
{
    CU_ASSERT_EQUAL(opened(one, "tests", "row 1", "AAECAwQFBgcICQoLXxNZJpf75oJ9KS6Q0X7dx9G7MBG/"), ERR_OK);
}

static CU_TestInfo tests[] = {
    {"opens for whom it was sealed only", test_opens}, {"any size", test_sizes},     {"altered", test_altered},
    {"never the same twice", test_never_the_same},     {"known answer", test_known}, CU_TEST_INFO_NULL,
};

static bool load(const char *text, struct keys **out)
{
    char path[] = "/tmp/latchkey-seal-XXXXXX";
    int fd = mkstemp(path);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && keys_open(path, out) == ERR_OK;
    close(fd);
    unlink(path);
    return good;
}

static int begin(void)
{
    return !(log_open("/dev/null", LVL_ERROR) == ERR_OK && arena_open(&arena, 4096) == ERR_OK && load(ONE "\n", &one) &&
             load(TWO "\n", &two) && load(TWO "\n" ONE "\n", &both));
}

static int end(void)
{
    keys_close(&one);
    keys_close(&two);
    keys_close(&both);
    arena_close(&arena);
    return 0;
}

int main(void)
{
    return suite_run("seal", tests, begin, end);
}
