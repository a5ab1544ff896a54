/* S100: tokens made by many processes at once never meet, and where the kernel gives no randomness nothing is issued:
 * nothing weaker takes its place. The randomness here is the real one. */
#include "auth/leave.h"
#include "suite.h"

#include "auth/jwt.h"
#include "base/clock.h"
#include "base/log.h"
#include "fixed.h"
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 64
#define EACH 1000

int64_t fixed_now;

int64_t clock_now(void)
{
    return fixed_now;
}

void fixed_random(unsigned which)
{
    (void)which;
}

/* --- many at once ----------------------------------------------------------------------------------------------------
 */

/* Half of each way to a token. */
static void mint(int start, int to)
{
    static char made[EACH][RNG_ID_SIZE];
    char c;

    if (read(start, &c, 1) != 0) /* its end tells all to begin */
        _exit(1);
    for (int i = 0; i < EACH; i++)
        if ((i % 2 ? token_new(made[i]) : rng_id(made[i])) != ERR_OK)
            _exit(2);
    _exit(write(to, made, sizeof made) == sizeof made ? 0 : 3);
}

static bool read_all(int fd, char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, to, n);
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

static int compare(const void *x, const void *y)
{
    return memcmp(x, y, RNG_ID_SIZE);
}

static void test_forked_tokens(void)
{
    static char made[CHILDREN * EACH][RNG_ID_SIZE];
    int start[2], from[CHILDREN], alike = 0, malformed = 0;

    CU_ASSERT_EQUAL_FATAL(token_new(made[0]), ERR_OK); /* whatever state there might be exists before the forks */
    CU_ASSERT_EQUAL_FATAL(pipe(start), 0);
    for (int i = 0; i < CHILDREN; i++) {
        int p[2];
        CU_ASSERT_EQUAL_FATAL(pipe(p), 0);
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0) {
            close(start[1]);
            mint(start[0], p[1]);
        }
        close(p[1]);
        from[i] = p[0];
    }
    close(start[1]);
    close(start[0]);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        CU_ASSERT(read_all(from[i], made[i * EACH], sizeof made / CHILDREN));
        close(from[i]);
        CU_ASSERT(wait(&status) > 0 && status == 0);
    }
    for (size_t i = 0; i < CHILDREN * EACH; i++)
        malformed += !token_wellformed(made[i]);
    qsort(made, CHILDREN * EACH, sizeof made[0], compare);
    for (size_t i = 1; i < CHILDREN * EACH; i++)
        alike += compare(made[i - 1], made[i]) == 0;
    CU_ASSERT_EQUAL(malformed, 0);
    CU_ASSERT_EQUAL(alike, 0);
}

/* --- none at all
 * ------------------------------------------------------------------------------------------------------- */

/* From now on the kernel refuses getrandom, and with files also every open: of /dev/urandom, /dev/random and whatever
 * else somebody might think of. */
