/* The store contract, keys that sign JWTs: on every driver named by STORE_DRIVER. */
#include "store_case.h"

static struct signing_key key(const char *id, int64_t from, int64_t to)
{
    return (struct signing_key){id, "{\"x\":\"1\"}", "EdDSA", "Ed25519", from, to};
}

static void put(struct world *w, const char *id, int64_t from, int64_t to)
{
    const struct signing_key k = key(id, from, to);
    OK(jwks_add(w->db, &k, arena_printf(w->arena, "sealed %s", id)));
}

/* Ids in the order of the list, each with a blank behind. */
static const char *ids(struct world *w, int64_t since)
{
    struct signing_key *list = NULL;
    const char *text = "";
    size_t n = 0;

    OK(jwks_list(w->db, w->arena, since, &list, &n));
    for (size_t i = 0; i < n; i++)
        text = arena_printf(w->arena, "%s%s ", text, list[i].id);
    return text;
}

static void test_list(void)
{
    struct world w;
    struct signing_key *list;
    size_t n = 9;

    world_open(&w);
    OK(jwks_list(w.db, w.arena, T0, &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    put(&w, "later", T0 + 2, 0);
    put(&w, "b", T0, T0 + 10);
    put(&w, "a", T0, T0 + 20);
    SAME(ids(&w, T0), "a b later ");
    SAME(ids(&w, T0 + 9), "a b later ");
    SAME(ids(&w, T0 + 10), "a later "); /* at its end it is one no more */
    SAME(ids(&w, T0 + 99), "later ");
    OK(jwks_list(w.db, w.arena, T0, &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 3);
    SAME(list[0].public_key, "{\"x\":\"1\"}");
    SAME(list[0].alg, "EdDSA");
    SAME(list[0].crv, "Ed25519");
    CU_ASSERT_EQUAL(list[0].created_at, T0);
    CU_ASSERT_EQUAL(list[0].expires_at, T0 + 20);
    CU_ASSERT_EQUAL(list[2].expires_at, 0);
    world_close(&w);
}

static void test_private(void)
{
    const char *sealed = NULL;
    struct world w;

    world_open(&w);
    put(&w, "a", T0, 0);
    OK(jwks_private(w.db, w.arena, "a", &sealed));
    SAME(sealed, "sealed a");
    NONE(jwks_private(w.db, w.arena, "A", &sealed));
    NONE(jwks_private(w.db, w.arena, "a ", &sealed));
    NONE(jwks_private(w.db, w.arena, "", &sealed));
    const struct signing_key again = key("a", T0, 0);
    CU_ASSERT_EQUAL(jwks_add(w.db, &again, "other"), ERR_DB_DUPLICATE);
    world_close(&w);
}

static void test_expire(void)
{
    struct signing_key *list;
    struct world w;
    size_t n;

    world_open(&w);
    put(&w, "a", T0, 0);
    put(&w, "b", T0 + 1, 0);
    OK(jwks_expire(w.db, "a", T0 + 50));
    OK(jwks_expire(w.db, "a", T0 + 99)); /* the end it has stays */
    OK(jwks_expire(w.db, "nobody", T0));
    OK(jwks_list(w.db, w.arena, 0, &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_EQUAL(list[0].expires_at, T0 + 50);
    CU_ASSERT_EQUAL(list[1].expires_at, 0);
    world_close(&w);
}

static void test_reseal(void)
{
    const char *sealed = NULL;
    struct world w;

    world_open(&w);
    put(&w, "a", T0, 0);
    put(&w, "b", T0, 0);
    NONE(jwks_reseal(w.db, "a", "Sealed a", "anew"));
    NONE(jwks_reseal(w.db, "a", "sealed b", "anew"));
    OK(jwks_reseal(w.db, "a", "sealed a", "anew"));
    NONE(jwks_reseal(w.db, "a", "sealed a", "once more"));
    OK(jwks_private(w.db, w.arena, "a", &sealed));
    SAME(sealed, "anew");
    OK(jwks_private(w.db, w.arena, "b", &sealed));
    SAME(sealed, "sealed b");
    world_close(&w);
}

static void test_delete(void)
{
    struct world w;

    world_open(&w);
    put(&w, "a", T0, 0);
    put(&w, "b", T0, 0);
    NONE(jwks_delete(w.db, "B"));
    OK(jwks_delete(w.db, "b"));
    NONE(jwks_delete(w.db, "b"));
    SAME(ids(&w, 0), "a ");
    world_close(&w);
}

/* Taken on two connections one after the other, first where nobody has made its row yet. */
static void test_lock(void)
{
    struct world w;

    world_open(&w);
    struct db *other = world_connect(&w), *both[] = {w.db, other, w.db};
    for (size_t i = 0; i < 3; i++) {
        AUTO(db_tx) struct db *tx = NULL;
        OK(db_begin(both[i], &tx));
        OK(jwks_lock(both[i]));
        OK(jwks_lock(both[i]));
        OK(db_commit(&tx));
    }
    db_close(&other);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"keys of JWTs: list", test_list},
    {"keys of JWTs: private half", test_private},
    {"keys of JWTs: an end", test_expire},
    {"keys of JWTs: sealed anew", test_reseal},
    {"keys of JWTs: delete", test_delete},
    {"keys of JWTs: lock", test_lock},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store jwks on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
