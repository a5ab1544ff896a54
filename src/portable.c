/* For the portable programs: what a library in them asks of glibc 2.36 alone, so that they run with an older one too.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

void arc4random_buf(void *out, size_t n);

/* libcrypt's, for salts. Random bytes or an end, as in the C library. */
void arc4random_buf(void *out, size_t n)
{
    unsigned char *at = out;

    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}
