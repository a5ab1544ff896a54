/* What is listened on: sockets passed by whoever started us, or made as the configuration says. */
#include "process.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_PASSED = 3 }; /* SD_LISTEN_FDS_START, sd_listen_fds(3) */

bool sockets_listening(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

/* The name of the i-th passed descriptor in "a:b"; without names the first is for sessions, the second for sign-in. */
static int passed_for(const char *names, long i)
{
    static const char sign_in[] = "sign-in";

    if (!names)
        return i == 0 ? SOCKET_SESSION : SOCKET_SIGN_IN;
    for (; i > 0 && names; i--) {
        names = strchr(names, ':');
        names = names ? names + 1 : NULL;
    }
    size_t len = names ? strcspn(names, ":") : 0;
    return len == sizeof sign_in - 1 && memcmp(names, sign_in, len) == 0 ? SOCKET_SIGN_IN : SOCKET_SESSION;
}

static enum err too_many(void)
{
    log_error("more sockets are passed than are known: one, and one named \"sign-in\" (FileDescriptorName=)");
    return ERR_IO;
}

static enum err take_passed(struct sockets *s)
{
    const char *pid = getenv("LISTEN_PID"), *text = getenv("LISTEN_FDS");
    long n = pid && text && strtol(pid, NULL, 10) == (long)getpid() ? strtol(text, NULL, 10) : 0;

    for (long i = 0; i < n; i++) {
        int fd = FIRST_PASSED + (int)i, which = passed_for(getenv("LISTEN_FDNAMES"), i);
        if (!sockets_listening(fd))
            continue;
        if (i >= SOCKETS || s->fd[which] >= 0)
            return too_many();
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        s->fd[which] = fd;
    }
    if (s->fd[SOCKET_SESSION] < 0 && sockets_listening(STDIN_FILENO))
        s->fd[SOCKET_SESSION] = STDIN_FILENO;
    return ERR_OK;
}

static const char *wanted(const struct cfg *cfg, int which)
{
    return which == SOCKET_SESSION ? cfg->pool_socket : cfg->pool_sign_in_socket;
}

static enum err make(const struct cfg *cfg, int which, struct sockets *s)
{
    const char *where = wanted(cfg, which);

    if (s->fd[which] >= 0 || !*where)
        return ERR_OK;
    TRY(fcgi_listen(where, cfg->pool_socket_group, (int)cfg->pool_backlog, &s->fd[which]));
    return snprintf(s->where[which], sizeof s->where[which], "%s", where) > 0 ? ERR_OK : ERR_IO;
}

static enum err make_all(const struct cfg *cfg, const struct sockets *kept, struct sockets *s)
{
    enum err e = ERR_OK;

    for (int i = 0; i < SOCKETS && e == ERR_OK; i++)
        e = make(cfg, i, s);
    if (e != ERR_OK)
        sockets_close(s, kept);
    return e;
}

enum err sockets_open(const struct cfg *cfg, struct sockets *out)
{
    struct sockets s = {.fd = {-1, -1}};

    TRY(take_passed(&s));
    TRY(make_all(cfg, NULL, &s));
    *out = s;
    return ERR_OK;
}

enum err sockets_renew(const struct cfg *cfg, const struct sockets *old, struct sockets *out)
{
    struct sockets s = {.fd = {-1, -1}};

    for (int i = 0; i < SOCKETS; i++) {
        bool passed = old->fd[i] >= 0 && !*old->where[i];
        if (!passed && strcmp(old->where[i], wanted(cfg, i)) != 0)
            continue;
        s.fd[i] = old->fd[i];
        memcpy(s.where[i], old->where[i], sizeof s.where[i]);
    }
    TRY(make_all(cfg, old, &s));
    *out = s;
    return ERR_OK;
}

void sockets_close(struct sockets *s, const struct sockets *next)
{
    for (int i = 0; i < SOCKETS; i++) {
        if (s->fd[i] < 0 || (next && next->fd[i] == s->fd[i]))
            continue;
        if (*s->where[i])
            fcgi_unlisten(s->where[i], &s->fd[i]);
        else
            close(s->fd[i]);
        s->fd[i] = -1;
    }
}

void sockets_only(const struct sockets *mine)
{
    enum { LAST = 64 }; /* a master holds few */

    for (int fd = FIRST_PASSED; fd < LAST; fd++)
        if (fd != mine->fd[SOCKET_SESSION] && fd != mine->fd[SOCKET_SIGN_IN] && sockets_listening(fd))
            close(fd);
}

void sockets_text(const struct sockets *s, char *out, size_t size)
{
    const char *first = *s->where[SOCKET_SESSION] ? s->where[SOCKET_SESSION] : "the socket passed";
    const char *second = *s->where[SOCKET_SIGN_IN] ? s->where[SOCKET_SIGN_IN] : "a second one";

    if (snprintf(out, size, "%s%s%s", first, s->fd[SOCKET_SIGN_IN] >= 0 ? " and " : "",
                 s->fd[SOCKET_SIGN_IN] >= 0 ? second : "") < 0)
        *out = '\0';
}
