/* What the hosts that share a database must agree on: which of them keeps house, and what time it is. The lease is one
 * row of the meta table, "<until> <holder>", changed only by guarded statements: of two who race one learns that it
 * lost. Must not decide anything by the database's clock. */
#include "store/row.h"

#include "base/clock.h"
#include "base/enc.h"

#include <string.h>

#define META_LEASE "jobs"
#define NEVER INT64_C(0)

/* Clocks a little apart are no reason to take a lease from somebody who has just got it. */
#define SKEW CLOCK_MINUTE

struct held {
    const char *text; /* NULL: there is no row */
    int64_t until;
    const char *holder;
};

/* A text that is none of ours is a lease that has ended. */
static struct held held_parse(const char *text)
{
    char until[ENC_ISO_SIZE];
    struct held h = {text, NEVER, ""};

    if (strlen(text) <= ENC_ISO_SIZE || text[ENC_ISO_SIZE - 1] != ' ')
        return h;
    memcpy(until, text, ENC_ISO_SIZE - 1);
    until[ENC_ISO_SIZE - 1] = '\0';
    if (enc_uniso(until, &h.until))
        h.holder = text + ENC_ISO_SIZE;
    return h;
}

static enum err held_read(struct db *db, struct arena *a, struct held *out)
{
    struct db_rows rows;

    TRY(db_query(db, ST_META_GET, a, &rows, DB_TEXT(META_LEASE)));
    *out = rows.n == 0 ? (struct held){NULL, NEVER, ""} : held_parse(db_text(db_row(&rows, 0)));
    return ERR_OK;
}

/* ERR_NONE: somebody else wrote it since it was read. */
static enum err held_write(struct db *db, struct arena *a, const struct held *was, int64_t until, const char *holder)
{
    char iso[ENC_ISO_SIZE];
    int64_t changed;

    enc_iso(until, iso);
    const char *text = arena_printf(a, "%s %s", iso, holder);
    if (!was->text) {
        enum err e = db_exec(db, ST_META_ADD, NULL, DB_TEXT(META_LEASE), DB_TEXT(text));
        return e == ERR_DB_DUPLICATE ? ERR_NONE : e;
    }
    TRY(db_exec(db, ST_META_SET, &changed, DB_TEXT(text), DB_TEXT(META_LEASE), DB_TEXT(was->text)));
    return row_changed(changed);
}

enum err lease_take(struct db *db, struct arena *a, const struct lease *l, int64_t now)
{
    struct held h;

    TRY(held_read(db, a, &h));
    int64_t left = h.until - now;
    bool mine = strcmp(h.holder, l->holder) == 0;
    if (!mine && left > 0 && left <= l->length + SKEW)
        return ERR_NONE;
    if (mine && left > l->length / 2 && left <= l->length)
        return ERR_OK;
    return held_write(db, a, &h, now + l->length, l->holder);
}

enum err lease_give(struct db *db, struct arena *a, const struct lease *l)
{
    struct held h;

    TRY(held_read(db, a, &h));
    return strcmp(h.holder, l->holder) == 0 ? held_write(db, a, &h, NEVER, l->holder) : ERR_NONE;
}

enum err store_clock_apart(struct db *db, struct arena *a, int64_t *apart)
{
    struct db_rows rows;
    int64_t before = clock_now(), theirs;

    TRY(db_query(db, ST_CLOCK, a, &rows, DB_NONE));
    TRY(row_number(&rows, &theirs));
    int64_t after = clock_now();
    *apart = theirs < before ? before - theirs : theirs > after ? after - theirs : 0;
    return ERR_OK;
}
