/* One-time tokens as policy has them (auth/ticket.h), on every driver: of which purpose, user and state of his each is.
 */
#include "store_case.h"

#include "auth/ticket.h"

#include <string.h>

#define LIFE CLOCK_HOUR
#define LONG_ID "abcdefghijklmnopqrstuvwxyzABCDEF" /* 32 characters, as ids have */

static struct world w;
static struct auth au;

static void begin(void)
{
    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    au = (struct auth){.cfg = w.cfg, .db = w.db, .arena = w.arena, .now = T0};
}

static void end(void)
{
    world_close(&w);
}

static struct credential state_of(const char *user_id)
{
    struct credential c = {.password = NULL};

    OK(accounts_of(w.db, w.arena, user_id, &c));
    return c;
}

/* subject NULL: the user's id. In the arena. */
static const char *offered(enum ticket_kind kind, const char *user_id, const char *subject, const char *extra)
{
    AUTO(db_tx) struct db *tx = NULL;
    char token[RNG_ID_SIZE] = "";
    const struct credential c = state_of(user_id);
    const struct offer o = {kind, &c, subject ? subject : user_id, extra, LIFE};

    OK(db_begin(w.db, &tx));
    OK(ticket_offer(&au, &o, token));
    OK(db_commit(&tx));
    return arena_strdup(w.arena, token);
}

static enum err holds(const struct grant *g)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;

    OK(db_begin(w.db, &tx));
    return ticket_holds(&au, g, &c);
}

static enum err spend(const struct grant *g, struct credential *c)
{
    AUTO(db_tx) struct db *tx = NULL;

    OK(db_begin(w.db, &tx));
    enum err e = ticket_spend(&au, g, c);
    if (e == ERR_OK)
        OK(db_commit(&tx));
    return e;
}

static bool good(enum ticket_kind kind, const char *token)
{
    struct grant g;
    enum err e = ticket_read(&au, kind, token, &g);

    CU_ASSERT(e == ERR_OK || e == ERR_NONE);
    return e == ERR_OK && holds(&g) == ERR_OK;
}

static void sql(const char *text)
{
    OK(db_script(w.db, db_expand(w.arena, w.db->driver, db_prefix(w.db), text)));
}

static void test_read(void)
{
    struct grant g;

    begin();
    const char *token = offered(TICKET_RESET, "u1", NULL, NULL);
    CU_ASSERT(token_wellformed(token));
    OK(ticket_read(&au, TICKET_RESET, token, &g));
    SAME(g.user_id, "u1");
    SAME(g.extra, "");
    CU_ASSERT_EQUAL(g.kind, TICKET_RESET);
    OK(holds(&g));
    for (size_t i = 0; i < 2; i++) /* looking spends nothing */
        CU_ASSERT(good(TICKET_RESET, token));
    NONE(ticket_read(&au, TICKET_RESET, NULL, &g));
    NONE(ticket_read(&au, TICKET_RESET, "", &g));
    NONE(ticket_read(&au, TICKET_RESET, LONG_ID, &g));
    NONE(ticket_read(&au, TICKET_RESET, arena_printf(w.arena, "%sa", token), &g));
    NONE(ticket_read(&au, TICKET_RESET, arena_strndup(w.arena, token, RNG_ID_LEN - 1), &g));
    end();
}

/* A token of one purpose is none of another, whatever they have in common. */
static void test_purposes(void)
{
    const char *token[TICKET_KINDS];

    begin();
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++)
        token[k] = offered(k, "u1", NULL, NULL);
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++)
        for (enum ticket_kind other = 0; other < TICKET_KINDS; other++)
            CU_ASSERT_EQUAL(good(other, token[k]), other == k);
    end();
}

static void test_newer_voids_older(void)
{
    struct credential c;
    struct grant g;

    begin();
    const char *one = offered(TICKET_RESET, "u1", NULL, NULL), *others = offered(TICKET_RESET, "u2", NULL, NULL),
               *verify = offered(TICKET_VERIFY, "u1", NULL, NULL);
    OK(ticket_read(&au, TICKET_RESET, one, &g));
    const char *two = offered(TICKET_RESET, "u1", NULL, NULL);
    CU_ASSERT_FALSE(good(TICKET_RESET, one));
    NONE(spend(&g, &c)); /* who had looked at it before comes too late */
    CU_ASSERT(good(TICKET_RESET, two));
    CU_ASSERT(good(TICKET_RESET, others));
    CU_ASSERT(good(TICKET_VERIFY, verify));
    end();
}

