/* Processes: the master that keeps the others, a worker that serves, the housekeeper, what all do to protect secrets.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "app/app.h"

#include <signal.h>
#include <sys/stat.h>

/* Set by a signal handler, which does nothing else. */
extern volatile sig_atomic_t process_stop;

/* What HUP means to a process. */
enum on_hup { HUP_STOPS, HUP_RELOADS, HUP_IGNORED };

/* --- process.c --- */
/* Descriptors 0 to 2 exist afterwards. First thing in main. ERR_IO. */
MUST_USE enum err process_descriptors(void);
/* Opens the log anew if USR1 has asked for it; tells whether it has. */
bool process_reopen(void);
/* Has HUP asked for the configuration to be read anew? Asked once, told once. */
bool process_reload(void);
/* TERM and INT ask to stop, USR1 to open the log anew, HUP as said; PIPE, XFSZ and ALRM are ignored. Signals stay
 * blocked outside of the waits that let them in: *open is the mask for those. ERR_INTERNAL. */
MUST_USE enum err process_signals(enum on_hup hup, sigset_t *open);
/* Sleeps until a signal comes or ms have passed; the only place where open lets signals in, so none is lost. */
void process_wait(const sigset_t *open, int64_t ms);
/* No core dumps, no tracing by others. Best effort, logged where it fails. */
void process_harden(void);
/* No new privileges, for this process and all it starts, for good. Best effort, logged where it fails. */
void process_keep_low(void);
/* The same unless mail goes by a program: those of Postfix, Exim and sendmail must be able to become who may write into
 * their queue. For who sends mail himself, or starts who does. */
void process_keep_low_unless_mail(const struct cfg *cfg);
/* Makes memory go back to the system after a password hash, and lets OpenSSL set itself up once, before fork, so that
 * its pages are shared by all workers: an algorithm that fails at its first use is lost to the process. ERR_INTERNAL.
 */
MUST_USE enum err process_settle(const struct keys *keys);
/* Started by root: becomes pool.user for good, with its groups; root may not serve. Before anything is opened or made:
 * what root does in a directory of another user can be turned against others. ERR_CONFIG, ERR_IO (logged). */
MUST_USE enum err process_become(const struct cfg *cfg);
/* Tells the service manager (sd_notify(3), NOTIFY_SOCKET), e.g. "READY=1"; does nothing where there is none. */
void process_notify(const char *state);

/* --- sockets.c: what is listened on --- */
enum { SOCKET_SESSION, SOCKET_SIGN_IN, SOCKETS };
struct sockets {
    int fd[SOCKETS];          /* -1: there is none */
    char where[SOCKETS][108]; /* path or ADDRESS:PORT if we made it; "": it was passed to us */
};
/* Is it a socket that listens? */
bool sockets_listening(int fd);
/* Takes what was passed (LISTEN_FDS, descriptor 0) and makes the rest as cfg says. ERR_IO (logged). */
MUST_USE enum err sockets_open(const struct cfg *cfg, struct sockets *out);
/* What a new configuration asks for: those that stay are taken over from `old`, others are made. ERR_IO: nothing has
 * changed. */
MUST_USE enum err sockets_renew(const struct cfg *cfg, const struct sockets *old, struct sockets *out);
/* Closes (and removes the files of) those of `s` that `next` (may be NULL) has not taken over. No process of ours may
 * have them open any more. */
void sockets_close(struct sockets *s, const struct sockets *next);
/* After fork: closes the listening sockets that are not of `mine`, such as those an older pool still serves. */
void sockets_only(const struct sockets *mine);
/* "/run/a.sock and /run/b.sock", for the log. */
void sockets_text(const struct sockets *s, char *out, size_t size);

