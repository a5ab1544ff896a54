/* Schema: empty, ready, older, newer and foreign databases, many first starts at once, and the printed DDL. */
#include "suite.h"
#include "../store/world.h"
#include "base/buf.h"
#include "base/log.h"
#include "db/driver.h"
#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

/* What was logged while the calls since log_to(w) ran. */
static void log_to(struct world *w)
{
    OK(log_open(arena_printf(w->arena, "%s/log", w->dir), LVL_INFO));
}

static bool logged(struct world *w, const char *text)
{
    const char *path = arena_printf(w->arena, "%s/log", w->dir);
    char *all = arena_alloc(w->arena, 8192);
    FILE *f = fopen(path, "re");

    if (f) {
        size_t n = fread(all, 1, 8191, f);
        all[n] = '\0';
        fclose(f);
    }
    unlink(path);
    OK(log_open(NULL, LVL_INFO));
    if (!strstr(all, text))
        printf("want <<%s>>, logged <<%s>>\n", text, all);
    return strstr(all, text) != NULL;
}

static int version_of(struct world *w)
{
    int version = -1;

    OK(migrate_version(w->db, w->arena, &version));
    return version;
}

static void set_version(struct world *w, int n)
{
    OK(db_script(w->db, arena_printf(w->arena, "UPDATE latchkey_meta SET value = '%d' WHERE name = 'schema'", n)));
}

static void test_empty(void)
{
    struct world w;

    world_empty(&w);
    CU_ASSERT_EQUAL(version_of(&w), 0);
    log_to(&w);
    OK(migrate_ready(w.db, w.arena));
    CU_ASSERT(logged(&w, "schema brought from 0 to "));
    CU_ASSERT_EQUAL(version_of(&w), migrate_newest());
    OK(migrate_ready(w.db, w.arena));
    world_user(&w, 1);
    world_close(&w);
}

static void test_up(void)
{
    struct world w;
    int from = -1, to = -1;

    world_empty(&w);
    OK(migrate_up(w.db, w.arena, &from, &to));
    CU_ASSERT(from == 0 && to == migrate_newest());
    OK(migrate_up(w.db, w.arena, &from, &to));
    CU_ASSERT(from == migrate_newest() && to == migrate_newest());
    world_close(&w);
}

static void test_newer(void)
{
    struct world w;
    int from = -1, to = -1;

    world_open(&w);
    set_version(&w, migrate_newest() + 1);
    log_to(&w);
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    CU_ASSERT(logged(&w, "newer than"));
    CU_ASSERT_EQUAL(migrate_up(w.db, w.arena, &from, &to), ERR_SCHEMA);
    CU_ASSERT_EQUAL(from, -1);
    world_close(&w);
}

/* --- databases of older programs --- */

/* All tables and indexes, as they were made. */
static const char *schema_of(struct world *w)
{
    const struct stmt_row row = {.name = "SCHEMA", .params = "", .results = "s"};
    struct db_result res = {.arena = w->arena, .cols = 1};
    const char *all = "";
    void *stmt = NULL;

    OK(w->db->driver->prepare(w->db, "SELECT sql FROM sqlite_master WHERE sql <> '' ORDER BY name", &row, &stmt));
    OK(w->db->driver->run(w->db, stmt, &row, NULL, &res, NULL));
    w->db->driver->finish(w->db, stmt);
    for (size_t i = 0; i < res.n; i++)
        all = arena_printf(w->arena, "%s%s;\n", all, res.v[i].s);
    return all;
}

static void signed_in(struct world *w)
{
    const struct session s = world_session(w, world_user(w, 1), "s1");

    OK(world_add(w->db, &s, "hash-of-s1", "hash"));
}

/* Who was signed in before is so afterwards, and what is new can be used. */
static void still_signed_in(struct world *w)
{
    struct groups g = {.n = 9};
    struct session s;
    struct user u;

    OK(sessions_find_gate(w->db, w->arena, "hash-of-s1", &s, &u, &g));
    CU_ASSERT_STRING_EQUAL(s.id, "s1");
    CU_ASSERT_STRING_EQUAL(u.email, "u1@example.org");
    CU_ASSERT_EQUAL(g.n, 0);
    OK(groups_add(w->db, "u1", "staff"));
    OK(groups_of(w->db, w->arena, "u1", &g));
    CU_ASSERT_EQUAL(g.n, 1);
    OK(users_delete(w->db, "u1"));
}

