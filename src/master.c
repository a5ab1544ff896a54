/* The master: keeps a pool, renews it when asked to, ends it. It never talks to the database and never sees a request. */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct master {
    struct sockets *sockets;
    reread_fn reread;
    void *arg;
    sigset_t open;
    struct pool *pool; /* NULL: none yet */
    pid_t preparing;   /* who looks at schema and secrets; 0: nobody */
    bool prepared;     /* and found them right */
    struct pool **old; /* those whose processes are still finishing what they have in hand */
    size_t n_old;
};

/* --- children ------------------------------------------------------------------------------------------------------ */

static void reap(struct master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        bool mine = pid == m->preparing || (m->pool && pool_ended(m->pool, pid, status));
        if (pid == m->preparing) {
            m->preparing = 0;
            m->prepared = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
        }
        for (size_t i = 0; i < m->n_old && !mine; i++)
            mine = pool_ended(m->old[i], pid, status);
    }
}

/* Those that are gone are forgotten; returns how long the rest may be left alone. */
static int64_t tend_old(struct master *m)
{
    int64_t wait = INT64_MAX;
    size_t kept = 0;

    for (size_t i = 0; i < m->n_old; i++) {
        int64_t w = pool_tend(m->old[i]);
        if (pool_living(m->old[i]) == 0) {
            pool_close(&m->old[i]);
            continue;
        }
        wait = w < wait ? w : wait;
        m->old[kept++] = m->old[i];
    }
    m->n_old = kept;
    return wait;
}

static void reopen(const struct master *m)
{
    if (m->pool)
        pool_signal(m->pool, SIGUSR1);
    for (size_t i = 0; i < m->n_old; i++)
        pool_signal(m->old[i], SIGUSR1);
}

static void tend(struct master *m)
{
    reap(m);
    int64_t wait = m->pool ? pool_tend(m->pool) : CLOCK_SECOND, wait_old = tend_old(m);
    process_wait(&m->open, wait < wait_old ? wait : wait_old);
    if (process_reopen())
        reopen(m);
}

/* While schema and secrets are looked at, which takes as long as the store does, everything else goes on. */
static enum err prepare(struct master *m, const struct cfg *cfg, const struct keys *keys)
{
    pid_t pid = prepare_start(cfg, keys);

    if (pid < 0)
        return ERR_IO;
    m->preparing = pid;
    m->prepared = false;
    for (reap(m); m->preparing != 0; tend(m), reap(m))
        if (process_stop)
            kill(pid, SIGKILL);
    return process_stop ? ERR_SHUTDOWN : m->prepared ? ERR_OK : ERR_CONFIG;
}

/* --- a new configuration ------------------------------------------------------------------------------------------- */

/* What was decided when the sockets were made, or before. */
static void warn_kept(const struct cfg *was, const struct cfg *is)
{
    if (strcmp(was->pool_user, is->pool_user) != 0 || strcmp(was->pool_socket_group, is->pool_socket_group) != 0 ||
        was->pool_backlog != is->pool_backlog)
        log_warn("pool.user counts from the next start on, pool.socket_group and pool.backlog for sockets made anew");
}

/* The old pool takes no further request before the new one takes its first: a cookie that the new secrets sign must not be
 * looked at with the old ones. Requests that come in between wait in the socket for some milliseconds. */
static enum err renew(struct master *m)
{
    struct pool **old = realloc(m->old, (m->n_old + 1) * sizeof *old);
    struct sockets sockets;
    struct cfg *cfg = NULL;
    struct keys *keys = NULL;
    struct pool *pool;

    if (!old)
        return ERR_NO_MEMORY;
    m->old = old;
    TRY(m->reread(m->arg, &cfg, &keys));
    enum err e = prepare(m, cfg, keys);
    if (e == ERR_OK)
        e = sockets_renew(cfg, m->sockets, &sockets);
    if (e == ERR_OK && (e = pool_open_take(cfg, keys, &sockets, &pool)) != ERR_OK)
        sockets_close(&sockets, m->sockets);
    if (e != ERR_OK) {
        keys_close(&keys);
        config_free(&cfg);
        return e;
    }
    warn_kept(pool_cfg(m->pool), cfg);
    pool_leave(m->pool);
    pool_tend(pool);
    m->old[m->n_old++] = m->pool;
    m->pool = pool;
    pool_retire_sockets(m->old[m->n_old - 1], &sockets);
    *m->sockets = sockets;
    return ERR_OK;
}

static void say_ready(const struct master *m, const char *how)
{
    const struct cfg *cfg = pool_cfg(m->pool);
    char where[256];

    sockets_text(m->sockets, where, sizeof where);
    log_info("%s: %zu workers on %s for %s%s", how, pool_workers(m->pool), where, cfg->origin, cfg->auth_base_path);
}

static void reload(struct master *m)
{
    char state[64];
    int64_t us = clock_steady() * 1000;

    if (snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)us) > 0)
        process_notify(state);
    const struct cfg *now = pool_cfg(m->pool);
    enum err e = renew(m);
    if (e == ERR_SHUTDOWN)
        return;
    if (e == ERR_OK) {
        say_ready(m, "configuration read anew");
    } else {
        /* the new log may have been opened already */
        if (log_open(now->log_file, now->log_level) != ERR_OK)
            log_warn("the log could not be opened again");
        log_error("the new configuration is not usable; the old one stays");
    }
    process_notify("READY=1");
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static void drain(struct master *m)
{
    pool_leave(m->pool);
    while (reap(m), pool_living(m->pool) + m->n_old > 0)
        tend(m);
}

/* The first pool. Asked to stop meanwhile is no failure. */
static enum err begin(struct master *m, struct cfg *cfg, struct keys *keys)
{
    enum err e = process_signals(HUP_RELOADS, &m->open);

    if (e == ERR_OK)
        e = prepare(m, cfg, keys);
    if (e == ERR_OK)
        e = pool_open_take(cfg, keys, m->sockets, &m->pool);
    if (e != ERR_OK) {
        if (e != ERR_SHUTDOWN)
            log_error("cannot start");
        keys_close(&keys);
        config_free(&cfg);
        return e;
    }
    pool_tend(m->pool);
    say_ready(m, "ready");
    process_notify("READY=1");
    return ERR_OK;
}

int master_run(struct cfg *cfg, struct keys *keys, struct sockets *sockets, reread_fn reread, void *arg)
{
    struct master m = {.sockets = sockets, .reread = reread, .arg = arg};

    enum err e = begin(&m, cfg, keys);
    if (e != ERR_OK)
        return e == ERR_SHUTDOWN ? EXIT_SUCCESS : EXIT_FAILURE;
    while (!process_stop) {
        tend(&m);
        if (!process_stop && process_reload())
            reload(&m);
    }
    log_info("stopping");
    process_notify("STOPPING=1");
    drain(&m);
    pool_close(&m.pool);
    free(m.old);
    return EXIT_SUCCESS;
}
