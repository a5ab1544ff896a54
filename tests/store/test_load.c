/* Test data in bulk, on every driver: what is loaded, that it can be broken off, done again and extended, and that taking
 * it away takes nothing else. */
#include "store_case.h"

#include "auth/load.h"
#include "store/loads.h"

enum { SOME = 5003 }; /* more than a transaction, and no multiple of anything */

struct scene {
    struct world w;
    struct keys *keys;
    struct auth au;
};

static void scene_open(struct scene *s)
{
    world_open(&s->w);
    OK(keys_open(arena_printf(s->w.arena, "%s/secret", s->w.dir), &s->keys));
    s->au = (struct auth){.cfg = s->w.cfg, .db = s->w.db, .arena = s->w.arena, .keys = s->keys, .now = T0};
}

static void scene_close(struct scene *s)
{
    keys_close(&s->keys);
    unlink(arena_printf(s->w.arena, "%s/secret", s->w.dir));
    world_close(&s->w);
}

static int64_t load(struct scene *s, bool expired, int64_t n)
{
    struct load l = {.n = n, .expired = expired};

    while (l.done < l.n) {
        int64_t was = l.done;
        OK(load_add(&s->au, &l));
        if (l.done <= was)
            break;
    }
    CU_ASSERT_EQUAL(l.done, n);
    return l.added;
}

static enum err find(struct scene *s, bool expired, int64_t i, struct session *found, struct user *u)
{
    char token[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];

    OK(load_token(s->keys, expired, i, token));
    CU_ASSERT(token_wellformed(token));
    OK(token_hash(token, hash));
    return sessions_find(s->w.db, s->w.arena, hash, found, u);
}

static int64_t sweepable(struct scene *s, int64_t now)
{
    int64_t all = -1, live = -1;

    OK(sessions_count(s->w.db, s->w.arena, now, &all, &live));
    return all - live;
}

static void test_living(void)
{
    struct scene s;
    struct session one;
    struct user u;
    struct credential c;

    scene_open(&s);
    CU_ASSERT_EQUAL(load(&s, false, SOME), SOME);
    CU_ASSERT_EQUAL(rows_all(&s.w), SOME);
    CU_ASSERT_EQUAL(rows_in(&s.w, "user"), (SOME + 2) / 3);
    CU_ASSERT_EQUAL(rows_in(&s.w, "account"), 0);
    for (int64_t i = 0; i < SOME; i += 7) {
        OK(find(&s, false, i, &one, &u));
        SAME(u.email, arena_printf(s.w.arena, "load-test-%d@example.invalid", (int)(i / 3 + 1)));
        SAME(u.name, arena_printf(s.w.arena, "Load Test %d", (int)(i / 3 + 1)));
        CU_ASSERT(token_wellformed(one.id) && token_wellformed(u.id) && one.remember);
        CU_ASSERT_EQUAL(one.expires_at, T0 + s.w.cfg->session_expires_in);
        CU_ASSERT_EQUAL(one.dies_at, T0 + s.w.cfg->session_absolute);
    }
    NONE(find(&s, false, SOME, &one, &u));
    NONE(find(&s, true, 0, &one, &u));
    OK(accounts_find(s.w.db, s.w.arena, "load-test-1@example.invalid", &c));
    CU_ASSERT_PTR_NULL(c.password);
    scene_close(&s);
}

/* Of both kinds at once; the later the higher the number. */
static void test_expired(void)
{
    struct scene s;
    struct session one;
    struct user u;
    int64_t last = T0 - 7 * CLOCK_DAY - 1;

    scene_open(&s);
    CU_ASSERT_EQUAL(load(&s, false, 10), 10);
    CU_ASSERT_EQUAL(load(&s, true, SOME), SOME);
    CU_ASSERT_EQUAL(rows_all(&s.w), SOME + 10);
    CU_ASSERT_EQUAL(sweepable(&s, T0), SOME);
    for (int64_t i = 0; i < SOME; i += 1000) {
        OK(find(&s, true, i, &one, &u));
        CU_ASSERT(one.expires_at > last && one.expires_at < T0);
        last = one.expires_at;
    }
    CU_ASSERT(last > T0 - CLOCK_DAY);
    scene_close(&s);
}

/* Broken off after a transaction, with some that have ended since, on a new connection. */
static void test_again(void)
{
    struct scene s;
    struct load l = {.n = SOME};
    struct session one;
    struct user u;

    scene_open(&s);
    OK(load_add(&s.au, &l));
    CU_ASSERT(l.done > 0 && l.done < SOME);
    CU_ASSERT_EQUAL(rows_all(&s.w), l.done);
    OK(find(&s, false, 700, &one, &u));
    OK(sessions_end_own(s.w.db, one.id, u.id, T0));
    s.au.db = world_connect(&s.w);
    CU_ASSERT_EQUAL(load(&s, false, SOME), SOME - l.done + 1);
    CU_ASSERT_EQUAL(load(&s, false, SOME), 0);
    CU_ASSERT_EQUAL(load(&s, false, SOME + 11), 11);
    CU_ASSERT_EQUAL(load(&s, false, 1), 0);
    db_close(&s.au.db);
    OK(find(&s, false, 700, &one, &u));
    OK(find(&s, false, SOME + 10, &one, &u));
    CU_ASSERT_EQUAL(rows_all(&s.w), SOME + 11);
    scene_close(&s);
}

