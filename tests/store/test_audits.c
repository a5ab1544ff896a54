/* The store contract, audit log, reasons and the tables that are swept: on every driver named by STORE_DRIVER, with
 * look-alike keys, NULLs, guards, and many rows of the same time. */
#include "store_case.h"

#include "auth/journal.h"

#include <string.h>

#define AGENT "\xf0\x9f\xa6\x8a Fox' \"; -- \xe2\x80\xa8 \\ %\n\x1b[2J"

/* --- events ------------------------------------------------------------------------------------------------------ */

static struct audit *page(struct world *w, const char *user, int64_t since, int64_t after, int64_t limit, size_t want)
{
    struct audit *v = NULL;
    size_t n = 99;

    OK(audits_page(w->db, w->arena, user, since, after, limit, &v, &n));
    CU_ASSERT_EQUAL_FATAL(n, want);
    return v;
}

static void note(struct world *w, const char *user, const char *email, int64_t at)
{
    OK(audits_add(w->db, &(struct audit){.at = at,
                                         .event = "sign-in",
                                         .user_id = user,
                                         .email = email,
                                         .actor = "user",
                                         .ip = "192.0.2.1",
                                         .agent = "Fox",
                                         .request = "r"}));
}

static void test_round_trip(void)
{
    struct world w;

    world_open(&w);
    char *agent = arena_alloc(w.arena, 8193);
    memset(agent, 'a', 8192);
    OK(audits_add(w.db, &(struct audit){.at = T0 + 1,
                                        .event = "sign-in",
                                        .user_id = "u1",
                                        .session_id = "s1",
                                        .actor = "administrator Zo\xc3\xab",
                                        .reason = "why",
                                        .email = "u1@example.org",
                                        .ip = "2001:db8::1",
                                        .agent = AGENT,
                                        .request = "AbCdEf012345"}));
    OK(audits_add(w.db, &(struct audit){.at = T0, .event = "configured", .actor = "system"}));
    OK(audits_add(w.db, &(struct audit){.at = T0, .event = "sign-in", .actor = "", .user_id = "", .agent = agent}));
    struct audit *v = page(&w, NULL, 0, 0, 10, 3);
    CU_ASSERT(v[0].id > 0 && v[1].id > v[0].id && v[2].id > v[1].id);
    CU_ASSERT_EQUAL(v[0].at, T0 + 1);
    SAME(v[0].event, "sign-in");
    SAME(v[0].user_id, "u1");
    SAME(v[0].session_id, "s1");
    SAME(v[0].actor, "administrator Zo\xc3\xab");
    SAME(v[0].reason, "why");
    SAME(v[0].email, "u1@example.org");
    SAME(v[0].ip, "2001:db8::1");
    SAME(v[0].agent, AGENT);
    SAME(v[0].request, "AbCdEf012345");
    SAME(v[1].actor, "system");
    CU_ASSERT(!v[1].user_id && !v[1].session_id && !v[1].reason && !v[1].email && !v[1].ip && !v[1].agent &&
              !v[1].request);
    SAME(v[2].user_id, "");
    SAME(v[2].agent, agent);
    world_close(&w);
}

static void test_pages(void)
{
    struct world w;

    world_open(&w);
    page(&w, NULL, 0, 0, 10, 0);
    for (int i = 0; i < 7; i++)
        note(&w, i % 2 ? "u1" : "u2", NULL, T0 - i); /* told in the order of being written, whatever the clock said */
    struct audit *v = page(&w, NULL, 0, 0, 4, 4);
    CU_ASSERT_EQUAL(v[0].at, T0);
    CU_ASSERT_EQUAL(page(&w, NULL, 0, v[3].id, 4, 3)[0].at, T0 - 4);
    CU_ASSERT_EQUAL(page(&w, "u1", 0, 0, 2, 2)[0].at, T0 - 1);
    CU_ASSERT_EQUAL(page(&w, "u1", 0, v[1].id, 4, 2)[0].at, T0 - 3);
    CU_ASSERT_EQUAL(page(&w, NULL, T0 - 2, 0, 9, 3)[2].at, T0 - 2); /* since includes the instant */
    CU_ASSERT_EQUAL(page(&w, "u1", T0 - 2, 0, 9, 1)[0].at, T0 - 1);
    page(&w, NULL, T0 + 1, 0, 9, 0);
    page(&w, "U1", 0, 0, 9, 0);
    page(&w, "u1 ", 0, 0, 9, 0);
    page(&w, "", 0, 0, 9, 0);
    world_close(&w);
}

