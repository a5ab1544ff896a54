/* One-time tokens. Only hashes come here; what they are good for is policy. */
#include "store/row.h"

enum err tickets_drop(struct db *db, const char *id)
{
    return db_exec(db, ST_TICKET_DROP, NULL, DB_TEXT(id));
}

/* Ids are compared byte by byte, and ';' comes right after ':'. */
enum err tickets_drop_below(struct db *db, struct arena *a, const char *id)
{
    return db_exec(db, ST_TICKET_DROP_BELOW, NULL, DB_TEXT(arena_printf(a, "%s:", id)),
                   DB_TEXT(arena_printf(a, "%s;", id)));
}

enum err tickets_put(struct db *db, const struct ticket *t, int64_t expires_at, int64_t now)
{
    TRY(tickets_drop(db, t->id));
    enum err e = db_exec(db, ST_TICKET_ADD, NULL, DB_TEXT(t->id), DB_TEXT(t->identifier), DB_TEXT(t->value),
                         DB_TIME(expires_at), DB_TIME(now), DB_TIME(now));
    /* one that is nobody's has no lock: another has come between */
    return e == ERR_DB_DUPLICATE ? ERR_DB_CONFLICT : e;
}

enum err tickets_find(struct db *db, struct arena *a, const char *identifier, int64_t now, struct ticket *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_TICKET_FIND, a, &rows, DB_TEXT(identifier), DB_TIME(now)));
    if (rows.n == 0)
        return ERR_NONE;
    const struct db_val *v = db_row(&rows, 0);
    *out = (struct ticket){.id = db_text(&v[0]), .identifier = arena_strdup(a, identifier), .value = db_text(&v[1])};
    return ERR_OK;
}

enum err tickets_spend(struct db *db, const struct ticket *t, int64_t now)
{
    int64_t changed;

    TRY(db_exec(db, ST_TICKET_SPEND, &changed, DB_TEXT(t->id), DB_TEXT(t->identifier), DB_TIME(now)));
    return row_changed(changed);
}
