/* S54: of many who try at once exactly as many come through as a limit has room for, by account and by address, and
 * nobody fails. */
#include "race_case.h"

#include "auth/throttle.h"

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
    {"limit: one bucket", test_limit_counters},
    {"limit: one account", test_limit_account},
    {"limit: one address", test_limit_address},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "races of limits on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
