/* E-mail addresses and passwords as the contract accepts them (B §3). */
#include "auth/auth.h"

#include "suite.h"

#include <string.h>

static void accepted(void)
{
    static const char *const good[] = {"a@b.co",
                                       "A.B@example.org",
                                       "o'neil+tag@sub.example.org",
                                       "a_b-c@x-y.example",
                                       "1@2.de",
                                       "a'b@example.org",
                                       "-@example.org",
                                       "a@1a.b2.museum"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(account_email_ok(good[i]));
}

static void refused(void)
{
    static const char *const bad[] = {"",
                                      "nope",
                                      "@b.co",
                                      "a@",
                                      "a@b",
                                      "a@b.c",
                                      "a@b.c1",
                                      "a@.co",
                                      "a@b..co",
                                      ".a@b.co",
                                      "a.@b.co",
                                      "a..b@b.co",
                                      "a'@b.co",
                                      "a@-b.co",
                                      "a@b.co.",
                                      " a@b.co",
                                      "a@b.co ",
                                      "a b@c.de",
                                      "a@b@c.de",
                                      "a@b_c.de",
                                      "\"a\"@b.co",
                                      "j\xc3\xb6@b.co",
                                      "a@b\xc3\xb6.co",
                                      "a@b.co\n",
                                      "a@b.co\r\nBcc: x@y.de",
                                      "a@[127.0.0.1]",
                                      "a@b,co",
                                      "a,b@c.de",
                                      "a@b.-co"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(account_email_ok(bad[i]));
}

static void password_length_counts_utf16(void)
{
    char long_one[130 + 1];

    memset(long_one, 'x', 130);
    long_one[129] = '\0';
    CU_ASSERT_EQUAL(account_password_ok(long_one), ERR_PASSWORD_LONG);
    long_one[128] = '\0';
    CU_ASSERT_EQUAL(account_password_ok(long_one), ERR_OK);
    CU_ASSERT_EQUAL(account_password_ok(""), ERR_PASSWORD_SHORT);
    CU_ASSERT_EQUAL(account_password_ok("1234567"), ERR_PASSWORD_SHORT);
    CU_ASSERT_EQUAL(account_password_ok("12345678"), ERR_OK);
    /* four emoji are eight UTF-16 code units, seven letters with umlauts are seven */
    CU_ASSERT_EQUAL(account_password_ok("\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91"), ERR_OK);
    CU_ASSERT_EQUAL(account_password_ok("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
                    ERR_PASSWORD_SHORT);
}

static CU_TestInfo tests[] = {
    {"accepted addresses", accepted},
    {"refused addresses", refused},
    {"password length counts UTF-16 code units", password_length_counts_utf16},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN("email", tests)
