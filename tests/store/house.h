/* What the programs that test housekeeping share: moved clocks, the log as a file, and "houses": a house is one who keeps
 * house, a host of its own or one more process of the same. To be included once in a program. */
#ifndef TESTS_STORE_HOUSE_H
#define TESTS_STORE_HOUSE_H

#include "store_case.h"

#include "app/jobs.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EVERY CLOCK_MINUTE
#define LEASE (3 * EVERY)

static int64_t now = T0, steady_ahead;
static char log_path[] = "/tmp/latchkey-jobs-XXXXXX";

int64_t clock_now(void)
{
    return now;
}

int64_t clock_steady(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + steady_ahead;
}

/* How often text stands in the log. */
static inline int logged(const char *text)
{
    FILE *f = fopen(log_path, "r");
    char line[512];
    int n = 0;

    CU_ASSERT_FATAL(f != NULL);
    while (fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

static inline void log_empty(void)
{
    CU_ASSERT_EQUAL(truncate(log_path, 0), 0);
}

/* --- houses ------------------------------------------------------------------------------------------------------ */

struct house {
    struct cfg *cfg;
    struct app app;
    struct jobs *jobs;
};

/* host: name of its state directory. */
static inline void house_open(const struct world *w, const char *host, const char *settings, struct house *h)
{
    char state[128], text[512];

    snprintf(state, sizeof state, "%s/%s", w->dir, host);
    mkdir(state, 0700);
    snprintf(text, sizeof text, "[pool]\nstate = %s\n[jobs]\n%s", state, settings);
    memset(h, 0, sizeof *h);
    h->cfg = world_config(w, text);
    h->app.cfg = h->cfg;
    OK(arena_open(&h->app.arena, 4096));
    OK(jobs_open(h->cfg, &h->jobs));
    CU_ASSERT_PTR_NOT_NULL_FATAL(h->jobs);
}

static inline void house_close(struct house *h)
{
    jobs_close(&h->jobs);
    CU_ASSERT_PTR_NULL(h->jobs);
    db_close(&h->app.db);
    arena_close(&h->app.arena);
    config_free(&h->cfg);
}

static inline void host_drop(const struct world *w, const char *host)
{
    char path[192];

    snprintf(path, sizeof path, "%s/%s/jobs.lock", w->dir, host);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", w->dir, host);
    rmdir(path);
}

/* The time of its next turn has come. */
static inline void house_wait(struct house *h)
{
    steady_ahead += jobs_due(h->jobs);
    CU_ASSERT_EQUAL(jobs_due(h->jobs), 0);
}

static inline void house_turn(struct house *h)
{
    house_wait(h);
    jobs_turn(h->jobs, &h->app);
}

static inline void run_all(struct house *h, bool mine, int64_t swept)
{
    int64_t n = -1;
    bool got = !mine;

    OK(jobs_run_all(h->jobs, &h->app, NULL, NULL, &n, &got));
    CU_ASSERT_EQUAL(got, mine);
    CU_ASSERT_EQUAL(n, swept);
}

/* n sessions in one transaction, of which many expire at the same time; the last one at `last`. */
static inline void rows_add(struct world *w, const char *tag, int n, int64_t last)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct session s = world_session(w, "u1", "");
    char id[48], hash[64];

    OK(db_begin(w->db, &tx));
    for (int i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%s%d", tag, i);
        snprintf(hash, sizeof hash, "%s-hash", id);
        s.id = id;
        s.expires_at = last - i % 3;
        if (sessions_add(tx, &s, hash, "hash") != ERR_OK)
            CU_FAIL("session");
    }
    OK(db_commit(&tx));
}

static inline void setup(struct world *w)
{
    world_open(w);
    world_user(w, 1);
    now = T0;
    log_empty();
}

static inline const char *lease_row(struct world *w)
{
    struct db_rows rows;

    OK(db_query(w->db, ST_META_GET, w->arena, &rows, DB_TEXT("jobs")));
    return rows.n ? db_row(&rows, 0)->s : "";
}

/* Runs `run` for each driver, with the log in a file. */
static inline int houses_main(int (*run)(const char *driver))
{
    int fd = mkstemp(log_path);

    if (fd < 0 || close(fd) != 0 || log_open(log_path, LVL_INFO) != ERR_OK)
        return 2;
    int bad = world_each_driver(run);
    unlink(log_path);
    return bad == 0 ? 0 : 1;
}

#endif