/* Those of different things stand beside each other. */
static void test_of_something(void)
{
    begin();
    const char *a = offered(TICKET_NOT_ME, "u1", ticket_subject(&au, "u1", LONG_ID), LONG_ID),
               *b = offered(TICKET_NOT_ME, "u1", ticket_subject(&au, "u1", "another-session-of-him"), "x"),
               *of_two = offered(TICKET_NOT_ME, "u2", ticket_subject(&au, "u2", LONG_ID), LONG_ID);
    CU_ASSERT(good(TICKET_NOT_ME, a));
    CU_ASSERT(good(TICKET_NOT_ME, b));
    CU_ASSERT(good(TICKET_NOT_ME, of_two));
    offered(TICKET_NOT_ME, "u1", ticket_subject(&au, "u1", LONG_ID), LONG_ID);
    CU_ASSERT_FALSE(good(TICKET_NOT_ME, a));
    CU_ASSERT(good(TICKET_NOT_ME, b));
    end();
}

static void test_expiry(void)
{
    struct credential c;
    struct grant g;

    begin();
    const char *token = offered(TICKET_VERIFY, "u1", NULL, NULL);
    au.now = T0 + LIFE - 1;
    OK(ticket_read(&au, TICKET_VERIFY, token, &g));
    NONE(ticket_expired(&au, TICKET_VERIFY, token));
    au.now = T0 + LIFE;
    NONE(spend(&g, &c)); /* it was looked at in time */
    NONE(ticket_read(&au, TICKET_VERIFY, token, &g));
    OK(ticket_expired(&au, TICKET_VERIFY, token));
    NONE(ticket_expired(&au, TICKET_RESET, token));
    NONE(ticket_expired(&au, TICKET_VERIFY, LONG_ID));
    NONE(ticket_expired(&au, TICKET_VERIFY, NULL));
    end();
}

static void test_spend(void)
{
    struct credential c;
    struct grant g;

    begin();
    const char *token = offered(TICKET_DELETE, "u1", NULL, NULL);
    OK(ticket_read(&au, TICKET_DELETE, token, &g));
    OK(spend(&g, &c));
    SAME(c.user.email, "u1@example.org");
    NONE(spend(&g, &c));
    CU_ASSERT_FALSE(good(TICKET_DELETE, token));
    NONE(ticket_expired(&au, TICKET_DELETE, token));
    end();
}

/* What each kind is bound to. Back as it was, a token is as it was. */
static void test_epochs(void)
{
    static const struct {
        enum ticket_kind kind;
        bool email, password; /* does it outlive a change of it? */
    } rows[] = {
        {TICKET_RESET, false, false}, {TICKET_DELETE, false, false}, {TICKET_CHANGE_EMAIL, false, false},
        {TICKET_VERIFY, false, true}, {TICKET_NOT_ME, true, true},
    };

    CU_ASSERT_EQUAL(sizeof rows / sizeof *rows, TICKET_KINDS);
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum ticket_kind k = rows[i].kind;
        const char *token = offered(k, "u1", NULL, NULL);
        OK(users_set_email(w.db, "u1", "u1@example.org", "new@example.org", T0));
        CU_ASSERT_EQUAL(good(k, token), rows[i].email);
        OK(users_set_email(w.db, "u1", "new@example.org", "u1@example.org", T0));
        OK(accounts_set(w.db, "u1", "another hash", T0));
        CU_ASSERT_EQUAL(good(k, token), rows[i].password);
        OK(accounts_set(w.db, "u1", "hash", T0));
        CU_ASSERT(good(k, token));
        OK(users_update(w.db, "u1", "Another Name", true, "i", T0 + 1));
        CU_ASSERT(good(k, token)); /* of no concern */
    }
    end();
}

/* Nor is it good once he is gone, were its row left. */
static void test_no_user(void)
{
    struct credential c;
    struct grant g;

    begin();
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++) {
        const char *token = offered(k, "u1", NULL, NULL);
        OK(ticket_read(&au, k, token, &g));
        OK(users_delete(w.db, "u1"));
        NONE(holds(&g));
        NONE(spend(&g, &c));
        world_user(&w, 1);
    }
    end();
}

/* Somebody without a password has a state too; one from then is none of the time after. */
static void test_no_password(void)
{
    begin();
    OK(db_exec(w.db, ST_ACCOUNT_DELETE_ALL, NULL, DB_TEXT("u1")));
    const char *token = offered(TICKET_RESET, "u1", NULL, NULL);
    CU_ASSERT(good(TICKET_RESET, token));
    OK(accounts_set(w.db, "u1", "hash", T0));
    CU_ASSERT_FALSE(good(TICKET_RESET, token));
    end();
}

static void test_extra(void)
{
    static const char *const extras[] = {"new@example.org", "a:b", ":", "::x:", "\xc3\xbc", ""};
    struct grant g;

    begin();
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        const char *token = offered(TICKET_CHANGE_EMAIL, "u1", NULL, extras[i]);
        OK(ticket_read(&au, TICKET_CHANGE_EMAIL, token, &g));
        SAME(g.user_id, "u1");
        SAME(g.extra, extras[i]);
        OK(holds(&g));
    }
    end();
}

