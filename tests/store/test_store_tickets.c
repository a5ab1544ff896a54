/* The store contract, one-time tokens: on every driver named by STORE_DRIVER, with look-alike keys. */
#include "store_case.h"

static struct ticket ticket(const char *id, const char *identifier)
{
    return (struct ticket){.id = id, .identifier = identifier, .value = "u1:state"};
}

static void put_ticket(struct world *w, const struct ticket *t, int64_t expires)
{
    AUTO(db_tx) struct db *tx = NULL;

    OK(db_begin(w->db, &tx));
    OK(tickets_put(w->db, t, expires, T0));
    OK(db_commit(&tx));
}

static void test_ticket_find(void)
{
    struct world w;
    struct ticket t = ticket("reset:u1", "reset-password:abcdef"), got = {.id = NULL};

    world_open(&w);
    NONE(tickets_find(w.db, w.arena, t.identifier, T0, &got));
    put_ticket(&w, &t, T0 + 1000);
    OK(tickets_find(w.db, w.arena, t.identifier, T0 + 999, &got));
    SAME(got.id, t.id);
    SAME(got.identifier, t.identifier);
    SAME(got.value, t.value);
    NONE(tickets_find(w.db, w.arena, t.identifier, T0 + 1000, &got)); /* at its end it is none */
    NONE(tickets_find(w.db, w.arena, t.identifier, T0 + 1001, &got));
    NONE(tickets_find(w.db, w.arena, "reset-password:ABCDEF", T0, &got));
    NONE(tickets_find(w.db, w.arena, "reset-password:abcdef ", T0, &got));
    NONE(tickets_find(w.db, w.arena, "abcdef", T0, &got));
    NONE(tickets_find(w.db, w.arena, "reset:u1", T0, &got));
    NONE(tickets_find(w.db, w.arena, "", T0, &got));
    world_close(&w);
}

/* The newest takes the place of the one before it, of that user and purpose alone. */
static void test_ticket_put(void)
{
    struct world w;
    struct ticket one = ticket("reset:u1", "r:1"), two = ticket("reset:u1", "r:2"), other = ticket("reset:u2", "r:3"),
                  got;

    world_open(&w);
    put_ticket(&w, &one, T0 + 1000);
    put_ticket(&w, &other, T0 + 1000);
    put_ticket(&w, &two, T0 + 2000);
    NONE(tickets_find(w.db, w.arena, "r:1", T0, &got));
    OK(tickets_find(w.db, w.arena, "r:2", T0 + 1500, &got));
    OK(tickets_find(w.db, w.arena, "r:3", T0, &got));
    NONE(tickets_spend(w.db, &one, T0));
    put_ticket(&w, &two, T0 + 3000); /* the same again */
    OK(tickets_find(w.db, w.arena, "r:2", T0 + 2500, &got));
    world_close(&w);
}

static void test_ticket_spend(void)
{
    struct world w;
    struct ticket t = ticket("reset:u1", "r:1"), other = ticket("reset:u2", "r:2"), wrong, got;

    world_open(&w);
    put_ticket(&w, &t, T0 + 1000);
    put_ticket(&w, &other, T0 + 1000);
    NONE(tickets_spend(w.db, &t, T0 + 1000));
    wrong = ticket("reset:u2", "r:1");
    NONE(tickets_spend(w.db, &wrong, T0));
    wrong = ticket("reset:u1", "R:1");
    NONE(tickets_spend(w.db, &wrong, T0));
    OK(tickets_find(w.db, w.arena, "r:1", T0, &got));
    OK(tickets_spend(w.db, &got, T0 + 999));
    NONE(tickets_spend(w.db, &got, T0));
    NONE(tickets_find(w.db, w.arena, "r:1", T0, &got));
    OK(tickets_find(w.db, w.arena, "r:2", T0, &got));
    world_close(&w);
}

static void test_ticket_drop(void)
{
    struct world w;
    struct ticket t = ticket("reset:u1", "r:1"), other = ticket("reset:u2", "r:2"), got;

    world_open(&w);
    put_ticket(&w, &t, T0 + 1000);
    put_ticket(&w, &other, T0 + 1000);
    OK(tickets_drop(w.db, "RESET:u1"));
    OK(tickets_find(w.db, w.arena, "r:1", T0, &got));
    OK(tickets_drop(w.db, "reset:u1"));
    NONE(tickets_find(w.db, w.arena, "r:1", T0, &got));
    OK(tickets_drop(w.db, "reset:u1")); /* none is fine */
    OK(tickets_find(w.db, w.arena, "r:2", T0, &got));
    world_close(&w);
}

/* Those below an id, and none that only begins alike. */
static void test_ticket_drop_below(void)
{
    static const char *const ids[] = {"n:u1:a", "n:u1:",   "n:u1:zz", "n:u1",  "n:u1;a",
                                      "n:u1/",  "n:u11:a", "N:u1:a",  "n:u2:a"};
    struct world w;
    struct ticket got;

    world_open(&w);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const struct ticket t = ticket(ids[i], ids[i]);
        put_ticket(&w, &t, T0 + 1000);
    }
    OK(tickets_drop_below(w.db, w.arena, "n:u1"));
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        CU_ASSERT_EQUAL(tickets_find(w.db, w.arena, ids[i], T0, &got), i < 3 ? ERR_NONE : ERR_OK);
    OK(tickets_drop_below(w.db, w.arena, "n:u1"));
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"ticket find", test_ticket_find},
    {"ticket put", test_ticket_put},
    {"ticket spend", test_ticket_spend},
    {"ticket drop", test_ticket_drop},
    {"ticket drop below", test_ticket_drop_below},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store tickets on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
