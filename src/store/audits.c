/* The audit log, and why sessions ended. Rows are added, read and swept, never changed but to forget a person. Must not
 * know what the words mean. */
#include "store/row.h"

enum err audits_add(struct db *db, const struct audit *e)
{
    return db_exec(db, ST_AUDIT_ADD, NULL, DB_TIME(e->at), DB_TEXT(e->event), DB_TEXT(e->user_id),
                   DB_TEXT(e->session_id), DB_TEXT(e->actor), DB_TEXT(e->reason), DB_TEXT(e->email), DB_TEXT(e->ip),
                   DB_TEXT(e->agent), DB_TEXT(e->request));
}

enum err audits_add_sessions(struct db *db, const struct audit *e, const char *keep)
{
    return db_exec(db, ST_AUDIT_ADD_USER, NULL, DB_TIME(e->at), DB_TEXT(e->event), DB_TEXT(e->actor),
                   DB_TEXT(e->reason), DB_TEXT(e->ip), DB_TEXT(e->agent), DB_TEXT(e->request), DB_TEXT(e->user_id),
                   DB_TEXT(e->user_id), DB_TEXT(keep ? keep : ""));
}

static void row_audit(const struct db_val *v, struct audit *out)
{
    *out = (struct audit){
        .id = v[0].i,
        .at = v[1].i,
        .event = db_text(&v[2]),
        .user_id = row_text(&v[3]),
        .session_id = row_text(&v[4]),
        .actor = db_text(&v[5]),
        .reason = row_text(&v[6]),
        .email = row_text(&v[7]),
        .ip = row_text(&v[8]),
        .agent = row_text(&v[9]),
        .request = row_text(&v[10]),
    };
}

enum err audits_page(struct db *db, struct arena *a, const char *user_id, int64_t since, int64_t after, int64_t limit,
                     struct audit **out, size_t *n)
{
    struct db_rows rows;

    if (user_id)
        TRY(db_query(db, ST_AUDIT_PAGE_USER, a, &rows, DB_INT(after), DB_TEXT(user_id), DB_TIME(since), DB_INT(limit)));
    else
        TRY(db_query(db, ST_AUDIT_PAGE, a, &rows, DB_INT(after), DB_TIME(since), DB_INT(limit)));
    struct audit *list = ARENA_ARRAY(a, struct audit, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        row_audit(db_row(&rows, i), &list[i]);
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err audits_forget(struct db *db, const char *user_id, const char *email)
{
    return db_exec(db, ST_AUDIT_FORGET, NULL, DB_TEXT(user_id), DB_TEXT(email));
}

/* --- why sessions ended ------------------------------------------------------------------------------------------ */

enum err ended_add_own(struct db *db, const char *id, const char *user_id, int64_t now, const struct ended *why)
{
    return db_exec(db, ST_ENDED_ADD_OWN, NULL, DB_TEXT(why->reason), DB_TIME(why->expires_at), DB_TEXT(id),
                   DB_TEXT(user_id), DB_TIME(now));
}

enum err ended_add_user(struct db *db, const char *user_id, const char *keep, const struct ended *why)
{
    return db_exec(db, ST_ENDED_ADD_USER, NULL, DB_TEXT(why->reason), DB_TIME(why->expires_at), DB_TEXT(user_id),
                   DB_TEXT(keep ? keep : ""));
}

enum err ended_add_everybody(struct db *db, const struct ended *why)
{
    return db_exec(db, ST_ENDED_ADD_ALL, NULL, DB_TEXT(why->reason), DB_TIME(why->expires_at));
}

enum err ended_find(struct db *db, struct arena *a, const char *token_hash, int64_t now, const char **reason)
{
    struct db_rows rows;

    TRY(db_query(db, ST_ENDED_GET, a, &rows, DB_TEXT(token_hash), DB_TIME(now)));
    if (rows.n == 0)
        return ERR_NONE;
    *reason = db_text(db_row(&rows, 0));
    return ERR_OK;
}
