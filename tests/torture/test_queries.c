/* S99: whichever call to the database fails, and however, an operation has happened or it has not; it says so, and
 * leaves no transaction open. Each operation of auth.h, each of its calls, each error, on every driver there is. Those
 * with mails are a program of their own, beside the others. */
#include "suite.h"

#include "base/log.h"
#include "faulty.h"
#include "fixed.h"
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 80

static struct arena *arena;

/* --- one run ----------------------------------------------------------------------------------------------------- */

struct run {
    const struct op *op;
    const char *before, *after, *part; /* part NULL: nothing may stand alone */
    const char *counted;               /* the counters, once it is done */
    struct arena *kept;                /* of these */
    size_t told;                       /* events, once it is done */
    int cases;
};

static void start(const struct op *op)
{
    arena_reset(arena);
    scene_reset(&scene);
    ops_begin(op);
    scene.but_tries = op->counts;
    if (op->arrange) {
        struct auth au = scene_auth(&scene, scene.plain, arena);
        op->arrange(&au);
    }
}

static struct db *connect_faulty(void)
{
    struct db *db = world_connect(&scene.w);

    if (strcmp(db->driver->name, "sqlite") == 0)
        scene_need(db_script(db, "PRAGMA synchronous = OFF") == ERR_OK, "pragma");
    faulty_wrap(db);
    return db;
}

static void complain(const struct run *r, enum err e, const char *what)
{
    static const char *const manners[] = {"never made", "transaction ended", "done, answer lost"};

    printf("%s: call %d fails with %s (%s), which gave %s: %s\n", r->op->name, faulty.at, err_row(faulty.error)->name,
           manners[faulty.manner], err_row(e)->name, what);
    CU_FAIL("see above");
}

/* As a request after this one would find it. */
static void check_usable(const struct run *r, struct db *db, enum err e)
{
    AUTO(db_tx) struct db *tx = NULL;
    int64_t n;

    if (db->tx)
        complain(r, e, "a transaction is open");
    if (e == ERR_DB_DOWN || e == ERR_DB_LOST || db->broken == ERR_DB_DOWN)
        return; /* the connection is given up (app_connect) */
    if (db->broken == ERR_OK && db->driver->in_tx(db))
        complain(r, e, "the database has a transaction open");
    if (db_begin(db, &tx) != ERR_OK || users_count(db, arena, &n) != ERR_OK || db_commit(&tx) != ERR_OK)
        complain(r, e, "the connection is of no use");
}

/* Nothing may be locked any more: the other connection waits for nobody. */
static void check_free(const struct run *r, enum err e)
{
    AUTO(db_tx) struct db *tx = NULL;

    if (db_begin(scene.plain, &tx) != ERR_OK || users_lock_all(scene.plain) != ERR_OK)
        complain(r, e, "others are locked out");
}

static bool part_may_stand(const struct op *op, bool may_have_happened)
{
    return op->batches || may_have_happened;
}

static void check_rows(const struct run *r, enum err e, const struct given *g)
{
    const char *now = scene_dump(&scene, arena);
    bool is_before = strcmp(now, r->before) == 0, is_after = strcmp(now, r->after) == 0;
    bool maybe = faulty.manner == DONE && (faulty.hit_commit || !faulty.hit_in_tx);

    if (e == ERR_OK && r->op->bookkeeping && is_before && !g->checked.moved)
        return;
    if (e == ERR_OK && !is_after)
        complain(r, e, "it is not done");
    if (e == ERR_OK || is_before || part_may_stand(r->op, maybe && is_after))
        return;
    if (r->part && strcmp(now, r->part) == 0)
        return;
    complain(r, e, is_after ? "it is done" : "it is half done");
    printf("--- before\n%s--- now\n%s--- after\n%s", r->before, now, r->after);
}

/* Done, it is counted as without the fault; not done, at most once. */
static void check_counters(const struct run *r, enum err e)
{
    int64_t most;
    const char *now = scene_counters(&scene, arena, &most);

    if (e == ERR_OK && strcmp(now, r->counted) != 0)
        complain(r, e, "it is counted otherwise");
    if (most > 1)
        complain(r, e, "it is counted twice");
}

/* The streams of the audit log tell each event of what is known to have happened, once, and nothing else. */
static void check_told(const struct run *r, enum err e, size_t told)
{
    if (told != (e == ERR_OK ? r->told : 0))
        complain(r, e, "the streams tell something else");
}

