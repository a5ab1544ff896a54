/* What the transport's tests share: a forked server on fcgi.c, and a client of raw FastCGI records that can split,
 * stall, abort and lie. */
#ifndef TESTS_FCGI_PEER_H
#define TESTS_FCGI_PEER_H

#include "suite.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/fcgi.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT };
enum { RESPONDER = 1, AUTHORIZER, FILTER };

/* --- the server ------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop;

static inline void on_term(int sig)
{
    (void)sig;
    stop = 1;
}

static inline int count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static inline const char *env_get(const struct fcgi *f, const char *name)
{
    size_t n = strlen(name);

    for (char *const *e = fcgi_env(f); *e; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

static inline enum err answer(struct fcgi *f, int gone)
{
    static char text[4 << 20];
    size_t body = 0, got = 1;
    const char *big = env_get(f, "BIG"), *method = env_get(f, "REQUEST_METHOD"), *role = env_get(f, "FCGI_ROLE");

    while (strcmp(role, "RESPONDER") == 0 && !env_get(f, "NOREAD") && got > 0) {
        enum err e = fcgi_read(f, text, 1000, &got);
        if (e != ERR_OK)
            return e;
        body += got;
    }
    int n = snprintf(text, sizeof text, "Status: 200\r\n\r\nrole=%s method=%s body=%zu gone=%d fds=%d\n", role,
                     method ? method : "-", body, gone, count_fds());
    size_t len = (size_t)n, extra = big ? strtoul(big, NULL, 10) : 0;
    memset(text + len, 'x', extra);
    return fcgi_write(f, text, len + extra);
}

static inline int serve(int fd, int64_t deadline_ms, const char *peer)
{
    sigset_t blocked, open_mask;
    struct sigaction act = {.sa_handler = on_term};
    struct fcgi *f = NULL;
    int gone = 0;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &open_mask);
    sigaction(SIGTERM, &act, NULL);
    struct fcgi_options o = {.listen_fd = fd, .deadline_ms = deadline_ms, .peers = &peer, .n_peers = 1};
    if (fcgi_open(&o, &f) != ERR_OK)
        return 2;
    for (;;) {
        enum err e = fcgi_next(f, &open_mask, &stop, -1);
        if (e == ERR_SHUTDOWN)
            break;
        if (e == ERR_OK)
            e = answer(f, gone);
        fcgi_end(f);
        gone += e == ERR_CLIENT_GONE;
        if (e != ERR_OK && e != ERR_CLIENT_GONE)
            return 3;
    }
    fcgi_close(&f);
    return f ? 4 : 0;
}

/* --- the client ------------------------------------------------------------------------------------------------- */

struct server {
    char path[96];
    int fd;
    pid_t pid;
};

static bool quiet; /* the next server's death is expected, and told by libfcgi on stderr */

static inline void server_fork(struct server *s, int64_t deadline_ms, const char *peer)
{
    fflush(stdout);
    s->pid = fork();
    if (s->pid == 0) {
        if (quiet && !freopen("/dev/null", "w", stderr))
            _exit(6);
        if (log_open("/dev/null", LVL_ERROR) != ERR_OK)
            _exit(5);
        _exit(serve(s->fd, deadline_ms, peer));
    }
}

static inline struct server server_start(int64_t deadline_ms)
{
    struct server s = {.fd = -1};

    snprintf(s.path, sizeof s.path, "/tmp/test_fcgi.%ld.sock", (long)getpid());
    CU_ASSERT_EQUAL_FATAL(fcgi_listen(s.path, "", 64, &s.fd), ERR_OK);
    server_fork(&s, deadline_ms, "127.0.0.1");
    return s;
}

/* Ends by SIGTERM; a server that hangs is killed and the test fails. */
static inline void server_end(struct server *s)
{
    int status = -1, tries = 1000;

    kill(s->pid, SIGTERM);
    while (waitpid(s->pid, &status, WNOHANG) == 0 && --tries > 0)
        poll(NULL, 0, 10);
    if (tries == 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
    }
    CU_ASSERT_TRUE(tries > 0);
    CU_ASSERT_TRUE(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
    close(s->fd);
    unlink(s->path);
}

static inline int dial(const struct server *s)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path, s->path, sizeof s->path);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

