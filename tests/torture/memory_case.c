/* See memory_case.h. */
#include "memory_case.h"

#include "base/log.h"
#include "base/sanitized.h"
#include "crypto/kdf.h"
#include "fixed.h"
#include "memory.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 60000
#define LASTING_STEP 7 /* where all fail from one on, the one changes less */
/* Of the n-th failures at most about as many, evenly spread. Under sanitizers a fork costs much. */
#define RUNS (SANITIZED ? 160 : 800)
#define DIED_BY_ARENA "out of memory: "

struct arena *arena;
struct scene scene;
struct db *copy;
struct cfg copy_cfg;

static struct {
    char s[TEXT_MAX];
    size_t n;
} said;

static char log_path[96], copy_path[96], template_path[96];

void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(said.s + said.n, sizeof said.s - said.n, fmt, ap);
    va_end(ap);
    scene_need(n >= 0 && (size_t)n < sizeof said.s - said.n, "text too long");
    said.n += (size_t)n;
}

/* --- the copy of the database ------------------------------------------------------------------------------------------ */

static void drop_copy(void)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char path[128];

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(path, sizeof path, "%s%s", copy_path, tails[i]);
        unlink(path);
    }
}

static void make_copy(void)
{
    static char page[1 << 16];
    ssize_t n;

    drop_copy();
    AUTO(fd) int from = open(template_path, O_RDONLY | O_CLOEXEC);
    AUTO(fd) int to = open(copy_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    while ((n = read(from, page, sizeof page)) > 0)
        scene_need(write(to, page, (size_t)n) == n, "copy");
    scene_need(n == 0, "copy");
}

/* All its rows; NULL: there is no usable database. */
static const char *rows_of_copy(struct arena *a)
{
    struct scene look = scene;

    if (db_open_existing(&copy_cfg, NULL, &look.plain) != ERR_OK)
        return NULL;
    const char *rows = scene_dump(&look, a);
    db_close(&look.plain);
    return rows;
}

/* --- one run in a process of its own --------------------------------------------------------------------------------- */

struct outcome {
    enum err e, again;
    bool usable; /* the database, afterwards */
    unsigned long calls;
    size_t n; /* of the two texts */
};

struct result {
    int status; /* of wait(2) */
    struct outcome o;
    char text[TEXT_MAX];
    char log[8192];
};

static bool db_usable_now(void)
{
    AUTO(db_tx) struct db *tx = NULL;

    if (!copy || db_moved(copy))
        db_close(&copy);
    if (!copy && db_open_existing(&copy_cfg, NULL, &copy) != ERR_OK)
        return false;
    return db_begin(copy, &tx) == ERR_OK && users_lock_all(copy) == ERR_OK;
}

static void child_main(const struct scenario *s, unsigned long n, bool lasting, int to)
{
    struct outcome o = {.again = ERR_OK, .usable = true};

    scene_need(log_open(log_path, LVL_INFO) == ERR_OK, "log");
    if (s->arrange)
        s->arrange();
    fixed_random(2);
    memory_fail(n, lasting);
    o.e = s->run();
    o.calls = memory_mend();
    if (o.e != ERR_OK)
        said.n = 0;
    o.n = said.n;
    static char first[TEXT_MAX];
    memcpy(first, said.s, said.n);
    if (s->on_db) {
        o.usable = db_usable_now();
    } else {
        arena_reset(arena);
        fixed_random(2);
        said.n = 0;
        if (s->arrange)
            s->arrange();
        o.again = s->run();
        if (o.e == ERR_OK && (said.n != o.n || memcmp(said.s, first, o.n) != 0))
            o.again = ERR_NONE;
    }
    if (write(to, &o, sizeof o) != sizeof o || write(to, first, o.n) != (ssize_t)o.n)
        _exit(9);
    _exit(0);
}

static bool read_all(int fd, void *to, size_t n)
{
    for (char *at = to; n > 0;) {
        ssize_t got = read(fd, at, n);
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static void log_take(struct result *r)
{
    AUTO(fd) int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, r->log, sizeof r->log - 1);

    r->log[n > 0 ? n : 0] = '\0';
}

static void run_child(const struct scenario *s, unsigned long n, bool lasting, struct result *r)
{
    int p[2];

    unlink(log_path);
    if (s->on_db)
        make_copy();
    scene_need(pipe(p) == 0, "pipe");
    fflush(stdout);
    pid_t pid = fork();
    scene_need(pid >= 0, "fork");
    if (pid == 0) {
        alarm(60);
        close(p[0]);
        child_main(s, n, lasting, p[1]);
    }
    close(p[1]);
    memset(&r->o, 0, sizeof r->o);
    bool told = read_all(p[0], &r->o, sizeof r->o) && read_all(p[0], r->text, r->o.n);
    close(p[0]);
    scene_need(waitpid(pid, &r->status, 0) == pid, "wait");
    if (!told && WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
        r->status = -1;
    log_take(r);
}

/* --- judging ----------------------------------------------------------------------------------------------------------- */

struct wanted {
    struct result plain; /* what a run says in which nothing fails */
    const char *before, *after;
};

/* NULL: it may end so. */
static const char *process_fault(const struct result *r)
{
    if (WIFSIGNALED(r->status) && WTERMSIG(r->status) == SIGABRT)
        return strstr(r->log, DIED_BY_ARENA) ? NULL : "aborted without saying that memory is out";
    if (!WIFEXITED(r->status) || WEXITSTATUS(r->status) != 0)
        return "crashed";
    return NULL;
}

static const char *answer_fault(const struct scenario *s, const struct wanted *w, const struct result *r)
{
    if (!WIFEXITED(r->status))
        return NULL; /* it said nothing */
    if ((unsigned)r->o.e >= ERR_COUNT || (r->o.e != ERR_OK && err_row(r->o.e)->status / 100 == 4))
        return "the client is blamed";
    if (r->o.e == ERR_OK && (r->o.n != w->plain.o.n || memcmp(r->text, w->plain.text, r->o.n) != 0))
        return "a wrong answer for a right one";
    if (r->o.again != ERR_OK)
        return "what came next failed";
    return s->on_db && !r->o.usable ? "the database is of no use afterwards" : NULL;
}

static const char *rows_fault(const struct scenario *s, const struct wanted *w)
{
    struct arena *a = NULL;

    if (!s->on_db)
        return NULL;
    scene_need(arena_open(&a, 16 * 1024) == ERR_OK, "memory");
    const char *rows = rows_of_copy(a);
    bool whole = rows && (strcmp(rows, w->before) == 0 || strcmp(rows, w->after) == 0);
    arena_close(&a);
    return whole ? NULL : "half done";
}

static bool judge(const struct scenario *s, const struct wanted *w, const struct result *r, unsigned long n,
                  bool lasting)
{
    const char *why = process_fault(r);

    if (!why)
        why = answer_fault(s, w, r);
    if (!why)
        why = rows_fault(s, w);
    if (!why)
        return true;
    printf("%s: allocation %lu%s fails: %s (status %d, %s, then %s)\n", s->name, n, lasting ? " and all after it" : "",
           why, r->status, err_row(r->o.e)->name, err_row(r->o.again)->name);
    printf("%.*s\n%s", (int)r->o.n, r->text, r->log);
    return false;
}

/* The rows before, and after a run in which nothing fails. */
static void look_without_fault(const struct scenario *s, struct arena *kept, struct wanted *w)
{
    if (s->on_db) {
        make_copy();
        w->before = rows_of_copy(kept);
        CU_ASSERT_PTR_NOT_NULL_FATAL(w->before);
    }
    run_child(s, 0, false, &w->plain);
    CU_ASSERT_EQUAL_FATAL(w->plain.status, 0);
    CU_ASSERT_EQUAL_FATAL(w->plain.o.e, ERR_OK);
    CU_ASSERT_EQUAL_FATAL(w->plain.o.again, ERR_OK);
    CU_ASSERT(w->plain.o.usable && w->plain.o.n > 0);
    if (s->on_db)
        w->after = rows_of_copy(kept);
}

static unsigned long step_of(unsigned long calls, bool lasting)
{
    unsigned long step = calls / RUNS + 1;

    return lasting ? step * LASTING_STEP : step;
}

void torture(const struct scenario *s)
{
    static struct wanted w;
    static struct result r;
    struct arena *kept = NULL;
    unsigned long bad = 0, clean = 0, ended = 0;

    CU_ASSERT_EQUAL_FATAL(arena_open(&kept, 4096), ERR_OK);
    look_without_fault(s, kept, &w);
    for (int lasting = 0; lasting <= 1; lasting++)
        for (unsigned long n = 1; n <= w.plain.o.calls && bad < 5; n += step_of(w.plain.o.calls, lasting)) {
            run_child(s, n, lasting, &r);
            bad += !judge(s, &w, &r, n, lasting);
            clean += WIFEXITED(r.status) && r.o.e != ERR_OK;
            ended += WIFSIGNALED(r.status);
        }
    printf("%s: %lu allocations, %lu errors, %lu ends\n", s->name, w.plain.o.calls, clean, ended);
    CU_ASSERT_EQUAL(bad, 0);
    CU_ASSERT(clean + ended > 0);
    arena_close(&kept);
}

/* --- the whole ----------------------------------------------------------------------------------------------------------- */

/* What process_settle does before there are workers: an algorithm that OpenSSL could not set up at its first use is
 * lost to that process for good. */
static void openssl_begin(void)
{
    static const struct cfg_scrypt least = {.log2n = 1, .r = 1, .p = 1};
    char print[KEYS_PRINT_SIZE];

    scene_need(keys_print(scene.keys, 0, print) == ERR_OK && kdf_spend(arena, &least, "") == ERR_OK, "OpenSSL");
    arena_reset(arena);
}

int case_open(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* many small files, none to be kept */
    if (log_open("/dev/null", LVL_ERROR) != ERR_OK || arena_open(&arena, 1024) != ERR_OK)
        return 1;
    scene_open(&scene);
    snprintf(log_path, sizeof log_path, "%s/log", scene.w.dir);
    snprintf(copy_path, sizeof copy_path, "%s/copy.db", scene.w.dir);
    snprintf(template_path, sizeof template_path, "%s/template.db", scene.w.dir);
    copy_cfg = *scene.w.cfg;
    copy_cfg.database_path = copy_path;
    copy_cfg.pool_state = scene.w.dir;
    openssl_begin();
    return db_script(scene.plain, arena_printf(scene.w.arena, "VACUUM INTO '%s'", template_path)) != ERR_OK;
}

int case_close(void)
{
    drop_copy();
    unlink(template_path);
    unlink(log_path);
    unlink(arena_printf(scene.w.arena, "%s/hash.lock", scene.w.dir));
    arena_close(&arena);
    scene_close(&scene);
    return 0;
}