static bool refuse(int error, bool files)
{
    const unsigned equals = BPF_JMP | BPF_JEQ | BPF_K;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(equals, SYS_getrandom, 3, 0),
        BPF_JUMP(equals, files ? SYS_openat : -1U, 2, 0),
#ifdef SYS_open
        BPF_JUMP(equals, files ? SYS_open : -1U, 1, 0),
#else
        BPF_JUMP(equals, -1U, 1, 0),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Says where it went wrong by its exit status. */
static int outcome(void (*child)(int error), int error)
{
    int status = -1;

    fflush(stdout);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        alarm(60);
        child(error);
        _exit(0);
    }
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
    if (status != 0)
        printf("errno %d: %s %d\n", error, WIFEXITED(status) ? "line" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return status;
}

static void each_error(void (*child)(int error))
{
    static const int errors[] = {ENOSYS, EPERM, EAGAIN, EFAULT};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        CU_ASSERT_EQUAL(outcome(child, errors[i]), 0);
}

/* An exit status holds eight bits: a number of its own for each. */
#define EXPECT(number, condition) \
    do {                          \
        if (!(condition))         \
            _exit(number);        \
    } while (0)

static void child_ids(int error)
{
    char id[RNG_ID_SIZE] = "untouched", token[RNG_ID_SIZE] = "untouched";
    unsigned char bytes[64] = {0};

    EXPECT(1, refuse(error, true));
    EXPECT(2, open("/dev/urandom", O_RDONLY) < 0 && errno == error);
    for (int i = 0; i < 100; i++) {
        EXPECT(3, rng_id(id) == ERR_RANDOM);
        EXPECT(4, token_new(token) == ERR_RANDOM);
        EXPECT(5, rng_fill(bytes, sizeof bytes) == ERR_RANDOM);
    }
    EXPECT(6, strcmp(id, "untouched") == 0 && strcmp(token, "untouched") == 0);
}

static void test_no_ids(void)
{
    each_error(child_ids);
}

/* All that a worker has open is open: a sign-in goes well before the kernel refuses. */
static void child_sign_in(int error)
{
    static const struct signup dan = {.name = "Dan", .email = "dan@example.org", .password = PASSWORD};
    static struct opened o;
    static struct scene s;
    struct signing_key k = {.id = NULL};
    const char *hash = NULL;
    int64_t expires;

    scene_open(&s);
    const struct checked who = scene_who(s.w.arena, BOB);
    struct auth au = scene_auth(&s, s.plain, s.w.arena);
    EXPECT(1, account_sign_in(&au, "alice@example.org", PASSWORD, true, &s.from, &s.stale, &o) == ERR_OK);
    EXPECT(2, token_wellformed(o.token));
    const char *before = scene_dump(&s, s.w.arena);
    EXPECT(3, refuse(error, true));
    memset(&o, 0, sizeof o);
    EXPECT(4, account_sign_in(&au, "alice@example.org", PASSWORD, true, &s.from, &s.both, &o) == ERR_RANDOM);
    EXPECT(5, account_sign_up(&au, &dan, &s.from, NULL, false, &o) == ERR_RANDOM);
    EXPECT(6, account_sign_up(&au, &dan, NULL, NULL, true, &o) == ERR_RANDOM);
    EXPECT(7, account_set_password(&au, BOB, "another good password", NULL) == ERR_RANDOM);
    EXPECT(8, kdf_hash(s.w.arena, &s.w.cfg->password_scrypt, PASSWORD, &hash) == ERR_RANDOM && !hash);
    EXPECT(9, o.token[0] == '\0');
    EXPECT(10, account_change_password(&au, &who, PASSWORD, "another good password", true, &s.from, &o) == ERR_RANDOM);
    EXPECT(11, reset_offer(&au, BOB, o.token, &expires) == ERR_RANDOM && o.token[0] == '\0');
    EXPECT(12, reset_password(&au, RESET_TOKEN, "another good password") == ERR_RANDOM);
    EXPECT(14, jwt_current(&au, true, &k) == ERR_RANDOM && !k.id);
    EXPECT(13, strcmp(scene_dump(&s, s.w.arena), before) == 0);
    scene_close(&s);
}

static void test_no_sessions(void)
{
    each_error(child_sign_in);
}

/* What needs no chance goes on: who is signed in stays so, and can sign out. */
static void child_goes_on(int error)
{
    static struct checked c;
    static struct scene s;

    scene_open(&s);
    struct auth au = scene_auth(&s, s.plain, s.w.arena);
    EXPECT(1, account_enable(&au, CAROL) == ERR_OK); /* so that its files are open */
    EXPECT(2, refuse(error, true));
    EXPECT(3, session_check(&au, &s.stale, &s.from, false, &c) == ERR_OK && c.moved);
    EXPECT(4, session_sign_out(&au, &s.both) == ERR_OK);
    EXPECT(5, session_check(&au, &s.stale, &s.from, false, &c) == ERR_NONE);
    const struct checked who = scene_who(s.w.arena, BOB);
    EXPECT(6, account_reauthenticate(&au, &who, PASSWORD) == ERR_OK);
    EXPECT(7, leave_start(&au, &who, PASSWORD, NULL, &(bool){false}) == ERR_OK);
    scene_close(&s);
}

static void test_the_rest_goes_on(void)
{
    each_error(child_goes_on);
}

static void child_secret(int error)
{
    char dir[] = "/tmp/latchkey-random-XXXXXX", path[64];
    struct keys *k = NULL;

    EXPECT(1, mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/secret", dir);
    EXPECT(2, refuse(error, false));
    enum err e = keys_open(path, &k);
    bool nothing_left = rmdir(dir) == 0;
    EXPECT(3, e == ERR_RANDOM && !k);
    EXPECT(4, nothing_left);
}

static void test_no_secret(void)
{
    each_error(child_secret);
}

static CU_TestInfo tests[] = {
    {"randomness: 64 forked processes, no token twice", test_forked_tokens},
    {"no randomness: no ids and no tokens", test_no_ids},
    {"no randomness: no session, no user, no hash", test_no_sessions},
    {"no randomness: what needs none goes on", test_the_rest_goes_on},
    {"no randomness: no secret is made", test_no_secret},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (log_open("/dev/null", LVL_ERROR) != ERR_OK)
        return 2;
    return suite_run("random", tests, NULL, NULL);
}
