/* A time by which something on a connection must be over: when it has passed, the connection is shut down, so that whatever
 * waits for it, in a library too, ends at once and stays ended. By a timer and SIGALRM, which is taken for this; an ALRM
 * that somebody sends is passed over. */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include "base/err.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Belongs to the process that opened it; must not move in memory until closed. */
struct deadline {
    timer_t timer;
    bool open;
    volatile sig_atomic_t fd;    /* -1: nothing to shut down */
    volatile sig_atomic_t hit;   /* it has passed since the last start */
    volatile sig_atomic_t early; /* a third of the time is all there is */
    volatile sig_atomic_t third; /* how many have passed */
};

/* In the process that waits, after fork. ERR_IO (logged). */
MUST_USE enum err deadline_open(struct deadline *d);
void deadline_close(struct deadline *d);
/* From now on a third of ms for what is on fd, until deadline_rest gives it all of ms since the start. Takes the place of
 * a deadline under way. */
void deadline_start(struct deadline *d, int fd, int64_t ms);
void deadline_rest(struct deadline *d);
/* Before fd is closed: its number may belong to another connection afterwards. The timer runs on unless deadline_stop. */
void deadline_forget(struct deadline *d);
void deadline_stop(struct deadline *d);

#endif
