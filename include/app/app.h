/* The application: one request in, one answer out. Joins auth/ and http/; errors become statuses here and nowhere
 * else. */
#ifndef APP_APP_H
#define APP_APP_H

#include "auth/auth.h"
#include "auth/gate.h"
#include "http/fcgi.h"
#include "http/request.h"
#include "http/response.h"

struct route;

/* Where a process stands among the others of its pool. All zero: alone. */
struct app_place {
    bool apart;              /* serves sign-ins only, so that it may wait for a hash slot */
    struct board *board;     /* shared with the others; NULL: none */
    struct board_seat *seat; /* its own; NULL: none */
};

/* What one process keeps between requests. The database may be away: then it is opened again with the next request. */
struct app {
    const struct cfg *cfg;
    const struct keys *keys;
    struct arena *arena;
    struct db *db; /* NULL: not connected */
    struct kdf_gate *gate;
    struct signer *signer;
    struct words_book *words;
    struct shmcache *cache; /* of sessions, shared with all processes of the host */
    uint64_t ring;          /* session_cache_ring */
    char series[RNG_ID_SIZE]; /* what the ids of its requests begin with */
    uint32_t served;
    bool unproven; /* whether the store knows our secrets is to be looked at with the next connection */
    struct app_place place;
    bool strict; /* the web server that started us takes answers for CGI's: Location is a redirect whatever the status
                    (RFC 3875 §6.2) */
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
    bool presented_read; /* it holds what came */
    const char *callback; /* callbackURL, checked; NULL */
    const char *redirect; /* redirectTo, likewise */
    const char *then;     /* where a form of ours leads instead of the row's `then`; NULL */
    bool html;            /* a form or link of ours asks, and wants a page for an answer */
    size_t form_of;       /* whose form it is: 1 + the index of a presented session; 0: nobody's */
    bool from_us;         /* it passed the origin rule */
    bool passive;         /* this read does not count as use (D22) */
    bool uncached;        /* it asks for what the store says */
    bool signed_in;       /* session and user are set */
    struct gate_need need; /* at the gate, and where a page was refused: what that page demands */
    struct checked who;
    const char *detail;              /* text of the error answer instead of the table's */
    const char *cookie_token;        /* cookie to set: the token */
    const struct session *cookie_of; /* and its session */
    bool cookie_drop;                /* cookie to clear */
    const char *exposed;             /* header fields that scripts of other origins may read; NULL: none */
    const char *why_ended;           /* a word of reasons.def, for the browser whose session it was; NULL */
};

/* Opens what a process needs, after fork; the database not yet. place NULL: alone. ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err app_open(const struct cfg *cfg, const struct keys *keys, const struct app_place *place,
                           struct app *out);
void app_close(struct app *app);
/* At the start of the program: looks at the file of breached passwords, connects, makes the tables of an empty
 * database, and checks that it knows one of our secrets. ERR_IO, ERR_DB_DOWN, ERR_SCHEMA, ERR_SECRET, … (logged). */
MUST_USE enum err app_prepare(struct app *app);
/* With each request: connects where there is no connection, or anew where the database was replaced. Makes nothing: a
 * database that is gone is an outage, not a new site. ERR_DB_DOWN, … (logged). */
MUST_USE enum err app_connect(struct app *app);
/* After an error e of the store: a connection that is of no use any more is closed, so that the next app_connect makes
 * a new one. */
void app_forget_store(struct app *app, enum err e);
/* Lets scripts of other origins read the header field `name`, beside those named before. */
void app_expose(struct ctx *ctx, const char *name);
/* Serves the request that fcgi_next has brought, up to fcgi_end. Never fails: what goes wrong is answered and logged.
 */
void app_serve(struct app *app, struct fcgi *f);

#endif
