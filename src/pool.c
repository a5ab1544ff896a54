/* A pool: one reading of the configuration and the processes that live by it. Replaces who dies, ends who hangs. Knows no
 * database and sees no request; what each process is busy with it reads from the board. */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* One that dies young, without ever having had a request, is started again after a pause that doubles: a fault at start
 * does not spin. One that died of a request is replaced at once, or a few such requests would leave nobody. */
enum { YOUNG_MS = 2000, PAUSE_FIRST_MS = 100, PAUSE_MAX_MS = 10000, GRACE_MS = 2000, LOOK_MS = 1000 };

enum kind { SESSION, SIGN_IN, KEEPER };

struct slot {
    enum kind kind;
    pid_t pid; /* 0: none */
    bool killed;
    int64_t since, pause, due;
    struct worker worker;
    char name[24];
};

struct pool {
    struct cfg *cfg;
    struct keys *keys;
    struct board *board;
    bool leaving;
    int64_t leave_by;
    struct sockets sockets, retired; /* retired: to be closed with the pool */
    size_t n;
    struct slot slots[];
};

static size_t wanted(const struct cfg *cfg, const struct sockets *sockets)
{
    size_t n = (size_t)cfg->pool_workers;

    if (sockets->fd[SOCKET_SIGN_IN] >= 0)
        n += (size_t)cfg->pool_sign_in_workers;
    return n + (cfg->jobs_every > 0);
}

static void slot_init(struct pool *p, size_t i)
{
    struct slot *s = &p->slots[i];
    size_t session = (size_t)p->cfg->pool_workers;
    size_t nth = i < session ? i : i - session;

    s->kind = i < session ? SESSION : i + (p->cfg->jobs_every > 0) == p->n ? KEEPER : SIGN_IN;
    s->worker = (struct worker){
        .cfg = p->cfg,
        .keys = p->keys,
        .listen_fd = p->sockets.fd[s->kind == SIGN_IN ? SOCKET_SIGN_IN : SOCKET_SESSION],
        .name = s->name,
        .low = s->kind != SESSION,
        /* not all at once: half as many again, spread over them */
        .requests = p->cfg->pool_requests + p->cfg->pool_requests * (int64_t)nth / (int64_t)(2 * p->n),
        .place = {.apart = s->kind == SIGN_IN, .board = p->board, .seat = &p->board->seats[i]},
    };
    int len = s->kind == KEEPER ? snprintf(s->name, sizeof s->name, "housekeeper")
                                : snprintf(s->name, sizeof s->name, "%s %zu",
                                           s->kind == SIGN_IN ? "sign-in worker" : "worker", nth + 1);
    if (len < 0)
        s->name[0] = '\0';
}

enum err pool_open_take(struct cfg *cfg, struct keys *keys, const struct sockets *sockets, struct pool **out)
{
    size_t n = wanted(cfg, sockets);
    struct pool *p = calloc(1, sizeof *p + n * sizeof p->slots[0]);

    if (!p) {
        log_error("out of memory: pool");
        return ERR_NO_MEMORY;
    }
    enum err e = board_open(n, &p->board);
    if (e != ERR_OK) {
        free(p);
        return e;
    }
    p->cfg = cfg;
    p->keys = keys;
    p->n = n;
    p->sockets = *sockets;
    p->retired = (struct sockets){.fd = {-1, -1}};
    for (size_t i = 0; i < n; i++)
        slot_init(p, i);
    *out = p;
    return ERR_OK;
}

void pool_close(struct pool **p)
{
    if (!*p)
        return;
    sockets_close(&(*p)->retired, NULL);
    keys_close(&(*p)->keys);
    config_free(&(*p)->cfg);
    board_close(&(*p)->board);
    free(*p);
    *p = NULL;
}

const struct cfg *pool_cfg(const struct pool *p)
{
    return p->cfg;
}

/* --- starting ------------------------------------------------------------------------------------------------------ */

static void slot_start(const struct pool *p, struct slot *s)
{
    atomic_store(&s->worker.place.seat->proven, 0);
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
        sockets_only(&p->sockets);
        exit(s->kind == KEEPER ? housekeeper_run(&s->worker) : worker_run(&s->worker));
    }
    s->pid = pid;
    s->killed = false;
    s->since = clock_steady();
}

