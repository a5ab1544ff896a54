/* What the programs of failing calls share: the errors to fail with, and one file in a directory of its own. */
#ifndef TORTURE_CALLS_CASE_H
#define TORTURE_CALLS_CASE_H

#include "suite.h"

#include "base/log.h"
#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int errors[] = {EIO, ENOSPC, EMFILE, EACCES, EINTR};
#define ERRORS (sizeof errors / sizeof *errors)

static char dir[] = "/tmp/latchkey-calls-XXXXXX", path[64];

static inline void clear(void)
{
    unlink(path);
}

/* For suite_run. */
static inline int case_open(void)
{
    if (!mkdtemp(dir) || log_open("/dev/null", LVL_ERROR) != ERR_OK)
        return 1;
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static inline int case_close(void)
{
    unlink(path);
    return rmdir(dir);
}

#endif
