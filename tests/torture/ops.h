/* The operations of auth/ and store/ that the torture tests let fail: each once, in the scene. */
#ifndef TORTURE_OPS_H
#define TORTURE_OPS_H

#include "scene.h"

extern struct scene scene;

/* What an operation gives besides rows. */
struct given {
    struct opened opened;
    struct checked checked;
};

struct op {
    const char *name;
    enum err (*run)(struct auth *au, struct given *out);
    void (*arrange)(struct auth *au); /* on a connection that does not fail; may be NULL */
    /* What of it may stand alone; may be NULL. */
    enum err (*part)(struct auth *au, struct given *out);
    bool batches;     /* a part of it may stand */
    bool bookkeeping; /* its writes may be left out, if it says so */
    bool mail;        /* mails are on */
    bool counts;      /* it is a try: whatever becomes of it, it may have been counted, once */
};

enum op_id {
#define OP(id, ...) OP_##id,
#include "ops.def"
#undef OP
    OPS
};
extern const struct op ops[OPS];
/* Settings as it wants them; before its arrange. */
void ops_begin(const struct op *op);

#endif
