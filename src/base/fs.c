/* What a path lies on, by the kernel's magic numbers (statfs(2)), and byte locks (fcntl(2)): the kernel frees them with
 * the process, which a file whose existence is the lock would survive. */
#include "base/fs.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

static const char *name_of(unsigned long type)
{
    static const struct {
        unsigned long type;
        const char *name;
    } known[] = {
        {0x6969, "NFS"},      {0x517b, "SMB"},     {0xff534d42, "CIFS"},   {0xfe534d42, "SMB2"},
        {0x5346414f, "AFS"},  {0x6b414653, "AFS"}, {0x01021997, "9P"},     {0x00c36400, "Ceph"},
        {0x73757245, "Coda"}, {0x564c, "NCP"},     {0x0bd00bd0, "Lustre"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].type == type)
            return known[i].name;
    }
    return NULL;
}

const char *fs_network(const char *path, const char *dir)
{
    struct statfs fs;

    if (statfs(path, &fs) != 0 && statfs(dir, &fs) != 0)
        return NULL;
    return name_of((unsigned long)fs.f_type & 0xffffffffUL);
}

enum err fs_lock_open(const char *dir, const char *name, int *fd)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name), got = -1;
    const char *network = fs_network(dir, dir);

    if (network) {
        log_error("%s lies on a network file system (%s), where locks fail; put pool.state on a local disk", dir,
                  network);
        return ERR_IO;
    }
    errno = ENAMETOOLONG;
    if (n > 0 && (size_t)n < sizeof path)
        got = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (got < 0) {
        log_error("%s/%s: %s", dir, name, strerror(errno));
        return ERR_IO;
    }
    *fd = got;
    return ERR_OK;
}

int fs_lock_byte(int fd, int at, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
    int res;

    do
        res = fcntl(fd, F_SETLK, &l);
    while (res != 0 && errno == EINTR);
    if (res == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? 1 : -1;
}
