/* Groups of users: who is in which. Must not know what a group may do. */
#include "store/row.h"

static void names_of(struct arena *a, const struct db_rows *rows, size_t column, struct groups *out)
{
    *out = (struct groups){.v = ARENA_ARRAY(a, const char *, rows->n)};
    for (size_t i = 0; i < rows->n; i++) {
        const struct db_val *v = db_row(rows, i) + column;
        if (!v->null)
            out->v[out->n++] = db_text(v);
    }
}

enum { GATE_COLS_N = 10 };

static void row_gate(const struct db_val *v, struct session *s, struct user *u)
{
    *s = (struct session){
        .id = db_text(&v[0]),
        .user_id = db_text(&v[1]),
        .expires_at = v[2].i,
        .remember = v[3].i != 0,
        .dies_at = v[4].i,
        .last_seen_at = v[5].i,
        .last_ip = row_text(&v[6]),
    };
    *u = (struct user){
        .id = s->user_id, .name = db_text(&v[7]), .email = db_text(&v[8]), .email_verified = v[9].i != 0};
}

enum err sessions_find_gate(struct db *db, struct arena *a, const char *token_hash, struct session *s, struct user *u,
                            struct groups *groups)
{
    struct db_rows rows;

    TRY(db_query(db, groups ? ST_SESSION_GATE_GROUPS : ST_SESSION_GATE, a, &rows, DB_TEXT(token_hash)));
    if (rows.n == 0)
        return ERR_NONE;
    row_gate(db_row(&rows, 0), s, u);
    if (groups)
        names_of(a, &rows, GATE_COLS_N, groups);
    return ERR_OK;
}

enum err sessions_find_groups(struct db *db, struct arena *a, const char *token_hash, struct session *s,
                              struct user *u, struct groups *groups)
{
    struct db_rows rows;

    TRY(db_query(db, ST_SESSION_GROUPS, a, &rows, DB_TEXT(token_hash)));
    if (rows.n == 0)
        return ERR_NONE;
    row_session(db_row(&rows, 0), s);
    row_user(db_row(&rows, 0) + ROW_SESSION_COLS, u);
    names_of(a, &rows, ROW_SESSION_COLS + ROW_USER_COLS, groups);
    return ERR_OK;
}

enum err groups_of(struct db *db, struct arena *a, const char *user_id, struct groups *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_GROUP_OF, a, &rows, DB_TEXT(user_id)));
    names_of(a, &rows, 0, out);
    return ERR_OK;
}

enum err groups_add(struct db *db, const char *user_id, const char *name)
{
    db_changes(db, user_id);
    return db_exec(db, ST_GROUP_ADD, NULL, DB_TEXT(user_id), DB_TEXT(name));
}

enum err groups_remove(struct db *db, const char *user_id, const char *name)
{
    int64_t changed;

    db_changes(db, user_id);
    TRY(db_exec(db, ST_GROUP_REMOVE, &changed, DB_TEXT(user_id), DB_TEXT(name)));
    return row_changed(changed);
}

enum err groups_list(struct db *db, struct arena *a, struct group_count **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_GROUP_LIST, a, &rows, DB_NONE));
    struct group_count *list = ARENA_ARRAY(a, struct group_count, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        list[i] = (struct group_count){db_text(&db_row(&rows, i)[0]), db_row(&rows, i)[1].i};
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

enum err groups_members(struct db *db, struct arena *a, const char *name, const char *after, int64_t limit,
                        struct user **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_GROUP_MEMBERS, a, &rows, DB_TEXT(name), DB_TEXT(after), DB_INT(limit)));
    struct user *list = ARENA_ARRAY(a, struct user, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        row_user(db_row(&rows, i), &list[i]);
    *out = list;
    *n = rows.n;
    return ERR_OK;
}
