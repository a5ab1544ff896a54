/* A worker: one process, one request at a time, until asked to stop or due to leave. The request in hand is finished
 * first. One that nobody of ours has started keeps house between requests. */
#include "process.h"

#include "app/jobs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Priority below that of session checks, which shall not wait for password hashes or sweeping. */
enum { NICE_BY = 10, JOBS_GAP_MS = 50, LAST_MAX = 64 };

struct turns {
    struct jobs *jobs; /* NULL: somebody else keeps house */
    int64_t next;      /* clock_steady before which requests come first */
};

static void jobs_between(struct turns *t, struct app *app)
{
    if (!t->jobs || jobs_due(t->jobs) != 0 || clock_steady() < t->next)
        return;
    board_begin(app->place.seat, clock_steady());
    board_name(app->place.seat, "housekeeping");
    jobs_turn(t->jobs, app);
    board_end(app->place.seat);
    t->next = clock_steady() + JOBS_GAP_MS;
}

/* How long may pass without a turn; -1: any time. */
static int64_t jobs_wait(const struct turns *t)
{
    int64_t due = t->jobs ? jobs_due(t->jobs) : -1;

    return due == 0 ? JOBS_GAP_MS : due;
}

/* How long the worker may sleep without a request; -1: until one comes. */
static int64_t sleep_most(const struct worker *w, const struct turns *turns)
{
    int64_t jobs = jobs_wait(turns), look = w->watch ? watch_wait(w->watch) : -1;

    return jobs < 0 || (look >= 0 && look < jobs) ? look : jobs;
}

/* A web server that has no other way to this process shall see at once that nobody is there, not when all is put away.
 */
static void socket_let_go(int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null >= 0) {
        dup2(null, fd);
        close(null);
    }
}

static bool goes_on(enum err e)
{
    return e == ERR_OK || e == ERR_CLIENT_GONE || e == ERR_NONE;
}

static enum err serve_all(const struct worker *w, struct app *app, struct fcgi *f, struct turns *turns,
                          const sigset_t *open)
{
    int64_t served = 0;
    int last = 0; /* requests since it was due to leave */
    bool leaving = false;
    enum err e = ERR_OK;

    while (goes_on(e)) {
        if (w->requests > 0 && served >= w->requests)
            return ERR_SHUTDOWN;
        /* who has connected to a socket that goes with us is served first */
        leaving = leaving || (w->watch && watch_changed(w->watch));
        if (leaving && last++ >= LAST_MAX)
            return ERR_SHUTDOWN;
        e = fcgi_next(f, open, &process_stop, leaving ? 0 : sleep_most(w, turns));
        if (leaving && e == ERR_NONE)
            return ERR_SHUTDOWN;
        process_reopen(); /* a line is written only while serving */
        if (e == ERR_OK) {
            app_serve(app, f);
            served++;
        }
        if (!leaving)
            jobs_between(turns, app);
    }
    return e;
}

static enum err worker_loop(const struct worker *w, struct app *app, const sigset_t *open)
{
    const struct cfg *cfg = w->cfg;
    const struct cfg_list *peers = &cfg->pool_web_servers;
    struct fcgi_options options = {w->listen_fd, cfg->limits_request, peers->v,
                                   peers->n,     w->place.board,      w->place.seat};
    struct turns turns = {NULL, 0};
    struct fcgi *f;

    TRY(fcgi_open(&options, &f));
    enum err e = w->lone ? jobs_open(cfg, &turns.jobs) : ERR_OK;
    if (e == ERR_OK)
        e = serve_all(w, app, f, &turns, open);
    if (w->lone)
        socket_let_go(w->listen_fd);
    fcgi_close(&f);
    jobs_close(&turns.jobs);
    return e == ERR_SHUTDOWN ? ERR_OK : e;
}

static enum err housekeeper_loop(const struct worker *w, struct app *app, const sigset_t *open)
{
    struct turns turns = {NULL, 0};

    TRY(jobs_open(w->cfg, &turns.jobs));
    while (!process_stop) {
        jobs_between(&turns, app);
        int64_t wait = jobs_wait(&turns);
        process_wait(open, wait < 0 ? CLOCK_HOUR : wait);
        process_reopen();
    }
    jobs_close(&turns.jobs);
    return ERR_OK;
}

typedef enum err (*loop_fn)(const struct worker *w, struct app *app, const sigset_t *open);

static int run(const struct worker *w, loop_fn loop)
{
    struct app app;
    sigset_t open;

    log_name(w->name);
    process_stop = 0;
    if (w->lone || loop == housekeeper_loop)
        process_keep_low_unless_mail(w->cfg);
    else
        process_keep_low();
    if (w->low && (errno = 0, nice(NICE_BY) == -1 && errno))
        log_warn("the priority stays as it is: %s", strerror(errno));
    enum err e = process_signals(w->lone ? HUP_STOPS : HUP_IGNORED, &open);
    if (e == ERR_OK)
        e = app_open(w->cfg, w->keys, &w->place, &app);
    if (e != ERR_OK) {
        log_error("cannot start: %s", err_row(e)->text);
        return EXIT_FAILURE;
    }
    app.strict = w->lone;
    app.unproven = w->unproven;
    e = loop(w, &app, &open);
    if (e != ERR_OK)
        log_error("cannot go on: %s", err_row(e)->text);
    app_close(&app);
    return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int worker_run(const struct worker *w)
{
    return run(w, worker_loop);
}

int housekeeper_run(const struct worker *w)
{
    return run(w, housekeeper_loop);
}
