/* Names of devices: real User-Agents, as browsers and programs of the last years send them, and such as nobody sends.
 */
#include "suite.h"

#include "base/agent.h"

#include <stdio.h>
#include <string.h>

#define M "Mozilla/5.0 "
#define KIT "AppleWebKit/537.36 (KHTML, like Gecko) "
#define IOS_KIT "AppleWebKit/605.1.15 (KHTML, like Gecko) "

/* clang-format off */
static const struct {
    const char *agent, *device;
} known[] = {
    {M "(X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"},
    {M "(X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "Firefox on Linux"},
    {M "(Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Windows"},
    {M "(Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Mac"},
    {M "(Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0", "Firefox on Android"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT "FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
     "Firefox on iPhone"},
    {M "(X11; FreeBSD amd64; rv:122.0) Gecko/20100101 Firefox/122.0", "Firefox on FreeBSD"},
    {M "(X11; OpenBSD amd64; rv:122.0) Gecko/20100101 Firefox/122.0", "Firefox on OpenBSD"},
    {M "(X11; Linux x86_64; rv:91.0) Gecko/20100101 Firefox/91.0 SeaMonkey/2.53.18", "SeaMonkey on Linux"},
    {M "(Windows NT 10.0; Win64; x64) " KIT "Chrome/126.0.0.0 Safari/537.36", "Chrome on Windows"},
    {M "(X11; Linux x86_64) " KIT "Chrome/126.0.0.0 Safari/537.36", "Chrome on Linux"},
    {M "(Macintosh; Intel Mac OS X 10_15_7) " KIT "Chrome/126.0.0.0 Safari/537.36", "Chrome on Mac"},
    {M "(X11; CrOS x86_64 14541.0.0) " KIT "Chrome/126.0.0.0 Safari/537.36", "Chrome on ChromeOS"},
    {M "(Linux; Android 10; K) " KIT "Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome on Android"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT "CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1",
     "Chrome on iPhone"},
    {M "(iPad; CPU OS 17_5 like Mac OS X) " IOS_KIT "CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1", "Chrome on iPad"},
    {M "(X11; Linux x86_64) " KIT "HeadlessChrome/126.0.6478.55 Safari/537.36", "Chrome on Linux"},
    {M "(X11; Linux x86_64) " KIT "Ubuntu Chromium/95.0.4638.69 Chrome/95.0.4638.69 Safari/537.36",
     "Chromium on Linux"},
    {M "(Macintosh; Intel Mac OS X 10_15_7) " IOS_KIT "Version/17.5 Safari/605.1.15", "Safari on Mac"},
    {M "(iPhone; CPU iPhone OS 17_5_1 like Mac OS X) " IOS_KIT "Version/17.5 Mobile/15E148 Safari/604.1",
     "Safari on iPhone"},
    {M "(iPad; CPU OS 16_6 like Mac OS X) " IOS_KIT "Version/16.6 Mobile/15E148 Safari/604.1", "Safari on iPad"},
    {M "(iPod touch; CPU iPhone OS 12_5 like Mac OS X) " IOS_KIT "Version/12.1 Mobile/15E148 Safari/604.1",
     "Safari on iPod"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT "Mobile/15E148", "Browser on iPhone"},
    {M "(Windows NT 10.0; Win64; x64) " KIT "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.56", "Edge on Windows"},
    {M "(Linux; Android 10; Pixel 3 XL) " KIT "Chrome/126.0.6478.50 Mobile Safari/537.36 EdgA/125.0.2535.96",
     "Edge on Android"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT
       "Version/17.0 EdgiOS/125.2535.96 Mobile/15E148 Safari/604.1",
     "Edge on iPhone"},
    {M "(Windows NT 10.0; Win64; x64; Xbox; Xbox One) " KIT "Chrome/44.0.2403.151 Safari/537.36 Edge/18.22621",
     "Edge on Xbox"},
    {M "(Windows NT 10.0; Win64; x64) " KIT "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0", "Opera on Windows"},
    {"Opera/9.80 (Windows NT 6.1; U; en) Presto/2.12.388 Version/12.18", "Opera on Windows"},
    {M "(X11; Linux x86_64) " KIT "Chrome/124.0.0.0 Safari/537.36 Vivaldi/6.7.3329.41", "Vivaldi on Linux"},
    {M "(Linux; Android 14; SM-S928B) " KIT "SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
     "Samsung Internet on Android"},
    {M "(Windows NT 10.0; Win64; x64) " KIT "Chrome/122.0.0.0 YaBrowser/24.4.0.0 Safari/537.36",
     "Yandex Browser on Windows"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT "Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
     "DuckDuckGo on iPhone"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT
       "Mobile/21F79 Instagram 334.0.0.27.94 (iPhone14,5; iOS 17_5)",
     "Instagram on iPhone"},
    {M "(iPhone; CPU iPhone OS 17_5 like Mac OS X) " IOS_KIT "Mobile/15E148 [FBAN/FBIOS;FBAV/467.0.0;FBBV/1]",
     "Facebook on iPhone"},
    {M "(Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"},
    {"Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)", "Internet Explorer on Windows"},
    {M "(SMART-TV; LINUX; Tizen 7.0) " KIT "94.0.4606.31/7.0 TV Safari/537.36", "Safari on TV"},
    {M "(Web0S; Linux/SmartTV) " KIT "Chrome/108.0.5359.211 Safari/537.36 WebAppManager", "Chrome on TV"},
    {M "(PlayStation; PlayStation 5/6.50) " IOS_KIT "Version/13.0 Safari/605.1.15", "Safari on PlayStation"},
    {M "(Linux; Android 9; KFMAWI) " KIT "Silk/108.4.6 like Chrome/108.0.5359.220 Safari/537.36", "Silk on Android"},
    {M "(Macintosh; Intel Mac OS X 10_15_7) " KIT "Slack/4.38.125 Chrome/124.0.6367.201 Electron/30.0.3 Safari/537.36",
     "App on Mac"},
    {"Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)", "App on Android"},
    {"MyApp/1 CFNetwork/1498.700.2 Darwin/23.6.0", "App"},
    {"Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.7.8", "Lynx"},
    {"curl/8.5.0", "curl"},
    {"Wget/1.21.3", "Wget"},
    {"python-requests/2.31.0", "Python"},
    {"Go-http-client/1.1", "Go"},
    {"okhttp/4.12.0", "OkHttp"},
    {"PostmanRuntime/7.39.0", "Postman"},
    {"node", "Node.js"},
    {"HTTPie/3.2.2", "HTTPie"},
    {"Java/17.0.11", "Java"},
    {M "(Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621", "Browser on Windows"},
};
/* clang-format on */

static void test_known(void)
{
    char out[AGENT_DEVICE_SIZE];

    CU_ASSERT(sizeof known / sizeof *known >= 40);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        agent_device(known[i].agent, out);
        if (strcmp(out, known[i].device) != 0)
            printf("%s: %s, not %s\n", known[i].agent, out, known[i].device);
        CU_ASSERT_STRING_EQUAL(out, known[i].device);
    }
}

