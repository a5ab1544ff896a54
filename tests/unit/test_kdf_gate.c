/* The gate over real processes: the bound holds, a killed holder's place comes free, those beyond the seats are told at
 * once. No sleeps for order: the children report through pipes. */
#include "../lib/suite.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/kdf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/latchkey-gate-XXXXXX";
static char path[64];

static struct cfg settings(int64_t slots, int64_t workers, int64_t wait)
{
    return (struct cfg){.password_slots = slots, .pool_workers = workers, .password_wait = wait,
                        .pool_state = dir, .pool_sign_in_socket = ""};
}

/* A process that stands inside the gate until it is killed or told to leave. */
struct holder {
    pid_t pid;
    int tell, hear;
};

static void holder_main(const struct cfg *cfg, int from, int to)
{
    struct kdf_gate *g = NULL;
    char c;
    enum err e = kdf_gate_open(cfg, false, &g);
    if (e == ERR_OK)
        e = kdf_gate_enter(g);
    c = (char)e;
    if (write(to, &c, 1) != 1 || read(from, &c, 1) != 1)
        _exit(1);
    if (e == ERR_OK)
        kdf_gate_leave(g);
    if (write(to, &c, 1) != 1 || read(from, &c, 1) != 1)
        _exit(1);
    _exit(0);
}

static struct holder holder_start(const struct cfg *cfg)
{
    int down[2], up[2];
    CU_ASSERT_FATAL(pipe(down) == 0 && pipe(up) == 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        close(down[1]);
        close(up[0]);
        holder_main(cfg, down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    return (struct holder){.pid = pid, .tell = down[1], .hear = up[0]};
}

static int holder_hear(const struct holder *h)
{
    char c = -1;
    CU_ASSERT_EQUAL(read(h->hear, &c, 1), 1);
    return c;
}

/* Leaves the gate but lives on. */
static void holder_leave(const struct holder *h)
{
    CU_ASSERT_EQUAL(write(h->tell, "", 1), 1);
    holder_hear(h);
}

static void holder_kill(const struct holder *h)
{
    int status;
    kill(h->pid, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(h->pid, &status, 0), h->pid);
    close(h->tell);
    close(h->hear);
}

static struct kdf_gate *opened(const struct cfg *cfg)
{
    struct kdf_gate *g = NULL;
    CU_ASSERT_FATAL(kdf_gate_open(cfg, false, &g) == ERR_OK && g != NULL);
    return g;
}

static void test_enter_and_leave(void)
{
    struct cfg cfg = settings(1, 2, 0);
    struct kdf_gate *g = opened(&cfg);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_OK);
        kdf_gate_leave(g);
    }
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_OK);
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_IO); /* the kernel would have granted it */
    struct holder h = holder_start(&cfg);
    CU_ASSERT_EQUAL(holder_hear(&h), ERR_HASH_BUSY); /* and the refused second one gave nothing away */
    kdf_gate_leave(g);
    kdf_gate_leave(g);
    holder_kill(&h);
    kdf_gate_close(&g);
    CU_ASSERT_PTR_NULL(g);
    kdf_gate_close(&g);
    kdf_gate_close(NULL);
}

static void test_file(void)
{
    struct stat st;
    struct cfg cfg = settings(1, 2, 0);
    mode_t before = umask(0);
    unlink(path);
    struct kdf_gate *g = opened(&cfg);
    umask(before);
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    kdf_gate_close(&g);
}

static void test_no_file_is_an_error(void)
{
    struct cfg cfg = settings(1, 2, 0);
    struct kdf_gate *g = NULL;
    cfg.pool_state = "/nonexistent/dir";
    CU_ASSERT_EQUAL(kdf_gate_open(&cfg, false, &g), ERR_IO);
    char link_dir[] = "/tmp/latchkey-gate-XXXXXX", name[64], target[64];
    CU_ASSERT_FATAL(mkdtemp(link_dir) != NULL);
    snprintf(name, sizeof name, "%s/hash.lock", link_dir);
    snprintf(target, sizeof target, "%s/elsewhere", link_dir);
    CU_ASSERT_EQUAL(symlink(target, name), 0);
    cfg.pool_state = link_dir;
    CU_ASSERT_EQUAL(kdf_gate_open(&cfg, false, &g), ERR_IO);
    CU_ASSERT(access(target, F_OK) != 0);
    CU_ASSERT_PTR_NULL(g);
    unlink(name);
    rmdir(link_dir);
}

