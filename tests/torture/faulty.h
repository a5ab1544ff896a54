/* A driver whose n-th call fails: the real one of a connection, wrapped. */
#ifndef TORTURE_FAULTY_H
#define TORTURE_FAULTY_H

#include "db/driver.h"

/* What became of the call that fails. */
enum manner {
    UNDONE, /* it was never made */
    ENDED,  /* nor was what the transaction had done so far kept; of a lost connection nothing is left */
    DONE    /* it was made, only its answer is lost */
};

struct faulty {
    int at; /* which call fails, from 1; 0: none */
    enum err error;
    enum manner manner;
    /* what happened */
    int calls;
    bool hit, hit_in_tx, hit_commit;
};
extern struct faulty faulty;

/* Wraps the driver of db. One connection at a time. */
void faulty_wrap(struct db *db);

#endif
