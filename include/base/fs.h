/* What a path lies on, and locks between the processes of a host. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include "base/err.h"

/* Name of the network file system that path (or, if it is not there, dir) lies on; NULL: a local one, or neither is
 * there. Locks and shared memory fail on network file systems. */
const char *fs_network(const char *path, const char *dir);

/* Opens dir/name, made 0600 where it is not there, for locks on its bytes. *fd is the caller's; the same file must never
 * be opened a second time by the same process: closing any descriptor of a file drops all locks its process holds on it.
 * ERR_IO (logged), also on a network file system. */
MUST_USE enum err fs_lock_open(const char *dir, const char *name, int *fd);
/* F_WRLCK takes, F_UNLCK gives back byte `at`, without waiting; the kernel gives it back when the process ends, however
 * it ends. 0 done, 1 another process has it, -1 failed (errno). To the process that has it it is granted again. */
int fs_lock_byte(int fd, int at, short type);

#endif
