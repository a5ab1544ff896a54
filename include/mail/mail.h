/* Mail from its parts to its way out: a message as text, templates, transports. Knows nobody's account and no queue. */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "base/buf.h"
#include "base/mustache.h"
#include "conf/config.h"

/* --- message.c --- */
struct message {
    const char *from, *from_name; /* from_name "": the address alone */
    const char *to;
    const char *subject, *text;
    const char *html; /* NULL: text alone */
    const char *ref;  /* letters and digits; the Message-ID and nothing else is made of it, so that a repeat is known */
    int64_t date;
};
/* Appends it as RFC 5322, 2045, 2047 and 3834 have it: ASCII, lines of at most 76 characters (an address may need more)
 * ended by CRLF. The same message gives the same bytes. Whatever bytes the texts hold, no header field and no line of
 * the head comes of them. ERR_INVALID_EMAIL: from or to is no net_mailbox_ok; ERR_INTERNAL: ref. */
MUST_USE enum err message_write(const struct message *m, struct buf *out);
/* At most max bytes of s fit to stand in one line: valid UTF-8, and nothing that ends a line or turns it around. */
const char *message_line(struct arena *a, const char *s, size_t max);

/* --- template.c --- */
/* Fills subject, text and html of out by WORD.txt, WORD.html and the layout around them: files of mail.templates, or
 * those built in. A file with a fault is logged, and the one built in stands in for it. ERR_INTERNAL: there is none. */
MUST_USE enum err template_fill(const struct cfg *cfg, struct arena *a, const char *word,
                                const struct mustache_data *data, struct message *out);
/* What is wrong with the site's files for this word, as "FILE: line N: …"; NULL: nothing. *own: how many there are. */
const char *template_fault(const struct cfg *cfg, struct arena *a, const char *word, const struct mustache_data *data,
                           size_t *own);

/* --- transport.c, file.c, sendmail.c, smtp.c --- */
struct envelope {
    const char *from, *to, *ref;
    const char *bytes; /* the message */
    size_t len;
};
/* DONE: another has taken it over. LATER: try again; it may have arrived all the same where the answer was lost. NEVER:
 * this mail will not be taken at any time. */
enum delivery { DELIVERY_DONE, DELIVERY_LATER, DELIVERY_NEVER };
/* Sends as mail.transport says, within about mail.timeout. *why: what was answered, in one short line without
 * addresses. */
enum delivery transport_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why);
/* Could it be sent, as far as can be told without sending? *detail: by which way, or what is wrong. */
bool transport_check(const struct cfg *cfg, struct arena *a, const char **detail);

/* The ways; for transport.c only. why is text of strangers still. */
enum delivery file_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why);
bool file_check(const struct cfg *cfg, struct arena *a, const char **detail);
enum delivery sendmail_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why);
bool sendmail_check(const struct cfg *cfg, struct arena *a, const char **detail);
enum delivery smtp_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why);
bool smtp_check(const struct cfg *cfg, struct arena *a, const char **detail);

#endif