/* A statement that fails leaves nothing of its transaction. */
static void test_taken(void)
{
    struct scene s;
    struct load l = {.n = 1000};
    const struct user u = {.id = "x", .name = "X", .email = "load-test-200@example.invalid", .created_at = T0, .updated_at = T0};

    scene_open(&s);
    OK(users_add(s.w.db, &u));
    CU_ASSERT_EQUAL(load_add(&s.au, &l), ERR_DB_DUPLICATE);
    CU_ASSERT_EQUAL(l.done, 0);
    CU_ASSERT_EQUAL(rows_all(&s.w), 0);
    CU_ASSERT_EQUAL(rows_in(&s.w, "user"), 1);
    scene_close(&s);
}

static bool others(struct scene *s)
{
    bool yes = false;

    OK(load_others(&s->au, &yes));
    return yes;
}

static struct load_gone remove_all(struct scene *s)
{
    struct load_gone gone = {.users = 0};
    enum err e = ERR_OK;

    for (int i = 0; e == ERR_OK && i < 1000; i++)
        e = load_remove(&s->au, s->w.arena, &gone);
    CU_ASSERT_EQUAL(e, ERR_NONE);
    return gone;
}

static void test_remove(void)
{
    struct scene s;
    struct session one;
    struct user u;

    scene_open(&s);
    CU_ASSERT_EQUAL(remove_all(&s).users, 0);
    load(&s, false, 301);
    load(&s, true, 200);
    OK(find(&s, false, 0, &one, &u));
    OK(groups_add(s.w.db, u.id, "staff"));
    OK(users_lock(s.w.db, u.id));
    CU_ASSERT_FALSE(others(&s));
    struct load_gone gone = remove_all(&s);
    CU_ASSERT_EQUAL(gone.users, 101);
    CU_ASSERT_EQUAL(gone.sessions, 501);
    CU_ASSERT_EQUAL(rows_all(&s.w), 0);
    CU_ASSERT_EQUAL(rows_in(&s.w, "user"), 0);
    CU_ASSERT_EQUAL(rows_in(&s.w, "latchkey_group"), 0);
    CU_ASSERT_EQUAL(rows_in(&s.w, "latchkey_user"), 0);
    scene_close(&s);
}

/* Whoever has a password or another address is not of ours. */
static void test_others(void)
{
    static const char *const emails[] = {"load-test-9x@example.com", "load-test-7@example.invalid", "zoe@example.org", "ann@example.org"};
    struct scene s;

    scene_open(&s);
    for (size_t i = 0; i < 4; i++) {
        const char *id = arena_printf(s.w.arena, "o%d", (int)i);
        const struct user u = {.id = id, .name = "O", .email = emails[i], .created_at = T0, .updated_at = T0};
        CU_ASSERT_EQUAL(others(&s), i > 0);
        OK(users_add(s.w.db, &u));
        OK(accounts_add(s.w.db, id, "hash", T0));
        OK(users_lock(s.w.db, id));
        add(&s.w, id, id, T0 + 1);
    }
    load(&s, false, 15);
    CU_ASSERT(others(&s));
    struct load_gone gone = remove_all(&s);
    CU_ASSERT_EQUAL(gone.users, 5);
    CU_ASSERT_EQUAL(gone.sessions, 15);
    CU_ASSERT_EQUAL(rows_all(&s.w), 4);
    CU_ASSERT_EQUAL(rows_in(&s.w, "user"), 4);
    CU_ASSERT_EQUAL(rows_in(&s.w, "account"), 4);
    CU_ASSERT_EQUAL(rows_in(&s.w, "latchkey_user"), 4);
    scene_close(&s);
}

/* Under another secret nobody's cookies hold, and ids stay what they are. */
static void test_secret(void)
{
    struct scene s;
    char of_old[RNG_ID_SIZE], of_new[RNG_ID_SIZE], other[RNG_ID_SIZE];
    const char *path;

    scene_open(&s);
    path = arena_printf(s.w.arena, "%s/secret", s.w.dir);
    OK(load_token(s.keys, false, 5, of_old));
    OK(load_token(s.keys, true, 5, other));
    CU_ASSERT_STRING_NOT_EQUAL(of_old, other);
    OK(load_token(s.keys, false, 6, other));
    CU_ASSERT_STRING_NOT_EQUAL(of_old, other);
    CU_ASSERT_EQUAL(load(&s, false, 10), 10);
    keys_close(&s.keys);
    OK(keys_add(path, 2));
    OK(keys_open(path, &s.keys));
    s.au.keys = s.keys;
    OK(load_token(s.keys, false, 5, of_new));
    CU_ASSERT_STRING_NOT_EQUAL(of_old, of_new);
    CU_ASSERT_EQUAL(load(&s, false, 10), 0);
    scene_close(&s);
}

static CU_TestInfo tests[] = {
    {"living", test_living},   {"expired", test_expired}, {"again", test_again},   {"taken", test_taken},
    {"remove", test_remove},   {"others", test_others},   {"secret", test_secret}, CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "test data on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
