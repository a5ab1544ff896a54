/* Addresses and networks as text. */
#include "base/net.h"

#include "suite.h"

#include <arpa/inet.h>
#include <string.h>

static bool in(const char *network, const char *address)
{
    struct net_addr x;
    return net_parse(address, &x) && net_in(&network, 1, &x);
}

static void membership(void)
{
    CU_ASSERT_TRUE(in("192.0.2.128/25", "192.0.2.129"));
    CU_ASSERT_FALSE(in("192.0.2.128/25", "192.0.2.127"));
    CU_ASSERT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
    CU_ASSERT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
    CU_ASSERT_TRUE(in("192.0.2.1", "::ffff:192.0.2.1"));
    CU_ASSERT_TRUE(in("::ffff:192.0.2.0/24", "192.0.2.9"));
    CU_ASSERT_FALSE(in("nonsense", "192.0.2.1"));
}

static void a_network_of_everything_matches_one_family(void)
{
    CU_ASSERT_TRUE(in("0.0.0.0/0", "255.255.255.255"));
    CU_ASSERT_FALSE(in("0.0.0.0/0", "2001:db8::1"));
    CU_ASSERT_TRUE(in("::/0", "2001:db8::1"));
    CU_ASSERT_FALSE(in("::/0", "192.0.2.1"));
}

static void syntax(void)
{
    static const char *const good[] = {"1.2.3.4", "1.2.3.4/0", "1.2.3.4/32", "::/0", "::1/128"};
    static const char *const bad[] = {"",
                                      "1.2.3.4/33",
                                      "::/129",
                                      "1.2.3.4/",
                                      "1.2.3.4/-1",
                                      "1.2.3.4/8x",
                                      "x/8",
                                      "/8",
                                      "1.2.3.4/+8",
                                      "1.2.3.4/08",
                                      "1.2.3.4/99999999999999999999",
                                      "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_TRUE(net_network_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(net_network_ok(bad[i]));
}

static void peers(void)
{
    struct sockaddr_storage from = {.ss_family = AF_INET};
    char text[NET_TEXT_SIZE];
    struct net_addr x;

    inet_pton(AF_INET, "192.0.2.7", &((struct sockaddr_in *)&from)->sin_addr);
    CU_ASSERT_TRUE_FATAL(net_of_sockaddr(&from, &x));
    net_text(&x, text);
    CU_ASSERT_STRING_EQUAL(text, "192.0.2.7");
    from.ss_family = AF_INET6;
    inet_pton(AF_INET6, "::ffff:192.0.2.8", &((struct sockaddr_in6 *)&from)->sin6_addr);
    CU_ASSERT_TRUE_FATAL(net_of_sockaddr(&from, &x));
    net_text(&x, text);
    CU_ASSERT_STRING_EQUAL(text, "192.0.2.8");
    inet_pton(AF_INET6, "2001:db8::1", &((struct sockaddr_in6 *)&from)->sin6_addr);
    CU_ASSERT_TRUE_FATAL(net_of_sockaddr(&from, &x));
    net_text(&x, text);
    CU_ASSERT_STRING_EQUAL(text, "2001:db8::1");
    from.ss_family = AF_UNIX;
    CU_ASSERT_FALSE(net_of_sockaddr(&from, &x));
}

static CU_TestInfo tests[] = {
    {"membership", membership},
    {"a network of everything matches one family", a_network_of_everything_matches_one_family},
    {"syntax", syntax},
    {"peers", peers},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN("net", tests)
