/* System calls that fail. calls.c replaces the C library's functions for the whole process; those on terminals, pipes and
 * sockets go through as well, so faults are on only around what is tested. */
#ifndef TORTURE_CALLS_H
#define TORTURE_CALLS_H

#include <stdbool.h>

enum call { CALL_OPEN, CALL_READ, CALL_WRITE, CALL_SYNC, CALL_STAT, CALL_LINK, CALL_RENAME, CALL_LOCK, CALL_KINDS };

/* From now on the n-th call (from 1) fails with `error`, and if `lasting` all after it. 0: none does. */
void calls_fail(unsigned n, int error, bool lasting);
/* From now on reads and writes move at most that many bytes at once. */
void calls_short(unsigned bytes);
/* No call fails any more. How many there were since calls_fail. */
unsigned calls_mend(void);
/* How many there were of a kind, ever. */
unsigned calls_seen(enum call which);

#endif
