/* Listening sockets. A path never loses a file that is not a dead socket, and nobody can connect before the socket has
 * its mode and group. Must not accept; that is fcgi.c. */
#include "http/fcgi.h"

#include "base/auto.h"
#include "base/log.h"
#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_TRIES = 40, LOCK_PAUSE_MS = 50 };

static enum err failed(const char *where, const char *what)
{
    log_error("socket %s: %s: %s", where, what, strerror(errno));
    return ERR_IO;
}

/* Only a refused connection proves that nobody serves the old socket; anything else may be a live one. */
static enum err stale_remove(const char *path, const struct sockaddr_un *to)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : failed(path, "stat");
    if (!S_ISSOCK(st.st_mode)) {
        log_error("socket %s: the file exists and is not a socket", path);
        return ERR_IO;
    }
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(path, "socket");
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno != ECONNREFUSED) {
        log_error("socket %s: another process listens there already", path);
        return ERR_IO;
    }
    return unlink(path) == 0 || errno == ENOENT ? ERR_OK : failed(path, "unlink");
}

static enum err group_give(const char *path, const char *group)
{
    if (!group || !*group)
        return ERR_OK;
    struct group *g = getgrnam(group);
    if (!g) {
        log_error("socket %s: no group \"%s\"", path, group);
        return ERR_IO;
    }
    return lchown(path, (uid_t)-1, g->gr_gid) == 0 ? ERR_OK : failed(path, "chown");
}

static enum err unix_bind(const char *path, const char *group, int fd)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof to.sun_path) {
        log_error("socket %s: the path is too long", path);
        return ERR_IO;
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    TRY(stale_remove(path, &to));
    mode_t old = umask(0117);
    int bound = bind(fd, (const struct sockaddr *)&to, sizeof to);
    int saved = errno;
    umask(old);
    errno = saved;
    if (bound != 0)
        return failed(path, "bind");
    return group_give(path, group);
}

/* Between finding a socket dead and listening ourselves nobody else may come to the same conclusion. The lock goes with
 * the descriptor. */
static enum err directory_lock(const char *path, int *out)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t n = (size_t)(strrchr(path, '/') - path);

    if (n >= sizeof dir)
        return ERR_IO;
    memcpy(dir, n ? path : "/", n ? n : 1);
    dir[n ? n : 1] = '\0';
    *out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0)
        return failed(path, "directory");
    /* whoever may read the directory may hold its lock: not waited for without end */
    for (int tries = 0; flock(*out, LOCK_EX | LOCK_NB) != 0; tries++) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || tries == LOCK_TRIES)
            return failed(path, "lock of its directory");
        poll(NULL, 0, LOCK_PAUSE_MS);
    }
    return ERR_OK;
}

static enum err unix_listen(const char *path, const char *group, int backlog, int *out)
{
    AUTO(fd) int lock = -1;
    AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return failed(path, "socket");
    TRY(directory_lock(path, &lock));
    TRY(unix_bind(path, group, fd));
    if (listen(fd, backlog) != 0)
        return failed(path, "listen");
    *out = fd;
    fd = -1;
    return ERR_OK;
}

/* "127.0.0.1:9000" or "[::1]:9000"; names are not looked up: the address is a decision, not a question. */
static struct addrinfo *address_parse(const char *where)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct net_host host;
    char port[12];

    if (!net_host_parse(where, &host) || host.port < 0)
        return NULL;
    snprintf(port, sizeof port, "%d", host.port);
    return getaddrinfo(host.name, port, &hints, &found) == 0 ? found : NULL;
}

AUTO_KIND(addrinfo, struct addrinfo *, freeaddrinfo);

static enum err tcp_listen(const char *where, int backlog, int *out)
{
    AUTO(addrinfo) struct addrinfo *to = address_parse(where);
    int on = 1;

    if (!to) {
        log_error("socket %s: neither a path nor ADDRESS:PORT", where);
        return ERR_IO;
    }
    AUTO(fd) int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(where, "socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, to->ai_addr, to->ai_addrlen) != 0)
        return failed(where, "bind");
    if (listen(fd, backlog) != 0)
        return failed(where, "listen");
    *out = fd;
    fd = -1;
    return ERR_OK;
}

enum err fcgi_listen(const char *where, const char *group, int backlog, int *fd)
{
    return strchr(where, '/') ? unix_listen(where, group, backlog, fd) : tcp_listen(where, backlog, fd);
}

void fcgi_unlisten(const char *where, int *fd)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    AUTO(fd) int lock = -1;

    /* a child that has not yet closed its copy must not keep it alive */
    shutdown(*fd, SHUT_RDWR);
    close(*fd);
    *fd = -1;
    if (!strchr(where, '/') || strlen(where) >= sizeof to.sun_path || directory_lock(where, &lock) != ERR_OK)
        return;
    memcpy(to.sun_path, where, strlen(where) + 1);
    if (stale_remove(where, &to) != ERR_OK)
        log_warn("socket %s: left to whom it belongs now", where);
}
