/* Sends the mails that requests have queued. Whoever keeps house looks whether one is due (cheap), and has them sent by
 * a process of its own: neither a mail server that hangs nor the library that talks to it can keep a request waiting,
 * and a worker that keeps house between requests goes on serving. A mail is claimed in the store before it is sent, so
 * that two who send at the same time never send the same. */
#ifndef APP_MAILER_H
#define APP_MAILER_H

#include "app/app.h"
#include "auth/mail.h"
#include "mail/mail.h"

#include <sys/types.h>
#include <time.h>

/* --- sending, at once (mailer.c) --- */
struct mailer_tally {
    int64_t sent, later, dropped;
};
/* Which of those that wait: those that are due; or all but those that somebody is sending just now. */
enum mailer_which { MAILER_DUE, MAILER_WAITING };
/* Called before each mail; false: leave the rest. NULL: all. */
typedef bool (*mailer_go_on_fn)(void *arg, const struct mailer_tally *n);
/* Sends until none is left, nobody answers any more (*trouble), or go_on says no. Connects by app_connect; resets the
 * arena of app. What becomes of each mail is logged, without addresses. Those of the store. */
MUST_USE enum err mailer_send(struct app *app, enum mailer_which which, mailer_go_on_fn go_on, void *arg,
                              struct mailer_tally *n, bool *trouble);
/* Sends one that lies in no queue. ref: as struct message has it. *why: what was answered. */
enum delivery mailer_send_one(const struct cfg *cfg, struct arena *a, enum mail_kind kind, const char *to,
                              const char *ref, const struct mail_facts *f, const char **why);
/* What the site's templates are tried with: every value is there. NULL: they are well; *own: how many there are. */
const char *mailer_templates_fault(const struct cfg *cfg, struct arena *a, size_t *own);

/* --- having them sent (mailer_child.c) --- */
struct mailer {
    pid_t pid;            /* of who sends; 0: nobody does */
    int64_t due;          /* clock_steady of the next look into the store */
    int64_t peek;         /* and of the next one at the file */
    struct timespec seen; /* the time that file had */
    bool again;           /* what was told of may not have been committed at the last look */
};
/* ms until mailer_turn wants to be called; -1: never (mail.transport is none). */
int64_t mailer_due(const struct mailer *m, const struct cfg *cfg);
/* fd: of the file that mailer_told touches. May we look into the store at all? Then *look is set. */
void mailer_peek(struct mailer *m, int fd, bool *look);
/* Looks whether one is due, and has it sent. Connects by app_connect, and closes the store before it forks. */
void mailer_turn(struct mailer *m, struct app *app);
/* Asks who sends to leave after the mail in hand; does not wait. */
void mailer_close(struct mailer *m);

#endif
