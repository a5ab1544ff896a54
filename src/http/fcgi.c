/* The FastCGI transport over libfcgi, which is known to this file only. Accepting, the deadline and closing are done
 * here, because libfcgi has no time limits, loses signals just before its accept and waits two seconds on broken
 * connections. Must not interpret parameters; that is request.c. */
#include "http/fcgi.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long a web server may take to close after our answer; libfcgi's own number. */
#define LINGER_MS 2000
#define ACCEPT_REST_MS 100
#define SIGNALS_MS 50

struct fcgi {
    int listen_fd;
    timer_t timer;
    struct itimerspec deadline;
    const char *const *peers;
    size_t n_peers;
    FCGX_Request req;
    int fd; /* of the current connection; -1 between requests */
    bool failed;
    int64_t signals_due; /* when they are to be let in apart */
    bool in_ended;       /* the peer has sent all of its body */
};

/* One deadline for parameters, body and answer together. A receive time-out on the socket could not do this: libfcgi
 * loops over the parameters by itself, and a byte every few seconds would start each read's time-out anew. The handler
 * only shuts the connection down, so that whatever libfcgi waits for ends at once and stays ended: nothing can be
 * missed between two system calls. */
static volatile sig_atomic_t deadline_fd = -1;
static volatile sig_atomic_t deadline_hit;

static void deadline_pass(int sig)
{
    (void)sig;
    int saved = errno;
    if (deadline_fd >= 0) {
        deadline_hit = 1;
        shutdown(deadline_fd, SHUT_RDWR);
    }
    errno = saved;
}

/* The last request's timer may still run: arming replaces it before the descriptor is shown to the handler. The timer
 * repeats, so that one that passed between these two lines (a stopped process) is not the last. */
static void deadline_start(struct fcgi *f)
{
    timer_settime(f->timer, 0, &f->deadline, NULL);
    deadline_hit = 0;
    deadline_fd = f->fd;
}

static void deadline_stop(struct fcgi *f)
{
    static const struct itimerspec never;
    timer_settime(f->timer, 0, &never, NULL);
}

/* Unix sockets are guarded by their file mode instead. */
static bool peer_allowed(const struct fcgi *f, const struct sockaddr_storage *from)
{
    struct net_addr address;
    char text[NET_TEXT_SIZE];

    if (from->ss_family == AF_UNIX)
        return true;
    if (!net_of_sockaddr(from, &address))
        return false;
    if (net_in(f->peers, f->n_peers, &address))
        return true;
    net_text(&address, text);
    log_warn("refused a connection from %s, which is not in pool.web_servers", text);
    return false;
}

static enum err deadline_open(struct fcgi *f, int64_t ms)
{
    struct sigaction act = {.sa_handler = deadline_pass, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    sigset_t alarm_only;

