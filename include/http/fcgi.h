/* FastCGI in: the next request's parameters, body, answer, end. Nothing of libfcgi shows here, so that another
 * transport can stand beside it. One request at a time. */
#ifndef HTTP_FCGI_H
#define HTTP_FCGI_H

#include "base/arena.h"
#include "base/board.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct fcgi;

struct fcgi_options {
    int listen_fd;            /* listening socket, made non-blocking by fcgi_open */
    int64_t deadline_ms;      /* for one request: to arrive, and for its answer to be taken */
    const char *const *peers; /* addresses and networks that may connect by TCP; borrowed */
    size_t n_peers;
    struct board *board;     /* whose `leaving` asks to stop as well; NULL: none */
    struct board_seat *seat; /* where it is noted that a request is in hand; NULL: nowhere */
};

/* Install signal handlers before: libfcgi would take SIGTERM. Uses SIGALRM and a timer, so call it in the process that
 * serves, after fork, once. *out: fcgi_close. ERR_CONFIG: a peer is no address. ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err fcgi_open(const struct fcgi_options *o, struct fcgi **out);
/* The one request of a CGI process (RFC 3875): environment, descriptors 0 and 1; there is no fcgi_next. The process ends
 * when the deadline has passed. *out: fcgi_close. ERR_NO_MEMORY. */
MUST_USE enum err fcgi_open_cgi(int64_t deadline_ms, struct fcgi **out);
void fcgi_close(struct fcgi **f);

/* Waits for the next request; signals of `open_mask` come through while waiting and only then, and `stop` is looked at
 * after each. wait_ms: how long at most; -1: until one comes. ERR_NONE: none came. ERR_SHUTDOWN: *stop is set. ERR_CLIENT_GONE: that connection came to nothing, call again (peer refused,
 * too slow, broken records, ended among the parameters). ERR_IO: the listening socket is of no use any more. */
MUST_USE enum err fcgi_next(struct fcgi *f, const sigset_t *open_mask, const volatile sig_atomic_t *stop, int64_t wait_ms);
/* The request has arrived: until now it had a third of its time, so that those who send slowly do not keep all workers
 * for all of it; from now on it has the rest. */
void fcgi_arrived(struct fcgi *f);
/* Does the web server still wait for the answer? ERR_CLIENT_GONE: no, or its time is over. */
MUST_USE enum err fcgi_waits(struct fcgi *f);
/* "NAME=value" strings of the request, NULL-terminated; valid until fcgi_end. */
char *const *fcgi_env(const struct fcgi *f);
/* Reads up to n bytes of the body; 0: its end, or the deadline passed or the peer left (ERR_CLIENT_GONE). */
MUST_USE enum err fcgi_read(struct fcgi *f, char *to, size_t n, size_t *got);
/* There shall be no body: takes in that it has ended, which mostly has arrived, so that the end of the request need not
 * wait for the peer to close. Not for an authorizer, which is sent none. ERR_CLIENT_GONE. */
MUST_USE enum err fcgi_bodiless(struct fcgi *f);
/* The whole answer, CGI form: header lines, empty line, body. Once for a request. ERR_CLIENT_GONE. */
MUST_USE enum err fcgi_write(struct fcgi *f, const char *s, size_t n);
/* Ends the request and closes the connection. After a failure without waiting for the peer. */
void fcgi_end(struct fcgi *f);

/* A listening socket. where: path of a unix socket (mode 0660, given to group if not empty; a stale file is replaced, a
 * live one is not: ERR_IO), or ADDRESS:PORT, or [ADDRESS]:PORT. What has a '/' is a path. */
MUST_USE enum err fcgi_listen(const char *where, const char *group, int backlog, int *fd);
/* Closes it and removes the file, unless somebody else listens there by now. No worker may have it open any more. */
void fcgi_unlisten(const char *where, int *fd);

#endif
