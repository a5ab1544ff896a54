/* Processes: the master that keeps workers, a worker that serves, what both do to protect secrets. */
#ifndef PROCESS_H
#define PROCESS_H

#include "app/app.h"

#include <signal.h>

/* Set by a signal handler, which does nothing else. */
extern volatile sig_atomic_t process_stop;

/* Descriptors 0 to 2 exist afterwards. First thing in main. ERR_IO. */
MUST_USE enum err process_descriptors(void);
/* Opens the log anew if USR1 has asked for it; tells whether it has. */
bool process_reopen(void);
/* TERM, INT and HUP ask to stop, USR1 to open the log anew; PIPE and XFSZ are ignored. Signals stay blocked outside of
 * the waits that let them in: *open is the mask for those. ERR_INTERNAL. */
MUST_USE enum err process_signals(sigset_t *open);
/* No core dumps, no tracing by others, no new privileges. Best effort, logged where it fails. */
void process_harden(void);
/* Makes memory go back to the system after a password hash, and lets OpenSSL set itself up once, before fork, so that
 * its pages are shared by all workers. Best effort. */
void process_settle(const struct keys *keys);
/* Opens what a worker needs and serves requests from listen_fd until asked to stop. Returns the exit status. */
int worker_run(const struct cfg *cfg, const struct keys *keys, int listen_fd, const char *name);
/* Starts pool.workers workers on listen_fd, replaces those that die, ends them when asked to stop. where: the socket's
 * name, for the log. Returns the exit status. */
int master_run(const struct cfg *cfg, const struct keys *keys, int listen_fd, const char *where);

#endif