struct wire {
    unsigned char b[1 << 19];
    size_t n;
};
static struct wire out;

static inline void put(const void *p, size_t n)
{
    memcpy(out.b + out.n, p, n);
    out.n += n;
}

static inline void record(int type, const void *content, size_t n, unsigned char padding)
{
    unsigned char head[8] = {
        1, (unsigned char)type, 0, type != GET_VALUES, (unsigned char)(n >> 8), (unsigned char)n, padding, 0};
    static const unsigned char zero[256];

    put(head, sizeof head);
    put(content, n);
    put(zero, padding);
}

static inline void begin(int role, bool keep)
{
    unsigned char body[8] = {0, (unsigned char)role, keep};

    out.n = 0;
    record(BEGIN, body, sizeof body, 0);
}

static inline size_t pair(unsigned char *to, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    to[0] = (unsigned char)n;
    to[1] = (unsigned char)v;
    memcpy(to + 2, name, n);
    memcpy(to + 2 + n, value, v);
    return 2 + n + v;
}

static inline void params(const char *name, const char *value, bool end)
{
    unsigned char b[600];
    size_t n = pair(b, "REQUEST_METHOD", "POST");

    n += pair(b + n, "REQUEST_URI", "/auth/x");
    if (name)
        n += pair(b + n, name, value);
    record(PARAMS, b, n, 5);
    if (end)
        record(PARAMS, "", 0, 0);
}

static inline void body(const char *s, size_t n)
{
    for (size_t at = 0; at < n; at += 30000)
        record(STDIN, s + at, n - at < 30000 ? n - at : 30000, 3);
    record(STDIN, "", 0, 0);
}

static inline void send_all(int fd)
{
    for (size_t at = 0; at < out.n;) {
        ssize_t n = send(fd, out.b + at, out.n - at, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += (size_t)n;
    }
}

struct got {
    char text[1 << 20];
    size_t n;
    bool ended; /* END_REQUEST, request complete */
    bool eof;   /* within five seconds */
    bool values;
};
static struct got in;

static inline void records_split(const unsigned char *b, size_t n)
{
    for (size_t at = 0; at + 8 <= n;) {
        size_t len = (size_t)b[at + 4] << 8 | b[at + 5];
        if (at + 8 + len > n)
            return;
        if (b[at + 1] == STDOUT && in.n + len < sizeof in.text) {
            memcpy(in.text + in.n, b + at + 8, len);
            in.n += len;
        }
        in.ended |= b[at + 1] == END && b[at + 12] == 0;
        in.values |= b[at + 1] == GET_VALUES_RESULT;
        at += 8 + len + b[at + 6];
    }
}

/* Takes the answer to its end and closes. */
static inline void receive(int fd)
{
    static unsigned char b[1 << 20];
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};

    memset(&in, 0, sizeof in);
    while (n < sizeof b && poll(&p, 1, 5000) > 0) {
        ssize_t r = recv(fd, b + n, sizeof b - n, 0);
        if (r <= 0) {
            in.eof = r == 0 || errno == ECONNRESET;
            break;
        }
        n += (size_t)r;
    }
    records_split(b, n);
    close(fd);
}

static inline void ask(const struct server *s, const char *name, const char *value)
{
    int fd = dial(s);

    begin(RESPONDER, false);
    params(name, value, true);
    body("", 0);
    send_all(fd);
    receive(fd);
}

static inline void expect(const char *text)
{
    CU_ASSERT_TRUE(in.eof);
    CU_ASSERT_TRUE(in.ended);
    if (!strstr(in.text, text))
        printf("want %s, got %s\n", text, in.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(in.text, text));
}

static inline int number_after(const char *key)
{
    const char *at = strstr(in.text, key);

    return at ? (int)strtol(at + strlen(key), NULL, 10) : -1;
}

#endif
