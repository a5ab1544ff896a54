/* Mails that wait to be sent. A row is claimed by a guarded statement before it is sent. Must not know what it says:
 * that is sealed. */
#include "store/row.h"

enum err mails_add(struct db *db, const struct mail *m)
{
    return db_exec(db, ST_MAIL_ADD, NULL, DB_TEXT(m->ref), DB_TEXT(m->kind), DB_TEXT(m->recipient), DB_TEXT(m->data),
                   DB_TIME(m->created_at), DB_TIME(m->due_at), DB_TIME(m->expires_at));
}

enum err mails_next(struct db *db, struct arena *a, int64_t *due_at)
{
    struct db_rows rows;

    TRY(db_query(db, ST_MAIL_NEXT, a, &rows, DB_NONE));
    return rows.n == 0 ? ERR_NONE : row_number(&rows, due_at);
}

static void rows_mails(struct arena *a, const struct db_rows *rows, struct mail **out, size_t *n)
{
    struct mail *list = ARENA_ARRAY(a, struct mail, rows->n);

    for (size_t i = 0; i < rows->n; i++) {
        const struct db_val *v = db_row(rows, i);
        list[i] = (struct mail){
            .id = v[0].i,
            .ref = db_text(&v[1]),
            .kind = db_text(&v[2]),
            .recipient = row_text(&v[3]),
            .data = db_text(&v[4]),
            .created_at = v[5].i,
            .due_at = v[6].i,
            .tries = v[7].i,
            .expires_at = v[8].i,
            .error = row_text(&v[9]),
        };
    }
    *out = list;
    *n = rows->n;
}

enum err mails_due(struct db *db, struct arena *a, int64_t now, int64_t limit, struct mail **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_MAIL_DUE, a, &rows, DB_TIME(now), DB_INT(limit)));
    rows_mails(a, &rows, out, n);
    return ERR_OK;
}

enum err mails_page(struct db *db, struct arena *a, int64_t after, int64_t limit, struct mail **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_MAIL_PAGE, a, &rows, DB_INT(after), DB_INT(limit)));
    rows_mails(a, &rows, out, n);
    return ERR_OK;
}

enum err mails_claim(struct db *db, struct mail *m, int64_t until)
{
    int64_t changed;

    TRY(db_exec(db, ST_MAIL_CLAIM, &changed, DB_TIME(until), DB_INT(m->id), DB_INT(m->tries), DB_TIME(m->due_at)));
    TRY(row_changed(changed));
    m->tries++;
    m->due_at = until;
    m->error = NULL;
    return ERR_OK;
}

enum err mails_later(struct db *db, const struct mail *m, int64_t due_at, const char *error)
{
    int64_t changed;

    TRY(db_exec(db, ST_MAIL_LATER, &changed, DB_TIME(due_at), DB_TEXT(error), DB_INT(m->id), DB_INT(m->tries)));
    return row_changed(changed);
}

enum err mails_drop(struct db *db, int64_t id)
{
    int64_t changed;

    TRY(db_exec(db, ST_MAIL_DROP, &changed, DB_INT(id)));
    return row_changed(changed);
}

enum err mails_of(struct db *db, struct arena *a, const char *recipient, struct mail **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_MAIL_OF, a, &rows, DB_TEXT(recipient)));
    struct mail *list = ARENA_ARRAY(a, struct mail, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        list[i] = (struct mail){.kind = db_text(db_row(&rows, i)), .created_at = db_row(&rows, i)[1].i};
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err mails_forget(struct db *db, const char *recipient)
{
    return db_exec(db, ST_MAIL_FORGET, NULL, DB_TEXT(recipient));
}

enum err mails_forget_of(struct db *db, const char *kind, const char *other_kind, const char *user_id)
{
    return db_exec(db, ST_MAIL_FORGET_OF, NULL, DB_TEXT(kind), DB_TEXT(other_kind), DB_TEXT(user_id));
}

enum err mails_count(struct db *db, struct arena *a, int64_t *all, int64_t *tried)
{
    struct db_rows rows;

    TRY(db_query(db, ST_MAIL_COUNT, a, &rows, DB_NONE));
    TRY(row_number(&rows, all));
    *tried = db_row(&rows, 0)[1].i;
    return ERR_OK;
}
