/* Housekeeping. Two locks decide who does it: a byte of jobs.lock for the processes of a host, which costs nothing to
 * ask for, then the lease in the database for the hosts. What is deleted has expired anyway, so that two at work do no
 * harm: the locks save work. Must not make a request wait longer than one small batch takes. */
#include "app/jobs.h"

#include "app/mailer.h"
#include "auth/jwt.h"
#include "base/fs.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_NAME "jobs.lock"

enum {
    LEASE_MIN_MS = 60 * 1000,
    LEASE_MAX_MS = 600 * 1000, /* one that was killed is not waited for longer */
    STORE_MS = 5000,           /* what is begun later in a turn is not begun */
    AGAIN_MS = 30 * 1000,      /* after a failure, or while another does it */
    SOON_MS = 2000,            /* after a clash with somebody's statement */
    CLOSE_MS = 1000,
    SPREAD = 10, /* percent */
};

struct jobs {
    const struct cfg *cfg;
    struct app *app; /* of the last turn; NULL: none yet */
    int fd;
    bool locked, leased;
    struct lease lease;
    int64_t due;       /* clock_steady */
    int64_t clock_due; /* of the next look at the database's clock */
    int64_t swept;     /* in the round that is under way */
    int64_t from;      /* where it goes on in sessions, */
    int64_t tables_from[SWEEPS]; /* and in the other tables */
    struct mailer mailer;
};

enum err jobs_open(const struct cfg *cfg, struct jobs **out)
{
    struct jobs *j = calloc(1, sizeof *j);

    if (!j) {
        log_error("out of memory: housekeeping");
        return ERR_NO_MEMORY;
    }
    int64_t length = 3 * cfg->jobs_every;
    j->cfg = cfg;
    j->lease.length = length < LEASE_MIN_MS ? LEASE_MIN_MS : length > LEASE_MAX_MS ? LEASE_MAX_MS : length;
    j->due = j->clock_due = j->mailer.due = j->mailer.peek = clock_steady();
    enum err e = rng_id(j->lease.holder);
    if (e == ERR_OK)
        e = fs_lock_open(cfg->pool_state, LOCK_NAME, &j->fd);
    if (e == ERR_OK)
        *out = j;
    else
        free(j);
    return e;
}

/* Best effort: a lease that is not given back ends by itself. */
static void lease_return(struct jobs *j)
{
    struct app *app = j->app;

    if (!j->leased || !app->db)
        return;
    db_until(app->db, clock_steady() + CLOSE_MS);
    db_hurry(app->db);
    enum err e = lease_give(app->db, app->arena, &j->lease);
    db_hurry_end(app->db);
    app_forget_store(app, e);
    arena_reset(app->arena);
}

void jobs_close(struct jobs **j)
{
    if (!j || !*j)
        return;
    mailer_close(&(*j)->mailer);
    lease_return(*j);
    close((*j)->fd);
    free(*j);
    *j = NULL;
}

static int64_t sweep_due(const struct jobs *j)
{
    int64_t left = j->due - clock_steady();

    return left > 0 ? left : 0;
}

int64_t jobs_due(const struct jobs *j)
{
    if (j->cfg->jobs_every == 0)
        return -1;
    int64_t swept = sweep_due(j), mail = mailer_due(&j->mailer, j->cfg);
    return mail >= 0 && mail < swept ? mail : swept;
}

/* By the time of the lock file, which processes that share nothing else share. Without opening it: to close it would
 * drop the locks that this process holds on it. */
void jobs_mail_queued(const struct cfg *cfg)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/" LOCK_NAME, cfg->pool_state);

    if (n > 0 && (size_t)n < sizeof path && utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) != 0)
        log_debug(LOCK_NAME ": %s", strerror(errno));
}

/* --- a batch ----------------------------------------------------------------------------------------------------- */

/* ERR_NONE: another process of this host has it. Once taken it is kept. */
static enum err host_lock(struct jobs *j)
{
    if (j->locked)
        return ERR_OK;
    int res = fs_lock_byte(j->fd, 0, F_WRLCK);
    if (res < 0) {
        log_error(LOCK_NAME ": %s", strerror(errno));
        return ERR_IO;
    }
    j->locked = res == 0;
    return j->locked ? ERR_OK : ERR_NONE;
}

static enum err ready(struct jobs *j, struct app *app)
{
    j->app = app;
    TRY(host_lock(j));
    TRY(app_connect(app));
    int64_t half = app->cfg->limits_request / 2;
    db_until(app->db, clock_steady() + (half < STORE_MS ? half : STORE_MS));
    return ERR_OK;
}

/* What expired by then is deleted. A public key stays for a while, for those who verify tokens of the past. */
static int64_t swept_until(const struct cfg *cfg, enum sweep which, int64_t now)
{
    switch (which) {
    case SWEEP_OF_AUDITS:
        return now - cfg->audit_keep;
    case SWEEP_OF_TICKETS: /* for a while it can be told that a link is too old */
    case SWEEP_OF_MAILS:   /* whoever sends gives them up, and tells */
        return now - CLOCK_DAY;
    case SWEEP_OF_JWKS:
        return now - JWT_PUBLISHED;
    default:
        return now;
    }
}

/* Sessions first: the others only take what is left of the batch. */
static enum err sweep(struct jobs *j, struct app *app, int64_t now, int64_t *n)
{
    int64_t most = j->cfg->jobs_batch, gone = 0, more = 0;