static void test_of_sessions(void)
{
    const struct audit e = {.at = T0,
                            .event = "session-ended",
                            .user_id = "u1",
                            .actor = "user",
                            .reason = "revoked",
                            .ip = "192.0.2.1",
                            .agent = AGENT,
                            .request = "r",
                            .email = "not this"};
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    OK(audits_add_sessions(w.db, &e, NULL));
    page(&w, NULL, 0, 0, 9, 0);
    add(&w, "u1", "a", T0 + 1);
    add(&w, "u1", "b", T0 - 1);
    add(&w, "u1", "c", T0 + 1);
    add(&w, "u2", "d", T0 + 1);
    OK(audits_add_sessions(w.db, &e, "b"));
    struct audit *v = page(&w, "u1", 0, 0, 9, 2);
    CU_ASSERT(strcmp(v[0].session_id, v[1].session_id) != 0 && strchr("ac", *v[0].session_id) &&
              strchr("ac", *v[1].session_id));
    for (int i = 0; i < 2; i++) {
        SAME(v[i].event, "session-ended");
        SAME(v[i].reason, "revoked");
        SAME(v[i].actor, "user");
        SAME(v[i].ip, "192.0.2.1");
        SAME(v[i].agent, AGENT);
        SAME(v[i].request, "r");
        CU_ASSERT_PTR_NULL(v[i].email);
    }
    OK(audits_add_sessions(w.db, &e, "d")); /* another's id keeps nothing */
    page(&w, NULL, 0, 0, 9, 5);
    world_close(&w);
}

static void test_forget(void)
{
    struct world w;

    world_open(&w);
    note(&w, "u1", NULL, T0);
    note(&w, NULL, "u1@example.org", T0 + 1);
    note(&w, "u2", NULL, T0 + 2);
    note(&w, NULL, "U1@example.org", T0 + 3);
    note(&w, NULL, NULL, T0 + 4);
    OK(audits_forget(w.db, "u1", "u1@example.org"));
    struct audit *v = page(&w, NULL, 0, 0, 9, 5);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(v[i].at, T0 + i);
        SAME(v[i].event, "sign-in"); /* what happened, and who of the service did it, stays */
        SAME(v[i].actor, "user");
        CU_ASSERT((i < 2) == !v[i].ip && (i < 2) == !v[i].agent);
    }
    SAME(v[0].user_id, "erased");
    SAME(v[1].user_id, "erased");
    CU_ASSERT_PTR_NULL(v[1].email);
    SAME(v[2].user_id, "u2");
    SAME(v[3].email, "U1@example.org");
    page(&w, "u1", 0, 0, 9, 0);
    world_close(&w);
}

/* --- why sessions ended ------------------------------------------------------------------------------------------ */

static const char *why(struct world *w, const char *hash, int64_t now)
{
    const char *word = "untouched";
    enum err e = ended_find(w->db, w->arena, hash, now, &word);

    CU_ASSERT(e == ERR_OK || e == ERR_NONE);
    return e == ERR_OK ? word : strcmp(word, "untouched") == 0 ? "none" : "written";
}

static void test_ended_one(void)
{
    const struct ended revoked = {"revoked", T0 + 100}, later = {"signed-out", T0 + 100};
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1);
    SAME(why(&w, "a-hash", T0), "none");
    OK(ended_add_own(w.db, "a", "u2", T0, &revoked)); /* another's */
    OK(ended_add_own(w.db, "A", "u1", T0, &revoked));
    OK(ended_add_own(w.db, "a", "u1", T0 + 1, &revoked)); /* expired by then */
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_ended"), 0);
    OK(ended_add_own(w.db, "a", "u1", T0, &revoked));
    CU_ASSERT(there(&w, "a")); /* it only notes */
    SAME(why(&w, "a-hash", T0), "revoked");
    SAME(why(&w, "a-hash", T0 + 99), "revoked");
    SAME(why(&w, "a-hash", T0 + 100), "none");
    SAME(why(&w, "A-hash", T0), "none");
    SAME(why(&w, "a-hash ", T0), "none");
    SAME(why(&w, "", T0), "none");
    OK(ended_add_own(w.db, "a", "u1", T0, &later)); /* of a backup that was restored */
    SAME(why(&w, "a-hash", T0), "signed-out");
    world_close(&w);
}