/* False: the fault was not met any more, there are not so many calls. */
static bool run_once(struct run *r, int at, enum err error, enum manner manner)
{
    struct given g;

    start(r->op);
    struct db *db = connect_faulty();
    struct auth au = scene_auth(&scene, db, arena);
    memset(&g, 0, sizeof g);
    fixed_random(2);
    faulty.at = at;
    faulty.error = error;
    faulty.manner = manner;
    enum err e = r->op->run(&au, &g);
    bool hit = faulty.hit;
    faulty.calls = CALLS_MAX; /* nothing fails any more */
    if (hit && e != ERR_OK && e != error)
        complain(r, e, "another error");
    if (e != ERR_OK && g.opened.token[0])
        complain(r, e, "a token was given out");
    check_usable(r, db, e);
    db_close(&db);
    check_free(r, e);
    check_rows(r, e, &g);
    if (r->op->counts)
        check_counters(r, e);
    check_told(r, e, au.notes.done);
    if (!hit && e != ERR_OK)
        complain(r, e, "it fails without a fault");
    r->cases++;
    return hit;
}

static const char *rows_after(struct run *r, enum err (*run)(struct auth *au, struct given *out), size_t *told)
{
    start(r->op);
    struct auth au = scene_auth(&scene, scene.plain, arena);
    struct given g;
    fixed_random(2);
    CU_ASSERT_EQUAL_FATAL(run(&au, &g), ERR_OK);
    *told = au.notes.done;
    return arena_strdup(r->kept, scene_dump(&scene, arena));
}

static void look_at_part(struct run *r)
{
    size_t told;

    r->part = rows_after(r, r->op->part, &told);
    CU_ASSERT_STRING_NOT_EQUAL(r->before, r->part);
    CU_ASSERT_STRING_NOT_EQUAL(r->part, r->after);
}

static void look_without_fault(struct run *r)
{
    int64_t most;

    start(r->op);
    r->before = arena_strdup(r->kept, scene_dump(&scene, arena));
    r->after = rows_after(r, r->op->run, &r->told);
    CU_ASSERT_STRING_NOT_EQUAL(r->before, r->after);
    r->counted = arena_strdup(r->kept, scene_counters(&scene, arena, &most));
    if (r->op->counts)
        CU_ASSERT_EQUAL(most, 1);
    if (r->op->part)
        look_at_part(r);
}

/* A deadlock's victim and a busy lock tell the truth: what they refused did not happen. */
static bool possible(enum err error, enum manner manner)
{
    return manner != DONE || error == ERR_DB_LOST || error == ERR_DB_DOWN;
}

static void torture(const struct op *op)
{
    static const enum err errors[] = {ERR_DB_LOST, ERR_DB_DOWN, ERR_DB_CONFLICT, ERR_DB_BUSY, ERR_DB};
    struct run r = {.op = op};

    CU_ASSERT_EQUAL_FATAL(arena_open(&r.kept, 4096), ERR_OK);
    look_without_fault(&r);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        for (enum manner m = UNDONE; m <= DONE; m++) {
            int n = possible(errors[i], m) ? 1 : CALLS_MAX;
            while (n < CALLS_MAX && run_once(&r, n, errors[i], m))
                n++;
            CU_ASSERT(n > 1);
        }
    printf("%s: %d faults\n", op->name, r.cases);
    CU_ASSERT(r.cases >= 20);
    arena_close(&r.kept);
}

/* --- the suites -------------------------------------------------------------------------------------------------- */

/* A function for each, since CUnit hands nothing over. */
#define OP(id, ...)             \
    static void test_##id(void) \
    {                           \
        torture(&ops[OP_##id]); \
    }
#include "ops.def"
#undef OP

static const CU_TestInfo all[OPS] = {
#define OP(id, name, ...) {name, test_##id},
#include "ops.def"
#undef OP
};

/* This program's part, and where it ends. */
static CU_TestInfo tests[OPS + 1] = {CU_TEST_INFO_NULL};

static void tests_choose(bool mail)
{
    size_t n = 0;

    for (size_t i = 0; i < OPS; i++)
        if (ops[i].mail == mail)
            tests[n++] = all[i];
}

static int open_all(void)
{
    scene_open(&scene);
    scene.w.cfg->audit_file = "/nonexistent"; /* notes are kept for it; nobody writes them here */
    return arena_open(&arena, 16 * 1024) != ERR_OK;
}

static int close_all(void)
{
    arena_close(&arena);
    scene_close(&scene);
    return 0;
}

static int run_on(const char *driver)
{
    printf("driver %s\n", driver);
    return suite_run("queries", tests, open_all, close_all);
}

int main(void)
{
    if (log_open("/dev/null", LVL_ERROR) != ERR_OK)
        return 2;
    tests_choose(TORTURE_MAILS);
    return world_each_driver(run_on) != 0;
}
