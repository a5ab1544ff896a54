/* What the programs for the MySQL driver share: what a connection says of itself, and what was logged. */
#ifndef TESTS_MYSQL_CASE_H
#define TESTS_MYSQL_CASE_H

#include "store_case.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the connection itself says, by way of the meta table: expr is SQL. */
static inline const char *told(struct world *w, const char *expr)
{
    struct db_rows rows = {.n = 0};

    OK(db_script(w->db, "DELETE FROM latchkey_meta WHERE name = 'told'"));
    OK(db_script(w->db, arena_printf(w->arena, "INSERT INTO latchkey_meta SELECT 'told', %s", expr)));
    OK(db_query(w->db, ST_META_GET, w->arena, &rows, DB_TEXT("told")));
    return rows.n ? db_row(&rows, 0)->s : "";
}

/* What is logged from now on goes to a file of w, until logged() has looked at it. */
static inline void log_to(struct world *w)
{
    OK(log_open(arena_printf(w->arena, "%s/log", w->dir), LVL_DEBUG));
}

/* How often the text was logged since log_to. */
static inline int logged(struct world *w, const char *text)
{
    const char *path = arena_printf(w->arena, "%s/log", w->dir);
    char *all = arena_alloc(w->arena, 16384);
    FILE *f = fopen(path, "re");
    int n = 0;

    OK(log_open(NULL, LVL_INFO));
    if (f) {
        all[fread(all, 1, 16383, f)] = '\0';
        fclose(f);
    }
    unlink(path);
    for (const char *at = all; (at = strstr(at, text)); at += strlen(text))
        n++;
    if (n == 0)
        printf("want <<%s>>, logged <<%s>>\n", text, all);
    return n;
}

#endif
