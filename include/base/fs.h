/* What a path lies on. */
#ifndef BASE_FS_H
#define BASE_FS_H

/* Name of the network file system that path (or, if it is not there, dir) lies on; NULL: a local one, or neither is
 * there. Locks and shared memory fail on network file systems. */
const char *fs_network(const char *path, const char *dir);

#endif
