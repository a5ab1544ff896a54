/* The log sink. One event is one line and one write(2), so that lines of many processes never mix, and whatever bytes a
 * stranger sends cannot begin a line or steer a terminal. Must not allocate: it is what reports that memory is out. */
#include "base/log.h"

#include "base/clock.h"
#include "base/enc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define CUT_MARK "..."

static struct {
    int fd;
    enum log_level level;
    char *path; /* NULL: standard error */
    const char *name, *request;
} sink = {.fd = STDERR_FILENO, .level = LVL_INFO};

struct line {
    char s[LINE_MAX_BYTES];
    size_t len;
};

static const char *const level_names[] = {"error", "warn ", "info ", "debug"};

static int sink_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

static void sink_set(int fd)
{
    if (sink.fd != STDERR_FILENO)
        close(sink.fd);
    sink.fd = fd;
}

enum err log_open(const char *path, enum log_level level)
{
    char *copy = NULL;
    int fd = STDERR_FILENO;
    if (path && *path) {
        copy = strdup(path);
        fd = copy ? sink_file(path) : -1;
        if (fd < 0) {
            log_error("log file %s: %s", path, strerror(errno));
            free(copy);
            return ERR_IO;
        }
    }
    sink_set(fd);
    free(sink.path);
    sink.path = copy;
    sink.level = level;
    return ERR_OK;
}

void log_reopen(void)
{
    if (!sink.path)
        return;
    int fd = sink_file(sink.path);
    if (fd < 0) {
        log_error("log file %s: %s; going on with the old one", sink.path, strerror(errno));
        return;
    }
    sink_set(fd);
}

int log_descriptor(void)
{
    return sink.fd;
}

void log_name(const char *name)
{
    sink.name = name;
}

void log_request(const char *id)
{
    sink.request = id;
}

bool log_wants(enum log_level level)
{
    return level <= sink.level;
}

/* Besides C0: C1 (U+0080 to U+009F, of which U+009B opens a terminal sequence as ESC [ does) and the two Unicode line
 * ends, which some viewers break at. */
static bool steers(const char *s, size_t len)
{
    const unsigned char *c = (const unsigned char *)s;
    if (len == 1)
        return c[0] < 0x20 || c[0] == 0x7F;
    if (len == 2)
        return c[0] == 0xC2 && c[1] < 0xA0;
    return len == 3 && c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9);
}

static size_t escape(const char *s, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = "0123456789ABCDEF"[c >> 4];
        out[n++] = "0123456789ABCDEF"[c & 15];
    }
    return n;
}

/* Appends raw, escaped, as far as whole characters fit; the mark and the line end always do. */
static void line_add(struct line *line, const char *raw, size_t n)
{
    const size_t limit = sizeof line->s - strlen(CUT_MARK) - 1;
    while (n > 0) {
        char piece[16];
        size_t len = enc_utf8_next(raw, n), taken = len ? len : 1, add = taken;
        if (len == 0 || steers(raw, len))
            add = escape(raw, taken, piece);
        else if (raw[0] == '\\')
            memcpy(piece, "\\\\", add = 2);
        else
            memcpy(piece, raw, add);
        if (add > limit - line->len) {
            memcpy(line->s + line->len, CUT_MARK, strlen(CUT_MARK));
            line->len += strlen(CUT_MARK);
            return;
        }
        memcpy(line->s + line->len, piece, add);
        line->len += add;
        raw += taken;
        n -= taken;
    }
}

static void line_write(struct line *line)
{
    ssize_t n;
    line->s[line->len++] = '\n';
    do
        n = write(sink.fd, line->s, line->len);
    while (n < 0 && errno == EINTR);
}

/* raw is longer than a line: where vsnprintf cut it, inside a character maybe, line_add has stopped before. */
static size_t raw_prefix(char *raw, size_t size, enum log_level level)
{
    char when[ENC_ISO_SIZE];
    enc_iso(clock_now(), when);
    bool named = sink.name != NULL, asked = sink.request != NULL;
    int n = snprintf(raw, size, "%s %s %s%.64s%s%s%.64s%s", when, level_names[level & 3], named ? "[" : "",
                     named ? sink.name : "", named ? "] " : "", asked ? "[" : "", asked ? sink.request : "",
                     asked ? "] " : "");
    return n < 0 ? 0 : (size_t)n;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    if (!log_wants(level))
        return;
    int saved = errno;
    char raw[LINE_MAX_BYTES + 64];
    struct line line;
    size_t n = raw_prefix(raw, sizeof raw, level);
    va_list ap;
    va_start(ap, fmt);
    int more = vsnprintf(raw + n, sizeof raw - n, fmt, ap);
    va_end(ap);
    if (more > 0)
        n = (size_t)more < sizeof raw - n ? n + (size_t)more : sizeof raw - 1;
    line.len = 0;
    line_add(&line, raw, n);
    line_write(&line);
    errno = saved;
}