static bool all_seats_taken(int fd, int seats)
{
    for (int i = 0; i < seats; i++) {
        struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 4096 + i, .l_len = 1};
        if (fcntl(fd, F_GETLK, &l) != 0 || l.l_type == F_UNLCK)
            return false;
    }
    return true;
}

static void test_beyond_the_seats_is_told_at_once(void)
{
    struct cfg cfg = settings(1, 4, 30000); /* one slot, two seats */
    struct holder inside = holder_start(&cfg);
    CU_ASSERT_EQUAL(holder_hear(&inside), ERR_OK);
    struct holder waiting = holder_start(&cfg);
    int fd = open(path, O_RDWR);
    CU_ASSERT_FATAL(fd >= 0);
    for (int64_t end = clock_steady() + 10000; !all_seats_taken(fd, 2) && clock_steady() < end;)
        usleep(1000);
    CU_ASSERT(all_seats_taken(fd, 2));
    close(fd);
    struct kdf_gate *g = opened(&cfg);
    int64_t from = clock_steady();
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_HASH_BUSY);
    CU_ASSERT(clock_steady() - from < 10000);
    kdf_gate_close(&g);
    holder_leave(&inside);
    CU_ASSERT_EQUAL(holder_hear(&waiting), ERR_OK); /* the slot given back goes to the one who waited */
    holder_kill(&inside);
    holder_kill(&waiting);
}

static void test_apart_all_but_one_wait(void)
{
    struct cfg cfg = settings(1, 2, 30000); /* one slot; on the first socket one seat */
    struct kdf_gate *first = opened(&cfg), *apart = NULL;
    struct holder inside = holder_start(&cfg);

    cfg.pool_sign_in_workers = 3;
    CU_ASSERT_EQUAL(holder_hear(&inside), ERR_OK);
    CU_ASSERT_EQUAL(kdf_gate_enter(first), ERR_HASH_BUSY); /* the seat is taken */
    kdf_gate_close(&first);
    cfg.password_wait = 10;
    CU_ASSERT_FATAL(kdf_gate_open(&cfg, true, &apart) == ERR_OK);
    int64_t from = clock_steady();
    CU_ASSERT_EQUAL(kdf_gate_enter(apart), ERR_HASH_BUSY); /* had a seat of its own, and waited for the slot */
    CU_ASSERT(clock_steady() - from >= 10);
    kdf_gate_close(&apart);
    holder_leave(&inside);
    holder_kill(&inside);
}

static void test_waits_no_longer_than_told(void)
{
    struct cfg cfg = settings(1, 4, 300);
    struct holder inside = holder_start(&cfg);
    CU_ASSERT_EQUAL(holder_hear(&inside), ERR_OK);
    struct kdf_gate *g = opened(&cfg);
    int64_t from = clock_steady();
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_HASH_BUSY);
    int64_t took = clock_steady() - from;
    CU_ASSERT(took >= 300 && took < 3000);
    holder_kill(&inside);
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_OK); /* the seat had been given back */
    kdf_gate_leave(g);
    kdf_gate_close(&g);
}

static void test_killed_holder_frees_its_slot(void)
{
    struct cfg cfg = settings(2, 8, 0);
    struct holder a = holder_start(&cfg), b = holder_start(&cfg);
    CU_ASSERT_EQUAL(holder_hear(&a), ERR_OK);
    CU_ASSERT_EQUAL(holder_hear(&b), ERR_OK);
    struct kdf_gate *g = opened(&cfg);
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_HASH_BUSY);
    holder_kill(&b);
    CU_ASSERT_EQUAL(kdf_gate_enter(g), ERR_OK);
    holder_kill(&a);
    kdf_gate_leave(g);
    kdf_gate_close(&g);
}