    f->deadline.it_value.tv_sec = ms / 1000;
    f->deadline.it_value.tv_nsec = (long)(ms % 1000) * 1000000;
    f->deadline.it_interval = f->deadline.it_value;
    sigemptyset(&act.sa_mask);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    if (sigaction(SIGALRM, &act, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &f->timer) != 0) {
        log_error("no timer for request deadlines: %s", strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

static enum err library_open(struct fcgi *f)
{
    int flags = fcntl(f->listen_fd, F_GETFL);

    if (flags < 0 || fcntl(f->listen_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        log_error("the listening socket is not usable: %s", strerror(errno));
        return ERR_IO;
    }
    signal(SIGPIPE, SIG_IGN);
    if (FCGX_Init() != 0 || FCGX_InitRequest(&f->req, -1, 0) != 0) {
        log_error("libfcgi did not start");
        return ERR_IO;
    }
    return ERR_OK;
}

enum err fcgi_open(const struct fcgi_options *o, struct fcgi **out)
{
    struct fcgi *f = calloc(1, sizeof *f);

    if (!f)
        return ERR_NO_MEMORY;
    f->listen_fd = o->listen_fd;
    f->fd = -1;
    f->peers = o->peers;
    f->n_peers = o->n_peers;
    enum err e = library_open(f);
    if (e == ERR_OK)
        e = deadline_open(f, o->deadline_ms);
    if (e != ERR_OK) {
        free(f);
        return e;
    }
    *out = f;
    return ERR_OK;
}

void fcgi_close(struct fcgi **f)
{
    if (!*f)
        return;
    fcgi_end(*f);
    timer_delete((*f)->timer);
    free(*f);
    *f = NULL;
}

/* Other workers poll the same socket; the one that comes late finds nothing to accept and waits again. */
static enum err connection_take(struct fcgi *f)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int on = 1;

    f->fd = accept4(f->listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
    if (f->fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
        return ERR_NONE;
    if (f->fd < 0) {
        bool passing = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        log_error("accept: %s", strerror(errno));
        if (passing)
            poll(NULL, 0, ACCEPT_REST_MS); /* the connection stays in the queue: do not spin on it */
        return passing ? ERR_NONE : ERR_IO;
    }
    if (!peer_allowed(f, &from)) {
        close(f->fd);
        f->fd = -1;
        return ERR_CLIENT_GONE;
    }
    if (from.ss_family != AF_UNIX)
        setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ERR_OK;
}

/* ppoll lets no signal in where a connection waits already: under steady load that would be never. */
static void signals_let_in(struct fcgi *f, const sigset_t *open_mask)
{
    int64_t now = clock_steady();
    sigset_t kept;

    if (now < f->signals_due)
        return;
    f->signals_due = now + SIGNALS_MS;
    sigprocmask(SIG_SETMASK, open_mask, &kept);
    sigprocmask(SIG_SETMASK, &kept, NULL);
}

static enum err connection_wait(struct fcgi *f, const sigset_t *open_mask, const volatile sig_atomic_t *stop)
{
    for (;;) {
        struct pollfd p = {.fd = f->listen_fd, .events = POLLIN};

        signals_let_in(f, open_mask);
        if (*stop)
            return ERR_SHUTDOWN;
        int ready = ppoll(&p, 1, NULL, open_mask);
        if (ready < 0 && errno != EINTR) {
            log_error("poll: %s", strerror(errno));
            return ERR_IO;
        }
        if (ready < 0) {
            deadline_stop(f); /* of a request long ended: an idle process is not to be woken again */
            continue;
        }
        enum err e = connection_take(f);
        if (e != ERR_NONE)
            return e;
    }
}

/* A descriptor set beforehand and keepConnection make FCGX_Accept_r leave out its accept and keep the descriptor;
 * without a listening socket it returns where it would take the next connection. "detached" makes it close a broken
 * connection without waiting for the peer. */
static enum err request_take(struct fcgi *f)
{
    f->req.ipcFd = f->fd;
    f->req.keepConnection = 1;
    f->req.detached = 1;
    f->req.listen_sock = -1;
    if (FCGX_Accept_r(&f->req) < 0) {
        deadline_fd = -1; /* closed by libfcgi; nothing was opened since, so a late alarm met no other connection */
        f->fd = -1;
        log_info("FastCGI: %s", deadline_hit ? "too slow" : "broken connection");
        return ERR_CLIENT_GONE;
    }
    /* The web server may have asked to keep the connection: libfcgi would then leave it open for ever. */
    f->req.keepConnection = 0;
    /* libfcgi takes a connection that ends among the parameters for their end; half of them must not be served. */
    if (FCGX_GetError(f->req.in) == 0 && !deadline_hit)
        return ERR_OK;
    log_info("FastCGI: %s", deadline_hit ? "too slow" : "connection ended among the parameters");
    f->failed = true;
    fcgi_end(f);
    return ERR_CLIENT_GONE;
}

enum err fcgi_next(struct fcgi *f, const sigset_t *open_mask, const volatile sig_atomic_t *stop)
{
    fcgi_end(f);
    TRY(connection_wait(f, open_mask, stop));
    f->failed = false;
    f->in_ended = false;
    deadline_start(f);
    return request_take(f);
}

char *const *fcgi_env(const struct fcgi *f)
{
    return f->req.envp;
}

static enum err gone(struct fcgi *f, const char *where)
{
    f->failed = true;
    log_info("FastCGI: %s %s", deadline_hit ? "too slow in" : "connection ended in", where);
    return ERR_CLIENT_GONE;
}

enum err fcgi_read(struct fcgi *f, char *to, size_t n, size_t *got)
{
    int want = n > INT_MAX ? INT_MAX : (int)n;
    int have = FCGX_GetStr(to, want, f->req.in);

    if (deadline_hit || FCGX_GetError(f->req.in) != 0)
        return gone(f, "the body");
    if (have < want)
        f->in_ended = true;
    *got = (size_t)have;
    return ERR_OK;
}

/* Closing the streams here, not in fcgi_end, sends answer and end of request in one write and tells its outcome. */
enum err fcgi_write(struct fcgi *f, const char *s, size_t n)
{
    if (f->failed || n > INT_MAX)
        return ERR_CLIENT_GONE;
    bool ok = FCGX_PutStr(s, (int)n, f->req.out) == (int)n;
    ok = FCGX_FClose(f->req.err) == 0 && ok;
    ok = FCGX_FClose(f->req.out) == 0 && ok;
    return ok && !deadline_hit ? ERR_OK : gone(f, "the answer");
}

/* A close while the peer still sends would reset the connection and could cost it the answer: wait until it closes,
 * taking in what comes. The deadline ends this as well (poll is not restarted after a signal). */
static void linger(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char waste[4096];

    if (shutdown(fd, SHUT_WR) != 0)
        return;
    while (!deadline_hit && poll(&p, 1, LINGER_MS) > 0)
        if (read(fd, waste, sizeof waste) <= 0)
            return;
}

void fcgi_end(struct fcgi *f)
{
    if (f->fd < 0)
        return;
    if (!f->failed) {
        FCGX_FClose(f->req.err);
        f->failed = FCGX_FClose(f->req.out) != 0;
    }
    FCGX_Free(&f->req, 0);
    f->req.ipcFd = -1;
    f->req.envp = NULL;
    if (!f->failed && !f->in_ended)
        linger(f->fd);
    deadline_fd = -1; /* before the number can belong to another descriptor */
    close(f->fd);
    f->fd = -1;
}
