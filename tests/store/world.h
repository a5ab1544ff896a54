/* A fresh database for one test. The same cases run on every driver: STORE_DRIVER names them (blank separated; default
 * sqlite, and mysql too where LATCHKEY_TEST_MYSQL names the socket of a server); world_use chooses the one for the next
 * world_open. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "db/db.h"
#include "store/store.h"

#define T0 INT64_C(1795424400123) /* 2026-11-23T09:00:00.123Z */

struct world {
    struct arena *arena;
    struct cfg *cfg;
    struct db *db;
    char dir[64];
    char name[64]; /* of the database on a server */
};

/* Runs the suite `run` once for each driver; the sum of what it returns. */
int world_each_driver(int (*run)(const char *driver));
void world_use(const char *driver);

/* A database without tables, open. Ends the program if that fails: no test could tell anything. */
void world_empty(struct world *w);
/* The same, with tables. */
void world_open(struct world *w);
/* The same, with the tables of an older program, whose newest migration was `schema`. */
void world_older(struct world *w, int schema);
/* Another connection to the same database; the caller closes it. */
struct db *world_connect(const struct world *w);
/* The configuration text that names the database of w. */
struct cfg *world_config(const struct world *w, const char *further);
void world_close(struct world *w);
/* LATCHKEY_TEST_MYSQL, or NULL. */
const char *world_server(void);
/* Shall tests of that driver run? By STORE_DRIVER, or else by what there is. */
bool world_asked(const char *driver);
/* Runs sql on that server as root, on a connection of its own: the first number of its result, -1 without one. Ends the
 * program if that fails. */
int64_t world_server_number(const char *sql);
void world_server_sql(const char *sql);

/* A user "u<n>" with e-mail "u<n>@example.org", password hash "hash" and our row. The id is returned. */
const char *world_user(struct world *w, int n);
/* A session as sign-in makes it, not yet stored: living T0 to T0 + 7 days. */
struct session world_session(struct world *w, const char *user_id, const char *id);
/* Stores s in a transaction under the user's lock. */
enum err world_add(struct db *db, const struct session *s, const char *token_hash, const char *password);

#endif