    TRY(sessions_sweep(app->db, app->arena, &j->from, now, most, &gone));
    for (enum sweep which = 0; which < SWEEPS && gone < most; which++) {
        if (which == SWEEP_OF_AUDITS && app->cfg->audit_keep == 0)
            continue;
        TRY(sweep_table(app->db, app->arena, which, &j->tables_from[which], swept_until(app->cfg, which, now),
                        most - gone, &more));
        gone += more;
    }
    *n = gone;
    return ERR_OK;
}

/* ERR_NONE: the lease is another's. */
static enum err batch(struct jobs *j, struct app *app, int64_t *n)
{
    int64_t now = clock_now();
    enum err e = lease_take(app->db, app->arena, &j->lease, now);

    j->leased = e == ERR_OK;
    TRY(e);
    return sweep(j, app, now, n);
}

/* --- between requests -------------------------------------------------------------------------------------------- */

static void clocks_compare(struct jobs *j, struct app *app)
{
    int64_t apart, now = clock_steady();

    if (now < j->clock_due)
        return;
    enum err e = store_clock_apart(app->db, app->arena, &apart);
    app_forget_store(app, e);
    if (e != ERR_OK)
        return;
    j->clock_due = now + CLOCK_HOUR;
    if (apart > STORE_CLOCK_TOLERATED)
        log_warn("this host's clock is %lld s ahead of the store's, the store's that much behind: one of them is wrong",
                 (long long)(apart / CLOCK_SECOND));
    if (apart < -STORE_CLOCK_TOLERATED)
        log_warn("this host's clock is %lld s behind the store's, the store's that much ahead: one of them is wrong",
                 (long long)(-apart / CLOCK_SECOND));
}

static void round_end(struct jobs *j)
{
    if (j->swept > 0)
        log_info("housekeeping: %lld expired rows deleted", (long long)j->swept);
    j->swept = 0;
    j->from = 0;
    memset(j->tables_from, 0, sizeof j->tables_from);
}

/* A tenth more or less, so that hosts started together do not go on together. */
static int64_t spread(int64_t ms)
{
    uint32_t r;
    int64_t width = ms * 2 * SPREAD / 100;

    if (width <= 0 || rng_fill(&r, sizeof r) != ERR_OK)
        return ms;
    return ms - width / 2 + (int64_t)(r % (uint64_t)(width + 1));
}

/* took: ms. Between full batches as long again, so that of ten million rows to sweep those who sign in notice little. */
static int64_t pause_after(const struct jobs *j, enum err e, bool full, int64_t took)
{
    int64_t most = AGAIN_MS;

    if (e == ERR_OK && full)
        return took;
    if (e == ERR_OK)
        return spread(j->cfg->jobs_every);
    if (e == ERR_DB_CONFLICT || e == ERR_DB_BUSY)
        most = SOON_MS;
    return spread(j->cfg->jobs_every < most ? j->cfg->jobs_every : most);
}

/* Others come first: rather leave a batch undone than wait for their locks. */
static enum err turn(struct jobs *j, struct app *app, int64_t *n)
{
    TRY(ready(j, app));
    db_hurry(app->db);
    enum err e = batch(j, app, n);
    db_hurry_end(app->db);
    return e;
}

static void sweep_turn(struct jobs *j, struct app *app)
{
    int64_t n = 0, began = clock_steady();

    enum err e = turn(j, app, &n);
    int64_t took = clock_steady() - began;
    bool full = n >= j->cfg->jobs_batch;
    app_forget_store(app, e);
    j->swept += n;
    if (e == ERR_NONE || (e == ERR_OK && !full))
        round_end(j);
    if (e == ERR_OK && !full)
        clocks_compare(j, app);
    j->due = clock_steady() + pause_after(j, e, full, took);
    arena_reset(app->arena);
}

/* The host's lock is enough: of two hosts that look at the same mail one claims it. */
static void mail_turn(struct jobs *j, struct app *app)
{
    bool look;

    mailer_peek(&j->mailer, j->fd, &look);
    if (!look)
        return;
    j->app = app;
    if (host_lock(j) == ERR_OK)
        mailer_turn(&j->mailer, app);
    else
        j->mailer.due = clock_steady() + AGAIN_MS / 10;
}

void jobs_turn(struct jobs *j, struct app *app)
{
    if (j->cfg->jobs_every == 0)
        return;
    if (mailer_due(&j->mailer, j->cfg) == 0)
        mail_turn(j, app);
    if (sweep_due(j) == 0)
        sweep_turn(j, app);
}

/* --- at once ----------------------------------------------------------------------------------------------------- */

static enum err batch_now(struct jobs *j, struct app *app, int64_t *n)
{
    enum err e = ready(j, app);

    if (e == ERR_OK)
        DB_RETRY(e, batch(j, app, n));
    app_forget_store(app, e);
    arena_reset(app->arena);
    return e;
}

enum err jobs_run_all(struct jobs *j, struct app *app, jobs_progress_fn tell, void *arg, int64_t *swept, bool *mine)
{
    int64_t total = 0, n = 0;
    enum err e;

    do {
        e = batch_now(j, app, &n);
        total += e == ERR_OK ? n : 0;
        if (tell)
            tell(arg, total);
    } while (e == ERR_OK && n > 0);
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    *swept = total;
    *mine = e == ERR_OK;
    return ERR_OK;
}
