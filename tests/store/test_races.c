/* Two processes, one row: of those who race exactly one wins, and no order of events leaves a session that should be
 * gone. Each process has its own connection; all wait on one pipe, so that they start together. */
#include "suite.h"
#include "world.h"
#include "auth/journal.h"
#include "auth/throttle.h"
#include "base/auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 30
#define MOST 8
#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

/* What one process does; `who` is its number. */
typedef enum err (*racer)(struct world *w, struct db *db, int who);

static void child(struct world *w, racer run, int who, const int ready[2], const int go[2])
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
static void race(struct world *w, size_t n, const racer *run, int counts[ERR_COUNT])
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

static void race_all(struct world *w, size_t n, racer run, int counts[ERR_COUNT])
{
    racer all[MOST];

    for (size_t i = 0; i < n; i++)
        all[i] = run;
    race(w, n, all, counts);
}

static int64_t rows(struct world *w)
{
    int64_t all = -1, live = -1;

    OK(sessions_count(w->db, w->arena, T0, &all, &live));
    return all;
}

static void one_session(struct world *w)
{
    int64_t n;

    OK(sessions_end_everybody(w->db, &n));
    struct session s = world_session(w, "u1", "s1");
    OK(world_add(w->db, &s, "h1", "hash"));
    struct ticket t = {.id = "reset:u1", .identifier = "r:1", .value = "u1:state"};
    OK(tickets_put(w->db, &t, T0 + 1000, T0));
}

/* --- one of several wins ----------------------------------------------------------------------------------------- */

static enum err run_end_own(struct world *w, struct db *db, int who)
{
    (void)w;
    (void)who;
    return sessions_end_own(db, "s1", "u1", T0);
}

static enum err run_slide(struct world *w, struct db *db, int who)
{
    struct session s = world_session(w, "u1", "s1");

    s.expires_at = T0 + 8 * CLOCK_DAY + who;
    return sessions_slide(db, &s, T0 + 7 * CLOCK_DAY);
}

static enum err run_seen(struct world *w, struct db *db, int who)
{
    struct session s = world_session(w, "u1", "s1");

    s.last_seen_at = T0 + 1000 + who;
    return sessions_seen(db, &s, T0);
}

static enum err run_rehash(struct world *w, struct db *db, int who)
{
    return accounts_rehash(db, "u1", "hash", arena_printf(w->arena, "hash%d", who), T0);
}

static enum err run_spend(struct world *w, struct db *db, int who)
{
    struct ticket t = {.id = "reset:u1", .identifier = "r:1"};

    (void)w;
    (void)who;
    return tickets_spend(db, &t, T0);
}

static enum err run_sign_up(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u = {arena_printf(w->arena, "id%d", who), "n", "same@example.org", false, NULL, T0, T0};

    TRY(db_begin(db, &tx));
    TRY(users_add(db, &u));
    TRY(users_lock(db, u.id));
    TRY(accounts_add(db, u.id, "hash", T0));
    return db_commit(&tx);
}

static void one_wins(racer run, enum err lost, int rounds)
{
    struct world w;
    int counts[ERR_COUNT];

    for (int i = 0; i < rounds; i++) {
        size_t n = i % 3 == 0 ? MOST : 2;
        world_open(&w);
        world_user(&w, 1);
        one_session(&w);
        race_all(&w, n, run, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], 1);
        CU_ASSERT_EQUAL(counts[lost], (int)n - 1);
        world_close(&w);
    }
}

static void test_end_own(void)
{
    one_wins(run_end_own, ERR_NONE, ROUNDS);
}

/* S21: exactly one UPDATE at an edge, and nobody fails */
static void test_slide(void)
{
    one_wins(run_slide, ERR_NONE, ROUNDS);
}

static void test_seen(void)
{
    one_wins(run_seen, ERR_NONE, ROUNDS / 3);
}

static void test_rehash(void)
{
    one_wins(run_rehash, ERR_NONE, ROUNDS / 3);
}

static void test_spend(void)
{
    one_wins(run_spend, ERR_NONE, ROUNDS / 3);
}

static void test_sign_up(void)
{
    one_wins(run_sign_up, ERR_DB_DUPLICATE, ROUNDS / 3);
}

