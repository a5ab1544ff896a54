/* Two processes, one row: of those who race exactly one wins, and no order of events leaves a session that should be
 * gone. */
#include "race_case.h"

#include "auth/journal.h"

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
        CU_ASSERT_EQUAL(rows_all(&w), 0);
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
        CU_ASSERT_EQUAL(rows_all(&w), 1);
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
        CU_ASSERT_EQUAL(rows_all(&w), 0);
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
        CU_ASSERT_EQUAL(rows_all(&w), 3);
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
