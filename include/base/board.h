/* A page of memory that the processes of a pool share: what each is busy with, so that the master sees who hangs and
 * names the request that a crash took along. Only counters and public ids: never anything secret. */
#ifndef BASE_BOARD_H
#define BASE_BOARD_H

#include "base/err.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_REQUEST_SIZE = 16 };

/* Of a service that all of them need (the store). After it could not be reached, or did not answer in time, all leave it
 * alone until `down_until`; then one at a time tries. All zero: it is well. */
struct health {
    _Atomic int64_t down_until; /* clock_steady; 0: it answers */
    _Atomic int32_t host;       /* index of the host that answered last */
};

/* Of one process. Written by it alone, read by the master. */
struct board_seat {
    _Atomic int64_t busy_since; /* clock_steady; 0: waits for a request */
    _Atomic int32_t proven;     /* 1: it has had a request in hand, so its start went well */
    char request[BOARD_REQUEST_SIZE]; /* id of the request in hand; "" while it is being read */
};

/* Do all sign-ins come from one address? Then a proxy in front is not named in the configuration. */
struct crowd {
    _Atomic uint64_t address, user; /* hashes; 0: none yet */
    _Atomic int32_t n;              /* sign-ins in a row, each of another user than the last; below 0: not, or told */
};

struct board {
    struct health store;
    struct crowd crowd;
    _Atomic int32_t leaving; /* 1: nobody of this pool takes a further request */
    size_t n;
    struct board_seat seats[];
};

/* Shared with all children forked later; unmapped with the process. ERR_NO_MEMORY. */
MUST_USE enum err board_open(size_t seats, struct board **out);
void board_close(struct board **b);
/* Notes a sign-in of this user from this address. True once: when there were enough, and none from elsewhere. b may be
 * NULL. */
bool board_crowd(struct board *b, const char *address, const char *user);
/* The process takes a connection into its hands, learns which request it brings, is done with it. seat may be NULL. */
void board_begin(struct board_seat *seat, int64_t steady);
void board_name(struct board_seat *seat, const char *request);
void board_end(struct board_seat *seat);

#endif
