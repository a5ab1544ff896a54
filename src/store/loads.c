/* Test data in bulk. Must not know how ids and tokens are made. */
#include "store/loads.h"

#include "store/row.h"

enum err loads_users(struct db *db, const char *rows, int64_t n, int64_t now, int64_t *added)
{
    return db_exec(db, ST_LOAD_USERS, added, DB_INT(n), DB_TEXT(rows), DB_TIME(now), DB_TIME(now));
}

enum err loads_sessions(struct db *db, const char *rows, int64_t n, const struct session *like, int64_t *added)
{
    return db_exec(db, ST_LOAD_SESSIONS, added, DB_INT(n), DB_TEXT(rows), DB_TIME(like->expires_at), DB_TEXT(like->ip),
                   DB_TEXT(like->agent), DB_TIME(like->created_at), DB_TIME(like->updated_at),
                   DB_TIME(like->authenticated_at), DB_TIME(like->dies_at), DB_TIME(like->last_seen_at),
                   DB_TEXT(like->last_ip));
}

enum err loads_others(struct db *db, struct arena *a, bool *yes)
{
    struct db_rows rows;

    TRY(db_query(db, ST_LOAD_OTHERS, a, &rows, DB_NONE));
    *yes = rows.n > 0;
    return ERR_OK;
}

enum err loads_page(struct db *db, struct arena *a, const char *after, struct user **out, size_t *n)
{
    struct db_rows rows;

    TRY(db_query(db, ST_LOAD_PAGE, a, &rows, DB_TEXT(after), DB_INT(LOADS_DROP)));
    struct user *list = ARENA_ARRAY(a, struct user, rows.n);
    for (size_t i = 0; i < rows.n; i++)
        list[i] = (struct user){.id = db_text(&db_row(&rows, i)[0]), .email = db_text(&db_row(&rows, i)[1])};
    *out = list;
    *n = rows.n;
    return ERR_OK;
}

/* Sessions go by name, not by cascade alone: an adopted table may lack the foreign key. */
enum err loads_drop(struct db *db, const struct user *users, size_t n, int64_t *sessions)
{
    struct db_val v[LOADS_DROP];

    for (size_t i = 0; i < LOADS_DROP; i++)
        v[i] = DB_TEXT(i < n ? users[i].id : "");
    TRY(db_exec_n(db, ST_LOAD_DROP_SESSIONS, sessions, v, LOADS_DROP));
    TRY(db_exec_n(db, ST_LOAD_DROP_GROUPS, NULL, v, LOADS_DROP));
    TRY(db_exec_n(db, ST_LOAD_DROP_LOCKS, NULL, v, LOADS_DROP));
    return db_exec_n(db, ST_LOAD_DROP_USERS, NULL, v, LOADS_DROP);
}