static void test_ended_many(void)
{
    const struct ended first = {"revoked", T0 + 100}, second = {"administrator", T0 + 100};
    struct world w;

    world_open(&w);
    for (int u = 1; u <= 2; u++) {
        world_user(&w, u);
        for (int i = 0; i < 3; i++)
            add(&w, arena_printf(w.arena, "u%d", u), arena_printf(w.arena, "u%ds%d", u, i), T0 + i);
    }
    OK(ended_add_user(w.db, "u1", "u1s1", &first));
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_ended"), 2);
    SAME(why(&w, "u1s0-hash", T0), "revoked");
    SAME(why(&w, "u1s1-hash", T0), "none");
    OK(ended_add_user(w.db, "u1", NULL, &first));
    SAME(why(&w, "u1s1-hash", T0), "revoked");
    SAME(why(&w, "u2s0-hash", T0), "none");
    OK(ended_add_everybody(w.db, &second));
    CU_ASSERT_EQUAL(rows_in(&w, "latchkey_ended"), 2 + 3 + 6);
    SAME(why(&w, "u1s0-hash", T0), "administrator");
    SAME(why(&w, "u2s2-hash", T0), "administrator");
    CU_ASSERT_EQUAL(rows_all(&w), 6);
    world_close(&w);
}

/* --- what the journal makes of them --------------------------------------------------------------------------------
 */

static void journal_world(struct world *w, struct auth *au)
{
    world_open(w);
    w->cfg->audit_file = "/nonexistent"; /* notes are kept for it; nobody writes them here */
    *au = (struct auth){.cfg = w->cfg, .db = w->db, .arena = w->arena, .now = T0};
    world_user(w, 1);
    for (int i = 0; i < 3; i++)
        add(w, "u1", arena_printf(w->arena, "s%d", i), T0 + 1);
}

static void test_journal(void)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct world w;
    struct auth au;
    int64_t n = -1;

    journal_world(&w, &au);
    OK(act_begin(&au, &tx));
    OK(ending_user(&au, "u1", "s2", WHY_REVOKED, &n));
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT(au.notes.n == 2 && au.notes.done == 0); /* not before it is sure */
    auto_db_tx(&tx);
    CU_ASSERT(rows_all(&w) == 3 && rows_in(&w, "latchkey_audit") == 0 && rows_in(&w, "latchkey_ended") == 0);
    OK(act_begin(&au, &tx));
    CU_ASSERT_EQUAL(au.notes.n, 0);
    OK(ending_user(&au, "u1", "s2", WHY_REVOKED, NULL));
    OK(act_commit(&au, &tx));
    CU_ASSERT(au.notes.n == 2 && au.notes.done == 2);
    CU_ASSERT(rows_all(&w) == 1 && rows_in(&w, "latchkey_audit") == 2 && rows_in(&w, "latchkey_ended") == 2);
    journal_note(&au, EV_REQUEST_REFUSED, &(struct audit){.reason = "INVALID_ORIGIN"}); /* to the streams only */
    CU_ASSERT(au.notes.done == 3 && rows_in(&w, "latchkey_audit") == 2);
    SAME(au.notes.v[2].reason, "INVALID_ORIGIN");
    SAME(au.notes.v[0].event, "session-ended"); /* what was kept before the list grew */
    world_close(&w);
}

static void test_journal_switched_off(void)
{
    struct world w;
    struct auth au;

    journal_world(&w, &au);
    w.cfg->audit_store = false;
    w.cfg->audit_file = "";
    w.cfg->audit_reason_kept = 0;
    OK(ending_own(&au, "s0", "u1", T0, WHY_REVOKED));
    OK(ending_user(&au, "u1", NULL, WHY_REVOKED, NULL));
    CU_ASSERT(rows_all(&w) == 0 && rows_in(&w, "latchkey_audit") == 0 && rows_in(&w, "latchkey_ended") == 0);
    CU_ASSERT(au.notes.n == 0 && au.notes.v == NULL);
    world_close(&w);
}

