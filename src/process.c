/* What every process of the program does with signals and against leaks. */
#include "process.h"

#include "base/log.h"
#include "base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

volatile sig_atomic_t process_stop;
static volatile sig_atomic_t reopen_asked, reload_asked;

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

static void on_reload(int sig)
{
    (void)sig;
    reload_asked = 1;
}

static void on_child(int sig)
{
    (void)sig; /* only to end a wait */
}

static enum err handle(int sig, void (*handler)(int), sigset_t *handled)
{
    struct sigaction act = {.sa_handler = handler};

    sigemptyset(&act.sa_mask);
    sigaddset(handled, sig);
    return sigaction(sig, &act, NULL) == 0 ? ERR_OK : ERR_INTERNAL;
}

/* nohup, and shells in the background, mean it */
static enum err handle_unless_ignored(int sig, void (*handler)(int), sigset_t *handled)
{
    struct sigaction inherited;

    if (sigaction(sig, NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN)
        return ERR_OK;
    return handle(sig, handler, handled);
}

static enum err handle_hup(enum on_hup hup, sigset_t *handled)
{
    switch (hup) {
    case HUP_STOPS:
        return handle_unless_ignored(SIGHUP, on_stop, handled);
    case HUP_RELOADS:
        return handle(SIGHUP, on_reload, handled);
    case HUP_IGNORED:
        break;
    }
    return signal(SIGHUP, SIG_IGN) == SIG_ERR ? ERR_INTERNAL : ERR_OK;
}

enum err process_signals(enum on_hup hup, sigset_t *open)
{
    sigset_t handled;

    sigemptyset(&handled);
    TRY(handle(SIGTERM, on_stop, &handled));
    TRY(handle_unless_ignored(SIGINT, on_stop, &handled));
    TRY(handle_hup(hup, &handled));
    TRY(handle(SIGCHLD, on_child, &handled));
    TRY(handle(SIGUSR1, on_reopen, &handled));
    /* a broken pipe or a full file is an error of a call, not the end of a worker */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return ERR_INTERNAL;
    /* who has a timer takes it for itself afterwards */
    if (signal(SIGALRM, SIG_IGN) == SIG_ERR)
        return ERR_INTERNAL;
    if (sigprocmask(SIG_BLOCK, &handled, NULL) != 0 || sigprocmask(SIG_BLOCK, NULL, open) != 0)
        return ERR_INTERNAL;
    for (int sig = 1; sig < SIGRTMIN; sig++)
        if (sigismember(&handled, sig) == 1)
            sigdelset(open, sig);
    return ERR_OK;
}

void process_wait(const sigset_t *open, int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)ppoll(NULL, 0, &t, open);
}

void process_harden(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn("core dumps stay on: %s", strerror(errno));
#if !SANITIZED /* the leak checker traces its own process */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        log_warn("memory stays readable to this user's processes: %s", strerror(errno));
#endif
}

void process_keep_low(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        log_warn("new privileges stay possible: %s", strerror(errno));
}

void process_keep_low_unless_mail(const struct cfg *cfg)
{
    if (cfg->mail_transport != TRANSPORT_SENDMAIL)
        process_keep_low();
    else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        log_warn("%s cannot get the rights of its mail queue here: restart latchkey, or allow new privileges in what "
                 "starts it (NoNewPrivileges= of systemd)",
                 cfg->mail_sendmail);
}

enum err process_settle(const struct keys *keys)
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
    TRY(arena_open(&a, FIRST_BLOCK));
    enum err e = token_hash("", hash);
    if (e == ERR_OK)
        e = keys_print(keys, 0, print);
    if (e == ERR_OK)
        e = kdf_spend(a, &least, "");
    arena_close(&a);
    if (e != ERR_OK)
        log_error("cannot start: OpenSSL does not answer as it should");
    return e;
}

bool process_reopen(void)
{
    if (!reopen_asked)
        return false;
    reopen_asked = 0;
    log_reopen();
    return true;
}

bool process_reload(void)
{
    bool asked = reload_asked;

    reload_asked = 0;
    return asked;
}

static enum err user_find(const struct cfg *cfg, struct passwd **out)
{
    const char *name = cfg->pool_user;

    if (!*name) {
        log_error("will not run as root: start it as another user, or set pool.user");
        return ERR_CONFIG;
    }
    errno = 0;
    *out = getpwnam(name);
    if (*out && (*out)->pw_uid != 0)
        return ERR_OK;
    log_error("pool.user: %s %s", name, *out ? "is root" : errno ? strerror(errno) : "is no user of this host");
    return ERR_CONFIG;
}

enum err process_become(const struct cfg *cfg)
{
    struct passwd *pw;

    if (geteuid() != 0)
        return ERR_OK;
    TRY(user_find(cfg, &pw));
    if (initgroups(pw->pw_name, pw->pw_gid) == 0 && setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == 0 &&
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == 0)
        return ERR_OK;
    log_error("cannot become %s: %s", cfg->pool_user, strerror(errno));
    return ERR_IO;
}

void process_notify(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;

    if (n < 2 || n >= sizeof to.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (*path == '@')
        to.sun_path[0] = '\0'; /* Linux's abstract names */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
        log_warn("the service manager was not told: %s", strerror(errno));
    close(fd);
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
