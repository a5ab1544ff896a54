/* The file of the secrets: who may own it, how it is made when it is not there, how one is added. A reader sees the old
 * file or the new one, never a half; no name but the final one is ever trusted. */
#include "crypto/keys_file.h"

#include "base/auto.h"
#include "base/log.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NEW_SECRET_LEN (2 * RNG_ID_LEN)

/* A place in a directory held open, so that both names of a file are sure to lie in the same one. */
struct place {
    const char *path;
    int dir;
    char base[NAME_MAX + 1];
    char temp[RNG_ID_SIZE + 8];
};

static enum err io_failed(const char *path, const char *what)
{
    log_error("secret file %s: %s: %s", path, what, strerror(errno));
    return ERR_IO;
}

static enum err refused(const char *path, const char *why)
{
    log_error("secret file %s: %s", path, why);
    return ERR_SECRET;
}

/* systemd hands a credential to an unprivileged service as root's file of mode 0400 with an ACL entry for the user,
 * and the mask of that ACL shows as group bits; the group itself (root's) has no right. */
static bool is_credential(const struct stat *st)
{
    return geteuid() != 0 && st->st_uid == 0 && st->st_gid == 0 && (st->st_mode & 07777) == 0440;
}

/* Root may look at everybody's: latchkeyctl run by the administrator reads the secret of the service's own user. */
static bool owner_fits(const struct stat *st)
{
    return st->st_uid == geteuid() || st->st_uid == 0 || geteuid() == 0;
}

static enum err file_check(const char *path, int fd, struct stat *st)
{
    if (fstat(fd, st) != 0)
        return io_failed(path, "fstat");
    if (!S_ISREG(st->st_mode))
        return refused(path, "not a regular file");
    if (!owner_fits(st))
        return refused(path, "belongs to somebody else");
    if ((st->st_mode & 077) != 0 && !is_credential(st))
        return refused(path, "others may read or write it; make it mode 0600");
    return ERR_OK;
}

enum err keys_file_read(const char *path, int fd, char *text, size_t *len)
{
    struct stat st;
    size_t done = 0;
    TRY(file_check(path, fd, &st));
    for (;;) {
        ssize_t n = read(fd, text + done, KEYS_FILE_MAX - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_failed(path, "read");
        if (n == 0)
            break;
        done += (size_t)n;
        if (done == KEYS_FILE_MAX)
            return refused(path, "too large");
    }
    *len = done;
    return ERR_OK;
}

/* O_NONBLOCK: a FIFO put in the place of the file must not hold the start; it is refused by file_check. */
static int file_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static enum err place_open(const char *path, struct place *out)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char dir[PATH_MAX] = ".", id[RNG_ID_SIZE];
    if (slash == path)
        slash++; /* the root directory keeps its slash */
    size_t len = slash ? (size_t)(slash - path) : 1;
    if (len >= sizeof dir || *base == '\0' || strlen(base) >= sizeof out->base)
        return refused(path, "not the path of a file");
    memcpy(dir, slash ? path : ".", len);
    dir[len] = '\0';
    TRY(rng_id(id));
    memcpy(out->base, base, strlen(base) + 1);
    if (snprintf(out->temp, sizeof out->temp, ".new-%s", id) >= (int)sizeof out->temp)
        return ERR_INTERNAL;
    out->path = path;
    out->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return out->dir < 0 ? io_failed(path, "directory") : ERR_OK;
}

static enum err secret_new(char out[static NEW_SECRET_LEN])
{
    char id[RNG_ID_SIZE];
    for (size_t at = 0; at < NEW_SECRET_LEN; at += RNG_ID_LEN) {
        TRY(rng_id(id));
        memcpy(out + at, id, RNG_ID_LEN);
    }
    explicit_bzero(id, sizeof id);
    return ERR_OK;
}

static bool write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, s, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        s += done;
        n -= (size_t)done;
    }
    return true;
}

