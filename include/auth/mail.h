/* Mails that a request wants sent. A request only queues them, in the transaction of what they tell of; housekeeping
 * sends them (app/mailer.c). */
#ifndef AUTH_MAIL_H
#define AUTH_MAIL_H

#include "auth/auth.h"

enum mail_kind {
#define MAIL(name, word, text) MAIL_##name,
#include "auth/mails.def"
#undef MAIL
    MAIL_COUNT
};
struct mail_row {
    const char *word, *text;
};
const struct mail_row *mail_row(enum mail_kind k);

/* Is there a way to send mails (mail.transport)? */
bool mail_is_on(const struct cfg *cfg);
/* What the template is told beside the site and the recipient's address; NULL: not known, or not of this kind. */
struct mail_facts {
    const char *name;      /* of the user */
    const char *link;      /* absolute, built from auth.base_url */
    const char *new_email; /* the address the account has now, or is to have */
    const char *ip, *device;
    int64_t at;         /* when it happened; 0: now */
    int64_t expires_at; /* from then on the link is good for nothing and the mail is not sent any more; 0: a week */
};
/* Queues one, inside a transaction. to NULL: nobody is there to be written to; a row is made all the same, and dropped
 * unsent, so that it takes as long. What it says is sealed in the store, since links are credentials. Only where
 * mail_is_on. ERR_RANDOM, ERR_INTERNAL, those of the store. */
MUST_USE enum err mail_queue(struct auth *au, enum mail_kind kind, const char *to, const struct mail_facts *f);

/* What a row of the queue says. ERR_NONE: its kind is none, none of our secrets opens it, or something of it was
 * altered: the seal holds for ref, kind and recipient together. ERR_INTERNAL. */
MUST_USE enum err mail_read(const struct keys *keys, struct arena *a, const struct mail *m, enum mail_kind *kind,
                            struct mail_facts *out);
/* What is sealed: facts as text, and strictly back; false for anything that mail_facts_text would not write. */
struct buf;
void mail_facts_text(struct buf *out, const struct mail_facts *f);
bool mail_facts_parse(struct arena *a, const char *p, size_t n, struct mail_facts *out);

#endif
