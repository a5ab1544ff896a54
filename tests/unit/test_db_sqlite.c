/* The SQLite file: modes, file systems it may lie on, files that are none, names that are special to the library. */
#include "suite.h"
#include "../store/world.h"
#include "db/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)

/* Stands in front of the C library's: what kind of file system a path is said to lie on. */
static long fs_type;
int statfs(const char *path, struct statfs *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    int rc = fstatfs(fd, out);
    close(fd);
    if (fs_type)
        out->f_type = (__typeof__(out->f_type))fs_type;
    return rc;
}

static const char *file(struct world *w)
{
    return arena_printf(w->arena, "%s/test.db", w->dir);
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static void test_file_modes(void)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    struct world w;
    struct stat st;
    mode_t before = umask(0);

    world_open(&w);
    for (size_t i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(stat(arena_printf(w.arena, "%s%s", file(&w), tails[i]), &st), 0);
        CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
    }
    CU_ASSERT_EQUAL(umask(before), 0); /* and ours is as it was */
    world_close(&w);
}

static enum err open_again(struct world *w)
{
    struct db *db = NULL;
    enum err e = db_open(w->cfg, NULL, &db);

    CU_ASSERT_EQUAL(e == ERR_OK, db != NULL);
    db_close(&db);
    return e;
}

static void test_network_file_systems(void)
{
    static const long types[] = {0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x01021997, 0x00c36400};
    struct world w;

    world_empty(&w);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        fs_type = types[i];
        CU_ASSERT_EQUAL(open_again(&w), ERR_CONFIG);
    }
    fs_type = 0x58465342; /* XFS */
    OK(open_again(&w));
    fs_type = 0;
    world_close(&w);
}

static void test_unusable_files(void)
{
    struct world w;

    world_open(&w);
    db_close(&w.db);
    FILE *f = fopen(file(&w), "we");
    if (f) {
        for (int i = 0; i < 2000; i++)
            fputs("this is not a database; ", f);
        fclose(f);
    }
    CU_ASSERT_EQUAL(open_again(&w), ERR_DB_DOWN);
    unlink(file(&w));
    CU_ASSERT_EQUAL(mkdir(file(&w), 0700), 0);
    CU_ASSERT_EQUAL(open_again(&w), ERR_DB_DOWN);
    CU_ASSERT_EQUAL(rmdir(file(&w)), 0);
    struct cfg *good = w.cfg;
    const char *path = good->database_path;
    good->database_path = arena_printf(w.arena, "%s/nowhere/test.db", w.dir);
    CU_ASSERT_EQUAL(open_again(&w), ERR_DB_DOWN);
    good->database_path = path;
    OK(open_again(&w));
    world_close(&w);
}

/* ":memory:" and "file:" are names of files like any other: a database of each worker's own would sign people out. */
static void test_special_names(void)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory"};
    struct world w;
    char cwd[512];

    world_empty(&w);
    const char *path = w.cfg->database_path;
    CU_ASSERT(getcwd(cwd, sizeof(cwd)) != NULL && chdir(w.dir) == 0);
    for (size_t i = 0; i < 2; i++) {
        w.cfg->database_path = names[i];
        OK(open_again(&w));
        CU_ASSERT_EQUAL(unlink(names[i]), 0);
    }
    CU_ASSERT_EQUAL(chdir(cwd), 0);
    w.cfg->database_path = path;
    world_close(&w);
}

static void test_missing_is_not_made(void)
{
    struct world w;
    struct db *db = NULL;
    struct stat st;

    world_empty(&w);
    db_close(&w.db);
    unlink(file(&w));
    CU_ASSERT_EQUAL(db_open_existing(w.cfg, NULL, &db), ERR_DB_DOWN);
    CU_ASSERT_PTR_NULL(db);
    CU_ASSERT_NOT_EQUAL(stat(file(&w), &st), 0);
    OK(db_open(w.cfg, NULL, &db));
    db_close(&db);
    OK(db_open_existing(w.cfg, NULL, &db));
    CU_ASSERT_FALSE(db_moved(db));
    CU_ASSERT_EQUAL(rename(file(&w), arena_printf(w.arena, "%s/elsewhere", w.dir)), 0);
    CU_ASSERT_TRUE(db_moved(db));
    db_close(&db);
    world_close(&w);
}

/* Its map would reach beyond its end. */
static void test_cut_file(void)
{
    struct world w;
    struct db *db = NULL;
    struct stat st = {.st_size = 0};

    world_open(&w);
    db_close(&w.db);
    OK(db_open_existing(w.cfg, NULL, &db));
    CU_ASSERT_EQUAL(stat(file(&w), &st), 0);
    CU_ASSERT_EQUAL(truncate(file(&w), st.st_size + 4096), 0);
    CU_ASSERT_FALSE(db_moved(db)); /* it grew */
    CU_ASSERT_EQUAL(truncate(file(&w), st.st_size), 0);
    CU_ASSERT_TRUE(db_moved(db));
    CU_ASSERT_FALSE(db_moved(db)); /* since it was last looked at */
    CU_ASSERT_EQUAL(truncate(file(&w), 0), 0);
    CU_ASSERT_TRUE(db_moved(db));
    db_close(&db);
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"missing is not made, moved is noticed", test_missing_is_not_made},
    {"a file that was cut is noticed", test_cut_file},
    {"file modes", test_file_modes},
    {"network file systems", test_network_file_systems},
    {"unusable files", test_unusable_files},
    {"special names", test_special_names},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("db_sqlite", tests)
