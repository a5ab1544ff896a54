/* The rules. Browsers name each other for old sites' sake, so that the order tells: whoever claims to be another stands
 * before it. A guess, and good for nothing but being shown. */
#include "base/agent.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LOOKED_AT = 512 };

struct rule {
    const char *token, *name;
};

/* Programs that are no browsers, by what their text begins with. */
static const struct rule programs[] = {
    {"curl/", "curl"},
    {"Wget", "Wget"},
    {"HTTPie/", "HTTPie"},
    {"python-requests/", "Python"},
    {"Python-urllib/", "Python"},
    {"Python/", "Python"},
    {"python-httpx/", "Python"},
    {"Go-http-client/", "Go"},
    {"okhttp/", "OkHttp"},
    {"PostmanRuntime/", "Postman"},
    {"insomnia/", "Insomnia"},
    {"axios/", "Node.js"},
    {"undici", "Node.js"},
    {"node", "Node.js"},
    {"Deno/", "Deno"},
    {"Bun/", "Bun"},
    {"Java/", "Java"},
    {"Java-http-client/", "Java"},
    {"Apache-HttpClient/", "Java"},
    {"libwww-perl/", "Perl"},
    {"Ruby", "Ruby"},
    {"GuzzleHttp/", "PHP"},
    {"PHP/", "PHP"},
    {"Dart/", "Dart"},
    {"PowerShell/", "PowerShell"},
};

static const struct rule browsers[] = {
    {"Edg/", "Edge"},
    {"EdgA/", "Edge"},
    {"EdgiOS/", "Edge"},
    {"Edge/", "Edge"},
    {"OPR/", "Opera"},
    {"OPX/", "Opera"},
    {"OPT/", "Opera"},
    {"OPiOS/", "Opera"},
    {"Opera", "Opera"},
    {"Vivaldi/", "Vivaldi"},
    {"Brave/", "Brave"},
    {"SamsungBrowser/", "Samsung Internet"},
    {"YaBrowser/", "Yandex Browser"},
    {"UCBrowser/", "UC Browser"},
    {"MiuiBrowser/", "Mi Browser"},
    {"HuaweiBrowser/", "Huawei Browser"},
    {"Silk/", "Silk"},
    {"DuckDuckGo/", "DuckDuckGo"},
    {"Ddg/", "DuckDuckGo"},
    {"Instagram", "Instagram"},
    {"FBAN/", "Facebook"},
    {"FBAV/", "Facebook"},
    {"GSA/", "Google app"},
    {"Electron/", "App"},
    {"SeaMonkey/", "SeaMonkey"},
    {"Thunderbird/", "Thunderbird"},
    {"FxiOS/", "Firefox"},
    {"Focus/", "Firefox"},
    {"Firefox/", "Firefox"},
    {"CriOS/", "Chrome"},
    {"HeadlessChrome/", "Chrome"},
    {"Chromium/", "Chromium"},
    {"Chrome/", "Chrome"},
    {"Trident/", "Internet Explorer"},
    {"MSIE", "Internet Explorer"},
    {"Epiphany/", "Epiphany"},
    {"Konqueror/", "Konqueror"},
    {"Safari/", "Safari"},
    {"CFNetwork/", "App"},
    {"Dalvik/", "App"},
    {"Lynx/", "Lynx"},
    {"Links", "Links"},
    {"w3m/", "w3m"},
    {"Mozilla/", "Browser"},
};