/* --- cgi.c: one request by plain CGI --- */
/* Were we started for that? */
bool cgi_asked(void);
/* False: the arguments are the query of a request, which a client chose. Before they are looked at. */
bool cgi_arguments_ok(int argc, char **argv);
/* Answers 500; the exit status. */
int cgi_fail(void);
/* Serves it. Returns the exit status. */
int cgi_run(const struct cfg *cfg, const struct keys *keys);

/* --- watch.c: for a worker that a web server started --- */
enum { WATCH_CONF, WATCH_SECRET, WATCHED };
struct watch {
    struct watch_file {
        const char *path;
        bool there;
        dev_t dev;
        ino_t ino;
        off_t size;
        struct timespec mtim;
    } file[WATCHED];
    int64_t due; /* clock_steady of the next look */
};
/* Before the file is read; path outlives the watch. */
void watch_note(struct watch *w, int which, const char *path);
/* Shall the worker leave for one that reads the files anew? Looks every few seconds only, and says so in the log.
 * Never, where nobody would start another one. */
bool watch_changed(struct watch *w);
/* The ms until it looks again. */
int64_t watch_wait(const struct watch *w);

/* --- worker.c --- */
struct worker {
    const struct cfg *cfg;
    const struct keys *keys;
    int listen_fd;
    const char *name;
    bool low;            /* lower priority */
    bool lone;           /* nobody of ours started it: it keeps house itself, and stays */
    bool unproven;       /* the store was away at the start: whether it knows our secrets is seen when it is back */
    int64_t requests;    /* after so many it leaves; 0: never */
    struct watch *watch; /* of a lone one; NULL: none */
    struct app_place place;
};
/* Opens what a worker needs and serves requests until asked to stop or due to leave. Returns the exit status. */
int worker_run(const struct worker *w);
/* The process that does the housekeeping of a pool, until asked to stop. Returns the exit status. */
int housekeeper_run(const struct worker *w);

/* --- pool.c: one reading of the configuration, and the processes that live by it --- */
struct pool;
/* Takes over cfg and keys (freed with the pool). Starts nothing yet. ERR_NO_MEMORY. */
MUST_USE enum err pool_open_take(struct cfg *cfg, struct keys *keys, const struct sockets *sockets, struct pool **out);
void pool_close(struct pool **p);
/* Its sockets that `next` has not taken over are closed with it, when nobody of it serves them any more. */
void pool_retire_sockets(struct pool *p, const struct sockets *next);
const struct cfg *pool_cfg(const struct pool *p);
/* Starts what is due, ends what hangs; returns the ms after which it wants to be called again. */
int64_t pool_tend(struct pool *p);
/* If pid is one of its processes, notes that it ended with this wait status: true. */
bool pool_ended(struct pool *p, pid_t pid, int status);
/* From now on nothing is started; who is there finishes the request in hand. */
void pool_leave(struct pool *p);
void pool_signal(const struct pool *p, int sig);
size_t pool_living(const struct pool *p);
/* Processes it keeps: workers on both sockets (the housekeeper not counted). */
size_t pool_workers(const struct pool *p);

/* --- master.c --- */
/* Reads a configuration and its secrets, as at the start; NULL results on failure (logged). */
typedef enum err (*reread_fn)(void *arg, struct cfg **cfg, struct keys **keys);
/* Has schema, secrets and files looked at, then keeps a pool on the sockets until asked to stop; takes over cfg and
 * keys. Returns the exit status. */
int master_run(struct cfg *cfg, struct keys *keys, struct sockets *sockets, reread_fn reread, void *arg);

/* --- prepare.c --- */
/* Starts a process that looks at schema, secrets and files (handles are never shared with workers); -1: it could not be
 * started (logged). It ends with EXIT_SUCCESS, or has told why not; it goes with its parent and holds no socket. */
pid_t prepare_start(const struct cfg *cfg, const struct keys *keys);
/* The same, waited for. ERR_DB_DOWN: the store is away. ERR_CONFIG: it failed otherwise. */
MUST_USE enum err prepare_wait(const struct cfg *cfg, const struct keys *keys);

#endif