/* --- orders of events -------------------------------------------------------------------------------------------- */

static enum err run_end_all(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;

    (void)w;
    (void)who;
    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(accounts_set(db, "u1", "changed", T0));
    TRY(sessions_end_user(db, "u1", NULL, NULL));
    return db_commit(&tx);
}

static enum err run_disable(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;

    (void)w;
    (void)who;
    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(users_disable(db, "u1", T0));
    TRY(sessions_end_user(db, "u1", NULL, NULL));
    return db_commit(&tx);
}

static enum err run_delete(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;

    (void)w;
    (void)who;
    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(users_delete(db, "u1"));
    return db_commit(&tx);
}

static enum err run_sign_in(struct world *w, struct db *db, int who)
{
    struct session s = world_session(w, "u1", arena_printf(w->arena, "new%d", who));

    return world_add(db, &s, s.id, "hash");
}

/* Whoever comes first: afterwards there is no session that was opened with what is no longer valid. */
static void sign_in_against(racer what)
{
    static int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS; i++) {
        racer both[] = {i % 2 ? what : run_sign_in, i % 2 ? run_sign_in : what, run_sign_in};
        world_open(&w);
        world_user(&w, 1);
        one_session(&w);
        race(&w, 3, both, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK] + counts[ERR_NONE], 3);
        CU_ASSERT(counts[ERR_OK] >= 1);
        CU_ASSERT_EQUAL(rows(&w), 0);
        world_close(&w);
    }
}

static void test_sign_in_password_change(void)
{
    sign_in_against(run_end_all);
}

/* Of two users' own changes one wins, and its session is the only one. */
static enum err run_change(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct session s = world_session(w, "u1", "s1"), next = world_session(w, "u1", "next");

    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(accounts_rehash(db, "u1", "hash", arena_printf(w->arena, "changed%d", who), T0));
    TRY(sessions_there(db, w->arena, &s, T0));
    TRY(sessions_end_user(db, "u1", NULL, NULL));
    TRY(sessions_add(db, &next, "next", arena_printf(w->arena, "changed%d", who)));
    return db_commit(&tx);
}

static void test_sign_in_own_change(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS; i++) {
        racer racers[] = {i % 2 ? run_change : run_sign_in, i % 2 ? run_sign_in : run_change, run_change, run_sign_in};
        struct session s;
        struct user u;
        world_open(&w);
        world_user(&w, 1);
        one_session(&w);
        race(&w, 4, racers, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK] + counts[ERR_NONE], 4);
        CU_ASSERT(counts[ERR_NONE] >= 1); /* one change of two */
        CU_ASSERT_EQUAL(rows(&w), 1);
        OK(sessions_find(w.db, w.arena, "next", &s, &u));
        world_close(&w);
    }
}

static void test_sign_in_disable(void)
{
    sign_in_against(run_disable);
}

static void test_sign_in_delete(void)
{
    sign_in_against(run_delete);
}

/* S26: what slides does not bring back what ended */
static void test_slide_against_end(void)
{
    racer both[] = {run_slide, run_end_own};
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS; i++) {
        world_open(&w);
        world_user(&w, 1);
        one_session(&w);
        race(&w, 2, both, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK] + counts[ERR_NONE], 2);
        CU_ASSERT_EQUAL(rows(&w), 0);
        world_close(&w);
    }
}

/* The ceiling is counted under the lock: eight sign-ins at once leave three sessions. */
static enum err run_ceiling(struct world *w, struct db *db, int who)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct session s = world_session(w, "u1", arena_printf(w->arena, "new%d", who));
    struct auth au = {.cfg = w->cfg, .db = db, .arena = w->arena, .now = T0};
    int64_t live;

    TRY(db_begin(db, &tx));
    TRY(users_lock(db, "u1"));
    TRY(sessions_count_live(db, w->arena, "u1", T0, &live));
    if (live >= 3)
        TRY(ending_oldest(&au, "u1", T0, live - 2));
    TRY(sessions_add(db, &s, s.id, "hash"));
    return db_commit(&tx);
}

