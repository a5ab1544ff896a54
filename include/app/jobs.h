/* Housekeeping: deletes expired rows, a batch at a time, and sees to mails that wait (app/mailer.h). On a host whoever
 * holds a lock in pool.state does it, of several hosts on one database whoever holds the lease in the database,
 * whichever way the processes were started. */
#ifndef APP_JOBS_H
#define APP_JOBS_H

#include "app/app.h"

struct jobs;

/* Opens the lock file; takes no lock yet. The caller owns *out. ERR_IO, ERR_RANDOM, ERR_NO_MEMORY. */
MUST_USE enum err jobs_open(const struct cfg *cfg, struct jobs **out);
/* Gives lock and lease back. The app of the last turn must still be open: the lease goes back over its connection. */
void jobs_close(struct jobs **j);
/* ms until jobs_turn has something to do; 0: now; -1: never (jobs.every is 0). */
int64_t jobs_due(const struct jobs *j);
/* Does a little of what is due: one batch. Connects by app_connect. Failures are logged and tried again later. Resets
 * the arena of app. */
void jobs_turn(struct jobs *j, struct app *app);

/* To whoever keeps house on this host, whichever way he was started: a mail was queued. Best effort: he looks by
 * himself, too. */
void jobs_mail_queued(const struct cfg *cfg);

/* Told after each batch how many rows are gone, for people who watch; NULL: nobody does. */
typedef void (*jobs_progress_fn)(void *arg, int64_t gone);
/* All that is due, at once, for cron; *swept: rows deleted, *mine: false if another holds lock or lease. */
MUST_USE enum err jobs_run_all(struct jobs *j, struct app *app, jobs_progress_fn tell, void *arg, int64_t *swept,
                               bool *mine);

#endif
