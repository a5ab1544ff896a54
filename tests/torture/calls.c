/* See calls.h. Each function is the bare system call. */
#include "calls.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* not from <fcntl.h> and <sys/file.h>: where sources are fortified those are functions of another form */
#define O_WITH_MODE (0100 | 020000000) /* O_CREAT, O_TMPFILE without O_DIRECTORY */
int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
int fcntl(int fd, int command, ...);
int flock(int fd, int what);
int rename(const char *from, const char *to);
int renameat(int from_dir, const char *from, int to_dir, const char *to);
ssize_t __read_chk(int fd, void *to, size_t n, size_t room);

#define FCNTL_LOCK 6 /* F_SETLK */

static bool counting, lasts;
static unsigned made, fails_at, most, seen[CALL_KINDS];
static int fails_with;

static bool due(enum call which)
{
    if (!counting)
        return false;
    seen[which]++;
    made++;
    if (fails_at == 0 || made < fails_at || (made > fails_at && !lasts))
        return false;
    errno = fails_with;
    return true;
}

static size_t shortened(size_t n)
{
    return counting && most > 0 && n > most ? most : n;
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;

    va_start(ap, flags);
    unsigned mode = flags & O_WITH_MODE ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return due(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    enum { HERE = -100 };
    va_list ap;

    va_start(ap, flags);
    unsigned mode = flags & O_WITH_MODE ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return due(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, HERE, path, flags, mode);
}

ssize_t read(int fd, void *to, size_t n)
{
    return due(CALL_READ) ? -1 : syscall(SYS_read, fd, to, shortened(n));
}

ssize_t __read_chk(int fd, void *to, size_t n, size_t room)
{
    return read(fd, to, n < room ? n : room);
}

ssize_t write(int fd, const void *from, size_t n)
{
    return due(CALL_WRITE) ? -1 : syscall(SYS_write, fd, from, shortened(n));
}

int fsync(int fd)
{
    return due(CALL_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fstat(int fd, struct stat *st)
{
    return due(CALL_STAT) ? -1 : fstatat(fd, "", st, 0x1000 /* AT_EMPTY_PATH */);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return due(CALL_LINK) ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return due(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
}

int flock(int fd, int what)
{
    return due(CALL_LOCK) ? -1 : (int)syscall(SYS_flock, fd, what);
}

int fcntl(int fd, int command, ...)
{
    va_list ap;

    va_start(ap, command);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    return command == FCNTL_LOCK && due(CALL_LOCK) ? -1 : (int)syscall(SYS_fcntl, fd, command, arg);
}

void calls_fail(unsigned n, int error, bool lasting)
{
    made = 0;
    fails_at = n;
    fails_with = error;
    lasts = lasting;
    most = 0;
    counting = true;
}

void calls_short(unsigned bytes)
{
    calls_fail(0, 0, false);
    most = bytes;
}

unsigned calls_mend(void)
{
    counting = false;
    return made;
}

unsigned calls_seen(enum call which)
{
    return seen[which];
}
