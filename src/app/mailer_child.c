/* Who sends is a child of whoever keeps house: it lives for one run through what is due, has a connection of its own to
 * the store, and an end that it cannot miss. It outlives who started it by the mail in hand at most, so that a
 * housekeeper that is killed does not cut a conversation off whose mail would then come twice. */
#include "app/mailer.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PEEK_MS = 1000,       /* one fstat */
    LOOK_MS = 5 * 1000,   /* one statement */
    AGAIN_MS = 10 * 1000, /* after a failure */
    RUN_MS = 60 * 1000,   /* then a new child begins, with a fresh look at all */
    SLACK_SECONDS = 40,   /* beyond mail.timeout, for the store; less than a claim has */
    STORE_SECONDS = 60,   /* where nothing is being sent */
    FDS_MAX = 1024,
    NICE_BY = 10,
};

/* Of the child. */
struct run {
    const struct cfg *cfg;
    pid_t parent;
    int64_t until;
};

static bool asked_to_leave(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

/* The alarm ends the process, whatever it is waiting for. */
static bool go_on(void *arg, const struct mailer_tally *n)
{
    const struct run *r = arg;

    (void)n;
    alarm((unsigned)(r->cfg->mail_timeout / CLOCK_SECOND) + SLACK_SECONDS);
    return getppid() == r->parent && !asked_to_leave() && clock_steady() < r->until;
}

/* Listening sockets above all: a mail that takes long must not keep a new start from its address. */
static void close_all(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), mine = log_descriptor();

    if (null >= 0)
        dup2(null, STDIN_FILENO);
    for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++)
        if (fd != mine)
            close(fd);
}

/* TERM stays blocked: it is asked for between two mails. */
static void signals(void)
{
    sigset_t alarms;

    signal(SIGALRM, SIG_DFL);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(STORE_SECONDS);
}

static int child(const struct app *parent_app, pid_t parent)
{
    struct app app = {.cfg = parent_app->cfg, .keys = parent_app->keys, .arena = parent_app->arena};
    struct run r = {.cfg = app.cfg, .parent = parent, .until = clock_steady() + RUN_MS};
    struct mailer_tally n = {.sent = 0};
    bool trouble = false;

    log_name("mailer");
    app.place.board = parent_app->place.board;
    close_all();
    signals();
    if (nice(NICE_BY) == -1)
        log_debug("the priority stays as it is");
    enum err e = mailer_send(&app, MAILER_DUE, go_on, &r, &n, &trouble);
    alarm(STORE_SECONDS);
    db_close(&app.db);
    return e == ERR_OK && !trouble ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- the parent ------------------------------------------------------------------------------------------------------
 */

int64_t mailer_due(const struct mailer *m, const struct cfg *cfg)
{
    if (cfg->mail_transport == TRANSPORT_NONE)
        return -1;
    int64_t left = m->peek - clock_steady();
    return left > 0 ? left : 0;
}

static void reap(struct mailer *m)
{
    int status = EXIT_FAILURE << 8; /* where its end cannot be told */

    if (m->pid == 0 || waitpid(m->pid, &status, WNOHANG) == 0)
        return;
    m->pid = 0;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    if (WIFSIGNALED(status))
        log_error("the process that sends mail was ended by signal %d", WTERMSIG(status));
    m->due = clock_steady() + (well ? 0 : AGAIN_MS);
}

/* Was a mail queued on this host since? The one who told was perhaps quicker than his transaction: look once more. */
static bool told(struct mailer *m, int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    bool changed = st.st_mtim.tv_sec != m->seen.tv_sec || st.st_mtim.tv_nsec != m->seen.tv_nsec;
    bool look = changed || m->again;
    m->seen = st.st_mtim;
    m->again = changed;
    return look;
}

void mailer_peek(struct mailer *m, int fd, bool *look)
{
    int64_t now = clock_steady();

    m->peek = now + PEEK_MS;
    reap(m);
    if (m->pid == 0 && told(m, fd))
        m->due = now;
    *look = m->pid == 0 && m->due <= now;
}

static void start(struct mailer *m, struct app *app)
{
    pid_t parent = getpid();

    /* neither library survives a fork with a connection open */
    db_close(&app->db);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child(app, parent));
    if (pid < 0)
        log_error("fork: %s", strerror(errno));
    m->pid = pid < 0 ? 0 : pid;
    /* the next request is not to pay for it, and the lease goes back over it at the end */
    app_forget_store(app, app_connect(app));
}

void mailer_turn(struct mailer *m, struct app *app)
{
    int64_t due_at = 0, now = clock_now(), wait = LOOK_MS;

    enum err e = app_connect(app);
    if (e == ERR_OK) {
        db_hurry(app->db);
        e = mails_next(app->db, app->arena, &due_at);
        db_hurry_end(app->db);
    }
    app_forget_store(app, e);
    arena_reset(app->arena);
    if (e == ERR_OK && due_at <= now) {
        start(m, app);
        wait = AGAIN_MS;
    } else if (e == ERR_OK) {
        wait = due_at - now < LOOK_MS ? due_at - now : LOOK_MS;
    } else if (e != ERR_NONE) {
        wait = AGAIN_MS;
    }
    m->due = clock_steady() + wait;
}

void mailer_close(struct mailer *m)
{
    if (m->pid > 0)
        kill(m->pid, SIGTERM);
    m->pid = 0;
}
