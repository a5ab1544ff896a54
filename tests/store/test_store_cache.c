/* What the database seam tells a shared cache, on every driver: which statements, of whom, when, and what becomes of it
 * if the commit fails. What counts as a change is found here from the text of each statement. */
#include "store_case.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/latchkey-store-cache-XXXXXX";
static struct shmcache *cache;

static void begin(struct world *w)
{
    const struct shmcache_options o = {.dir = dir, .name = "cache", .max_age = CLOCK_MINUTE};

    world_open(w);
    CU_ASSERT_FATAL(shmcache_open(&o, &cache) == ERR_OK && cache != NULL);
    db_share(w->db, cache);
}

static void end(struct world *w)
{
    shmcache_close(&cache);
    CU_ASSERT_EQUAL(unlink(arena_printf(w->arena, "%s/cache", dir)), 0);
    world_close(w);
}

/* --- two values: of "x", who is what statements say, and of a stranger ----------------------------------------------
 */

struct key {
    char text[SHMCACHE_KEY + 1];
};

static struct key key_of(const char *user)
{
    struct key k = {""};

    memset(k.text, *user, SHMCACHE_KEY);
    return k;
}

static struct shmcache_reading reading(const char *user)
{
    struct shmcache_reading r;

    shmcache_begin(cache, key_of(user).text, &r);
    return r;
}

static void put(const char *user, const struct shmcache_reading *r)
{
    shmcache_put(cache, key_of(user).text, user, r, user, strlen(user) + 1);
}

static void fill(const char *user)
{
    const struct shmcache_reading r = reading(user);

    put(user, &r);
}

static bool has(const char *user)
{
    uint64_t value[SHMCACHE_VALUE / 8];

    return shmcache_get(cache, key_of(user).text, value) > 0;
}

static void fill_both(void)
{
    fill("x");
    fill("stranger");
    CU_ASSERT(has("x") && has("stranger"));
}

/* --- the table of statements ----------------------------------------------------------------------------------------
 */

static enum err run_dummy(struct world *w, enum stmt id)
{
    const struct stmt_row *row = db_stmt(id);
    struct db_val v[32];
    struct db_rows rows;
    size_t n = strlen(row->params);

    for (size_t i = 0; i < n; i++) {
        v[i] = (struct db_val){.kind = row->params[i], .i = 0};
        if (row->params[i] == 's')
            v[i].s = "x";
    }
    return *row->results ? db_query_n(w->db, id, w->arena, &rows, v, n) : db_exec_n(w->db, id, NULL, v, n);
}