/* The temporary file, whole and on disk, given to owner if that is somebody else than who runs this. */
static enum err temp_write(const struct place *at, const char *text, size_t n, const struct stat *owner)
{
    AUTO(fd) int fd = openat(at->dir, at->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return io_failed(at->path, "new file");
    bool others = owner && (owner->st_uid != geteuid() || owner->st_gid != getegid());
    if (others && fchown(fd, owner->st_uid, owner->st_gid) != 0)
        return io_failed(at->path, "giving the new file to the owner of the old one");
    if (!write_all(fd, text, n) || fsync(fd) != 0)
        return io_failed(at->path, "writing");
    return ERR_OK;
}

/* link(2) does not replace: of two that start at once the first makes the file, the other reads it. */
static enum err place_publish(const struct place *at)
{
    if (linkat(at->dir, at->temp, at->dir, at->base, 0) != 0 && errno != EEXIST)
        return io_failed(at->path, "link");
    if (fsync(at->dir) != 0)
        return io_failed(at->path, "directory");
    return ERR_OK;
}

static enum err file_make(const char *path)
{
    struct place at = {.dir = -1};
    char text[NEW_SECRET_LEN + 1];
    TRY(secret_new(text));
    text[NEW_SECRET_LEN] = '\n';
    enum err e = place_open(path, &at);
    AUTO(fd) int dir = at.dir;
    if (e == ERR_OK)
        e = temp_write(&at, text, sizeof text, NULL);
    explicit_bzero(text, sizeof text);
    if (e == ERR_OK)
        e = place_publish(&at);
    if (dir >= 0)
        unlinkat(dir, at.temp, 0);
    if (e == ERR_OK)
        log_info("secret file %s: made", path);
    return e;
}

enum err keys_open(const char *path, struct keys **out)
{
    AUTO(fd) int fd = file_open(path);
    if (fd < 0 && errno == ENOENT) {
        TRY(file_make(path));
        fd = file_open(path);
    }
    if (fd < 0)
        return io_failed(path, "open");
    return keys_load(path, fd, out);
}

/* Behind the new secret, if there is one: the `keep` newest of the old ones. */
static size_t text_build(const struct keys *old, bool add, size_t keep, char text[static KEYS_FILE_MAX])
{
    size_t n = 0;
    if (add) {
        n = NEW_SECRET_LEN;
        text[n++] = '\n';
    }
    for (size_t i = 0; i < keys_count(old) && i < keep; i++) {
        size_t len;
        const char *s = keys_secret(old, i, &len);
        memcpy(text + n, s, len);
        n += len;
        text[n++] = '\n';
    }
    return n;
}

/* Under the lock of the directory: what is read here is what the rename replaces. */
static enum err file_replace(const struct place *at, bool add, size_t keep)
{
    struct keys *old = NULL;
    struct stat st;
    char text[KEYS_FILE_MAX];
    AUTO(fd) int fd = file_open(at->path);
    if (fd < 0)
        return io_failed(at->path, "open");
    TRY(file_check(at->path, fd, &st));
    TRY(keys_load(at->path, fd, &old));
    enum err e = add ? secret_new(text) : ERR_OK;
    if (e == ERR_OK)
        e = temp_write(at, text, text_build(old, add, keep, text), &st);
    explicit_bzero(text, sizeof text);
    keys_close(&old);
    if (e == ERR_OK && renameat(at->dir, at->temp, at->dir, at->base) != 0)
        e = io_failed(at->path, "rename");
    if (e != ERR_OK)
        unlinkat(at->dir, at->temp, 0);
    else if (fsync(at->dir) != 0)
        e = io_failed(at->path, "directory");
    return e;
}

static enum err file_change(const char *path, bool add, size_t keep)
{
    struct place at = {.dir = -1};
    char real[PATH_MAX];
    int locked;
    /* A symbolic link stays one: the file it leads to is replaced. */
    if (!realpath(path, real))
        return io_failed(path, "open");
    TRY(place_open(real, &at));
    AUTO(fd) int dir = at.dir;
    do
        locked = flock(dir, LOCK_EX);
    while (locked != 0 && errno == EINTR);
    if (locked != 0)
        return io_failed(path, "lock");
    return file_replace(&at, add, keep);
}

enum err keys_add(const char *path, size_t keep)
{
    if (keep > KEYS_MAX)
        keep = KEYS_MAX;
    return file_change(path, true, keep > 0 ? keep - 1 : 0);
}

enum err keys_keep(const char *path, size_t keep)
{
    return file_change(path, false, keep > 0 ? keep : 1);
}
