/* Sessions. Each change is one guarded statement, so that of two who race one learns that it lost. Must not know how
 * long a session lives, nor see a token in the clear. */
#include "store/row.h"

enum err sessions_add(struct db *db, const struct session *s, const char *token_hash, const char *password)
{
    int64_t changed;

    TRY(db_exec(db, ST_SESSION_ADD_GUARDED, &changed, DB_TEXT(s->id), DB_TEXT(token_hash), DB_TEXT(s->user_id),
                DB_TEXT(s->last_ip), DB_TIME(s->expires_at), DB_TEXT(s->ip), DB_TEXT(s->agent), DB_TIME(s->created_at),
                DB_TIME(s->updated_at), DB_BOOL(s->remember), DB_TIME(s->authenticated_at), DB_TIME(s->dies_at),
                DB_TIME(s->last_seen_at), DB_TEXT(s->user_id), DB_TEXT(password)));
    return row_changed(changed);
}

enum err sessions_find(struct db *db, struct arena *a, const char *token_hash, struct session *s, struct user *u)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_FIND, a, &rows, DB_TEXT(token_hash)));
    if (rows.n == 0)
        return ERR_NONE;
    row_session(db_row(&rows, 0), s);
    row_user(db_row(&rows, 0) + ROW_SESSION_COLS, u);
    return ERR_OK;
}

enum err sessions_list(struct db *db, struct arena *a, const char *user_id, int64_t now, struct session **out,
                       size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_LIST, a, &rows, DB_TEXT(user_id), DB_TIME(now)));
    struct session *list = ARENA_ARRAY(a, struct session, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        row_session(db_row(&rows, i), &list[i]);
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err sessions_count_live(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_COUNT_LIVE, a, &rows, DB_TEXT(user_id), DB_TIME(now)));
    return row_number(&rows, out);
}

static const char **ids_of(struct arena *a, const struct db_rows *rows)
{
    const char **ids = ARENA_ARRAY(a, const char *, rows->n);

    for (size_t i = 0; i < rows->n; i++)
        ids[i] = db_text(db_row(rows, i));
    return ids;
}

enum err sessions_oldest(struct db *db, struct arena *a, const char *user_id, int64_t now, int64_t n,
                         const char ***out, size_t *got)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_OLDEST, a, &rows, DB_TEXT(user_id), DB_TIME(now), DB_INT(n)));
    *out = ids_of(a, &rows);
    *got = rows.n;
    return ERR_OK;
}

enum err sessions_ids(struct db *db, struct arena *a, const char *user_id, const char *keep, const char ***out,
                      size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_IDS, a, &rows, DB_TEXT(user_id), DB_TEXT(keep ? keep : "")));
    *out = ids_of(a, &rows);
    *n = rows.n;
    return ERR_OK;
}

enum err sessions_user_of(struct db *db, struct arena *a, const char *id, const char **user_id)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_USER_OF, a, &rows, DB_TEXT(id)));
    if (rows.n == 0)
        return ERR_NONE;
    *user_id = db_text(db_row(&rows, 0));
    return ERR_OK;
}

enum err sessions_id_of(struct db *db, struct arena *a, const char *token_hash, const char **id, const char **user_id)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_ID_OF, a, &rows, DB_TEXT(token_hash)));
    if (rows.n == 0)
        return ERR_NONE;
    *id = db_text(&db_row(&rows, 0)[0]);
    *user_id = db_text(&db_row(&rows, 0)[1]);
    return ERR_OK;
}

enum err sessions_slide(struct db *db, const struct session *s, int64_t was)
{
    int64_t changed;

    TRY(db_exec(db, ST_SESSION_SLIDE, &changed, DB_TIME(s->expires_at), DB_TIME(s->updated_at),
                DB_TIME(s->last_seen_at), DB_TEXT(s->last_ip), DB_TEXT(s->id), DB_TIME(was)));
    return row_changed(changed);
}

enum err sessions_seen(struct db *db, const struct session *s, int64_t was)
{
    int64_t changed;

