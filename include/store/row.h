/* Rows of stmts.def as structs; inside store/ only. The order of columns is that of USER_COLS and SESSION_COLS. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "store/store.h"

#define ROW_USER_COLS 7
#define ROW_SESSION_COLS 12

/* The text of a value; NULL for NULL. */
const char *row_text(const struct db_val *v);
void row_user(const struct db_val *v, struct user *out);
void row_session(const struct db_val *v, struct session *out);
/* The only value of the first row. ERR_INTERNAL if there is no row. */
MUST_USE enum err row_number(const struct db_rows *rows, int64_t *out);
/* ERR_OK if a statement changed something, else ERR_NONE. */
MUST_USE enum err row_changed(int64_t changed);

#endif
