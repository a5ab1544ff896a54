/* Mail to a server by libcurl (RFC 5321, 3207, 4954). What libcurl says of an error is too little to tell a mail that
 * is refused from a server that is set up wrongly, so the conversation is followed: which command was answered by what.
 * Must never write down more of a command than its first word: one of them holds the password. */
#include "mail/mail.h"

#ifdef LATCHKEY_WITH_CURL

#include "base/auto.h"
#include "base/net.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <string.h>

/* libcurl brings two dozen libraries, each of which costs every process of the pool some memory: it is loaded by who
 * sends, and by nobody else. */
static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*setopt)(CURL *c, CURLoption option, ...);
    CURLcode (*perform)(CURL *c);
    void (*cleanup)(CURL *c);
    const char *(*strerror)(CURLcode code);
    struct curl_slist *(*append)(struct curl_slist *list, const char *s);
    void (*free_all)(struct curl_slist *list);
} lib;

#define SONAME "libcurl.so.4"

static const struct {
    const char *name;
    void *slot;
} symbols[] = {
    {"curl_global_init", &lib.global_init}, {"curl_easy_init", &lib.easy_init},
    {"curl_easy_setopt", &lib.setopt},      {"curl_easy_perform", &lib.perform},
    {"curl_easy_cleanup", &lib.cleanup},    {"curl_easy_strerror", &lib.strerror},
    {"curl_slist_append", &lib.append},     {"curl_slist_free_all", &lib.free_all},
};

AUTO_KIND(curl, CURL *, lib.cleanup);
AUTO_KIND(curl_list, struct curl_slist *, lib.free_all);

enum { ANSWER_MAX = 300 };

/* How far the conversation has come. */
enum stage { STAGE_BEFORE, STAGE_SENDER, STAGE_RECIPIENT, STAGE_MESSAGE };

struct talk {
    enum stage stage;
    bool over;                   /* we have taken our leave: what is said now means nothing */
    char answer[ANSWER_MAX + 1]; /* the last line of the server before */
    const char *bytes;
    size_t left;
};

static bool begins(const char *s, size_t n, const char *word)
{
    return n >= strlen(word) && strncasecmp(s, word, strlen(word)) == 0;
}

static int follow(CURL *curl, curl_infotype type, char *s, size_t n, void *arg)
{
    struct talk *t = arg;

    (void)curl;
    if (type == CURLINFO_HEADER_OUT && begins(s, n, "MAIL FROM"))
        t->stage = STAGE_SENDER;
    else if (type == CURLINFO_HEADER_OUT && begins(s, n, "RCPT TO"))
        t->stage = STAGE_RECIPIENT;
    else if (type == CURLINFO_HEADER_OUT && begins(s, n, "DATA"))
        t->stage = STAGE_MESSAGE;
    else if (type == CURLINFO_HEADER_OUT && begins(s, n, "QUIT"))
        t->over = true;
    if (type != CURLINFO_HEADER_IN || t->over)
        return 0;
    n = n > ANSWER_MAX ? ANSWER_MAX : n;
    memcpy(t->answer, s, n);
    t->answer[n] = '\0';
    t->answer[strcspn(t->answer, "\r\n")] = '\0';
    return 0;
}

static size_t give(char *to, size_t size, size_t count, void *arg)
{
    struct talk *t = arg;
    size_t n = size * count < t->left ? size * count : t->left;

    memcpy(to, t->bytes, n);
    t->bytes += n;
    t->left -= n;
    return n;
}

/* --- options ---------------------------------------------------------------------------------------------------------
 */

static const char *url(const struct cfg *cfg, struct arena *a)
{
    static const int ports[] = {[SMTPTLS_STARTTLS] = 587, [SMTPTLS_TLS] = 465, [SMTPTLS_OFF] = 25};
    struct net_host h;

    if (!net_host_parse(cfg->mail_smtp_host, &h))
        return "";
    bool v6 = strchr(h.name, ':') != NULL;
    return arena_printf(a, "%s://%s%s%s:%d", cfg->mail_smtp_tls == SMTPTLS_TLS ? "smtps" : "smtp", v6 ? "[" : "",
                        h.name, v6 ? "]" : "", h.port > 0 ? h.port : ports[cfg->mail_smtp_tls]);
}

#define SET(option, value)                            \
    if (lib.setopt(c, (option), (value)) != CURLE_OK) \
    return false