static void test_each_older(void)
{
    struct world w, fresh;
    int from, to;

    world_open(&fresh);
    const char *want = schema_of(&fresh);
    CU_ASSERT(migrate_newest() >= 6);
    for (int schema = 1; schema < migrate_newest(); schema++) {
        world_older(&w, schema);
        signed_in(&w);
        const char *older = schema_of(&w);
        CU_ASSERT_STRING_NOT_EQUAL(older, want);
        log_to(&w);
        CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
        CU_ASSERT(logged(&w, arena_printf(w.arena,
                                          "the database has schema %d, this program needs %d: run latchkeyctl "
                                          "migrate",
                                          schema, migrate_newest())));
        CU_ASSERT_STRING_EQUAL(schema_of(&w), older);
        OK(migrate_up(w.db, w.arena, &from, &to));
        CU_ASSERT(from == schema && to == migrate_newest() && version_of(&w) == migrate_newest());
        CU_ASSERT_STRING_EQUAL(schema_of(&w), want);
        OK(migrate_ready(w.db, w.arena));
        still_signed_in(&w);
        world_close(&w);
    }
    world_close(&fresh);
}

/* What an unreadable number does. */
static void test_unreadable(void)
{
    static const char *const values[] = {"0", "", "x", "1x", "-1", "99999"};
    struct world w;
    int version = -1;

    world_open(&w);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        OK(db_script(w.db, arena_printf(w.arena, "UPDATE latchkey_meta SET value = '%s'", values[i])));
        CU_ASSERT_EQUAL(migrate_version(w.db, w.arena, &version), ERR_SCHEMA);
        CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    }
    OK(db_script(w.db, "DELETE FROM latchkey_meta"));
    CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
    CU_ASSERT_EQUAL(version, -1);
    world_close(&w);
}

static void test_foreign(void)
{
    static const char *const names[] = {"user", "session",       "account",        "verification", "latchkey_user",
                                        "jwks", "latchkey_mail", "latchkey_group", "USER"};
    struct world w;
    int from = -1, to = -1;
    bool yes = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        world_empty(&w);
        OK(db_script(w.db, arena_printf(w.arena, "CREATE TABLE %s (x TEXT)", names[i])));
        log_to(&w);
        CU_ASSERT_EQUAL(migrate_ready(w.db, w.arena), ERR_SCHEMA);
        CU_ASSERT(logged(&w, "this is not a latchkey database"));
        CU_ASSERT_EQUAL(migrate_up(w.db, w.arena, &from, &to), ERR_SCHEMA);
        OK(db_has_table(w.db, "latchkey_meta", &yes));
        CU_ASSERT_FALSE(yes);
        world_close(&w);
    }
}

/* A migration that fails half way leaves nothing. */
static void test_all_or_nothing(void)
{
    struct world w;
    bool yes = true;

    world_empty(&w);
    OK(db_script(w.db, "CREATE TABLE other (x TEXT)"));
    OK(db_script(w.db, "CREATE INDEX session_token ON other (x)")); /* in the way of ours, and no table of ours */
    CU_ASSERT_NOT_EQUAL(migrate_ready(w.db, w.arena), ERR_OK);
    OK(db_has_table(w.db, "user", &yes));
    CU_ASSERT_FALSE(yes);
    OK(db_script(w.db, "DROP TABLE other"));
    OK(migrate_ready(w.db, w.arena));
    world_close(&w);
}

static void test_many_at_once(void)
{
    struct world w;
    int status, good = 0;

    world_empty(&w);
    db_close(&w.db);
    unlink(w.cfg->database_path);
    fflush(NULL);
    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            struct db *db = NULL;
            if (db_open(w.cfg, NULL, &db) != ERR_OK || migrate_ready(db, w.arena) != ERR_OK)
                _exit(1);
            db_close(&db);
            _exit(0);
        }
    }
    for (int i = 0; i < 8; i++)
        good += wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    CU_ASSERT_EQUAL(good, 8);
    w.db = world_connect(&w);
    CU_ASSERT_EQUAL(version_of(&w), migrate_newest());
    world_close(&w);
}

static void test_print(void)
{
    struct world w;

    world_empty(&w);
    config_free(&w.cfg);
    w.cfg = world_config(&w, "prefix = lk_\n");
    struct buf out = buf_in(w.arena);
    OK(migrate_print(w.cfg, &out));
    const char *sql = buf_str(&out);
    static const char first[] = "-- 0001 init\nCREATE TABLE lk_latchkey_meta (\n  name TEXT NOT NULL PRIMARY KEY,\n";
    CU_ASSERT_EQUAL(strncmp(sql, first, sizeof(first) - 1), 0);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(sql, "\n  FOREIGN KEY (userId) REFERENCES lk_user (id) ON DELETE CASCADE\n) STRICT;\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(sql, ";\nCREATE INDEX lk_session_userId ON lk_session (userId);\n"));
    CU_ASSERT_PTR_NULL(strchr(sql, '@'));
    CU_ASSERT_PTR_NULL(strchr(sql, '{'));
    OK(db_script(w.db, sql)); /* what is printed is what is run */
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"empty database", test_empty},
    {"up", test_up},
    {"each older schema", test_each_older},
    {"newer schema", test_newer},
    {"unreadable version", test_unreadable},
    {"foreign tables", test_foreign},
    {"all or nothing", test_all_or_nothing},
    {"many at once", test_many_at_once},
    {"print", test_print},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("migrate", tests)