static const struct rule systems[] = {
    {"Xbox", "Xbox"},         {"PlayStation", "PlayStation"},
    {"Nintendo", "Nintendo"}, {"Tizen", "TV"},
    {"Web0S", "TV"},          {"SMART-TV", "TV"},
    {"AppleTV", "TV"},        {"Windows Phone", "Windows Phone"},
    {"iPad", "iPad"},         {"iPod", "iPod"},
    {"iPhone", "iPhone"},     {"KAIOS", "KaiOS"},
    {"Android", "Android"},   {"CrOS", "ChromeOS"},
    {"Windows", "Windows"},   {"Macintosh", "Mac"},
    {"Mac OS X", "Mac"},      {"FreeBSD", "FreeBSD"},
    {"OpenBSD", "OpenBSD"},   {"NetBSD", "NetBSD"},
    {"Linux", "Linux"},       {"X11", "Unix"},
};
#define COUNT(rules) (sizeof(rules) / sizeof(rules)[0])

/* Which rules of a table begin with which letter, one bit for each rule. */
struct index {
    uint64_t of[UCHAR_MAX + 1];
};
_Static_assert(COUNT(browsers) <= 64 && COUNT(systems) <= 64, "a rule has no bit");

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static void index_make(const struct rule *rules, size_t n, struct index *out)
{
    for (size_t i = 0; i < n; i++)
        out->of[(unsigned char)rules[i].token[0]] |= UINT64_C(1) << i;
}

/* Caches of constants: made once, never changed. */
static const struct index *browsers_once(void)
{
    static struct index made;

    if (!made.of[(unsigned char)browsers[0].token[0]])
        index_make(browsers, COUNT(browsers), &made);
    return &made;
}

static const struct index *systems_once(void)
{
    static struct index made;

    if (!made.of[(unsigned char)systems[0].token[0]])
        index_make(systems, COUNT(systems), &made);
    return &made;
}

/* Of the rules in `which`, the first whose token begins s; *best if none before that one does. */
static void rule_try(const struct rule *rules, uint64_t which, const char *s, size_t n, size_t *best)
{
    for (; which; which &= which - 1) {
        size_t i = (size_t)__builtin_ctzll(which), len;
        if (i >= *best)
            return;
        if (n < 2 || s[1] != rules[i].token[1])
            continue;
        len = strlen(rules[i].token);
        if (len <= n && memcmp(s, rules[i].token, len) == 0)
            *best = i;
    }
}

/* The first rules whose tokens stand in s[0..n) at the beginning of a word; *browser and *system are NULL without one.
 * Each word is looked at once: a search for each token would be most of what an answer costs. */
static void names_in(const char *s, size_t n, const char **browser, const char **system)
{
    const struct index *of_browsers = browsers_once(), *of_systems = systems_once();
    size_t first_browser = COUNT(browsers), first_system = COUNT(systems);
    bool inside = false;

    for (size_t i = 0; i < n; i++) {
        bool letter = is_letter(s[i]);
        if (letter && !inside) {
            rule_try(browsers, of_browsers->of[(unsigned char)s[i]], s + i, n - i, &first_browser);
            rule_try(systems, of_systems->of[(unsigned char)s[i]], s + i, n - i, &first_system);
        }
        inside = letter;
    }
    *browser = first_browser < COUNT(browsers) ? browsers[first_browser].name : NULL;
    *system = first_system < COUNT(systems) ? systems[first_system].name : NULL;
}

static const char *program_of(const char *s)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        if (*s == *programs[i].token && strncmp(s, programs[i].token, strlen(programs[i].token)) == 0)
            return programs[i].name;
    return NULL;
}

static char *append(char *to, const char *s)
{
    size_t n = strlen(s);

    memcpy(to, s, n + 1);
    return to + n;
}

/* Words of the tables: two of them, and what is between, are shorter than AGENT_DEVICE_SIZE. */
void agent_device(const char *agent, char out[static AGENT_DEVICE_SIZE])
{
    size_t n = strnlen(agent, LOOKED_AT);
    const char *browser = program_of(agent), *system = NULL;

    if (!browser)
        names_in(agent, n, &browser, &system);
    if (browser && system)
        append(append(append(out, browser), " on "), system);
    else if (browser && strcmp(browser, "Browser") != 0)
        append(out, browser);
    else
        append(out, n == 0 ? "" : AGENT_UNKNOWN);
}
