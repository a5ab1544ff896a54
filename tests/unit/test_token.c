/* Tokens: form, hash, signature, and every way a cookie value can be wrong. The MACs were computed with Python's hmac.
 */
#include "../lib/suite.h"

#include "base/log.h"
#include "crypto/token.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define ONE "0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define TWO "zweites Geheimnis mit Umlaut \xC3\xA4\xC3\xB6\xC3\xBC 12345"
#define TOKEN "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
#define SIG_ONE "cgWVMhWWaBKsEy13MUtlkcKHKveiVBo11Uyz928VrWo="
#define SIG_TWO "7sXh7rfKObG8VBj0OypQONJCQ+u2WHs6P+0R5iOu3oc="

static bool random_fails;
static struct keys *keys, *only_two;

enum err rng_fill(void *p, size_t n)
{
    return random_fails || getrandom(p, n, 0) != (ssize_t)n ? ERR_RANDOM : ERR_OK;
}

static bool verifies(const char *value)
{
    char out[RNG_ID_SIZE] = "untouched";
    bool good = token_verify(keys, value, out) == ERR_OK;
    CU_ASSERT_STRING_EQUAL(out, good ? TOKEN : "untouched");
    return good;
}

static void test_new(void)
{
    char one[RNG_ID_SIZE], two[RNG_ID_SIZE];
    CU_ASSERT(token_new(one) == ERR_OK && token_new(two) == ERR_OK);
    CU_ASSERT(token_wellformed(one) && token_wellformed(two) && strcmp(one, two) != 0);
    random_fails = true;
    CU_ASSERT_EQUAL(token_new(one), ERR_RANDOM);
    random_fails = false;
}

static void test_wellformed(void)
{
    CU_ASSERT(token_wellformed(TOKEN));
    CU_ASSERT_FALSE(token_wellformed(""));
    CU_ASSERT_FALSE(token_wellformed(TOKEN "6"));
    CU_ASSERT_FALSE(token_wellformed("bCdEfGhIjKlMnOpQrStUvWxYz012345"));
    for (int c = 1; c < 256; c++) {
        char s[] = TOKEN;
        s[17] = (char)c;
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        CU_ASSERT_EQUAL(token_wellformed(s), letter);
    }
}

