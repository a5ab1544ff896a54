/* Columns to members. Must not ask the database anything. */
#include "store/row.h"

const char *row_text(const struct db_val *v)
{
    return v->null ? NULL : v->s;
}

void row_user(const struct db_val *v, struct user *out)
{
    *out = (struct user){
        .id = db_text(&v[0]),
        .name = db_text(&v[1]),
        .email = db_text(&v[2]),
        .email_verified = v[3].i != 0,
        .image = v[4].null ? NULL : v[4].s,
        .created_at = v[5].i,
        .updated_at = v[6].i,
    };
}

void row_session(const struct db_val *v, struct session *out)
{
    *out = (struct session){
        .id = db_text(&v[0]),
        .user_id = db_text(&v[1]),
        .expires_at = v[2].i,
        .ip = db_text(&v[3]),
        .agent = db_text(&v[4]),
        .created_at = v[5].i,
        .updated_at = v[6].i,
        .remember = v[7].i != 0,
        .authenticated_at = v[8].i,
        .dies_at = v[9].i,
        .last_seen_at = v[10].i,
        .last_ip = db_text(&v[11]),
    };
}

enum err row_number(const struct db_rows *rows, int64_t *out)
{
    if (rows->n == 0)
        return ERR_INTERNAL;
    *out = db_row(rows, 0)->i;
    return ERR_OK;
}

enum err row_changed(int64_t changed)
{
    return changed > 0 ? ERR_OK : ERR_NONE;
}