/* By their names: what only moves times on or takes away what has expired. */
static bool is_excepted(const char *name)
{
    static const char *const names[] = {"SESSION_SLIDE", "SESSION_SEEN", "SWEEP_BATCH", "SWEEP_REST"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Of users and sessions that are new nothing is cached; of the groups of a user, that he has not this one. */
static bool adds_only(const char *sql)
{
    return strncmp(sql, "INSERT INTO @user ", 18) == 0 || strncmp(sql, "INSERT INTO @session ", 21) == 0;
}

/* Does its text write to what is cached: sessions, users, groups? */
static bool writes_cached(const char *sql)
{
    regex_t any, of;
    CU_ASSERT_FATAL(regcomp(&any,
                            "^[[:space:]]*(INSERT[[:space:]]+INTO|UPDATE|DELETE[[:space:]]+FROM|REPLACE[[:space:]]+"
                            "INTO)[[:space:]]+@[a-z_]+",
                            REG_EXTENDED | REG_NOSUB) == 0);
    CU_ASSERT_FATAL(
        regcomp(&of, "^[A-Z[:space:]]+@(session|user|latchkey_group)([^a-z_]|$)", REG_EXTENDED | REG_NOSUB) == 0);
    CU_ASSERT_EQUAL(regexec(&any, sql, 0, NULL, 0), 0); /* there is no other way to write */
    bool yes = regexec(&of, sql, 0, NULL, 0) == 0;

    regfree(&any);
    regfree(&of);
    return yes;
}

static void test_which(void)
{
    int shown = 0;

    for (int i = 0; i < ST_COUNT; i++) {
        const struct stmt_row *row = db_stmt((enum stmt)i);
        bool is = db_is_shown((enum stmt)i);
        if (*row->results) {
            CU_ASSERT(!is && strncmp(row->sql, "SELECT", 6) == 0);
            continue;
        }
        bool expected = writes_cached(row->sql) && !adds_only(row->sql) && !is_excepted(row->name);
        if (is != expected)
            printf("statement %s: %s\n", row->name, row->sql);
        CU_ASSERT_EQUAL(is, expected);
        CU_ASSERT(!row->mysql || writes_cached(row->mysql) == writes_cached(row->sql));
        shown += is;
    }
    CU_ASSERT(shown >= 12);
}

/* Each outside a transaction: said whose it is, or not. */
static void test_each(void)
{
    struct world w;

    begin(&w);
    for (int i = 0; i < ST_COUNT; i++) {
        for (int named = 0; named < 2; named++) {
            bool is = db_is_shown((enum stmt)i);
            fill_both();
            if (named && is)
                db_changes(w.db, "x");
            enum err e = run_dummy(&w, (enum stmt)i);
            CU_ASSERT(e == ERR_OK || e == ERR_DB_DUPLICATE || (e == ERR_DB && !is)); /* a key that is not there */
            CU_ASSERT_EQUAL(has("x"), !is);
            CU_ASSERT_EQUAL(has("stranger"), !is || named);
            fill_both(); /* and nothing is held on */
        }
    }
    end(&w);
}

/* A name is of one statement. */
static void test_name_is_of_one(void)
{
    struct world w;

    begin(&w);
    fill_both();
    db_changes(w.db, "x");
    OK(run_dummy(&w, ST_SESSION_END_USER));
    CU_ASSERT(!has("x") && has("stranger"));
    OK(run_dummy(&w, ST_SESSION_END_USER));
    CU_ASSERT_FALSE(has("stranger"));
    fill_both();
    db_changes(w.db, "x");
    OK(run_dummy(&w, ST_LOCK_BUMP)); /* it goes with that one, though it changes nothing of the kind */
    OK(run_dummy(&w, ST_USER_DELETE));
    CU_ASSERT(!has("x") && !has("stranger"));
    end(&w);
}

/* --- transactions ---------------------------------------------------------------------------------------------------
 */

static void tx_run(struct world *w, const char *user, bool commit)
{
    AUTO(db_tx) struct db *tx = NULL;

    OK(db_begin(w->db, &tx));
    if (user)
        db_changes(w->db, user);
    OK(run_dummy(w, ST_SESSION_END_USER));
    OK(run_dummy(w, ST_LOCK_BUMP));
    CU_ASSERT(has("x") && has("stranger")); /* not done yet, nor seen by anybody */
    if (commit)
        OK(db_commit(&tx));
}

static void test_transaction(void)
{
    struct world w;

    begin(&w);
    fill_both();
    struct shmcache_reading r = reading("x");
    tx_run(&w, "x", true);
    CU_ASSERT(!has("x") && has("stranger"));
    put("x", &r);
    CU_ASSERT_FALSE(has("x"));
    fill_both();
    tx_run(&w, NULL, true);
    CU_ASSERT(!has("x") && !has("stranger"));
    end(&w);
}

static void test_rollback(void)
{
    struct world w;

    begin(&w);
    fill_both();
    struct shmcache_reading r = reading("x");
    tx_run(&w, "x", false);
    CU_ASSERT(has("x") && has("stranger"));
    tx_run(&w, NULL, false);
    CU_ASSERT(has("x") && has("stranger"));
    put("x", &r);
    CU_ASSERT(has("x"));
    { /* nor does the next one have it */
        AUTO(db_tx) struct db *tx = NULL;
        OK(db_begin(w.db, &tx));
        OK(run_dummy(&w, ST_LOCK_BUMP));
        OK(db_commit(&tx));
    }
    CU_ASSERT(has("x") && has("stranger"));
    db_changes(w.db, "x"); /* a name that is left over from before */
    tx_run(&w, NULL, true);
    CU_ASSERT(!has("x") && !has("stranger"));
    end(&w);
}

/* Of many users; of more than there is room for it is of all. */
static void test_many(void)
{
    static const char *const users[] = {"1", "2", "3", "4", "5"};
    struct world w;

    begin(&w);
    for (size_t n = 1; n <= 5; n++) {
        AUTO(db_tx) struct db *tx = NULL;
        for (size_t i = 0; i < 5; i++)
            fill(users[i]);
        fill_both();
        OK(db_begin(w.db, &tx));
        for (size_t i = 0; i < n; i++) {
            db_changes(w.db, users[i]);
            OK(run_dummy(&w, ST_SESSION_END_USER));
        }
        OK(db_commit(&tx));
        for (size_t i = 0; i < 5; i++)
            CU_ASSERT_EQUAL(has(users[i]), i >= n);
        CU_ASSERT_EQUAL(has("stranger"), n < 5);
    }
    end(&w);
}

static void test_tell_and_forget(void)
{
    struct world w;

    begin(&w);
    fill_both();
    {
        AUTO(db_tx) struct db *tx = NULL;
        OK(db_begin(w.db, &tx));
        db_tell(w.db, "x");
        CU_ASSERT(has("x"));
        OK(db_commit(&tx));
    }
    CU_ASSERT(!has("x") && has("stranger"));
    fill_both();
    db_forget(w.db, key_of("x").text);
    CU_ASSERT(!has("x") && has("stranger"));
    db_share(w.db, NULL); /* without a cache all of it is nothing */
    db_changes(w.db, NULL);
    db_tell(w.db, "stranger");
    db_forget(w.db, key_of("stranger").text);
    OK(run_dummy(&w, ST_SESSION_END_ALL));
    CU_ASSERT(has("stranger"));
    end(&w);
}

/* --- what the driver says of it -------------------------------------------------------------------------------------
 */

static enum err said;
static const struct db_driver *real;

/* While it is under way nothing of it is given out, nor kept. */
static enum err commit_fails(struct db *db)
{
    CU_ASSERT(!has("x") && has("stranger"));
    fill("x");
    CU_ASSERT_FALSE(has("x"));
    enum err e = said == ERR_DB_BUSY ? ERR_OK : real->commit(db);
    return said != ERR_OK ? said : e;
}

static enum err run_fails(struct db *db, void *stmt, const struct stmt_row *row, const struct db_val *v,
                          struct db_result *res, int64_t *changed)
{
    CU_ASSERT(!has("x") && has("stranger"));
    fill("x");
    CU_ASSERT_FALSE(has("x"));
    enum err e = real->run(db, stmt, row, v, res, changed);
    return said != ERR_OK ? said : e;
}

/* Is anything of it kept once that has failed? */
static void failed(enum err e, bool kept, bool in_tx)
{
    struct world w;

    begin(&w);
    fill_both();
    real = w.db->driver;
    struct db_driver driver = *real;
    driver.commit = in_tx ? commit_fails : real->commit;
    driver.run = in_tx ? real->run : run_fails;
    w.db->driver = &driver;
    said = e;
    if (in_tx) {
        AUTO(db_tx) struct db *tx = NULL;
        CU_ASSERT(db_begin(w.db, &tx) == ERR_OK);
        db_changes(w.db, "x");
        OK(run_dummy(&w, ST_SESSION_END_USER));
        CU_ASSERT_EQUAL(db_commit(&tx), e);
    } else {
        db_changes(w.db, "x");
        CU_ASSERT_EQUAL(run_dummy(&w, ST_SESSION_END_USER), e);
    }
    w.db->driver = real;
    CU_ASSERT(!has("x") && has("stranger"));
    fill("x");
    CU_ASSERT_EQUAL(has("x"), kept);
    end(&w);
}

static void test_failed(void)
{
    for (int in_tx = 0; in_tx < 2; in_tx++) {
        failed(ERR_OK, true, in_tx);
        failed(ERR_DB_BUSY, true, in_tx);
        failed(ERR_DB_CONFLICT, true, in_tx);
        failed(ERR_DB_LOST, false, in_tx); /* it may have happened, and may yet happen */
        failed(ERR_DB_DOWN, false, in_tx);
    }
}

static CU_TestInfo tests[] = {
    {"which statements", test_which},
    {"each statement", test_each},
    {"a name is of one statement", test_name_is_of_one},
    {"a transaction", test_transaction},
    {"one that is rolled back", test_rollback},
    {"of many", test_many},
    {"tell and forget", test_tell_and_forget},
    {"failed", test_failed},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "changes and the cache on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 2;
    bool failed = world_each_driver(run) != 0;
    return rmdir(dir) != 0 || failed;
}