static void test_hash(void)
{
    char hash[TOKEN_HASH_SIZE];
    CU_ASSERT(token_hash(TOKEN, hash) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(hash, "0ab93262e08b4a300dafed0e5f6e809388300db11ea5f0039eef5dfd2c322f41");
    CU_ASSERT(token_hash("abc", hash) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_sign_uses_the_first_secret(void)
{
    char value[TOKEN_SIGNED_SIZE];
    CU_ASSERT(token_sign(keys, TOKEN, value) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(value, TOKEN "." SIG_ONE);
    CU_ASSERT(token_sign(only_two, TOKEN, value) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(value, TOKEN "." SIG_TWO);
    CU_ASSERT_EQUAL(token_sign(keys, "short", value), ERR_INTERNAL);
    CU_ASSERT_EQUAL(token_sign(keys, TOKEN "6", value), ERR_INTERNAL);
}

static void test_verify_takes_every_secret(void)
{
    char out[RNG_ID_SIZE];
    CU_ASSERT(verifies(TOKEN "." SIG_ONE));
    CU_ASSERT(verifies(TOKEN "." SIG_TWO));
    CU_ASSERT_EQUAL(token_verify(only_two, TOKEN "." SIG_ONE, out), ERR_NONE);
    CU_ASSERT_EQUAL(token_verify(only_two, TOKEN "." SIG_TWO, out), ERR_OK);
}

static void test_verify_ignores_unused_bits(void)
{
    /* The last letter before "=" stands for four bits of the MAC and two that say nothing: o, p, q, r are one. */
    const char *tails = "opqr", *wrong = "kns";
    for (const char *c = tails; *c; c++) {
        char value[] = TOKEN "." SIG_ONE;
        value[sizeof value - 3] = *c;
        CU_ASSERT(verifies(value));
    }
    for (const char *c = wrong; *c; c++) {
        char value[] = TOKEN "." SIG_ONE;
        value[sizeof value - 3] = *c;
        CU_ASSERT_FALSE(verifies(value));
    }
}

static void test_any_changed_byte_is_refused(void)
{
    for (size_t i = 0; i < strlen(TOKEN "." SIG_ONE); i++)
        for (int c = 1; c < 256; c++) {
            char value[] = TOKEN "." SIG_ONE;
            bool free_bits = i == strlen(value) - 2 && strchr("opqr", c);
            if (value[i] == (char)c || free_bits)
                continue;
            value[i] = (char)c;
            CU_ASSERT_FALSE(verifies(value));
        }
}

static void test_verify_refuses_forms(void)
{
    const char *bad[] = {"",
                         ".",
                         TOKEN,
                         TOKEN ".",
                         "." SIG_ONE,
                         TOKEN SIG_ONE,
                         TOKEN ".." SIG_ONE,
                         TOKEN "." SIG_ONE "=",
                         TOKEN "." SIG_ONE " ",
                         " " TOKEN "." SIG_ONE,
                         TOKEN "." SIG_ONE "." SIG_ONE,
                         "x" TOKEN "." SIG_ONE,
                         TOKEN ".cgWVMhWWaBKsEy13MUtlkcKHKveiVBo11Uyz928VrWo",
                         TOKEN ".cgWVMhWWaBKsEy13MUtlkcKHKveiVBo11Uyz928VrW==",
                         TOKEN ".cgWVMhWWaBKsEy13MUtlkcKHKveiVBo11Uyz928VrWo%3D",
                         "abCdEfGhIjKlMnOpQrStUvWxYz012345." SIG_ONE};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(verifies(bad[i]));
}

static void test_every_cut_is_refused(void)
{
    char value[] = TOKEN "." SIG_ONE;
    for (size_t n = strlen(value); n-- > 0;) {
        value[n] = '\0';
        CU_ASSERT_FALSE(verifies(value));
    }
}

/* Honestly signed (by Python's hmac under ONE), but for another purpose: what is not of token form is no token. */
static void test_only_tokens_are_tokens(void)
{
    CU_ASSERT_FALSE(verifies("true.xdxkjNl97vBndFOiUFffZWydDIg2D7RnS698vx0mQ5w="));
    CU_ASSERT_FALSE(verifies("latchkey: fingerprint of a secret.LuNFLuCKtJ3lQebS9zhu5onzTpRfpZ7+Fzu19Rha+XQ="));
}

static CU_TestInfo tests[] = {
    {"new", test_new},
    {"wellformed", test_wellformed},
    {"hash", test_hash},
    {"sign uses the first secret", test_sign_uses_the_first_secret},
    {"verify takes every secret", test_verify_takes_every_secret},
    {"verify ignores unused bits", test_verify_ignores_unused_bits},
    {"any changed byte is refused", test_any_changed_byte_is_refused},
    {"verify refuses forms", test_verify_refuses_forms},
    {"every cut is refused", test_every_cut_is_refused},
    {"only tokens are tokens", test_only_tokens_are_tokens},
    CU_TEST_INFO_NULL,
};

static bool load(const char *text, struct keys **out)
{
    char path[] = "/tmp/latchkey-token-XXXXXX";
    int fd = mkstemp(path);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && keys_open(path, out) == ERR_OK;
    close(fd);
    unlink(path);
    return good;
}

static int load_keys(void)
{
    return !(log_open("/dev/null", LVL_ERROR) == ERR_OK && load(ONE "\n" TWO "\n", &keys) && load(TWO "\n", &only_two));
}

static int drop_keys(void)
{
    keys_close(&keys);
    keys_close(&only_two);
    return 0;
}

int main(void)
{
    return suite_run("token", tests, load_keys, drop_keys);
}
