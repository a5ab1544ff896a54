/* clock_now for the test build of the program: the time of day, moved by the number of milliseconds that stands in the
 * file named by LATCHKEY_TEST_CLOCK. Tests move time instead of waiting for it. */
#include "base/auto.h"
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t offset(void)
{
    const char *path = getenv("LATCHKEY_TEST_CLOCK");
    AUTO(file) FILE *f = path ? fopen(path, "re") : NULL;
    char line[32];

    return f && fgets(line, sizeof line, f) ? strtoll(line, NULL, 10) : 0;
}

int64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offset();
}
