/* Links in mails, and whoever asks for one by an e-mail address: for auth/ only. */
#ifndef AUTH_LINK_H
#define AUTH_LINK_H

#include "auth/mail.h"

/* BASE PATH TOKEN [?callbackURL=BACK]. The host is that of auth.base_url, never one that a request names. back may be
 * NULL. In the arena. */
const char *link_with_path(struct auth *au, const char *path, const char *token, const char *back);
/* BASE PATH ?token=TOKEN [&callbackURL=BACK]. */
const char *link_with_query(struct auth *au, const char *path, const char *token, const char *back);

/* Somebody who asks for a mail to an address. */
struct asked {
    const char *email;   /* lower-case */
    struct credential c; /* c.user.id NULL: the address is nobody's */
    const char *row;     /* what names his ticket: the user's id, or something as long */
    const char *why;     /* why no mail is sent, for the audit log; NULL: one is */
};
/* Looks the address up and counts the request for a mail of this kind, known or not alike. by: whose session asks;
 * NULL: anybody. ERR_LIMITED: nothing was written. */
MUST_USE enum err asked_for(struct auth *au, enum mail_kind kind, const char *email, const struct session *by,
                            struct asked *out);
/* Whom to write to; NULL: nobody. */
const char *asked_to(const struct asked *q);

/* Queues a mail that nobody asked for, inside a transaction, unless the user got enough of that kind lately: strangers
 * can cause such mails, and must not fill a mailbox with them. */
MUST_USE enum err mail_notice(struct auth *au, enum mail_kind kind, const struct user *u, const struct mail_facts *f);
/* Tells a user that his password is another now; inside the transaction that changes it. */
MUST_USE enum err mail_password_changed(struct auth *au, const struct user *u);

#endif
