/* The store contract, users: on every driver named by STORE_DRIVER, with look-alike keys and foreign deletions. */
#include "store_case.h"

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

static void test_user_update(void)
{
    static const struct {
        const char *name;
        bool set;
        const char *image, *want_name, *want_image;
    } row[] = {
        {"Zo\xc3\xab", false, NULL, "Zo\xc3\xab", NULL},
        {NULL, true, "https://x/1", "Zo\xc3\xab", "https://x/1"},
        {"B", false, "not this", "B", "https://x/1"},
        {"C", true, "", "C", ""},
        {NULL, true, NULL, "C", NULL},
        {"", true, "i", "", "i"},
        {NULL, false, NULL, "", "i"},
    };
    struct world w;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        OK(users_update(w.db, "u1", row[i].name, row[i].set, row[i].image, T0 + 10 + (int64_t)i));
        OK(users_by_id(w.db, w.arena, "u1", &u));
        SAME(u.name, row[i].want_name);
        CU_ASSERT_EQUAL(u.image == NULL, row[i].want_image == NULL);
        if (u.image)
            SAME(u.image, row[i].want_image);
        CU_ASSERT_EQUAL(u.created_at, T0);
        CU_ASSERT_EQUAL(u.updated_at, T0 + 10 + (int64_t)i);
        SAME(u.email, "u1@example.org");
    }
    OK(users_update(w.db, "u1", NULL, false, NULL, u.updated_at)); /* nothing changed is not nobody found */
    NONE(users_update(w.db, "U1", "x", true, "x", T0));
    NONE(users_update(w.db, "u1 ", "x", true, "x", T0));
    NONE(users_update(w.db, "u3", "x", true, "x", T0));
    OK(users_by_id(w.db, w.arena, "u2", &u));
    SAME(u.name, "User 2");
    CU_ASSERT_EQUAL(u.updated_at, T0);
    world_close(&w);
}

static struct user user_of(struct world *w, const char *id)
{
    struct user u = {.id = NULL};

    OK(users_by_id(w->db, w->arena, id, &u));
    return u;
}

/* By whoever has that id and that address, once. */
static void test_user_verify(void)
{
    static const char *const other[][2] = {
        {"u1", "u2@example.org"},  {"u1", "U1@example.org"}, {"u1", "u1@example.org "}, {"U1", "u1@example.org"},
        {"u1 ", "u1@example.org"}, {"u3", "u3@example.org"}, {"", "u1@example.org"},    {"u1", ""}};
    struct world w;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        NONE(users_verify(w.db, other[i][0], other[i][1], T0 + 1));
    CU_ASSERT_FALSE(user_of(&w, "u1").email_verified);
    CU_ASSERT_EQUAL(user_of(&w, "u1").updated_at, T0);
    OK(users_verify(w.db, "u1", "u1@example.org", T0 + 2));
    NONE(users_verify(w.db, "u1", "u1@example.org", T0 + 3));
    CU_ASSERT(user_of(&w, "u1").email_verified);
    CU_ASSERT_EQUAL(user_of(&w, "u1").updated_at, T0 + 2);
    SAME(user_of(&w, "u1").name, "User 1");
    CU_ASSERT_FALSE(user_of(&w, "u2").email_verified);
    world_close(&w);
}

static void test_user_set_email(void)
{
    static const char *const other[][2] = {{"u1", "u2@example.org"},  {"u1", "U1@example.org"},
                                           {"u1", "u1@example.org "}, {"U1", "u1@example.org"},
                                           {"u1 ", "u1@example.org"}, {"u3", "u3@example.org"}};
    struct world w;
    struct user u;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    add(&w, "u1", "s", T0 + 1);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        NONE(users_set_email(w.db, other[i][0], other[i][1], "new@example.org", T0 + 1));
    NONE(users_by_email(w.db, w.arena, "new@example.org", &u));
    OK(users_set_email(w.db, "u1", "u1@example.org", "new@example.org", T0 + 2));
    NONE(users_set_email(w.db, "u1", "u1@example.org", "newer@example.org", T0 + 3));
    OK(users_by_email(w.db, w.arena, "new@example.org", &u));
    SAME(u.id, "u1");
    CU_ASSERT(u.email_verified); /* who changes it has proven it */
    CU_ASSERT_EQUAL(u.updated_at, T0 + 2);
    CU_ASSERT_EQUAL(u.created_at, T0);
    NONE(users_by_email(w.db, w.arena, "u1@example.org", &u));
    CU_ASSERT(there(&w, "s"));
    SAME(user_of(&w, "u2").email, "u2@example.org");
    CU_ASSERT_FALSE(user_of(&w, "u2").email_verified);
    world_close(&w);
}

/* One that is another's stays his; one that has become free can be had. The same again is no duplicate of itself. */
static void test_user_set_email_taken(void)
{
    struct world w;
    struct credential c;

    world_open(&w);
    world_user(&w, 1);
    world_user(&w, 2);
    CU_ASSERT_EQUAL(users_set_email(w.db, "u1", "u1@example.org", "u2@example.org", T0 + 1), ERR_DB_DUPLICATE);
    SAME(user_of(&w, "u1").email, "u1@example.org");
    CU_ASSERT_FALSE(user_of(&w, "u1").email_verified);
    OK(users_set_email(w.db, "u1", "u1@example.org", "u1@example.org", T0 + 1));
    OK(users_set_email(w.db, "u2", "u2@example.org", "free@example.org", T0 + 1));
    OK(users_set_email(w.db, "u1", "u1@example.org", "u2@example.org", T0 + 1));
    OK(accounts_find(w.db, w.arena, "u2@example.org", &c));
    SAME(c.user.id, "u1");
    OK(accounts_find(w.db, w.arena, "free@example.org", &c));
    SAME(c.user.id, "u2");
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
    {"user update", test_user_update},
    {"user verify", test_user_verify},
    {"user set email", test_user_set_email},
    {"user set email: taken", test_user_set_email_taken},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store users on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
