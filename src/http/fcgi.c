/* The FastCGI transport over libfcgi, which is known to this file only. Accepting, the deadline and closing are done
 * here, because libfcgi has no time limits, loses signals just before its accept and waits two seconds on broken
 * connections. Must not interpret parameters; that is request.c. */
#include "http/fcgi.h"

#include "base/clock.h"
#include "base/deadline.h"
#include "base/log.h"
#include "base/net.h"
#include "http/cgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long a web server may take to close after our answer; libfcgi's own number. */
#define LINGER_MS 2000
#define ACCEPT_REST_MS 100
#define SIGNALS_MS 50
#define LOOK_MS 1000

struct fcgi {
    struct deadline deadline; /* one for parameters, body and answer together */
    struct fcgi_options options;
    FCGX_Request req;
    int fd; /* of the current connection; -1 between requests */
    int waiter; /* epoll(7), which wakes one of those who wait for a connection, where poll(2) wakes all */
    bool failed;
    int64_t signals_due; /* when they are to be let in apart */
    bool in_ended;       /* the peer has sent all of its body */
    bool cgi;            /* no FastCGI at all: http/cgi.h */
};

/* Unix sockets are guarded by their file mode instead. */
static bool peer_allowed(const struct fcgi *f, const struct sockaddr_storage *from)
{
    struct net_addr address;
    char text[NET_TEXT_SIZE];

    if (from->ss_family == AF_UNIX)
        return true;
    if (!net_of_sockaddr(from, &address))
        return false;
    if (net_in(f->options.peers, f->options.n_peers, &address))
        return true;
    net_text(&address, text);
    log_warn("refused a connection from %s, which is not in pool.web_servers", text);
    return false;
}

/* libfcgi asks for large blocks with each request, and before it gives one glibc joins the small ones that were freed,
 * of which libfcgi has freed many: it shall not keep them apart. */
static void malloc_settle(void)
{
#ifdef M_MXFAST
    mallopt(M_MXFAST, 0);
#endif
}

/* At the end of those who wait, since the first of them that sleeps is woken. */
static bool waiter_join(const struct fcgi *f)
{
    struct epoll_event any = {.events = EPOLLIN | EPOLLEXCLUSIVE};

    return epoll_ctl(f->waiter, EPOLL_CTL_ADD, f->options.listen_fd, &any) == 0;
}

static enum err library_open(struct fcgi *f)
{
    int flags = fcntl(f->options.listen_fd, F_GETFL);

    if (flags < 0 || fcntl(f->options.listen_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        log_error("the listening socket is not usable: %s", strerror(errno));
        return ERR_IO;
    }
    f->waiter = epoll_create1(EPOLL_CLOEXEC);
    if (f->waiter < 0 || !waiter_join(f)) {
        log_error("the listening socket cannot be waited for: %s", strerror(errno));
        return ERR_IO;
    }
    signal(SIGPIPE, SIG_IGN);
    malloc_settle();
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
    f->options = *o;
    f->fd = f->waiter = -1;
    enum err e = library_open(f);
    if (e == ERR_OK)
        e = deadline_open(&f->deadline);
    if (e == ERR_OK)
        *out = f;
    else
        fcgi_close(&f);
    return e;
}

enum err fcgi_open_cgi(int64_t deadline_ms, struct fcgi **out)
{
    struct fcgi *f = calloc(1, sizeof *f);

    if (!f)
        return ERR_NO_MEMORY;
    f->cgi = true;
    f->fd = f->waiter = -1;
    cgi_deadline(deadline_ms);
    *out = f;
    return ERR_OK;
}

void fcgi_close(struct fcgi **f)
{
    if (!*f)
        return;
    fcgi_end(*f);
    if (!(*f)->cgi)
        deadline_close(&(*f)->deadline);
    if ((*f)->waiter >= 0)
        close((*f)->waiter);
    free(*f);
    *f = NULL;
}

/* Other workers wait at the same socket; the one that comes late finds nothing to accept and waits again. */
static enum err connection_take(struct fcgi *f)
{
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    int on = 1;

