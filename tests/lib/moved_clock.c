/* clock_now for the test build of the program, told by the file that LATCHKEY_TEST_CLOCK names: a number of milliseconds
 * that the time of day is moved by, or "=" and the time itself, which then stands still. Tests move time instead of waiting
 * for it. */
#include "base/auto.h"
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t time_of_day(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
    const char *path = getenv("LATCHKEY_TEST_CLOCK");
    AUTO(file) FILE *f = path ? fopen(path, "re") : NULL;
    char line[32];

    if (!f || !fgets(line, sizeof line, f))
        return time_of_day();
    return *line == '=' ? strtoll(line + 1, NULL, 10) : time_of_day() + strtoll(line, NULL, 10);
}