static void test_ceiling(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS / 3; i++) {
        world_open(&w);
        world_user(&w, 1);
        one_session(&w);
        race_all(&w, MOST, run_ceiling, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], MOST);
        CU_ASSERT_EQUAL(rows(&w), 3);
        world_close(&w);
    }
}

/* The lock's row itself may be made by several at once. */
static enum err run_first_lock(struct world *w, struct db *db, int who)
{
    (void)w;
    (void)who;
    return users_lock(db, "new"); /* without a transaction: the statements of two may alternate */
}

static void test_first_lock(void)
{
    int counts[ERR_COUNT];
    struct world w;

    for (int i = 0; i < ROUNDS / 3; i++) {
        world_open(&w);
        race_all(&w, MOST, run_first_lock, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], MOST);
        world_close(&w);
    }
}

/* --- limits ----------------------------------------------------------------------------------------------------------
 */

#define ROOM 3

/* As the program does it: an address with room for three, an account with three before its pause, one of the two off.
 */
static enum err run_try(struct world *w, struct db *db, bool by_account)
{
    struct cfg cfg = *w->cfg;

    cfg.limits_sign_in = by_account ? (struct cfg_rate){0, 0} : (struct cfg_rate){ROOM, CLOCK_HOUR};
    cfg.limits_total = (struct cfg_rate){0, 0};
    cfg.limits_account = by_account ? ROOM : 0;
    cfg.limits_account_wait = CLOCK_HOUR;
    struct auth au = {
        .cfg = &cfg, .db = db, .arena = w->arena, .now = T0, .trying = TRYING_SIGN_IN, .by.ip = "192.0.2.1"};
    return throttle_take(&au, "u1", NULL);
}

static enum err run_try_account(struct world *w, struct db *db, int who)
{
    (void)who;
    return run_try(w, db, true);
}

static enum err run_try_address(struct world *w, struct db *db, int who)
{
    (void)who;
    return run_try(w, db, false);
}

/* The counters by themselves, each statement for itself: read, decide, write guarded by what was read. */
static enum err run_count(struct world *w, struct db *db, int who)
{
    struct limit was, is;
    enum err e;

    (void)who;
    do {
        TRY(limits_get(db, w->arena, "bucket", &was));
        is = was;
        is.subject = "x";
        is.tries++;
        is.free_at = is.expires_at = T0 + is.tries;
        if (was.tries == ROOM)
            return ERR_LIMITED;
        e = limits_set(db, &was, &is);
    } while (e == ERR_NONE);
    return e;
}

/* Eight count in the same bucket at once: exactly as many as there is room for, and nobody fails. */
static void room_for_three(racer run, const char *name)
{
    int counts[ERR_COUNT];
    struct world w;
    struct limit l;

    for (int i = 0; i < ROUNDS / 2; i++) {
        world_open(&w);
        world_user(&w, 1);
        race_all(&w, MOST, run, counts);
        CU_ASSERT_EQUAL(counts[ERR_OK], ROOM);
        CU_ASSERT_EQUAL(counts[ERR_LIMITED], MOST - ROOM);
        OK(limits_get(w.db, w.arena, name, &l));
        CU_ASSERT_EQUAL(l.tries, ROOM);
        world_close(&w);
    }
}

static void test_limit_counters(void)
{
    room_for_three(run_count, "bucket");
}

static void test_limit_account(void)
{
    room_for_three(run_try_account, "sign-in account:u1");
}

static void test_limit_address(void)
{
    room_for_three(run_try_address, "sign-in address:192.0.2.1");
}

static CU_TestInfo tests[] = {
    {"end own", test_end_own},
    {"slide", test_slide},
    {"seen", test_seen},
    {"rehash", test_rehash},
    {"one-time token", test_spend},
    {"sign-up", test_sign_up},
    {"sign-in against password change", test_sign_in_password_change},
    {"sign-in against two own password changes", test_sign_in_own_change},
    {"sign-in against disable", test_sign_in_disable},
    {"sign-in against delete", test_sign_in_delete},
    {"slide against end", test_slide_against_end},
    {"ceiling", test_ceiling},
    {"first lock", test_first_lock},
    {"limit: one bucket", test_limit_counters},
    {"limit: one account", test_limit_account},
    {"limit: one address", test_limit_address},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "races on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
