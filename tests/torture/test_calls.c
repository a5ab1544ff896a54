/* S99: whichever system call fails below the secret file and the hash gate, no half of a secret is left, the next start
 * works, and no password is hashed outside the bound. */
#include "auth/leave.h"
#include "calls_case.h"

#include "base/auto.h"
#include "db/driver.h"
#include "fixed.h"
#include "scene.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CALLS_MAX 60
#define OLD_SECRET "the secret of before, thirty-two or more"

/* --- the secret file -----------------------------------------------------------------------------------------------
 */

static void write_old(void)
{
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CU_ASSERT_EQUAL_FATAL(write(fd, OLD_SECRET "\n", sizeof OLD_SECRET), (ssize_t)sizeof OLD_SECRET);
}

/* Files in the directory; others than the secret file are remains. */
static int remains(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, "file") != 0;
    closedir(d);
    return n;
}

static size_t length(void)
{
    struct stat st;

    return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static bool same_first(const struct keys *x, const struct keys *y)
{
    char one[KEYS_PRINT_SIZE], two[KEYS_PRINT_SIZE];

    return keys_print(x, 0, one) == ERR_OK && keys_print(y, 0, two) == ERR_OK && strcmp(one, two) == 0;
}

/* False: the fault was not met any more. */
static bool make_once(unsigned n, int error, bool lasting)
{
    struct keys *first = NULL, *next = NULL;

    clear();
    calls_fail(n, error, lasting);
    enum err e = keys_open(path, &first);
    bool met = calls_mend() >= n;
    CU_ASSERT(e == ERR_OK || e == ERR_IO);
    CU_ASSERT_EQUAL(e == ERR_OK, first != NULL);
    CU_ASSERT_EQUAL(remains(), 0);
    CU_ASSERT(length() == 0 || length() == 65); /* none, or whole */
    CU_ASSERT_EQUAL(keys_open(path, &next), ERR_OK);
    CU_ASSERT(!first || (next && same_first(first, next)));
    CU_ASSERT(met || e == ERR_OK);
    keys_close(&first);
    keys_close(&next);
    return met;
}

static void test_secret_making(void)
{
    for (size_t i = 0; i < ERRORS; i++)
        for (int lasting = 0; lasting <= (errors[i] != EINTR); lasting++) { /* EINTR for ever is no fault of a file */
            unsigned n = 1;
            while (n < CALLS_MAX && make_once(n, errors[i], lasting))
                n++;
            CU_ASSERT(n > 8 && n < CALLS_MAX);
        }
}

static void test_secret_making_in_pieces(void)
{
    AUTO(keys) struct keys *k = NULL;

    clear();
    calls_short(1);
    CU_ASSERT_EQUAL(keys_open(path, &k), ERR_OK);
    calls_mend();
    CU_ASSERT_EQUAL(length(), 65);
    CU_ASSERT_EQUAL(remains(), 0);
}

/* What was there stays, or the new one stands before it. */
static bool add_once(unsigned n, int error, bool lasting)
{
    struct keys *before = NULL, *after = NULL;

    write_old();
    CU_ASSERT_EQUAL(keys_open(path, &before), ERR_OK);
    calls_fail(n, error, lasting);
    enum err e = keys_add(path, KEYS_MAX);
    bool met = calls_mend() >= n;
    CU_ASSERT(e == ERR_OK || e == ERR_IO);
    CU_ASSERT_EQUAL(remains(), 0);
    CU_ASSERT_EQUAL(keys_open(path, &after), ERR_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(after);
    CU_ASSERT(keys_count(after) == 2 || (keys_count(after) == 1 && e != ERR_OK && same_first(before, after)));
    CU_ASSERT(met || e == ERR_OK);
    keys_close(&before);
    keys_close(&after);
    return met;
}

static void test_secret_adding(void)
{
    for (size_t i = 0; i < ERRORS; i++)
        for (int lasting = 0; lasting <= (errors[i] != EINTR); lasting++) {
            unsigned n = 1;
            while (n < CALLS_MAX && add_once(n, errors[i], lasting))
                n++;
            CU_ASSERT(n > 8 && n < CALLS_MAX);
        }
}

static void test_secret_adding_in_pieces(void)
{
    AUTO(keys) struct keys *k = NULL;

    write_old();
    calls_short(1);
    CU_ASSERT_EQUAL(keys_add(path, 2), ERR_OK);
    calls_mend();
    CU_ASSERT_EQUAL_FATAL(keys_open(path, &k), ERR_OK);
    CU_ASSERT_EQUAL(keys_count(k), 2);
    CU_ASSERT_EQUAL(remains(), 0);
}

/* --- the hash gate ---------------------------------------------------------------------------------------------------
 */

static void test_gate_file(void)
{
    struct scene s;
    struct kdf_gate *g = NULL;

    scene_open(&s);
    s.w.cfg->pool_state = s.w.dir;
    for (size_t i = 0; i < ERRORS; i++) {
        calls_fail(1, errors[i], false);
        CU_ASSERT_EQUAL(kdf_gate_open(s.w.cfg, false, &g), ERR_IO);
        CU_ASSERT(calls_mend() > 0);
        CU_ASSERT_PTR_NULL(g);
    }
    scene_close(&s);
}

/* Seat and slot, one lock each. */
static void enter_fails(struct kdf_gate *g, int error)
{
    for (unsigned n = 1; n <= 2; n++) {
        calls_fail(n, error, false);
        CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_IO);
        calls_mend();
        CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_OK);
        kdf_gate_leave(g);
    }
}