static void test_unknown(void)
{
    static const char *const strange[] = {
        "x",           "Mozilla/5.0", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "\x1b[31mred", "<script>",    "XFirefox/1",
        "\xff\xfe",    "firefox",     "Browser",
        " ",           "%s%n"};
    char out[AGENT_DEVICE_SIZE];

    agent_device("", out);
    CU_ASSERT_STRING_EQUAL(out, "");
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        agent_device(strange[i], out);
        CU_ASSERT_STRING_EQUAL(out, "Unknown device");
    }
}

/* Whatever is around it, only words of the tables come out, and what comes late does not count. */
static void test_hostile(void)
{
    char agent[4096], out[AGENT_DEVICE_SIZE];

    agent_device("Firefox/\x1b]0;x\a (Linux; \r\nSet-Cookie: a=b \xe2\x80\xae <b>", out);
    CU_ASSERT_STRING_EQUAL(out, "Firefox on Linux");
    memset(agent, 'A', sizeof agent);
    memcpy(agent + 505, " curl/ ", 7); /* a word that is complete within what is looked at is no program there */
    agent[sizeof agent - 1] = '\0';
    agent_device(agent, out);
    CU_ASSERT_STRING_EQUAL(out, "Unknown device");
    memcpy(agent + 500, " Lynx/ ", 7);
    agent_device(agent, out);
    CU_ASSERT_STRING_EQUAL(out, "Lynx");
    memcpy(agent + 500, "AAAAAAA", 7);
    memcpy(agent + 512, " Lynx/ ", 7);
    agent_device(agent, out);
    CU_ASSERT_STRING_EQUAL(out, "Unknown device");
}

static CU_TestInfo tests[] = {
    {"devices: real ones", test_known},
    {"devices: unknown ones", test_unknown},
    {"devices: hostile ones", test_hostile},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("agent", tests)
