/* Client address (CONTRACT D8, S108): who is believed, canonical text, networks. */
#include "auth/auth.h"

#include "suite.h"

static struct arena *a;

static const char *client(const char *peer, const char *forwarded)
{
    static const char *trusted[] = {"127.0.0.1", "::1", "10.0.0.0/8", "2001:db8:ffff::/48"};
    static struct cfg cfg = {.auth_trusted_proxies = {4, trusted}};
    return address_client(&cfg, a, peer, forwarded);
}

static void is_peer_unless_trusted(void)
{
    CU_ASSERT_STRING_EQUAL(client("192.0.2.1", NULL), "192.0.2.1");
    CU_ASSERT_STRING_EQUAL(client("192.0.2.1", "203.0.113.7"), "192.0.2.1");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", NULL), "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", ""), "127.0.0.1");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "203.0.113.7"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("10.200.3.4", "203.0.113.7"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("11.0.0.1", "203.0.113.7"), "11.0.0.1");
    CU_ASSERT_STRING_EQUAL(client("2001:db8:ffff::5", "203.0.113.7"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("2001:db8:fffe::5", "203.0.113.7"), "2001:db8:fffe::5");
    CU_ASSERT_STRING_EQUAL(client("", "203.0.113.7"), "");
    CU_ASSERT_STRING_EQUAL(client("unix:", "203.0.113.7"), "");
}

static void walks_from_the_right(void)
{
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "203.0.113.7, 198.51.100.1"), "198.51.100.1");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "203.0.113.7, 127.0.0.1"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "6.6.6.6,203.0.113.7 ,10.1.1.1,::1"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "10.9.9.9, 127.0.0.1"), "10.9.9.9");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "203.0.113.7,"), "203.0.113.7");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", ",,, "), "127.0.0.1");
}

static void nonsense_gives_the_peer(void)
{
    static const char *const bad[] = {"203.0.113.7:80", "999.1.1.1",  "garbage",        "203.0.113.7, garbage",
                                      "[2001:db8::1]",  "unknown",    "1.2.3",          "01.2.3.4",
                                      "fe80::1%eth0",   "0x7f.1.1.1", "1.2.3.4 5.6.7.8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_STRING_EQUAL(client("127.0.0.1", bad[i]), "127.0.0.1");
    /* nonsense left of the first untrusted address is never looked at */
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "garbage, 203.0.113.7"), "203.0.113.7");
}

static void text_is_canonical(void)
{
    /* RFC 5952 §4: lower case, longest run of zeros once, no leading zeros */
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "2001:DB8:1:2:3:4:5:6"), "2001:db8:1:2:3:4:5:6");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "2001:0db8:0:0:0:0:0:0001"), "2001:db8::1");
    CU_ASSERT_STRING_EQUAL(client("127.0.0.1", "::ffff:192.0.2.1"), "192.0.2.1");
    CU_ASSERT_STRING_EQUAL(client("::ffff:c000:201", NULL), "192.0.2.1");
    CU_ASSERT_STRING_EQUAL(client("::ffff:127.0.0.1", "203.0.113.7"), "203.0.113.7");
}

static CU_TestInfo tests[] = {
    {"is the peer unless that is trusted", is_peer_unless_trusted},
    {"walks from the right", walks_from_the_right},
    {"nonsense gives the peer", nonsense_gives_the_peer},
    {"text is canonical", text_is_canonical},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN_ARENA("address", tests, a)
