/* What every process of the program does with signals and against leaks. */
#include "process.h"

#include "base/log.h"
#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

volatile sig_atomic_t process_stop;
static volatile sig_atomic_t reopen_asked;

static void on_stop(int sig)
{
    (void)sig;
    process_stop = 1;
}

static void on_reopen(int sig)
{
    (void)sig;
    reopen_asked = 1;
}

static void on_child(int sig)
{
    (void)sig; /* only to end a wait */
}

enum err process_signals(sigset_t *open)
{
    static const int stops[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction act = {.sa_handler = on_stop};
    sigset_t block;

    sigemptyset(&act.sa_mask);
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        struct sigaction inherited;
        /* nohup, and shells in the background, mean it */
        if (stops[i] != SIGTERM && sigaction(stops[i], NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN)
            continue;
        sigaddset(&block, stops[i]);
        if (sigaction(stops[i], &act, NULL) != 0)
            return ERR_INTERNAL;
    }
    sigaddset(&block, SIGCHLD);
    sigaddset(&block, SIGUSR1);
    act.sa_handler = on_child;
    if (sigaction(SIGCHLD, &act, NULL) != 0)
        return ERR_INTERNAL;
    act.sa_handler = on_reopen;
    if (sigaction(SIGUSR1, &act, NULL) != 0)
        return ERR_INTERNAL;
    /* a broken pipe or a full file is an error of a call, not the end of a worker */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return ERR_INTERNAL;
    if (sigprocmask(SIG_BLOCK, &block, NULL) != 0 || sigprocmask(SIG_BLOCK, NULL, open) != 0)
        return ERR_INTERNAL;
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        sigdelset(open, stops[i]);
    sigdelset(open, SIGCHLD);
    sigdelset(open, SIGUSR1);
    return ERR_OK;
}

void process_harden(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn("core dumps stay on: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        log_warn("new privileges stay possible: %s", strerror(errno));
#if !SANITIZED /* the leak checker traces its own process */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_warn("memory stays readable to this user's processes: %s", strerror(errno));
#endif
}

void process_settle(const struct keys *keys)
{
    enum { KEEP = 128 * 1024, FIRST_BLOCK = 4096 };
    static const struct cfg_scrypt least = {1, 1, 1};
    char hash[TOKEN_HASH_SIZE], print[KEYS_PRINT_SIZE];
    struct arena *a;

#ifdef M_MMAP_THRESHOLD
    /* Set, the threshold does not grow with the largest block freed, and scrypt's megabytes are not kept. */
    mallopt(M_MMAP_THRESHOLD, KEEP);
    mallopt(M_TRIM_THRESHOLD, KEEP);
#endif
    if (arena_open(&a, FIRST_BLOCK) != ERR_OK)
        return;
    if (token_hash("", hash) != ERR_OK || keys_print(keys, 0, print) != ERR_OK || kdf_spend(a, &least, "") != ERR_OK)
        log_warn("OpenSSL does not answer as it should");
    arena_close(&a);
}

bool process_reopen(void)
{
    if (!reopen_asked)
        return false;
    reopen_asked = 0;
    log_reopen();
    return true;
}

enum err process_descriptors(void)
{
    int fd;

    /* whatever is opened first would take the place of a closed standard error, and log lines would go into it */
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return ERR_IO;
    close(fd);
    return ERR_OK;
}
