/* Schema: numbered, forward-only migrations, embedded into the program from schema/. An empty database gets its tables
 * by itself; an older schema refuses until `latchkeyctl migrate`; a newer one refuses. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/db.h"

/* Number of the newest migration this program has. */
int migrate_newest(void);
/* Number the database is at; 0: none of our tables. */
MUST_USE enum err migrate_version(struct db *db, struct arena *a, int *version);
/* Brings an empty database up. Safe when many start at once. ERR_SCHEMA (logged) if it is older or newer than us. */
MUST_USE enum err migrate_ready(struct db *db, struct arena *a);
/* Looks only: ERR_SCHEMA (logged) if it is older or newer than us, ERR_DB_DOWN if it is empty. */
MUST_USE enum err migrate_current(struct db *db, struct arena *a);
/* Applies what is missing; *from and *to tell. ERR_SCHEMA if the database is newer. */
MUST_USE enum err migrate_up(struct db *db, struct arena *a, int *from, int *to);
/* The DDL of all migrations for this database, for `latchkeyctl print schema`; db NULL: for the driver named. */
MUST_USE enum err migrate_print(const struct cfg *cfg, struct buf *out);

#endif
