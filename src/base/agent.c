/* The rules. Browsers name each other for old sites' sake, so that the order tells: whoever claims to be another stands
 * before it. A guess, and good for nothing but being shown. */
#include "base/agent.h"

#include <endian.h>
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
    uint64_t programs[UCHAR_MAX + 1], browsers[UCHAR_MAX + 1], systems[UCHAR_MAX + 1];
};
_Static_assert(COUNT(programs) <= 64 && COUNT(browsers) <= 64 && COUNT(systems) <= 64, "a rule has no bit");

static void index_add(const struct rule *rules, size_t n, uint64_t of[static UCHAR_MAX + 1])
{
    for (size_t i = 0; i < n; i++)
        of[(unsigned char)rules[i].token[0]] |= UINT64_C(1) << i;
}

/* A cache of constants: made once, never changed. */
static const struct index *index_once(void)
{
    static struct index made;

    if (made.systems[(unsigned char)systems[0].token[0]])
        return &made;
    index_add(programs, COUNT(programs), made.programs);
    index_add(browsers, COUNT(browsers), made.browsers);
    index_add(systems, COUNT(systems), made.systems);
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

/* The top bit of each byte that is a letter, of eight at s; the first byte is the lowest one. */
static inline uint64_t letters_of(const char s[static 8])
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = 0x80 * ones;
    uint64_t v;

    memcpy(&v, s, sizeof v);
    v = le64toh(v);
    uint64_t small = (v | 0x20 * ones) & ~tops;
    return (small + (0x80 - 'a') * ones) & ~(small + (0x80 - 'z' - 1) * ones) & ~v & tops;
}

/* The best rules so far, by their places in the tables. */
struct found {
    size_t browser, system;
};

/* Tries the words that begin among the eight bytes at `at` of s[0..n). */
static inline void words_try(const struct index *of, const char *s, size_t at, size_t n, uint64_t begins,
                             struct found *best)
{
    for (; begins; begins &= begins - 1) {
        size_t word = at + (size_t)__builtin_ctzll(begins) / 8;
        unsigned char c = (unsigned char)s[word];
        if (of->browsers[c])
            rule_try(browsers, of->browsers[c], s + word, n - word, &best->browser);
        if (of->systems[c])
            rule_try(systems, of->systems[c], s + word, n - word, &best->system);
    }
}

/* The first rules whose tokens stand in s[0..n) at the beginning of a word; *browser and *system are NULL without one.
 * Each word is looked at once: a search for each token would be most of what an answer costs. */
static void names_in(const char *s, size_t n, const char **browser, const char **system)
{
    const struct index *of = index_once();
    struct found best = {COUNT(browsers), COUNT(systems)};
    char last[8] = "";
    uint64_t before = 0; /* was the last byte a letter? */
    size_t at = 0;

    for (; n - at >= sizeof last; at += sizeof last) {
        uint64_t letters = letters_of(s + at);
        words_try(of, s, at, n, letters & ~(letters << 8 | before), &best);
        before = letters >> 56;
    }
    memcpy(last, s + at, n - at);
    uint64_t letters = letters_of(last);
    words_try(of, s, at, n, letters & ~(letters << 8 | before), &best);
    *browser = best.browser < COUNT(browsers) ? browsers[best.browser].name : NULL;
    *system = best.system < COUNT(systems) ? systems[best.system].name : NULL;
}

static const char *program_of(const char *s, size_t n)
{
    size_t first = COUNT(programs);

    rule_try(programs, index_once()->programs[(unsigned char)*s], s, n, &first);
    return first < COUNT(programs) ? programs[first].name : NULL;
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
    const char *browser = program_of(agent, n), *system = NULL;

    if (!browser)
        names_in(agent, n, &browser, &system);
    if (browser && system)
        append(append(append(out, browser), " on "), system);
    else if (browser && strcmp(browser, "Browser") != 0)
        append(out, browser);
    else
        append(out, n == 0 ? "" : AGENT_UNKNOWN);
}
