/* Binary search by bytes, not lines, in a file whose lines differ in length: each step reads a window that must hold a
 * whole line. Must not believe the file: what is no line, or out of order, is an error and never "not found". */
#include "crypto/breached.h"

#include "base/auto.h"
#include "base/enc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX_LEN = 2 * SHA1_LEN, LINE_MAX_BYTES = 64, PROBES = 32 };

struct list {
    const char *path;
    int fd;
    off_t size;
};

struct line {
    off_t at, end; /* end: behind its line feed */
    uint8_t hash[SHA1_LEN];
};

static enum err unusable(const char *path, const char *why)
{
    log_error("password.breached: %s: %s", path, why);
    return ERR_IO;
}

static enum err unusable_at(const struct list *f, off_t at, const char *why)
{
    log_error("password.breached: %s: byte %lld: %s", f->path, (long long)at, why);
    return ERR_IO;
}

static enum err list_open(const char *path, struct list *out)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return unusable(path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return unusable(path, "is no regular file");
    if (st.st_size == 0)
        return unusable(path, "is empty");
    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM); /* what lies around a line is of no use */
    *out = (struct list){.path = path, .fd = fd, .size = st.st_size};
    fd = -1;
    return ERR_OK;
}

/* Up to size bytes; *n is less at the end of the file only. */
static enum err window_read(const struct list *f, off_t from, char *window, size_t size, size_t *n)
{
    size_t have = 0;

    while (have < size) {
        ssize_t got = pread(f->fd, window + have, size - have, from + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return unusable(f->path, strerror(errno));
        if (got == 0)
            break;
        have += (size_t)got;
    }
    *n = have;
    return ERR_OK;
}

/* s[0..n) without its line end: a hash, and nothing or a count. */
static bool line_parse(const char *s, size_t n, uint8_t hash[static SHA1_LEN])
{
    char hex[HEX_LEN + 1] = "";

    if (n > 0 && s[n - 1] == '\r')
        n--;
    if (n < HEX_LEN || n == HEX_LEN + 1 || (n > HEX_LEN && s[HEX_LEN] != ':'))
        return false;
    for (size_t i = HEX_LEN + 1; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
    }
    memcpy(hex, s, HEX_LEN);
    return enc_unhex(hex, hash, SHA1_LEN);
}

/* The line that holds byte `at`, its line feed included. */
static enum err line_at(const struct list *f, off_t at, struct line *out)
{
    char window[2 * LINE_MAX_BYTES];
    off_t from = at > LINE_MAX_BYTES ? at - LINE_MAX_BYTES : 0;
    size_t n, i = (size_t)(at - from);

    TRY(window_read(f, from, window, sizeof window, &n));
    if (n <= i)
        return unusable(f->path, "was cut while it was read");
    size_t begin = i;
    while (begin > 0 && window[begin - 1] != '\n')
        begin--;
    const char *feed = memchr(window + begin, '\n', n - begin);
    size_t end = feed ? (size_t)(feed - window) : n;
    bool whole = (begin > 0 || from == 0) && (feed || from + (off_t)n >= f->size) && end - begin < LINE_MAX_BYTES;
    if (!whole || !line_parse(window + begin, end - begin, out->hash))
        return unusable_at(f, from + (off_t)begin, "no line of 40 hex digits, or those, a colon and a count");
    out->at = from + (off_t)begin;
    out->end = from + (off_t)end + (feed != NULL);
    return ERR_OK;
}

/* lo and hi are where lines begin, so that each step leaves less between them whatever the file holds by then. */
static enum err search(const struct list *f, const uint8_t hash[static SHA1_LEN], bool *found)
{
    uint8_t least[SHA1_LEN], most[SHA1_LEN];
    off_t lo = 0, hi = f->size;
    struct line line;

    memset(least, 0, sizeof least);
    memset(most, 0xff, sizeof most);
    while (lo < hi) {
        TRY(line_at(f, lo + (hi - lo) / 2, &line));
        if (memcmp(line.hash, least, SHA1_LEN) < 0 || memcmp(line.hash, most, SHA1_LEN) > 0)
            return unusable_at(f, line.at, "is not sorted by hash");
        int order = memcmp(hash, line.hash, SHA1_LEN);
        if (order == 0) {
            *found = true;
            return ERR_OK;
        }
        if (order < 0)
            hi = line.at;
        else
            lo = line.end;
        memcpy(order < 0 ? most : least, line.hash, SHA1_LEN);
    }
    *found = false;
    return ERR_OK;
}

/* A list in the order of another column stands no more than a few such comparisons. */
static enum err probe(const struct list *f)
{
    uint8_t least[SHA1_LEN] = {0};
    struct line line;

    for (int i = 0; i <= PROBES; i++) {
        TRY(line_at(f, i < PROBES ? f->size / PROBES * i : f->size - 1, &line));
        if (memcmp(line.hash, least, SHA1_LEN) < 0)
            return unusable_at(f, line.at, "is not sorted by hash");
        memcpy(least, line.hash, SHA1_LEN);
    }
    return ERR_OK;
}

enum err breached_find(const char *path, const uint8_t hash[static SHA1_LEN], bool *found)
{
    struct list f;

    TRY(list_open(path, &f));
    enum err e = search(&f, hash, found);
    close(f.fd);
    return e;
}

enum err breached_check(const char *path)
{
    struct list f;

    TRY(list_open(path, &f));
    enum err e = probe(&f);
    close(f.fd);
    return e;
}