/* Whatever was typed as an e-mail address, there is a row of it. */
static void test_journal_long_email(void)
{
    struct world w;
    struct auth au;

    journal_world(&w, &au);
    char *email = arena_alloc(w.arena, 8193);
    for (int i = 0; i < 8192; i++)
        email[i] = "\xc3\xa9"[i % 2];
    journal_note(&au, EV_SIGN_IN_REFUSED, &(struct audit){.email = email, .reason = "unknown-user"});
    struct audit *v = page(&w, NULL, 0, 0, 9, 1);
    CU_ASSERT_EQUAL(strlen(v[0].email), 254);
    CU_ASSERT_NSTRING_EQUAL(v[0].email, email, 254);
    SAME(au.notes.v[0].email, v[0].email);
    world_close(&w);
}

/* --- sweeping ------------------------------------------------------------------------------------------------------
 */

/* 23 expired rows, ten of them at the same instant, in batches of 5; the living stay. */
static void sweep_one(struct world *w, enum sweep which)
{
    const char *table = swept_tables[which];
    int64_t n = -1;

    for (int i = 0; i < 23; i++)
        OK(swept_add(w, which, arena_printf(w->arena, "d%02d", (i * 7) % 23), i < 10 ? T0 - 500 : T0 - i));
    OK(swept_add(w, which, "edge", T0)); /* expires now: dead */
    OK(swept_add(w, which, "live", T0 + 1));
    for (int left = 25; left > 5; left -= 5) {
        OK(sweep_table(w->db, w->arena, which, &(int64_t){0}, T0, 5, &n));
        CU_ASSERT_EQUAL(n, 5);
        CU_ASSERT_EQUAL(rows_in(w, table), left - 5);
    }
    OK(sweep_table(w->db, w->arena, which, &(int64_t){0}, T0, 5, &n));
    CU_ASSERT_EQUAL(n, 4);
    OK(sweep_table(w->db, w->arena, which, &(int64_t){0}, T0, 5, &n));
    CU_ASSERT_EQUAL(n, 0);
    CU_ASSERT_EQUAL(rows_in(w, table), 1);
    OK(sweep_table(w->db, w->arena, which, &(int64_t){0}, T0 + 1, 0, &n));
    CU_ASSERT_EQUAL(n, 1);
}

static void test_sweep_each(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "s", T0 + CLOCK_DAY);
    for (enum sweep which = 0; which < SWEEPS; which++) {
        for (enum sweep other = 0; other < SWEEPS; other++)
            if (other != which)
                OK(swept_add(&w, other, "another", T0 - CLOCK_DAY));
        sweep_one(&w, which);
        for (enum sweep other = 0; other < SWEEPS; other++) {
            CU_ASSERT_EQUAL(rows_in(&w, swept_tables[other]), other != which);
            OK(db_script(w.db, arena_printf(w.arena, "DELETE FROM %s", swept_tables[other])));
        }
    }
    CU_ASSERT(there(&w, "s"));
    world_close(&w);
}

/* The longest expired go first, whatever their keys are. */
static void test_sweep_order(void)
{
    struct world w;
    struct audit *v;
    int64_t n;

    world_open(&w);
    note(&w, "u1", NULL, T0 - 1);
    note(&w, "u2", NULL, T0 - 9);
    note(&w, "u3", NULL, T0 - 5);
    OK(sweep_table(w.db, w.arena, SWEEP_OF_AUDITS, &(int64_t){0}, T0, 2, &n));
    v = page(&w, NULL, 0, 0, 9, 1);
    SAME(v[0].user_id, "u1");
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"audit round trip", test_round_trip},
    {"audit pages", test_pages},
    {"audit of a user's sessions", test_of_sessions},
    {"audit forget", test_forget},
    {"ended: one", test_ended_one},
    {"ended: many", test_ended_many},
    {"journal: rows and notes with what they tell of", test_journal},
    {"journal: switched off", test_journal_switched_off},
    {"journal: an e-mail address as long as one likes", test_journal_long_email},
    {"sweep each table", test_sweep_each},
    {"sweep order of the small tables", test_sweep_order},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "audit log on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
