/* The store contract, users, accounts, sweeping and meta: on every driver named by STORE_DRIVER, with look-alike keys,
 * foreign deletions, and secrets that were rotated. */
#include "store_case.h"
#include "base/auto.h"
#include "crypto/keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- users ------------------------------------------------------------------------------------------------------- */

static void test_user_round_trip(void)
{
    struct world w;
    struct user in = {"id1",   "Zo\xc3\xab \xf0\x9f\x94\x91", "zoe@example.org", true, "https://x/y.png", T0 + 1,
                      T0 + 999},
                u;

    world_open(&w);
    OK(users_add(w.db, &in));
    OK(users_by_id(w.db, w.arena, "id1", &u));
    SAME(u.id, "id1");
    SAME(u.name, in.name);
    SAME(u.email, in.email);
    SAME(u.image, in.image);
    CU_ASSERT(u.email_verified);
    CU_ASSERT_EQUAL(u.created_at, T0 + 1);
    CU_ASSERT_EQUAL(u.updated_at, T0 + 999);
    in = (struct user){"id2", "", "b@example.org", false, NULL, T0, T0};
    OK(users_add(w.db, &in));
    OK(users_by_email(w.db, w.arena, "b@example.org", &u));
    SAME(u.id, "id2");
    SAME(u.name, "");
    CU_ASSERT_PTR_NULL(u.image);
    CU_ASSERT_FALSE(u.email_verified);
    world_close(&w);
}

static void test_user_keys_exact(void)
{
    struct world w;
    struct user u = {.id = NULL};

    world_open(&w);
    world_user(&w, 1);
    NONE(users_by_id(w.db, w.arena, "U1", &u));
    NONE(users_by_id(w.db, w.arena, "u1 ", &u));
    NONE(users_by_id(w.db, w.arena, "", &u));
    NONE(users_by_email(w.db, w.arena, "U1@example.org", &u));
    NONE(users_by_email(w.db, w.arena, "u1@example.org ", &u));
    NONE(users_by_email(w.db, w.arena,
                        "\xc3\xbc"
                        "1@example.org",
                        &u)); /* ü is not u */
    CU_ASSERT_PTR_NULL(u.id);
    world_close(&w);
}

static void test_user_duplicate(void)
{
    struct world w;
    struct user u = {"other", "n", "u1@example.org", false, NULL, T0, T0};
    int64_t n = -1;

    world_open(&w);
    world_user(&w, 1);
    CU_ASSERT_EQUAL(users_add(w.db, &u), ERR_DB_DUPLICATE);
    u.id = "u1";
    u.email = "new@example.org";
    CU_ASSERT_EQUAL(users_add(w.db, &u), ERR_DB_DUPLICATE);
    OK(users_count(w.db, w.arena, &n));
    CU_ASSERT_EQUAL(n, 1);
    world_close(&w);
}

static void test_user_page(void)
{
    struct world w;
    struct user_summary *list;
    size_t n;

    world_open(&w);
    OK(users_page(w.db, w.arena, "", 10, &list, &n));
    CU_ASSERT_EQUAL(n, 0);
    for (int i = 1; i <= 5; i++)
        world_user(&w, i);
    add(&w, "u2", "s1", T0 + 1);
    add(&w, "u2", "s2", T0 - 1);
    OK(users_disable(w.db, "u3", T0 + 7));
    OK(users_page(w.db, w.arena, "", 3, &list, &n));
    CU_ASSERT_EQUAL(n, 3);
    SAME(list[0].user.id, "u1");
    CU_ASSERT_EQUAL(list[1].sessions, 2);
    CU_ASSERT_FALSE(list[1].disabled);
    CU_ASSERT(list[2].disabled);
    CU_ASSERT_EQUAL(list[2].disabled_at, T0 + 7);
    OK(users_page(w.db, w.arena, "u3", 3, &list, &n));
    CU_ASSERT_EQUAL(n, 2);
    SAME(list[0].user.id, "u4");
    SAME(list[1].user.email, "u5@example.org");
    world_close(&w);
}

static void test_user_delete(void)
{
    struct world w;
    struct credential c;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "a", T0 + 1);
    add(&w, "u2", "b", T0 + 1);
    OK(users_delete(w.db, "u1"));
    NONE(users_delete(w.db, "u1"));
    NONE(users_by_id(w.db, w.arena, "u1", &u));
    NONE(accounts_find(w.db, w.arena, "u1@example.org", &c));
    CU_ASSERT_FALSE(there(&w, "a"));
    CU_ASSERT(there(&w, "b"));
    world_user(&w, 1); /* nothing is left in the way */
    world_close(&w);
}

/* Somebody deletes the user in SQL: foreign keys take sessions and accounts along. */
static void test_user_cascade(void)
{
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "a", T0 + 1);
    OK(db_exec(w.db, ST_USER_DELETE, NULL, DB_TEXT("u1")));
    CU_ASSERT_FALSE(there(&w, "a"));
    CU_ASSERT_EQUAL(rows_all(&w), 0);
    int64_t gone = -1;
    OK(db_exec(w.db, ST_ACCOUNT_DELETE_ALL, &gone, DB_TEXT("u1")));
    CU_ASSERT_EQUAL(gone, 0);
    CU_ASSERT_EQUAL(accounts_add(w.db, "u1", "hash", T0), ERR_DB);
    world_close(&w);
}