    f->fd = accept4(f->options.listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
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

/* epoll_pwait lets no signal in where a connection waits already: under steady load that would be never. */
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

/* Looked at just before each accept, so that after it was set no request is taken that belongs to those who come after
 * us. A signal alone would come late under load. */
static bool is_leaving(const struct fcgi *f, const volatile sig_atomic_t *stop)
{
    return *stop || (f->options.board && atomic_load(&f->options.board->leaving));
}

/* Until a connection, a signal, or for wait_ms (-1: any time). A worker that is woken and leaves takes none, and nobody
 * else was woken: so all look by themselves once a second. */
static int connection_sleep(const struct fcgi *f, const sigset_t *open_mask, int64_t wait_ms)
{
    struct epoll_event got;
    bool more = wait_ms < 0 || wait_ms > LOOK_MS;

    int ready = epoll_pwait(f->waiter, &got, 1, more ? LOOK_MS : (int)wait_ms, open_mask);
    if (ready > 0 && (epoll_ctl(f->waiter, EPOLL_CTL_DEL, f->options.listen_fd, NULL) != 0 || !waiter_join(f)))
        return -1;
    return ready == 0 && more ? 1 : ready;
}

static enum err connection_wait(struct fcgi *f, const sigset_t *open_mask, const volatile sig_atomic_t *stop,
                                int64_t wait_ms)
{
    int64_t until = clock_steady() + wait_ms;

    for (;;) {
        signals_let_in(f, open_mask);
        if (is_leaving(f, stop))
            return ERR_SHUTDOWN;
        enum err e = connection_take(f); /* under load one waits already */
        if (e != ERR_NONE)
            return e;
        int64_t left = wait_ms < 0 ? -1 : until - clock_steady();
        int ready = connection_sleep(f, open_mask, wait_ms >= 0 && left < 0 ? 0 : left);
        if (ready == 0)
            return ERR_NONE;
        if (ready < 0 && errno != EINTR) {
            log_error("epoll: %s", strerror(errno));
            return ERR_IO;
        }
        if (ready < 0)
            deadline_stop(&f->deadline); /* of a request long ended: an idle process is not to be woken again */
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
        deadline_forget(&f->deadline); /* closed by libfcgi; nothing was opened since, so a late alarm met no other connection */
        f->fd = -1;
        log_info("FastCGI: %s", f->deadline.hit ? "too slow" : "broken connection");
        return ERR_CLIENT_GONE;
    }
    /* The web server may have asked to keep the connection: libfcgi would then leave it open for ever. */
    f->req.keepConnection = 0;
    /* libfcgi takes a connection that ends among the parameters for their end; half of them must not be served. */
    if (FCGX_GetError(f->req.in) == 0 && !f->deadline.hit)
        return ERR_OK;
    log_info("FastCGI: %s", f->deadline.hit ? "too slow" : "connection ended among the parameters");
    f->failed = true;
    fcgi_end(f);
    return ERR_CLIENT_GONE;
}

enum err fcgi_next(struct fcgi *f, const sigset_t *open_mask, const volatile sig_atomic_t *stop, int64_t wait_ms)
{
    fcgi_end(f);
    TRY(connection_wait(f, open_mask, stop, wait_ms));
    f->failed = false;
    f->in_ended = false;
    board_begin(f->options.seat, clock_steady());
    deadline_start(&f->deadline, f->fd, f->options.deadline_ms);
    return request_take(f);
}

char *const *fcgi_env(const struct fcgi *f)
{
    return f->cgi ? cgi_env() : f->req.envp;
}

static enum err gone(struct fcgi *f, const char *where)
{
    f->failed = true;
    log_info("FastCGI: %s %s", f->deadline.hit ? "too slow in" : "connection ended in", where);
    return ERR_CLIENT_GONE;
}

void fcgi_arrived(struct fcgi *f)
{
    if (!f->cgi)
        deadline_rest(&f->deadline);
}

/* No events are asked for: a hang-up and an error are always told, while a web server that only ends its half of the
 * connection still waits. */
enum err fcgi_waits(struct fcgi *f)
{
    struct pollfd p = {.fd = f->fd};

    if (f->cgi)
        return ERR_OK;
    return !f->deadline.hit && poll(&p, 1, 0) <= 0 ? ERR_OK : gone(f, "the queue");
}

enum err fcgi_read(struct fcgi *f, char *to, size_t n, size_t *got)
{
    if (f->cgi)
        return cgi_read(to, n, got);
    int want = n > INT_MAX ? INT_MAX : (int)n;
    int have = FCGX_GetStr(to, want, f->req.in);

    if (f->deadline.hit || FCGX_GetError(f->req.in) != 0)
        return gone(f, "the body");
    if (have < want)
        f->in_ended = true;
    *got = (size_t)have;
    return ERR_OK;
}

enum err fcgi_bodiless(struct fcgi *f)
{
    char extra;

    if (f->cgi)
        return ERR_OK;
    f->in_ended = FCGX_GetStr(&extra, 1, f->req.in) == 0 && FCGX_GetError(f->req.in) == 0;
    return f->deadline.hit ? gone(f, "the end of no body") : ERR_OK;
}

/* Closing the streams here, not in fcgi_end, sends answer and end of request in one write and tells its outcome. */
enum err fcgi_write(struct fcgi *f, const char *s, size_t n)
{
    if (f->cgi)
        return cgi_write(s, n);
    if (f->failed || n > INT_MAX)
        return ERR_CLIENT_GONE;
    bool ok = FCGX_PutStr(s, (int)n, f->req.out) == (int)n;
    ok = FCGX_FClose(f->req.err) == 0 && ok;
    ok = FCGX_FClose(f->req.out) == 0 && ok;
    return ok && !f->deadline.hit ? ERR_OK : gone(f, "the answer");
}

/* A close while the peer still sends would reset the connection and could cost it the answer: wait until it closes,
 * taking in what comes. The deadline ends this as well (poll is not restarted after a signal). */
static void linger(const struct fcgi *f)
{
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    char waste[4096];

    if (shutdown(f->fd, SHUT_WR) != 0)
        return;
    while (!f->deadline.hit && poll(&p, 1, LINGER_MS) > 0)
        if (read(f->fd, waste, sizeof waste) <= 0)
            return;
}

void fcgi_end(struct fcgi *f)
{
    board_end(f->options.seat);
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
        linger(f);
    deadline_forget(&f->deadline); /* before the number can belong to another descriptor */
    close(f->fd);
    f->fd = -1;
}
