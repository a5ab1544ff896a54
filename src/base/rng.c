/* Random bytes, each time from the kernel: no state of ours that a fork, a snapshot or a crash could share. Alone in
 * its file, so that a test that links its own rng_fill replaces this and nothing else. */
#include "base/rng.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum err rng_fill(void *p, size_t n)
{
    unsigned char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            log_error("no random bytes: %s", got < 0 ? strerror(errno) : "none came");
            return ERR_RANDOM;
        }
        at += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}
