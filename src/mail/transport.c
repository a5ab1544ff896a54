/* Which way a mail goes, and what may be told of how it went. */
#include "mail/mail.h"

#include "base/enc.h"

#include <string.h>

enum { WHY_MAX = 200 };

struct way {
    enum delivery (*send)(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why);
    bool (*check)(const struct cfg *cfg, struct arena *a, const char **detail);
};

static enum delivery none_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    (void)cfg;
    (void)a;
    (void)e;
    *why = "mail.transport is none";
    return DELIVERY_LATER;
}

static bool none_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    (void)cfg;
    (void)a;
    *detail = "none: no mail is sent";
    return true;
}

static const struct way ways[] = {
    [TRANSPORT_NONE] = {none_send, none_check},
    [TRANSPORT_FILE] = {file_send, file_check},
    [TRANSPORT_SENDMAIL] = {sendmail_send, sendmail_check},
    [TRANSPORT_SMTP] = {smtp_send, smtp_check},
};

/* Servers like to repeat whom they refuse; neither the log nor the list of what waits is a place for addresses. */
static const char *without_addresses(struct arena *a, const char *s)
{
    struct buf out = buf_in(a);

    while (*s) {
        size_t blanks = strspn(s, " "), n = strcspn(s + blanks, " ");
        bool address = memchr(s + blanks, '@', n) != NULL;
        if (out.len > 0 && blanks > 0)
            buf_putc(&out, ' ');
        if (address)
            buf_puts(&out, "(address)");
        else
            buf_add(&out, s + blanks, n);
        s += blanks + n;
    }
    char *shown = enc_utf8_clean(a, buf_str(&out), WHY_MAX);
    enc_mask(shown); /* nor for the token of a link */
    return shown;
}

enum delivery transport_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    const char *raw = "";
    enum delivery d = ways[cfg->mail_transport].send(cfg, a, e, &raw);

    *why = without_addresses(a, message_line(a, raw, 4 * WHY_MAX));
    return d;
}

bool transport_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    return ways[cfg->mail_transport].check(cfg, a, detail);
}