    TRY(db_exec(db, ST_SESSION_SEEN, &changed, DB_TIME(s->last_seen_at), DB_TEXT(s->last_ip), DB_TEXT(s->id),
                DB_TIME(was)));
    return row_changed(changed);
}

enum err sessions_renew(struct db *db, const struct session *s, const char *password, int64_t now)
{
    int64_t changed;

    db_changes(db, s->user_id);
    TRY(db_exec(db, ST_SESSION_RENEW, &changed, DB_TIME(now), DB_TEXT(s->id), DB_TEXT(s->user_id), DB_TEXT(s->user_id),
                DB_TEXT(password)));
    return row_changed(changed);
}

enum err sessions_there(struct db *db, struct arena *a, const struct session *s, int64_t now)
{
    struct db_rows rows;
    int64_t n = 0;

    TRY(db_query(db, ST_SESSION_THERE, a, &rows, DB_TEXT(s->id), DB_TEXT(s->user_id), DB_TIME(now)));
    TRY(row_number(&rows, &n));
    return row_changed(n);
}

enum err sessions_end_own(struct db *db, const char *id, const char *user_id, int64_t now)
{
    int64_t changed;

    db_changes(db, user_id);
    TRY(db_exec(db, ST_SESSION_END_OWN, &changed, DB_TEXT(id), DB_TEXT(user_id), DB_TIME(now)));
    return row_changed(changed);
}

enum err sessions_end_user(struct db *db, const char *user_id, const char *keep, int64_t *n)
{
    db_changes(db, user_id);
    if (keep)
        return db_exec(db, ST_SESSION_END_OTHERS, n, DB_TEXT(user_id), DB_TEXT(keep));
    return db_exec(db, ST_SESSION_END_USER, n, DB_TEXT(user_id));
}

enum err sessions_end_everybody(struct db *db, int64_t *n)
{
    db_changes(db, NULL);
    return db_exec(db, ST_SESSION_END_ALL, n, DB_NONE);
}

enum err sessions_count(struct db *db, struct arena *a, int64_t now, int64_t *all, int64_t *live)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_COUNT, a, &rows, DB_TIME(now)));
    TRY(row_number(&rows, all));
    *live = db_row(&rows, 0)[1].i;
    return ERR_OK;
}

enum err sessions_crowd(struct db *db, struct arena *a, int64_t now, int64_t *users, int64_t *addresses,
                        const char **address)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_CROWD, a, &rows, DB_TIME(now)));
    TRY(row_number(&rows, users));
    *addresses = db_row(&rows, 0)[1].i;
    *address = db_text(&db_row(&rows, 0)[2]);
    return ERR_OK;
}

enum err sessions_page(struct db *db, struct arena *a, int64_t now, const char *after, int64_t limit,
                       struct session_summary **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_PAGE, a, &rows, DB_TIME(now), DB_TEXT(after), DB_INT(limit)));
    struct session_summary *list = ARENA_ARRAY(a, struct session_summary, rows.n);
    for (size_t i = 0; i < rows.n; i++) {
        row_session(db_row(&rows, i), &list[i].session);
        list[i].email = db_text(db_row(&rows, i) + ROW_SESSION_COLS);
    }
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

/* Without an ordered, limited DELETE (not every database has one): find the last row of the batch, delete up to it. */
enum err sessions_sweep(struct db *db, struct arena *a, int64_t *from, int64_t now, int64_t batch, int64_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SWEEP_EDGE, a, &rows, DB_TIME(*from), DB_TIME(now), DB_INT(batch > 0 ? batch - 1 : 0)));
    if (rows.n == 0)
        return db_exec(db, ST_SWEEP_REST, n, DB_TIME(*from), DB_TIME(now));
    const struct db_val *edge = db_row(&rows, 0);
    TRY(db_exec(db, ST_SWEEP_BATCH, n, DB_TIME(*from), DB_TIME(edge[0].i), DB_TIME(edge[0].i),
                DB_TEXT(db_text(&edge[1]))));
    *from = edge[0].i;
    return ERR_OK;
}
