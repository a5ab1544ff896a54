/* Mail by a program that is called as sendmail is: -i -f FROM -- TO, the message on standard input. It gets files
 * instead of pipes, so that neither side ever waits for the other, and is ended with all it has started when its time
 * is over. */
#include "mail/mail.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

enum { LOOK_MS = 10, TOLD_MAX = 500 };

/* Nothing of ours but what it needs to find its configuration. */
static char *const *environment(struct arena *a)
{
    struct passwd *pw = getpwuid(geteuid());
    char **env = ARENA_ARRAY(a, char *, 4);

    env[0] = arena_strdup(a, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    env[1] = arena_strdup(a, "LC_ALL=C");
    env[2] = pw ? arena_printf(a, "HOME=%s", pw->pw_dir) : NULL;
    return env;
}

/* Signals as a program expects them, a group of its own. */
static bool attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) ==
               0 &&
           posix_spawnattr_setpgroup(attr, 0) == 0 && posix_spawnattr_setsigmask(attr, &none) == 0 &&
           posix_spawnattr_setsigdefault(attr, &all) == 0;
}

static bool descriptors(posix_spawn_file_actions_t *act, int in, int err)
{
    return posix_spawn_file_actions_adddup2(act, in, STDIN_FILENO) == 0 &&
           posix_spawn_file_actions_addopen(act, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(act, err, STDERR_FILENO) == 0;
}

/* errno, or 0. */
static int start(const struct cfg *cfg, struct arena *a, const struct envelope *e, int in, int err, pid_t *pid)
{
    char *const argv[] = {arena_strdup(a, cfg->mail_sendmail),
                          arena_strdup(a, "-i"),
                          arena_strdup(a, "-f"),
                          arena_strdup(a, e->from),
                          arena_strdup(a, "--"),
                          arena_strdup(a, e->to),
                          NULL};
    posix_spawn_file_actions_t act;
    posix_spawnattr_t attr;

    int res = posix_spawn_file_actions_init(&act);
    if (res != 0)
        return res;
    res = posix_spawnattr_init(&attr);
    if (res == 0) {
        res = descriptors(&act, in, err) && attributes(&attr)
                  ? posix_spawn(pid, argv[0], &act, &attr, argv, environment(a))
                  : ENOMEM;
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&act);
    return res;
}

/* false: its time was over and it was ended. */
static bool wait_for(pid_t pid, int64_t ms, int *status)
{
    const struct timespec pause = {0, LOOK_MS * 1000 * 1000};
    int64_t until = clock_steady() + ms;

    while (waitpid(pid, status, WNOHANG) == 0) {
        if (clock_steady() >= until) {
            kill(-pid, SIGKILL);
            while (waitpid(pid, status, 0) < 0 && errno == EINTR)
                ;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Those that speak of this mail and not of the program, the host or the moment (sysexits.h). */
static bool permanent(int code)
{
    return code == EX_DATAERR || code == EX_NOUSER || code == EX_NOHOST;
}

/* What it wrote on standard error, up to the first line that says something. */
static const char *told(struct arena *a, int err)
{
    char *s = arena_alloc(a, TOLD_MAX + 1);
    ssize_t n = pread(err, s, TOLD_MAX, 0);

    s[n > 0 ? n : 0] = '\0';
    s += strspn(s, " \t\r\n");
    s[strcspn(s, "\r\n")] = '\0';
    return s;
}

static enum delivery outcome(const struct cfg *cfg, struct arena *a, pid_t pid, int err, const char **why)
{
    int status = EX_TEMPFAIL << 8; /* where its end cannot be told */

    if (!wait_for(pid, cfg->mail_timeout, &status)) {
        *why = "the program did not end in time and was killed";
        return DELIVERY_LATER;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
        return DELIVERY_DONE;
    if (WIFEXITED(status))
        *why = arena_printf(a, "the program ended with status %d: %s", WEXITSTATUS(status), told(a, err));
    else
        *why = arena_printf(a, "the program was ended by signal %d", WTERMSIG(status));
    return WIFEXITED(status) && permanent(WEXITSTATUS(status)) ? DELIVERY_NEVER : DELIVERY_LATER;
}

/* A file that is nowhere, with these bytes in it; -1. */
static int nowhere(const char *bytes, size_t len)
{
    int fd = memfd_create("mail", MFD_CLOEXEC);
    size_t done = 0;

    while (fd >= 0 && done < len) {
        ssize_t n = write(fd, bytes + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* On its way to a program a line ends as lines of this system do. */
static const char *unix_lines(struct arena *a, const struct envelope *e, size_t *len)
{
    char *s = arena_alloc(a, e->len + 1);
    size_t n = 0;

    for (size_t i = 0; i < e->len; i++)
        if (e->bytes[i] != '\r')
            s[n++] = e->bytes[i];
    *len = n;
    return s;
}

enum delivery sendmail_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    size_t len;
    const char *bytes = unix_lines(a, e, &len);
    AUTO(fd) int in = nowhere(bytes, len);
    AUTO(fd) int err = nowhere("", 0);
    pid_t pid;

    int reason = in < 0 || err < 0 ? errno : start(cfg, a, e, in, err, &pid);
    if (reason == 0)
        return outcome(cfg, a, pid, err, why);
    *why = arena_printf(a, "%s: %s", cfg->mail_sendmail, strerror(reason));
    return DELIVERY_LATER;
}

bool sendmail_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    bool good = access(cfg->mail_sendmail, X_OK) == 0;

    *detail = good ? arena_printf(a, "sendmail: by %s", cfg->mail_sendmail)
                   : arena_printf(a, "sendmail: %s: %s", cfg->mail_sendmail, strerror(errno));
    return good;
}
