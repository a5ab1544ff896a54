/* The connection of a db: opened, given up, opened anew, left alone while the server is away, and not used after a
 * request's time. Must not know a driver's library. */
#include "db/driver.h"
#include "base/log.h"

#include <stdlib.h>

/* Patience in a hurry: longer than a write takes, shorter than somebody waits. */
#define HURRY_MS 500
#define AWAY_MS 1000 /* a server that did not answer is left alone for so long */

/* --- the health that all share ----------------------------------------------------------------------------------- */

static struct health *health_of(struct db *db)
{
    return db->driver->remote ? db->health : NULL;
}

/* How long one of us may try before another one does: were it to die meanwhile, nobody ever would. */
static int64_t try_ms(struct db *db)
{
    return AWAY_MS + db->cfg->limits_request;
}

static bool health_admits(struct db *db)
{
    struct health *h = health_of(db);
    int64_t until = h ? atomic_load(&h->down_until) : 0, now = clock_steady();

    if (until == 0)
        return true;
    return now >= until && atomic_compare_exchange_strong(&h->down_until, &until, now + try_ms(db));
}

static void health_note(struct db *db, bool answers)
{
    struct health *h = health_of(db);

    if (h)
        atomic_store(&h->down_until, answers ? 0 : clock_steady() + AWAY_MS);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static enum err connect_try(struct db *db, bool create)
{
    if (!health_admits(db)) {
        log_debug("%s: is away: not tried", db->driver->name);
        return ERR_DB_DOWN;
    }
    enum err e = db->driver->open(db, db->cfg, create);
    health_note(db, e == ERR_OK);
    return e;
}

static enum err open_with(const struct cfg *cfg, struct health *health, bool create, struct db **out)
{
    struct arena *a = NULL;

    TRY(arena_open(&a, 2048));
    struct db *db = ARENA_NEW(a, struct db);
    *db = (struct db){.driver = db_driver_of(cfg), .arena = a, .prefix = arena_strdup(a, cfg->database_prefix)};
    db->cfg = cfg;
    db->health = health;
    /* what is begun in the first half of a request's time can be waited for in the second */
    int64_t half = cfg->limits_request / 2;
    db->until = create ? 0 : clock_steady() + half;
    db->patience = cfg->database_busy_timeout < half ? cfg->database_busy_timeout : half;
    enum err e = arena_open(&db->scratch, 512);
    if (e == ERR_OK)
        e = connect_try(db, create);
    if (e != ERR_OK)
        db_close(&db);
    else
        *out = db;
    return e;
}

enum err db_open(const struct cfg *cfg, struct health *health, struct db **out)
{
    return open_with(cfg, health, true, out);
}

enum err db_open_existing(const struct cfg *cfg, struct health *health, struct db **out)
{
    return open_with(cfg, health, false, out);
}

static void connection_end(struct db *db)
{
    for (size_t i = 0; i < ST_COUNT; i++) {
        if (db->stmts[i])
            db->driver->finish(db, db->stmts[i]);
        db->stmts[i] = NULL;
    }
    db->driver->close(db);
}

void db_close(struct db **db)
{
    struct db *d = *db;

    if (!d)
        return;
    *db = NULL;
    if (d->tx)
        d->driver->rollback(d);
    connection_end(d);
    arena_close(&d->scratch);
    struct arena *a = d->arena; /* d lies in it */
    arena_close(&a);
}

/* --- in use ------------------------------------------------------------------------------------------------------ */

void db_break(struct db *db, enum err e, bool late)
{
    struct health *h = health_of(db);

    db->broken = e;
    /* one statement that was not answered may be just that: the next one of us to connect finds out, the others wait */
    if (late && h)
        atomic_store(&h->down_until, clock_steady());
}

static enum err connect_anew(struct db *db)
{
    connection_end(db);
    db->broken = ERR_DB_DOWN; /* unless this goes well */
    TRY(connect_try(db, false));
    db->broken = ERR_OK;
    log_info("%s: connected anew", db->driver->name);
    return ERR_OK;
}

enum err db_usable(struct db *db)
{
    if (db->until && clock_steady() >= db->until) {
        if (!db->told)
            log_warn("%s: the time of this request is over: nothing more is asked", db->driver->name);
        db->told = true;
        return ERR_DB_DOWN;
    }
    if (db->broken == ERR_DB_LOST && !db->tx && !db->pinned)
        return connect_anew(db);
    return db->broken;
}

void db_until(struct db *db, int64_t steady)
{
    db->until = steady;
    db->told = false;
}

bool db_moved(struct db *db)
{
    return db->broken != ERR_OK || db->driver->moved(db);
}

void db_hurry(struct db *db)
{
    db->driver->patience(db, db->patience < HURRY_MS ? db->patience : HURRY_MS);
}

void db_hurry_end(struct db *db)
{
    db->driver->patience(db, db->patience);
}

const char *db_prefix(const struct db *db)
{
    return db->prefix;
}

const char *db_version(const struct db *db)
{
    return db->version;
}