/* How many processes fit in at once. */
static int capacity(const struct cfg *cfg)
{
    enum { MANY = 24 };
    struct holder h[MANY];
    int in = 0;
    for (int i = 0; i < MANY; i++) {
        h[i] = holder_start(cfg);
        in += holder_hear(&h[i]) == ERR_OK;
    }
    for (int i = 0; i < MANY; i++)
        holder_kill(&h[i]);
    return in;
}

static void test_slots_follow_the_configuration(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    const struct {
        int64_t slots, workers;
        long want;
    } cases[] = {{1, 1, 1},
                 {3, 4, 3},
                 {5, 1, 5},
                 {0, 1, 1},
                 {0, 2, 1},
                 {0, 3, 1},
                 {0, 4, cpus < 2 ? cpus : 2},
                 {0, 40, cpus < 20 ? cpus : 20}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cfg cfg = settings(cases[i].slots, cases[i].workers, 0);
        CU_ASSERT_EQUAL(capacity(&cfg), cases[i].want);
    }
}

struct seen {
    atomic_int inside, most, entered, busy;
};

static void crowd_main(const struct cfg *cfg, struct seen *seen)
{
    struct kdf_gate *g = NULL;
    if (kdf_gate_open(cfg, false, &g) != ERR_OK)
        _exit(1);
    for (int i = 0; i < 40; i++) {
        enum err e = kdf_gate_enter(g);
        if (e == ERR_HASH_BUSY) {
            atomic_fetch_add(&seen->busy, 1);
            continue;
        }
        if (e != ERR_OK)
            _exit(2);
        int now = atomic_fetch_add(&seen->inside, 1) + 1, most = atomic_load(&seen->most);
        while (now > most && !atomic_compare_exchange_weak(&seen->most, &most, now))
            ;
        struct timespec t = {.tv_nsec = 500000};
        nanosleep(&t, NULL);
        atomic_fetch_add(&seen->entered, 1);
        atomic_fetch_sub(&seen->inside, 1);
        kdf_gate_leave(g);
    }
    _exit(0);
}

static void test_never_more_than_slots_inside(void)
{
    enum { CROWD = 16, SLOTS = 3 };
    struct cfg cfg = settings(SLOTS, 2 * CROWD, 20000);
    struct seen *seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(seen != MAP_FAILED);
    for (int i = 0; i < CROWD; i++) {
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0)
            crowd_main(&cfg, seen);
    }
    for (int i = 0; i < CROWD; i++) {
        int status = -1;
        CU_ASSERT(wait(&status) > 0 && status == 0);
    }
    CU_ASSERT_EQUAL(atomic_load(&seen->most), SLOTS);
    CU_ASSERT_EQUAL(atomic_load(&seen->entered), CROWD * 40); /* enough seats and time: none was turned away */
    CU_ASSERT_EQUAL(atomic_load(&seen->busy), 0);
    munmap(seen, sizeof *seen);
}

static CU_TestInfo tests[] = {
    {"enter and leave", test_enter_and_leave},
    {"file", test_file},
    {"no file is an error", test_no_file_is_an_error},
    {"apart all but one wait", test_apart_all_but_one_wait},
    {"beyond the seats is told at once", test_beyond_the_seats_is_told_at_once},
    {"waits no longer than told", test_waits_no_longer_than_told},
    {"killed holder frees its slot", test_killed_holder_frees_its_slot},
    {"slots follow the configuration", test_slots_follow_the_configuration},
    {"never more than slots inside", test_never_more_than_slots_inside},
    CU_TEST_INFO_NULL,
};

static int make_dir(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/hash.lock", dir);
    return log_open("/dev/null", LVL_ERROR) != ERR_OK;
}

static int drop_dir(void)
{
    unlink(path);
    return rmdir(dir);
}

int main(void)
{
    return suite_run("kdf_gate", tests, make_dir, drop_dir);
}
