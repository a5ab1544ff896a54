/* CGI: the environment, descriptor 0, descriptor 1. For hosts that have nothing better. */
#include "http/cgi.h"

#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

void cgi_deadline(long long ms)
{
    sigset_t alarm_only;

    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm((unsigned)((ms + 999) / 1000));
}

char *const *cgi_env(void)
{
    return environ;
}

static enum err gone(const char *where)
{
    log_info("CGI: %s: %s", where, strerror(errno));
    return ERR_CLIENT_GONE;
}

enum err cgi_read(char *to, size_t n, size_t *got)
{
    for (*got = 0; *got < n;) {
        ssize_t now = read(STDIN_FILENO, to + *got, n - *got);
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0)
            return gone("the body");
        if (now == 0)
            break;
        *got += (size_t)now;
    }
    return ERR_OK;
}

enum err cgi_write(const char *s, size_t n)
{
    while (n > 0) {
        ssize_t now = write(STDOUT_FILENO, s, n);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return gone("the answer");
        s += now;
        n -= (size_t)now;
    }
    return ERR_OK;
}