static void test_user_disable(void)
{
    struct world w;
    struct credential c;

    world_open(&w);
    world_user(&w, 1);
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    CU_ASSERT_FALSE(c.disabled);
    NONE(users_enable(w.db, "u1"));
    OK(users_disable(w.db, "u1", T0));
    NONE(users_disable(w.db, "u1", T0 + 1));
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    CU_ASSERT(c.disabled);
    OK(users_lock(w.db, "u1")); /* the lock leaves the state alone */
    OK(users_enable(w.db, "u1"));
    OK(accounts_find(w.db, w.arena, "u1@example.org", &c));
    CU_ASSERT_FALSE(c.disabled);
    world_close(&w);
}

static void test_lock_repeats(void)
{
    struct world w;
    struct user u = {"x", "n", "x@example.org", false, NULL, T0, T0};

    world_open(&w);
    OK(users_add(w.db, &u));
    OK(users_lock(w.db, "x")); /* makes the row */
    OK(users_lock(w.db, "x"));
    OK(users_disable(w.db, "x", T0));
    world_close(&w);
}

/* --- accounts ---------------------------------------------------------------------------------------------------- */

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

/* --- sweeping ------------------------------------------------------------------------------------------------------
 */

/* 23 expired rows, ten of them at the same instant, in batches of 5; the living stay. */
static void test_sweep(void)
{
    struct world w;
    int64_t n = -1, total = 0;
    int rounds = 0;

    world_open(&w);
    world_user(&w, 1);
    for (int i = 0; i < 23; i++)
        add(&w, "u1", arena_printf(w.arena, "d%02d", (i * 7) % 23), i < 10 ? T0 - 500 : T0 - i);
    add(&w, "u1", "edge", T0); /* expires now: dead */
    add(&w, "u1", "live", T0 + 1);
    OK(sessions_sweep(w.db, w.arena, T0, 5, &n));
    CU_ASSERT_EQUAL(n, 5);
    CU_ASSERT(there(&w, "d22")); /* i = 13, not among the longest expired */
    for (total = n; n > 0 && rounds < 100; rounds++) {
        OK(sessions_sweep(w.db, w.arena, T0, 5, &n));
        CU_ASSERT(n <= 5);
        total += n;
    }
    CU_ASSERT_EQUAL(total, 24);
    CU_ASSERT_EQUAL(rounds, 5);
    CU_ASSERT_EQUAL(rows_all(&w), 1);
    CU_ASSERT(there(&w, "live"));
    OK(sessions_sweep(w.db, w.arena, T0 + 1, 0, &n));
    CU_ASSERT_EQUAL(n, 1);
    world_close(&w);
}

/* The longest expired go first, whatever their ids are. */
static void test_sweep_order(void)
{
    struct world w;
    int64_t n;

    world_open(&w);
    world_user(&w, 1);
    add(&w, "u1", "a", T0 - 1);
    add(&w, "u1", "z", T0 - 9);
    add(&w, "u1", "m", T0 - 5);
    OK(sessions_sweep(w.db, w.arena, T0, 2, &n));
    CU_ASSERT_EQUAL(n, 2);
    CU_ASSERT(there(&w, "a"));
    CU_ASSERT_FALSE(there(&w, "z"));
    world_close(&w);
}

/* --- meta -------------------------------------------------------------------------------------------------------- */

static struct keys *keys_of(struct world *w, const char *name, const char *text)
{
    const char *path = arena_printf(w->arena, "%s/%s", w->dir, name);
    AUTO(file) FILE *f = fopen(path, "we");
    struct keys *k = NULL;

    fchmod(fileno(f), 0600);
    fputs(text, f);
    fflush(f);
    OK(keys_open(path, &k));
    unlink(path);
    return k;
}

#define SECRET(c) "0123456789012345678901234567890123456789" c "\n"

static void test_meta_secret(void)
{
    struct world w;

    world_open(&w);
    struct keys *one = keys_of(&w, "k1", SECRET("A")), *other = keys_of(&w, "k2", SECRET("B"));
    struct keys *rotated = keys_of(&w, "k3", SECRET("C") SECRET("A"));
    OK(meta_knows_secret(w.db, w.arena, other)); /* knows none yet, and learns none */
    OK(meta_check_secret(w.db, w.arena, one));   /* writes */
    CU_ASSERT_EQUAL(meta_knows_secret(w.db, w.arena, other), ERR_SECRET);
    OK(meta_knows_secret(w.db, w.arena, rotated)); /* does not move it */
    OK(meta_check_secret(w.db, w.arena, one));
    CU_ASSERT_EQUAL(meta_check_secret(w.db, w.arena, other), ERR_SECRET);
    OK(meta_check_secret(w.db, w.arena, rotated)); /* moves it to the newest */
    OK(meta_check_secret(w.db, w.arena, rotated));
    CU_ASSERT_EQUAL(meta_check_secret(w.db, w.arena, one), ERR_SECRET);
    keys_close(&one);
    keys_close(&other);
    keys_close(&rotated);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"user round trip", test_user_round_trip},
    {"user keys are exact", test_user_keys_exact},
    {"user duplicate", test_user_duplicate},
    {"user page", test_user_page},
    {"user delete", test_user_delete},
    {"user cascade", test_user_cascade},
    {"user disable", test_user_disable},
    {"lock repeats", test_lock_repeats},
    {"account find", test_account_find},
    {"account rehash", test_account_rehash},
    {"account set", test_account_set},
    {"meta secret", test_meta_secret},
    {"sweep", test_sweep},
    {"sweep order", test_sweep_order},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
