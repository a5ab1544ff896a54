/* What the programs of races share: processes that do something at once, and the count of how it ended for each. Each
 * process has its own connection; all wait on one pipe, so that they start together. */
#ifndef TESTS_RACE_CASE_H
#define TESTS_RACE_CASE_H

#include "store_case.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 30
#define MOST 8

/* What one process does; `who` is its number. */
typedef enum err (*racer)(struct world *w, struct db *db, int who);

static inline void child(struct world *w, racer run, int who, const int ready[2], const int go[2])
{
    struct db *db = NULL;
    char byte = 0;

    close(ready[0]);
    close(go[1]);
    w->db = NULL; /* the parent's: a connection does not survive fork */
    if (db_open(w->cfg, NULL, &db) != ERR_OK || write(ready[1], &byte, 1) != 1)
        _exit(255);
    close(ready[1]); /* who fails before is missed by the parent only once nobody else holds this end */
    if (read(go[0], &byte, 1) != 0)
        _exit(255);
    enum err e = run(w, db, who);
    db_close(&db);
    _exit((int)e);
}

/* Runs n racers at once, racer i as run[i]; counts the outcomes. */
static inline void race(struct world *w, size_t n, const racer *run, int counts[ERR_COUNT])
{
    int ready[2], go[2], status;
    char byte;

    memset(counts, 0, ERR_COUNT * sizeof(int));
    db_close(&w->db);
    CU_ASSERT(pipe(ready) == 0 && pipe(go) == 0);
    fflush(NULL);
    for (size_t i = 0; i < n; i++) {
        if (fork() == 0)
            child(w, run[i], (int)i, ready, go);
    }
    close(ready[1]);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    close(go[0]);
    close(go[1]); /* all see the end of the pipe at once */
    close(ready[0]);
    for (size_t i = 0; i < n; i++) {
        bool ended = wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) < ERR_COUNT;
        CU_ASSERT(ended);
        if (ended)
            counts[WEXITSTATUS(status)]++;
    }
    w->db = world_connect(w);
}

static inline void race_all(struct world *w, size_t n, racer run, int counts[ERR_COUNT])
{
    racer all[MOST];

    for (size_t i = 0; i < n; i++)
        all[i] = run;
    race(w, n, all, counts);
}

#endif
