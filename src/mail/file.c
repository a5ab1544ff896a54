/* Mails as files, one .eml each: for trials, and for programs that take them from there. */
#include "mail/mail.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, s, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        s += done;
        n -= (size_t)done;
    }
    return true;
}

/* Under its own name at once and whole; named after the mail, so that a repeat takes the place of the first. */
static bool put(struct arena *a, const char *dir, const struct envelope *e)
{
    const char *made = arena_printf(a, "%s/.%s.tmp", dir, e->ref), *name = arena_printf(a, "%s/%s.eml", dir, e->ref);
    AUTO(fd) int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0 && write_all(fd, e->bytes, e->len) && fsync(fd) == 0 && rename(made, name) == 0)
        return true;
    int reason = errno;
    if (fd >= 0)
        unlink(made);
    errno = reason;
    return false;
}

enum delivery file_send(const struct cfg *cfg, struct arena *a, const struct envelope *e, const char **why)
{
    if (put(a, cfg->mail_directory, e))
        return DELIVERY_DONE;
    *why = arena_printf(a, "%s: %s", cfg->mail_directory, strerror(errno));
    return DELIVERY_LATER;
}

bool file_check(const struct cfg *cfg, struct arena *a, const char **detail)
{
    struct stat st;
    bool good = stat(cfg->mail_directory, &st) == 0 && access(cfg->mail_directory, W_OK | X_OK) == 0;

    if (good && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        good = false;
    }
    *detail = good ? arena_printf(a, "file: in %s", cfg->mail_directory)
                   : arena_printf(a, "file: %s: %s", cfg->mail_directory, strerror(errno));
    return good;
}
