/* Rows as text that two runs can be compared by: what was drawn at random is shown as what kind of thing it is. */
#ifndef TORTURE_SCENE_LINES_H
#define TORTURE_SCENE_LINES_H

#include "base/buf.h"
#include "db/driver.h"

struct scene_table {
    const char *name, *columns, *kinds;
};

/* Appends a line for each row, in the order of the lines. but: a hash of the cost of new passwords that is shown as it is. */
void scene_lines(struct arena *a, const struct scene_table *t, const struct db_result *res, const char *but,
                 struct buf *out);

#endif
