/* Time: int64_t milliseconds since 1970, UTC. Tests replace clock_now by linking their own; nothing else in the program
 * asks the system for the time of day. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000)
#define CLOCK_MINUTE (60 * CLOCK_SECOND)
#define CLOCK_HOUR (60 * CLOCK_MINUTE)
#define CLOCK_DAY (24 * CLOCK_HOUR)

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now(void);
/* Milliseconds of a clock that never steps back; for deadlines. */
int64_t clock_steady(void);

#endif