/* Is it busy with one request for so long that nobody can be waiting for it any more? */
static bool slot_hangs(const struct pool *p, const struct slot *s, int64_t now)
{
    int64_t since = atomic_load(&s->worker.place.seat->busy_since);

    return since > 0 && now - since > p->cfg->limits_request + GRACE_MS;
}

static const char *request_of(const struct slot *s)
{
    const char *id = s->worker.place.seat->request;

    return *id ? id : "(being read)";
}

static void slot_end_hanging(struct slot *s)
{
    if (s->killed)
        return;
    s->killed = true;
    log_error("%s (pid %d) is stuck in request %s: killed", s->name, (int)s->pid, request_of(s));
    kill(s->pid, SIGKILL);
}

int64_t pool_tend(struct pool *p)
{
    int64_t now = clock_steady(), wait = LOOK_MS;

    if (p->leaving && now >= p->leave_by && pool_living(p) > 0) {
        log_warn("%zu processes do not end: killed", pool_living(p));
        pool_signal(p, SIGKILL);
        p->leave_by = now + GRACE_MS;
    }
    for (size_t i = 0; i < p->n; i++) {
        struct slot *s = &p->slots[i];
        if (s->pid != 0 && slot_hangs(p, s, now))
            slot_end_hanging(s);
        if (s->pid == 0 && !p->leaving && s->due <= now)
            slot_start(p, s);
        if (s->pid == 0 && !p->leaving && s->due - now < wait)
            wait = s->due - now;
    }
    return wait < 1 ? 1 : wait;
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

static void tell_end(const struct pool *p, const struct slot *s, int status)
{
    bool busy = atomic_load(&s->worker.place.seat->busy_since) > 0;

    if (WIFSIGNALED(status) && busy)
        log_error("%s (pid %d) was ended by signal %d in request %s", s->name, (int)s->pid, WTERMSIG(status),
                  request_of(s));
    else if (WIFSIGNALED(status))
        log_error("%s (pid %d) was ended by signal %d", s->name, (int)s->pid, WTERMSIG(status));
    else if (WEXITSTATUS(status) != EXIT_SUCCESS)
        log_error("%s (pid %d) ended with status %d", s->name, (int)s->pid, WEXITSTATUS(status));
    else if (!p->leaving && !process_stop)
        log_debug("%s (pid %d) has done its share", s->name, (int)s->pid);
}

bool pool_ended(struct pool *p, pid_t pid, int status)
{
    int64_t now = clock_steady();
    struct slot *s = p->slots;

    while (s < p->slots + p->n && s->pid != pid)
        s++;
    if (s == p->slots + p->n)
        return false;
    tell_end(p, s, status);
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    bool young = now - s->since < YOUNG_MS && !atomic_load(&s->worker.place.seat->proven);
    if (well || !young)
        s->pause = 0;
    s->due = now + s->pause;
    if (!well && young)
        s->pause = s->pause == 0 ? PAUSE_FIRST_MS : s->pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : s->pause * 2;
    s->pid = 0;
    board_end(s->worker.place.seat);
    return true;
}

void pool_retire_sockets(struct pool *p, const struct sockets *next)
{
    p->retired = p->sockets;
    for (int i = 0; i < SOCKETS; i++)
        if (p->retired.fd[i] == next->fd[i])
            p->retired.fd[i] = -1;
}

void pool_leave(struct pool *p)
{
    if (p->leaving)
        return;
    p->leaving = true;
    atomic_store(&p->board->leaving, 1);
    p->leave_by = clock_steady() + p->cfg->limits_request + GRACE_MS;
    pool_signal(p, SIGTERM);
}

void pool_signal(const struct pool *p, int sig)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->slots[i].pid > 0)
            kill(p->slots[i].pid, sig);
}

size_t pool_living(const struct pool *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->slots[i].pid > 0;
    return n;
}

size_t pool_workers(const struct pool *p)
{
    return p->n - (p->cfg->jobs_every > 0);
}