typedef enum err (*hashing)(struct scene *s, struct auth *au);

static enum err sign_in(struct scene *s, struct auth *au)
{
    struct opened o;

    return account_sign_in(au, "alice@example.org", PASSWORD, true, &s->from, NULL, &o);
}

static enum err change(struct scene *s, struct auth *au)
{
    const struct checked who = scene_who(s->w.arena, BOB);
    struct opened o;

    return account_change_password(au, &who, PASSWORD, "another good password", true, &s->from, &o);
}

static enum err verify(struct scene *s, struct auth *au)
{
    const struct checked who = scene_who(s->w.arena, BOB);

    return account_reauthenticate(au, &who, PASSWORD);
}

static enum err leave(struct scene *s, struct auth *au)
{
    const struct checked who = scene_who(s->w.arena, BOB);

    return leave_start(au, &who, PASSWORD, NULL, &(bool){false});
}

static enum err reset(struct scene *s, struct auth *au)
{
    (void)s;
    return reset_password(au, RESET_TOKEN, "another good password");
}

/* A gate that cannot be locked is closed: nothing is opened, nothing changed. SQLite takes locks too; those fail in
 * their turn. */
static void closed_gate(struct scene *s, struct auth *au, hashing run, int locks, int error)
{
    const char *before = scene_dump(s, s->w.arena);
    int closed = 0, good = 0;

    for (unsigned n = 1; n <= 30; n++) {
        calls_fail(n, error, false);
        enum err e = run(s, au);
        calls_mend();
        closed += e == ERR_IO;
        good += e == ERR_OK;
        CU_ASSERT(e == ERR_OK || strcmp(scene_dump(s, s->w.arena), before) == 0);
        scene_reset(s);
    }
    CU_ASSERT_EQUAL(closed, locks);
    CU_ASSERT(good > 0);
}

static void test_gate_locks(void)
{
    static const int failures[] = {ENOLCK, EDEADLK, EIO, EBADF};
    struct scene s;

    scene_open(&s);
    s.w.cfg->pool_state = s.w.dir;
    s.w.cfg->password_wait = 0;
    s.plain->driver->patience(s.plain, 20); /* some errors it takes for the locks of others */
    struct auth au = scene_auth(&s, s.plain, s.w.arena);
    CU_ASSERT_EQUAL_FATAL(kdf_gate_open(s.w.cfg, false, &au.gate), ERR_OK);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        enter_fails(au.gate, failures[i]);
        closed_gate(&s, &au, sign_in, 2, failures[i]);
        closed_gate(&s, &au, change, 4, failures[i]); /* of the old one and of the new one */
        closed_gate(&s, &au, verify, 2, failures[i]);
        closed_gate(&s, &au, leave, 2, failures[i]);
        closed_gate(&s, &au, reset, 2, failures[i]);
    }
    kdf_gate_close(&au.gate);
    unlink(arena_printf(s.w.arena, "%s/hash.lock", s.w.dir));
    scene_close(&s);
}

/* --- the whole
 * --------------------------------------------------------------------------------------------------------- */

/* Faults that were never met would prove nothing. */
static void test_kinds(void)
{
    for (enum call c = CALL_OPEN; c < CALL_KINDS; c++)
        CU_ASSERT(calls_seen(c) > 0);
}

static CU_TestInfo tests[] = {
    {"failing calls: making the secret", test_secret_making},
    {"failing calls: making the secret in pieces", test_secret_making_in_pieces},
    {"failing calls: adding a secret", test_secret_adding},
    {"failing calls: adding a secret in pieces", test_secret_adding_in_pieces},
    {"failing calls: file of the hash gate", test_gate_file},
    {"failing calls: locks of the hash gate", test_gate_locks},
    {"failing calls: each kind was met", test_kinds},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("calls", tests, case_open, case_close);
}
