/* SHA-256 and SHA-1 by the examples of FIPS 180-4, HMAC-SHA-256 by RFC 4231. */
#include "../lib/suite.h"

#include "base/enc.h"
#include "crypto/digest.h"

#include <string.h>

static const char *sha(const void *p, size_t n)
{
    static char hex[2 * DIGEST_LEN + 1];
    uint8_t out[DIGEST_LEN];
    if (digest_sha256(p, n, out) != ERR_OK)
        return "failed";
    enc_hex(out, sizeof out, hex);
    return hex;
}

static const char *hmac(const void *key, size_t key_len, const void *p, size_t n)
{
    static char hex[2 * DIGEST_LEN + 1];
    uint8_t first[DIGEST_LEN], out[DIGEST_LEN];
    struct digest_key *ready = NULL;
    if (digest_key(key, key_len, &ready) != ERR_OK)
        return "failed";
    /* a key is as good for the second text as for the first */
    bool done = digest_hmac(ready, "another", 7, first) == ERR_OK && digest_hmac(ready, p, n, out) == ERR_OK;
    digest_key_close(&ready);
    if (!done)
        return "failed";
    enc_hex(out, sizeof out, hex);
    return hex;
}

static void test_sha256(void)
{
    static char million[1000000];
    memset(million, 'a', sizeof million);
    CU_ASSERT_STRING_EQUAL(sha("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CU_ASSERT_STRING_EQUAL(sha("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_STRING_EQUAL(sha("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
                           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CU_ASSERT_STRING_EQUAL(sha(million, sizeof million),
                           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_sha1(void)
{
    char hex[2 * SHA1_LEN + 1];
    uint8_t out[SHA1_LEN];
    CU_ASSERT_EQUAL(digest_sha1("abc", 3, out), ERR_OK);
    enc_hex(out, sizeof out, hex);
    CU_ASSERT_STRING_EQUAL(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
    CU_ASSERT_EQUAL(digest_sha1("", 0, out), ERR_OK);
    enc_hex(out, sizeof out, hex);
    CU_ASSERT_STRING_EQUAL(hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void test_hmac_rfc4231(void)
{
    uint8_t k1[20], k3[20], k4[25], k6[131], d3[50], d4[50];
    memset(k1, 0x0b, sizeof k1);
    memset(k3, 0xaa, sizeof k3);
    memset(k6, 0xaa, sizeof k6);
    memset(d3, 0xdd, sizeof d3);
    memset(d4, 0xcd, sizeof d4);
    for (size_t i = 0; i < sizeof k4; i++)
        k4[i] = (uint8_t)(i + 1);
    static const char six[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    static const char seven[] =
        "This is a test using a larger than block-size key and a larger than block-size data. The "
        "key needs to be hashed before being used by the HMAC algorithm.";
    CU_ASSERT_STRING_EQUAL(hmac(k1, 20, "Hi There", 8),
                           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CU_ASSERT_STRING_EQUAL(hmac("Jefe", 4, "what do ya want for nothing?", 28),
                           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CU_ASSERT_STRING_EQUAL(hmac(k3, 20, d3, 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    CU_ASSERT_STRING_EQUAL(hmac(k4, 25, d4, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    CU_ASSERT_STRING_EQUAL(hmac(k6, 131, six, sizeof six - 1),
                           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CU_ASSERT_STRING_EQUAL(hmac(k6, 131, seven, sizeof seven - 1),
                           "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* By Python's hmac. */
static void test_hmac_at_the_length_of_a_block(void)
{
    uint8_t k[65];
    memset(k, 0xaa, sizeof k);
    CU_ASSERT_STRING_EQUAL(hmac(k, 63, "abc", 3), "d266bf8e63e138ddff6fb42d7c769f06a54470bffdc77a7b6defaff051708922");
    CU_ASSERT_STRING_EQUAL(hmac(k, 64, "abc", 3), "2f8cff867f2668ca93d3c5b03ba9f816746742eda349b3bc4bb35aa27816754c");
    CU_ASSERT_STRING_EQUAL(hmac(k, 65, "abc", 3), "102ebc7ceb9dff09e5a77413a3cd67382908ece255487006eb0e1e1b801f9ce6");
}

static void test_no_key_is_an_error_not_the_key_before(void)
{
    CU_ASSERT_STRING_EQUAL(hmac("", 0, "x", 1), "failed");
}

static void test_calls_do_not_disturb_each_other(void)
{
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_STRING_EQUAL(hmac("Jefe", 4, "what do ya want for nothing?", 28),
                               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        CU_ASSERT_STRING_NOT_EQUAL(hmac("Jeff", 4, "what do ya want for nothing?", 28),
                                   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}

static CU_TestInfo tests[] = {
    {"SHA-256 of FIPS 180-4", test_sha256},
    {"SHA-1 of FIPS 180-4", test_sha1},
    {"HMAC-SHA-256 of RFC 4231", test_hmac_rfc4231},
    {"HMAC-SHA-256 at the length of a block", test_hmac_at_the_length_of_a_block},
    {"no key is an error, not the key before", test_no_key_is_an_error_not_the_key_before},
    {"calls do not disturb each other", test_calls_do_not_disturb_each_other},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("digest", tests)
