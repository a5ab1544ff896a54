/* The application: one request in, one answer out. Joins auth/ and http/; errors become statuses here and nowhere
 * else. */
#ifndef APP_APP_H
#define APP_APP_H

#include "auth/auth.h"
#include "http/fcgi.h"
#include "http/request.h"
#include "http/response.h"

struct route;

/* What one process keeps between requests. The database may be away: then it is opened again with the next request. */
struct app {
    const struct cfg *cfg;
    const struct keys *keys;
    struct arena *arena;
    struct db *db; /* NULL: not connected */
    struct kdf_gate *gate;
};

/* One request. */
struct ctx {
    struct app *app;
    struct auth au; /* cfg, db, arena, now, … */
    char id[RNG_ID_SIZE];
    struct fcgi *fcgi;
    struct request req;
    struct response res;
    const struct route *route;
    const char *path_id; /* what stood for {id}; NULL */
    struct caller caller;
    struct presented presented;
    const char *callback; /* callbackURL of the body, checked; NULL */
    bool passive;         /* this read does not count as use (D22) */
    bool signed_in;       /* session and user are set */
    struct checked who;
    const char *detail;              /* text of the error answer instead of the table's */
    const char *cookie_token;        /* cookie to set: the token */
    const struct session *cookie_of; /* and its session */
    bool cookie_drop;                /* cookie to clear */
};

/* Opens what a process needs, after fork; the database not yet. ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err app_open(const struct cfg *cfg, const struct keys *keys, struct app *out);
void app_close(struct app *app);
/* At the start of the program: connects, makes the tables of an empty database, and checks that it knows one of our
 * secrets. ERR_DB_DOWN, ERR_SCHEMA, ERR_SECRET, … (logged). */
MUST_USE enum err app_prepare(struct app *app);
/* With each request: connects where there is no connection, or anew where the database was replaced. Makes nothing: a
 * database that is gone is an outage, not a new site. ERR_DB_DOWN, … (logged). */
MUST_USE enum err app_connect(struct app *app);
/* Serves the request that fcgi_next has brought, up to fcgi_end. Never fails: what goes wrong is answered and logged.
 */
void app_serve(struct app *app, struct fcgi *f);

#endif
