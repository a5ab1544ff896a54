/* Time that stands still and randomness that repeats, so that two runs of the same thing can be compared byte by byte.
 * fixed.c replaces clock_now and rng_fill of the program, and nanosleep: nobody is waited for. */
#ifndef TORTURE_FIXED_H
#define TORTURE_FIXED_H

#include <stdint.h>

extern int64_t fixed_now;
/* Begins a sequence of "random" bytes, the same one for the same number. */
void fixed_random(unsigned which);

#endif
