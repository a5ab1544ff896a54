/* What the store contract's programs share: short assertions, sessions by name, rows of the tables that are swept. */
#ifndef TESTS_STORE_CASE_H
#define TESTS_STORE_CASE_H

#include "suite.h"
#include "world.h"

#include "base/auto.h"
#include "db/driver.h"

#include <stdio.h>

#define OK(call) CU_ASSERT_EQUAL((call), ERR_OK)
#define NONE(call) CU_ASSERT_EQUAL((call), ERR_NONE)
#define SAME(a, b) CU_ASSERT_STRING_EQUAL((a), (b))

static inline void add(struct world *w, const char *user, const char *id, int64_t expires)
{
    struct session s = world_session(w, user, id);

    s.expires_at = expires;
    OK(world_add(w->db, &s, arena_printf(w->arena, "%s-hash", id), "hash"));
}

static inline bool there(struct world *w, const char *id)
{
    struct session s;
    struct user u;
    enum err e = sessions_find(w->db, w->arena, arena_printf(w->arena, "%s-hash", id), &s, &u);

    CU_ASSERT(e == ERR_OK || e == ERR_NONE);
    return e == ERR_OK;
}

static inline int64_t rows_all(struct world *w)
{
    int64_t all = -1, live = -1;

    OK(sessions_count(w->db, w->arena, T0, &all, &live));
    return all;
}

/* The tables of enum sweep. */
static const char *const swept_tables[SWEEPS] = {
    "latchkey_limit", "latchkey_device", "latchkey_ended", "verification", "latchkey_mail", "jwks", "latchkey_audit"};

/* How long a row stays after its time, where events are kept for so long. */
static inline int64_t swept_after(enum sweep which, int64_t audit_keep)
{
    return which == SWEEP_OF_AUDITS                               ? audit_keep
           : which == SWEEP_OF_JWKS                               ? 30 * CLOCK_DAY
           : which == SWEEP_OF_TICKETS || which == SWEEP_OF_MAILS ? CLOCK_DAY
                                                                  : 0;
}

static inline int64_t rows_in(struct world *w, const char *table)
{
    const struct stmt_row row = {.name = "COUNT", .params = "", .results = "i"};
    struct db_result res = {.arena = w->arena, .cols = 1};
    void *stmt = NULL;

    OK(w->db->driver->prepare(w->db, arena_printf(w->arena, "SELECT COUNT(*) FROM %s", table), &row, &stmt));
    OK(w->db->driver->run(w->db, stmt, &row, NULL, &res, NULL));
    w->db->driver->finish(w->db, stmt);
    return res.n ? res.v[0].i : -1;
}

/* One row that expires (an event: happened) at that time. There is a session "s" of the user "u1". */
static inline enum err swept_add(struct world *w, enum sweep which, const char *name, int64_t at)
{
    const struct limit none = {.there = false}, l = {.name = name, .subject = "x", .tries = 1, .expires_at = at};
    const struct ticket t = {.id = name, .identifier = name, .value = "x"};
    const struct mail m = {.ref = name, .kind = "test", .data = "x", .created_at = T0, .due_at = T0, .expires_at = at};

    switch (which) {
    case SWEEP_OF_LIMITS:
        return limits_set(w->db, &none, &l);
    case SWEEP_OF_DEVICES:
        return devices_seen(w->db, name, "192.0.2.1", T0, at);
    case SWEEP_OF_ENDED:
        return ended_add_own(w->db, "s", "u1", T0, &(struct ended){"revoked", at});
    case SWEEP_OF_TICKETS:
        return tickets_put(w->db, &t, at, T0);
    case SWEEP_OF_MAILS:
        return mails_add(w->db, &m);
    case SWEEP_OF_AUDITS:
        return audits_add(w->db, &(struct audit){.at = at, .event = "sign-in", .actor = "visitor"});
    case SWEEP_OF_JWKS:
        return jwks_add(w->db, &(struct signing_key){name, "{}", "EdDSA", "Ed25519", T0, at}, "sealed");
    case SWEEPS:
        break;
    }
    return ERR_INTERNAL;
}

/* n rows in one transaction, of which many expire at the same time; the last ones at `last`. */
static inline void swept_fill(struct world *w, enum sweep which, const char *tag, int n, int64_t last)
{
    AUTO(db_tx) struct db *tx = NULL;
    char name[32];

    OK(db_begin(w->db, &tx));
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%d", tag, i);
        if (swept_add(w, which, name, last - i % 3) != ERR_OK)
            CU_FAIL("row");
    }
    OK(db_commit(&tx));
}

#endif
