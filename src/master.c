/* The master: keeps the workers. It never talks to the database and never sees a request. */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A worker that dies young is started again after a pause that doubles, so that a fault at start does not spin. */
enum { YOUNG_MS = 2000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 10000, GRACE_MS = 2000 };

struct slot {
    pid_t pid; /* 0: none */
    int64_t since, pause, due;
    char name[16];
};

struct master {
    const struct cfg *cfg;
    const struct keys *keys;
    int listen_fd;
    sigset_t open;
    size_t n;
    struct slot *slots;
};

static void slot_start(struct master *m, struct slot *s)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0) {
        log_error("fork: %s", strerror(errno));
        s->due = clock_steady() + PAUSE_MAX_MS;
        return;
    }
    if (pid == 0) {
        /* a worker without its master would keep the socket busy for ever */
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        exit(worker_run(m->cfg, m->keys, m->listen_fd, s->name));
    }
    s->pid = pid;
    s->since = clock_steady();
}

static void slot_ended(struct slot *s, int status)
{
    int64_t now = clock_steady();
    bool young = now - s->since < YOUNG_MS;

    if (WIFSIGNALED(status))
        log_error("%s (pid %d) was ended by signal %d", s->name, (int)s->pid, WTERMSIG(status));
    else if (!process_stop)
        log_warn("%s (pid %d) ended with status %d", s->name, (int)s->pid, WEXITSTATUS(status));
    s->pid = 0;
    if (!young)
        s->pause = 0;
    s->due = now + s->pause;
    if (young)
        s->pause = s->pause == 0 ? PAUSE_FIRST_MS : s->pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : s->pause * 2;
}

static void reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < m->n; i++)
            if (m->slots[i].pid == pid)
                slot_ended(&m->slots[i], status);
}

/* Starts what is due; returns how long to wait for what is not yet. */
static int64_t start_due(struct master *m)
{
    int64_t now = clock_steady(), wait = PAUSE_MAX_MS;

    for (size_t i = 0; i < m->n; i++) {
        struct slot *s = &m->slots[i];
        if (s->pid == 0 && s->due <= now)
            slot_start(m, s);
        if (s->pid == 0 && s->due - now < wait)
            wait = s->due - now;
    }
    return wait < 1 ? 1 : wait;
}

/* Sleeps until a signal comes or ms have passed; signals are let in only here, so none is lost. */
static void wait_signal(const struct master *m, int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)ppoll(NULL, 0, &t, &m->open);
}

static size_t living(const struct master *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->slots[i].pid > 0;
    return n;
}

static void signal_all(const struct master *m, int sig)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->slots[i].pid > 0)
            kill(m->slots[i].pid, sig);
}

/* Workers finish the request in hand; who does not within its deadline is killed. */
static void drain(struct master *m)
{
    int64_t until = clock_steady() + m->cfg->limits_request + GRACE_MS;

    signal_all(m, SIGTERM);
    while (reap(m), living(m) > 0) {
        int64_t left = until - clock_steady();
        if (left <= 0) {
            log_warn("%zu workers do not end: killed", living(m));
            signal_all(m, SIGKILL);
            left = GRACE_MS;
            until += GRACE_MS;
        }
        wait_signal(m, left);
    }
}

static void slots_name(struct master *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (snprintf(m->slots[i].name, sizeof m->slots[i].name, "worker %zu", i + 1) < 0)
            m->slots[i].name[0] = '\0';
}

int master_run(const struct cfg *cfg, const struct keys *keys, int listen_fd, const char *where)
{
    struct master m = {.cfg = cfg, .keys = keys, .listen_fd = listen_fd, .n = (size_t)cfg->pool_workers};

    if (process_signals(&m.open) != ERR_OK || !(m.slots = calloc(m.n, sizeof *m.slots)))
        return EXIT_FAILURE;
    slots_name(&m);
    log_info("ready: %zu workers on %s for %s%s", m.n, where, cfg->origin, cfg->auth_base_path);
    while (!process_stop) {
        reap(&m);
        wait_signal(&m, start_due(&m));
        if (process_reopen())
            signal_all(&m, SIGUSR1);
    }
    log_info("stopping");
    drain(&m);
    free(m.slots);
    return EXIT_SUCCESS;
}
