/* Deleting what has expired, a small batch at a time, table by table: as sessions_sweep does, since all sessions that
 * were ended at once expire here at once. */
#include "store/row.h"

#define SWEEP(name)                                     \
    {                                                   \
        ST_EDGE_##name, ST_SWEEP_##name, ST_REST_##name \
    }
static const struct {
    enum stmt edge, batch, rest;
} sweeps[SWEEPS] = {
    [SWEEP_OF_LIMITS] = SWEEP(LIMITS),   [SWEEP_OF_DEVICES] = SWEEP(DEVICES), [SWEEP_OF_ENDED] = SWEEP(ENDED),
    [SWEEP_OF_TICKETS] = SWEEP(TICKETS), [SWEEP_OF_MAILS] = SWEEP(MAILS),     [SWEEP_OF_JWKS] = SWEEP(JWKS),
    [SWEEP_OF_AUDITS] = SWEEP(AUDIT),
};
#undef SWEEP

static enum err batch_delete(struct db *db, enum sweep which, int64_t *from, const struct db_val *edge, int64_t *n)
{
    TRY(db_exec(db, sweeps[which].batch, n, DB_TIME(*from), DB_TIME(edge[0].i), DB_TIME(edge[0].i), edge[1]));
    *from = edge[0].i;
    return ERR_OK;
}

enum err sweep_table(struct db *db, struct arena *a, enum sweep which, int64_t *from, int64_t until, int64_t batch,
                     int64_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, sweeps[which].edge, a, &rows, DB_TIME(*from), DB_TIME(until), DB_INT(batch > 0 ? batch - 1 : 0)));
    if (rows.n > 0)
        return batch_delete(db, which, from, db_row(&rows, 0), n);
    /* fewer than a batch; and none at all needs no statement that may not be allowed to us */
    TRY(db_query(db, sweeps[which].edge, a, &rows, DB_TIME(*from), DB_TIME(until), DB_INT(0)));
    if (rows.n > 0)
        return db_exec(db, sweeps[which].rest, n, DB_TIME(*from), DB_TIME(until));
    *n = 0;
    return ERR_OK;
}