/* What is written for nobody is good for nobody. */
static void test_nobody(void)
{
    const struct credential nobody = {.password = NULL};
    struct grant g;

    begin();
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++) {
        AUTO(db_tx) struct db *tx = NULL;
        const struct offer o = {k, &nobody, LONG_ID, NULL, LIFE};
        char token[RNG_ID_SIZE];
        OK(db_begin(w.db, &tx));
        OK(ticket_offer(&au, &o, token));
        OK(db_commit(&tx));
        NONE(ticket_read(&au, k, token, &g));
        NONE(ticket_expired(&au, k, token));
    }
    CU_ASSERT_EQUAL(rows_in(&w, "verification"), TICKET_KINDS);
    end();
}

/* The longest ids there are fit into the column, whole: what is cut off would be another's. */
static void test_lengths(void)
{
    static const char uuid[] = "01234567-89ab-cdef-0123-456789abcdef";
    const char *const ids[] = {LONG_ID, uuid};

    begin();
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct user u = {ids[i], "n", arena_printf(w.arena, "long%zu@example.org", i), false, NULL, T0, T0};
        OK(users_add(w.db, &u));
        for (enum ticket_kind k = 0; k < TICKET_KINDS; k++) {
            const char *subject = k == TICKET_NOT_ME ? ticket_subject(&au, ids[i], ids[i]) : ids[i];
            const char *token = offered(k, ids[i], subject, NULL);
            struct grant g;
            OK(ticket_read(&au, k, token, &g));
            CU_ASSERT(strlen(g.row.id) <= 64);
            CU_ASSERT_PTR_NOT_NULL(strstr(g.row.id, subject));
            OK(holds(&g));
        }
    }
    end();
}

/* All of a user's, and of nobody whose id begins or goes on like his. */
static void test_forget(void)
{
    static const char *const near[] = {"u11", "u", "U1", "u1;", "u1 "};
    const char *theirs[sizeof near / sizeof *near], *his[2 * TICKET_KINDS];
    size_t n = 0;

    begin();
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const struct user u = {near[i], "n", arena_printf(w.arena, "near%zu@example.org", i), false, NULL, T0, T0};
        OK(users_add(w.db, &u));
        theirs[i] = offered(TICKET_NOT_ME, near[i], ticket_subject(&au, near[i], LONG_ID), LONG_ID);
        offered(TICKET_RESET, near[i], NULL, NULL);
    }
    int64_t rows = rows_in(&w, "verification");
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++) {
        his[n++] = offered(k, "u1", NULL, NULL);
        his[n++] = offered(k, "u1", ticket_subject(&au, "u1", LONG_ID), LONG_ID);
    }
    OK(ticket_forget(&au, "u1"));
    CU_ASSERT_EQUAL(rows_in(&w, "verification"), rows);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_FALSE(good((enum ticket_kind)(i / 2), his[i]));
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        CU_ASSERT(good(TICKET_NOT_ME, theirs[i]));
    OK(ticket_forget(&au, "u1"));
    end();
}

/* Rows that nobody of us has written are no grants, or of nobody. */
static void test_rubbish(void)
{
    static const char *const none[] = {"", ":", "::", ":x:", ":x:y", "u1", "u1:", "u1:x", "{\"a\":1}"};
    static const char *const nobodys[] = {"u1::", "u1:x:", "u1:::", "nobody:x:", "u1 :x:", "{\"a\":1, \"b\":2}"};
    struct grant g;

    begin();
    const char *token = offered(TICKET_RESET, "u1", NULL, NULL);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        sql(arena_printf(w.arena, "UPDATE @verification SET value = '%s'", none[i]));
        NONE(ticket_read(&au, TICKET_RESET, token, &g));
    }
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++) {
        sql(arena_printf(w.arena, "UPDATE @verification SET value = '%s'", nobodys[i]));
        OK(ticket_read(&au, TICKET_RESET, token, &g));
        NONE(holds(&g));
    }
    end();
}

static CU_TestInfo tests[] = {
    {"token: reading", test_read},
    {"token: of one purpose", test_purposes},
    {"token: a newer one voids the older", test_newer_voids_older},
    {"token: many of different things", test_of_something},
    {"token: expiry", test_expiry},
    {"token: spending", test_spend},
    {"token: what it is bound to", test_epochs},
    {"token: of a user who is gone", test_no_user},
    {"token: of a user without a password", test_no_password},
    {"token: what it carries", test_extra},
    {"token: of nobody", test_nobody},
    {"token: lengths", test_lengths},
    {"token: forgetting", test_forget},
    {"token: rubbish", test_rubbish},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "tokens on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
