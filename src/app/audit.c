/* Events to streams. The file is opened for each request that has any: it may be moved away at any time. One event is
 * one line and one write(2), and the JSON around it escapes whatever could end a line or steer a terminal. */
#include "app/audit.h"

#include "base/enc.h"
#include "base/log.h"
#include "http/response.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static void put(struct json_object *o, const char *key, const char *value)
{
    if (value && *value)
        json_put(o, key, json_of_text(value));
}

struct json_object *audit_view(const struct audit *e)
{
    struct json_object *o = json_need(json_object_new_object());
    char at[ENC_ISO_SIZE];

    enc_iso(e->at, at);
    put(o, "at", at);
    put(o, "event", e->event);
    put(o, "actor", e->actor);
    put(o, "userId", e->user_id);
    put(o, "email", e->email);
    put(o, "sessionId", e->session_id);
    put(o, "reason", e->reason);
    put(o, "ipAddress", e->ip);
    put(o, "userAgent", e->agent);
    put(o, "requestId", e->request);
    return o;
}

/* JSON may hold DEL, the C1 controls and line separators as they are, of which terminals and readers of lines make
 * something. */
void audit_json(struct buf *out, struct arena *a, struct json_object *o)
{
    struct buf raw = buf_in(a);

    json_write(&raw, o);
    for (const char *p = buf_str(&raw); *p;) {
        size_t n = enc_utf8_steering(p);
        const unsigned char *u = (const unsigned char *)p;
        if (n == 0)
            buf_putc(out, *p++);
        else
            buf_printf(out, "\\u%04x", n == 3 ? 0x2000U | (u[1] & 0x3FU) << 6 | (u[2] & 0x3FU) : u[n - 1]);
        p += n;
    }
}

static const char *line_of(struct arena *a, const struct audit *e, size_t *len)
{
    struct buf out = buf_in(a);
    struct json_object *o = audit_view(e);

    audit_json(&out, a, o);
    json_object_put(o);
    buf_putc(&out, '\n');
    *len = out.len;
    return buf_str(&out);
}

static int file_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

    if (fd < 0)
        log_error("audit file %s: %s", path, strerror(errno));
    return fd;
}

static void file_write(const char *path, int fd, const char *line, size_t len)
{
    ssize_t n;

    do
        n = write(fd, line, len);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)len)
        log_error("audit file %s: %s", path, n < 0 ? strerror(errno) : "a line was cut");
}

void audit_write(struct auth *au)
{
    const struct cfg *cfg = au->cfg;
    struct notes *notes = &au->notes;
    int fd = -1;

    if (notes->done > 0 && *cfg->audit_file)
        fd = file_open(cfg->audit_file);
    for (size_t i = 0; i < notes->done; i++) {
        size_t len;
        const char *line = line_of(au->arena, &notes->v[i], &len);
        if (fd >= 0)
            file_write(cfg->audit_file, fd, line, len);
        if (cfg->audit_syslog)
            syslog(LOG_AUTHPRIV | LOG_INFO, "latchkey: %.*s", (int)len - 1, line);
    }
    if (fd >= 0)
        close(fd);
    *notes = (struct notes){.v = NULL};
}

enum err audit_check(const struct cfg *cfg)
{
    int fd = *cfg->audit_file ? file_open(cfg->audit_file) : -1;

    if (fd >= 0)
        close(fd);
    return *cfg->audit_file && fd < 0 ? ERR_IO : ERR_OK;
}
