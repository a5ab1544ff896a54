/* A message as text. Everything a stranger may have written is brought into one line and encoded before it comes near a
 * header field; addresses are refused unless they are plain. Must not look anything up. */
#include "mail/mail.h"

#include "base/enc.h"
#include "base/net.h"

#include <string.h>

enum { LINE = 76, WORD_BYTES = 39, SUBJECT_MAX = 400, NAME_MAX_BYTES = 200, PLAIN_MAX = 60 };

const char *message_line(struct arena *a, const char *s, size_t max)
{
    char *clean = enc_utf8_clean(a, s, max), *to = clean;

    for (const char *p = clean; *p;) {
        size_t n = enc_utf8_steering(p);
        *to++ = n ? ' ' : *p;
        p += n ? n : 1;
    }
    *to = '\0';
    return clean;
}

/* --- header fields -------------------------------------------------------------------------------------------------
 */

static bool plain(const char *s)
{
    for (const char *p = s; *p; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return strlen(s) <= PLAIN_MAX && !strstr(s, "=?");
}

/* RFC 2047: words of whole characters, the further ones on lines of their own. */
static void encoded_words(struct buf *out, const char *s)
{
    char b64[ENC_B64_LEN(WORD_BYTES) + 1];
    size_t left = strlen(s);

    for (bool first = true; left > 0 || first; first = false) {
        size_t n = 0, len;
        while (n < left && (len = enc_utf8_next(s + n, left - n)) > 0 && n + len <= WORD_BYTES)
            n += len;
        enc_b64(s, n, b64);
        buf_printf(out, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ", b64);
        s += n;
        left -= n;
    }
}

static void field_text(struct buf *out, const char *name, const char *s)
{
    buf_printf(out, "%s: ", name);
    if (plain(s))
        buf_puts(out, s);
    else
        encoded_words(out, s);
    buf_puts(out, "\r\n");
}

static void quoted(struct buf *out, const char *s)
{
    buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *s);
    }
    buf_putc(out, '"');
}

static void field_from(struct buf *out, const struct message *m)
{
    const char *name = message_line(out->arena, m->from_name, NAME_MAX_BYTES);

    buf_puts(out, "From: ");
    if (*name && plain(name))
        quoted(out, name);
    else if (*name)
        encoded_words(out, name);
    buf_printf(out, "%s<%s>\r\n", *name ? "\r\n " : "", m->from);
}

/* RFC 5322 §3.3, in UTC. */
static void field_date(struct buf *out, int64_t ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char iso[ENC_ISO_SIZE];

    if (ms < 0)
        ms = 0; /* before there was mail */
    enc_iso(ms, iso);
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    const char *day = days[(ms / CLOCK_DAY + 4) % 7]; /* 1970 began on a Thursday */
    buf_printf(out, "Date: %s, %.2s %s %.4s %.8s +0000\r\n", day, iso + 8, months[(month - 1) % 12], iso, iso + 11);
}

/* --- bodies: quoted-printable, RFC 2045 §6.7 -------------------------------------------------------------------------
 */

struct qp {
    struct buf *out;
    size_t column;
};

static void qp_put(struct qp *q, const char *s, size_t n)
{
    if (q->column + n > LINE - 1) {
        buf_puts(q->out, "=\r\n");
        q->column = 0;
    }
    buf_add(q->out, s, n);
    q->column += n;
}

/* Besides what must be: a dot or "From " that begins a line, which some programs on the way take for their own. */
static bool must_encode(const struct qp *q, const char *p, const char *end)
{
    if ((*p < ' ' && *p != '\t') || *p > '~' || *p == '=')
        return true;
    if (*p == ' ' || *p == '\t')
        return p + 1 == end || p[1] == '\n' || p[1] == '\r';
    bool begins = q->column == 0 || q->column + 1 > LINE - 1;
    return begins && (*p == '.' || (*p == 'F' && end - p >= 5 && memcmp(p, "From ", 5) == 0));
}

static void qp_byte(struct qp *q, const char *p, const char *end)
{
    char hex[3], escape[4] = "=";

    if (!must_encode(q, p, end)) {
        qp_put(q, p, 1);
        return;
    }
    enc_hex(p, 1, hex);
    for (int i = 0; i < 2; i++)
        escape[i + 1] = (char)(hex[i] >= 'a' ? hex[i] - 'a' + 'A' : hex[i]);
    qp_put(q, escape, 3);
}

static void qp_text(struct buf *out, const char *s)
{
    struct qp q = {out, 0};

    for (const char *end = s + strlen(s); s < end; s++) {
        if (*s != '\n' && *s != '\r') {
            qp_byte(&q, s, end);
            continue;
        }
        s += *s == '\r' && s[1] == '\n';
        buf_puts(out, "\r\n");
        q.column = 0;
    }
    if (q.column > 0)
        buf_puts(out, "\r\n");
}

static void part(struct buf *out, const char *type, const char *s)
{
    buf_printf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
               type);
    qp_text(out, enc_utf8_clean(out->arena, s, strlen(s) * 3));
}

static void bodies(struct buf *out, const struct message *m)
{
    if (!m->html) {
        part(out, "plain", m->text);
        return;
    }
    /* "=_" is nothing that quoted-printable could hold */
    buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n--=_%s\r\n", m->ref, m->ref);
    part(out, "plain", m->text);
    buf_printf(out, "\r\n--=_%s\r\n", m->ref);
    part(out, "html", m->html);
    buf_printf(out, "\r\n--=_%s--\r\n", m->ref);
}

static bool ref_ok(const char *ref)
{
    size_t n = strspn(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

    return n > 0 && n <= 40 && ref[n] == '\0';
}

enum err message_write(const struct message *m, struct buf *out)
{
    if (!net_mailbox_ok(m->from) || !net_mailbox_ok(m->to))
        return ERR_INVALID_EMAIL;
    if (!ref_ok(m->ref))
        return ERR_INTERNAL;
    field_date(out, m->date);
    field_from(out, m);
    buf_printf(out, "To: <%s>\r\n", m->to);
    field_text(out, "Subject", message_line(out->arena, m->subject, SUBJECT_MAX));
    buf_printf(out, "Message-ID:\r\n <latchkey.%s@%s>\r\n", m->ref, strchr(m->from, '@') + 1);
    /* no vacation note comes back, and no list takes it up (RFC 3834; the second is Exchange's word for it) */
    buf_puts(out, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n");
    bodies(out, m);
    return ERR_OK;
}
