/* The store contract, the database itself: on every driver named by STORE_DRIVER, with secrets that were rotated and
 * with a prefix. */
#include "store_case.h"

#include "crypto/keys.h"
#include "db/migrate.h"

#include <sys/stat.h>
#include <unistd.h>

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

/* A prefix lets the tables live beside those of the site. */
static void test_prefix(void)
{
    struct world w;
    bool yes = false;

    world_empty(&w);
    OK(db_script(w.db, "CREATE TABLE user (x INT)"));
    db_close(&w.db);
    config_free(&w.cfg);
    w.cfg = world_config(&w, "prefix = lk_\n");
    w.db = world_connect(&w);
    OK(migrate_ready(w.db, w.arena));
    OK(db_has_table(w.db, "lk_user", &yes));
    CU_ASSERT(yes);
    world_user(&w, 1);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"meta secret", test_meta_secret},
    {"prefix", test_prefix},
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