static bool set_server(CURL *c, const struct cfg *cfg, struct arena *a)
{
    bool tls = cfg->mail_smtp_tls != SMTPTLS_OFF;

    SET(CURLOPT_URL, url(cfg, a));
    SET(CURLOPT_USE_SSL, tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (*cfg->mail_smtp_ca)
        SET(CURLOPT_CAINFO, cfg->mail_smtp_ca);
    if (*cfg->mail_smtp_user) {
        SET(CURLOPT_USERNAME, cfg->mail_smtp_user);
        SET(CURLOPT_PASSWORD, cfg->mail_smtp_password);
    }
    return true;
}

/* Nothing of the environment of whoever started us steers where mail goes. */
static bool set_manners(CURL *c, const struct cfg *cfg, struct talk *t, char *fault)
{
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, (long)cfg->mail_timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)cfg->mail_timeout);
    SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(cfg->mail_timeout / 1000) + 1);
    SET(CURLOPT_ERRORBUFFER, fault);
    SET(CURLOPT_VERBOSE, 1L);
    SET(CURLOPT_DEBUGFUNCTION, follow);
    SET(CURLOPT_DEBUGDATA, t);
    return true;
}

static bool set_mail(CURL *c, struct arena *a, const struct envelope *e, struct talk *t, struct curl_slist **to)
{
    *to = lib.append(NULL, arena_printf(a, "<%s>", e->to));
    if (!*to)
        return false;
    SET(CURLOPT_MAIL_FROM, arena_printf(a, "<%s>", e->from));
    SET(CURLOPT_MAIL_RCPT, *to);
    SET(CURLOPT_READFUNCTION, give);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)e->len);
    return true;
}

#undef SET

/* --- outcomes --------------------------------------------------------------------------------------------------------
 */

/* 5xx to the recipient or to the message is the end of it. To the greeting, the password or the sender it says that
 * something is set up wrongly, which a person can mend while the mails wait. */
static bool refused(const struct talk *t, CURLcode code)
{
    bool answered = code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_RECV_ERROR;

    return answered && t->stage >= STAGE_RECIPIENT && t->answer[0] == '5';
}

static const char *reason(struct arena *a, const struct talk *t, CURLcode code, const char *fault)
{
    const char *what = *fault ? fault : lib.strerror(code);
    bool bad = t->answer[0] == '4' || t->answer[0] == '5';

    return bad ? arena_printf(a, "the server said: %s", t->answer) : arena_printf(a, "%s", what);
}

/* Never unloaded: whoever sends ends soon. */
static bool library_load(void)
{
    void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; handle && i < sizeof symbols / sizeof symbols[0]; i++) {
        void *at = dlsym(handle, symbols[i].name);
        if (!at)
            return false;
        memcpy(symbols[i].slot, &at, sizeof at); /* C has no other way from a pointer to one to a function */
    }
    return handle && lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* A handle, or why there is none. */
static CURL *library_handle(struct arena *a, const char **why)
{
    static bool ready;

    if (!ready)
        ready = library_load();
    *why = "libcurl does not take what it is told";
    if (ready)
        return lib.easy_init();
    const char *said = dlerror();
    *why = arena_strdup(a, said ? said : SONAME " is of no use");
    return NULL;
}

enum delivery smtp_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    struct talk t = {.bytes = e->bytes, .left = e->len};
    AUTO(curl_list) struct curl_slist *to = NULL;
    AUTO(curl) CURL *c = library_handle(a, why);
    char fault[CURL_ERROR_SIZE] = "";

    if (!c || !set_server(c, cfg, a) || !set_manners(c, cfg, &t, fault) || !set_mail(c, a, e, &t, &to))
        return DELIVERY_LATER;
    CURLcode code = lib.perform(c);
    if (code == CURLE_OK) {
        *why = t.answer[0] ? arena_strdup(a, t.answer) : "";
        return DELIVERY_DONE;
    }
    *why = reason(a, &t, code, fault);
    return refused(&t, code) ? DELIVERY_NEVER : DELIVERY_LATER;
}

bool smtp_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    struct talk t = {.left = 0};
    const char *why;
    AUTO(curl) CURL *c = library_handle(a, &why);
    char fault[CURL_ERROR_SIZE] = "";

    *detail = arena_printf(a, "smtp: %s", why);
    if (!c || !set_server(c, cfg, a) || !set_manners(c, cfg, &t, fault) ||
        lib.setopt(c, CURLOPT_CONNECT_ONLY, 1L) != CURLE_OK)
        return false;
    CURLcode code = lib.perform(c);
    *detail = code == CURLE_OK ? arena_printf(a, "smtp: %s answers", cfg->mail_smtp_host)
                               : arena_printf(a, "smtp: %s: %s", cfg->mail_smtp_host, reason(a, &t, code, fault));
    return code == CURLE_OK;
}

#else

enum delivery smtp_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    (void)cfg;
    (void)a;
    (void)e;
    *why = "this latchkey was built without libcurl";
    return DELIVERY_LATER;
}

bool smtp_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    (void)cfg;
    (void)a;
    *detail = "smtp: this latchkey was built without libcurl";
    return false;
}

#endif
