/* The rules. Browsers name each other for old sites' sake, so that the order tells: whoever claims to be another stands
 * before it. A guess, and good for nothing but being shown. */
#include "base/agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
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

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Is token in s, at the beginning of a word? */
static bool holds(const char *s, const char *token)
{
    for (const char *p = strstr(s, token); p; p = strstr(p + 1, token))
        if (p == s || !is_letter(p[-1]))
            return true;
    return false;
}

static const char *name_in(const char *s, const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (holds(s, rules[i].token))
            return rules[i].name;
    return NULL;
}

static const char *program_of(const char *s)
{
    for (size_t i = 0; i < COUNT(programs); i++)
        if (strncmp(s, programs[i].token, strlen(programs[i].token)) == 0)
            return programs[i].name;
    return NULL;
}

void agent_device(const char *agent, char out[static AGENT_DEVICE_SIZE])
{
    char s[LOOKED_AT + 1];
    size_t n = strnlen(agent, LOOKED_AT);

    memcpy(s, agent, n);
    s[n] = '\0';
    const char *program = program_of(s);
    const char *browser = program ? program : name_in(s, browsers, COUNT(browsers));
    const char *system = program ? NULL : name_in(s, systems, COUNT(systems));
    if (browser && system)
        snprintf(out, AGENT_DEVICE_SIZE, "%s on %s", browser, system);
    else
        snprintf(out, AGENT_DEVICE_SIZE, "%s",
                 n == 0                                       ? ""
                 : browser && strcmp(browser, "Browser") != 0 ? browser
                                                              : AGENT_UNKNOWN);
}
