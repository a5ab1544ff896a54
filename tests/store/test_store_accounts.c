/* The store contract, accounts: on every driver named by STORE_DRIVER, with users who have none, or several. */
#include "store_case.h"

#include <string.h>

static void test_account_find(void)
{
    struct world w;
    struct credential c;
    struct user u = {"x", "n", "x@example.org", true, NULL, T0, T0};

    world_open(&w);
    world_user(&w, 1);
    OK(users_add(w.db, &u));
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    SAME(c.user.id, "u1");
    SAME(c.password, "hash");
    OK(accounts_find(w.db, w.arena, "x@example.org", &c)); /* neither account nor row of ours */
    CU_ASSERT_PTR_NULL(c.password);
    CU_ASSERT_FALSE(c.disabled);
    CU_ASSERT(c.user.email_verified);
    NONE(accounts_find(w.db, w.arena, "nobody@example.org", &c));
    NONE(accounts_find(w.db, w.arena, "' OR '1'='1", &c));
    world_close(&w);
}

static void test_account_rehash(void)
{
    struct world w;
    struct credential c;

    world_open(&w);
    world_user(&w, 1);
    NONE(accounts_rehash(w.db, "u1", "Hash", "new", T0));
    NONE(accounts_rehash(w.db, "u2", "hash", "new", T0));
    OK(accounts_rehash(w.db, "u1", "hash", "new", T0));
    NONE(accounts_rehash(w.db, "u1", "hash", "newer", T0));
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    SAME(c.password, "new");
    world_close(&w);
}

static void test_account_set(void)
{
    struct world w;
    struct credential c;
    struct user u = {"x", "n", "x@example.org", true, NULL, T0, T0};

    world_open(&w);
    world_user(&w, 1);
    OK(users_add(w.db, &u));
    OK(accounts_set(w.db, "u1", "second", T0 + 1));
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    SAME(c.password, "second");
    OK(accounts_set(w.db, "x", "first", T0)); /* adds it */
    OK(accounts_find(w.db, w.arena, "x@example.org", &c));
    SAME(c.password, "first");
    OK(accounts_set(w.db, "x", "again", T0));
    OK(accounts_find(w.db, w.arena, "x@example.org", &c));
    SAME(c.password, "again");
    int64_t n = 0;
    OK(db_exec(w.db, ST_ACCOUNT_DELETE_ALL, &n, DB_TEXT("x")));
    CU_ASSERT_EQUAL(n, 1);
    world_close(&w);
}

static void test_account_of(void)
{
    struct world w;
    struct credential c;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    OK(users_disable(w.db, "u2", T0));
    OK(accounts_of(w.db, w.arena, "u1", &c));
    SAME(c.user.id, "u1");
    SAME(c.user.email, "u1@example.org");
    SAME(c.password, "hash");
    CU_ASSERT_FALSE(c.disabled);
    OK(accounts_of(w.db, w.arena, "u2", &c));
    SAME(c.user.id, "u2");
    CU_ASSERT(c.disabled);
    NONE(accounts_of(w.db, w.arena, "U1", &c));
    NONE(accounts_of(w.db, w.arena, "u1 ", &c));
    NONE(accounts_of(w.db, w.arena, "u1@example.org", &c));
    NONE(accounts_of(w.db, w.arena, "", &c));
    OK(db_exec(w.db, ST_ACCOUNT_DELETE_ALL, NULL, DB_TEXT("u1")));
    OK(accounts_of(w.db, w.arena, "u1", &c)); /* a user without a password is one nevertheless */
    SAME(c.user.id, "u1");
    CU_ASSERT_PTR_NULL(c.password);
    OK(db_exec(w.db, ST_LOCK_DELETE, NULL, DB_TEXT("u2"))); /* nor does one without a row of ours count as disabled */
    OK(accounts_of(w.db, w.arena, "u2", &c));
    CU_ASSERT_FALSE(c.disabled);
    world_close(&w);
}

static void add_account(struct world *w, const char *id, const char *provider, const char *user, const char *scope,
                        int64_t created)
{
    OK(db_exec(w->db, ST_ACCOUNT_ADD, NULL, DB_TEXT(id), DB_TEXT(id), DB_TEXT(provider), DB_TEXT(user), DB_TEXT(NULL),
               DB_TIME(created), DB_TIME(created + 1)));
    if (scope)
        OK(db_script(w->db, arena_printf(w->arena, "UPDATE account SET scope = '%s' WHERE id = '%s'", scope, id)));
}

static void test_account_list(void)
{
    struct world w;
    struct account *list;
    size_t n = 9;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    OK(accounts_list(w.db, w.arena, "u3", &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(accounts_list(w.db, w.arena, "u2", &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    SAME(list[0].account_id, "u2");
    SAME(list[0].provider, "credential");
    SAME(list[0].user_id, "u2");
    CU_ASSERT_PTR_NULL(list[0].scope);
    CU_ASSERT(list[0].created_at == T0 && list[0].updated_at == T0);
    CU_ASSERT_EQUAL(strlen(list[0].id), RNG_ID_LEN);
    add_account(&w, "b", "github", "u1", "repo,user", T0 + 5);
    add_account(&w, "a", "google", "u1", "", T0 + 5);
    add_account(&w, "c", "gitlab", "u1", NULL, T0 - 5);
    add_account(&w, "d", "gitlab", "u2", NULL, T0 - 9);
    OK(accounts_list(w.db, w.arena, "u1", &list, &n));
    CU_ASSERT_EQUAL_FATAL(n, 4);
    SAME(list[0].id, "c");
    SAME(list[1].provider, "credential");
    SAME(list[2].id, "a");
    SAME(list[2].scope, "");
    SAME(list[3].id, "b");
    SAME(list[3].scope, "repo,user");
    SAME(list[3].provider, "github");
    CU_ASSERT(list[3].created_at == T0 + 5 && list[3].updated_at == T0 + 6);
    OK(accounts_list(w.db, w.arena, "U1", &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"account find", test_account_find}, {"account rehash", test_account_rehash}, {"account set", test_account_set},
    {"account of", test_account_of},     {"account list", test_account_list},     CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store accounts on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
