/* See scene.h. */
#include "scene.h"

#include "base/buf.h"
#include "base/log.h"
#include "db/driver.h"
#include "fixed.h"
#include "scene_lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct scene_table tables[] = {
    {"user", "id, name, email, emailVerified, image, createdAt, updatedAt", "sssbstt"},
    {"session",
     "id, token, userId, expiresAt, ipAddress, userAgent, createdAt, updatedAt, rememberMe, authenticatedAt, diesAt, "
     "lastSeenAt, lastIpAddress",
     "ssstssttbttts"},
    {"account", "id, accountId, providerId, userId, password, createdAt, updatedAt", "ssssstt"},
    {"verification", "id, identifier, value, expiresAt, createdAt, updatedAt", "sssttt"},
    {"latchkey_user", "userId, turn, disabledAt", "sit"},
    {"latchkey_meta", "name, value", "ss"},
    {"latchkey_audit", "at, event, userId, sessionId, actor, reason, email, ipAddress, userAgent, requestId",
     "tsssssssss"},
    {"latchkey_ended", "token, reason, expiresAt", "sst"},
    {"latchkey_device", "userId, device, lastSeenAt, expiresAt", "sstt"},
    {"latchkey_group", "userId, name", "ss"},
    {"latchkey_mail", "ref, kind, recipient, createdAt, dueAt, tries, expiresAt", "sssttit"},
    {"jwks", "id, createdAt, expiresAt, alg, crv", "sttss"},
    {"latchkey_limit", "name, subject, tries, freeAt, expiresAt", "ssiit"}, /* the last one: see COUNTERS */
};
#define TABLES SCENE_TABLES
_Static_assert(TABLES == sizeof tables / sizeof *tables, "a statement for each");
#define COUNTERS (&tables[TABLES - 1])
enum { TRIES = 2 }; /* its column */

static char bobs_hash[256]; /* of the cost of new ones, and yet none */

void scene_need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "scene: %s\n", what);
    exit(2);
}

static void need(enum err e, const char *what)
{
    if (e != ERR_OK)
        fprintf(stderr, "scene: %s\n", err_row(e)->name);
    scene_need(e == ERR_OK, what);
}

const char *scene_session(struct arena *a, const char *user, int n)
{
    return arena_printf(a, "FIXEDsession%.12s%08d", user + strlen("FIXED"), n);
}

struct checked scene_who(struct arena *a, const char *user)
{
    const char *email = strcmp(user, ALICE) == 0 ? "alice@example.org" : "bob@example.org";

    return (struct checked){.session = {.id = scene_session(a, user, 1),
                                        .user_id = user,
                                        .expires_at = T0 + 7 * CLOCK_DAY,
                                        .remember = true,
                                        .dies_at = T0 + 30 * CLOCK_DAY},
                            .user = {.id = user, .email = email}};
}

static void token_of(const char *user, int n, char out[static RNG_ID_SIZE])
{
    snprintf(out, RNG_ID_SIZE, "FIXEDtoken%.12s%010d", user + strlen("FIXED"), n);
}

/* --- making ------------------------------------------------------------------------------------------------------ */

static const char *expand(struct scene *s, struct arena *a, const char *sql)
{
    sql = db_expand(a, s->plain->driver, db_prefix(s->plain), sql);
    scene_need(sql != NULL, "script");
    return sql;
}

static void script(struct scene *s, const char *sql)
{
    sql = expand(s, s->w.arena, sql);
    need(db_script(s->plain, sql), sql);
}

static void add_user(struct scene *s, const char *id, const char *email, const char *hash)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u = {.id = id, .name = "N", .email = email, .created_at = T0, .updated_at = T0};

    need(db_begin(s->plain, &tx), "begin");
    need(users_add(s->plain, &u), "user");
    need(users_lock(s->plain, id), "lock");
    need(accounts_add(s->plain, id, hash, T0), "account");
    need(db_commit(&tx), "commit");
}

static void add_session(struct scene *s, const char *user, const char *hash, int n, int64_t expires)
{
    char token[RNG_ID_SIZE], digest[TOKEN_HASH_SIZE];
    struct session row = world_session(&s->w, user, scene_session(s->w.arena, user, n));

    token_of(user, n, token);
    need(token_hash(token, digest), "digest");
    row.expires_at = expires;
    row.last_seen_at = T0 + n; /* the order in which they were used */
    need(world_add(s->plain, &row, digest, hash), "session");
}

static void present(struct presented *p, const char *user, int n)
{
    token_of(user, n, p->v[p->n].token);
    need(token_hash(p->v[p->n].token, p->v[p->n].hash), "digest");
    p->n++;
}

static void keys_make(const struct scene *s, const char *text, struct keys **out)
{
    char path[128];

    snprintf(path, sizeof path, "%s/secret", s->w.dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    scene_need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "secret");
    close(fd);
    need(keys_open(path, out), "secret");
    unlink(path);
}

/* bound: the text whose hash it is bound to, as auth/ticket.c has it. */
static void add_ticket(struct scene *s, const char *word, const char *subject, const char *token, const char *user,
                       const char *bound, const char *extra)
{
    char digest[TOKEN_HASH_SIZE], epoch[TOKEN_HASH_SIZE];

    need(token_hash(token, digest), "digest");
    need(token_hash(bound, epoch), "digest");
    const struct ticket t = {.id = arena_printf(s->w.arena, "%s:%s", word, subject),
                             .identifier = arena_printf(s->w.arena, "%s:%s", word, digest),
                             .value = arena_printf(s->w.arena, "%s:%s:%s", user, epoch, extra)};
    need(tickets_put(s->plain, &t, T0 + 3 * CLOCK_DAY, T0), "ticket");
}

static void tickets_make(struct scene *s, const char *bobs)
{
    const char *both = arena_printf(s->w.arena, "bob@example.org\n%s", bobs);
    const char *session = scene_session(s->w.arena, ALICE, 2);

    add_ticket(s, "reset-password", BOB, RESET_TOKEN, BOB, both, "");
    add_ticket(s, "delete-account", BOB, DELETE_TOKEN, BOB, both, "");
    const char *change = arena_printf(s->w.arena, "%s bobby@example.org", scene_session(s->w.arena, BOB, 1));
    add_ticket(s, "change-email", BOB, CHANGE_EMAIL_TOKEN, BOB, both, change);
    add_ticket(s, "verify-email", BOB, VERIFY_TOKEN, BOB, "bob@example.org\n", "");
    add_ticket(s, "not-me", arena_printf(s->w.arena, ALICE ":%.16s", session), NOT_ME_TOKEN, ALICE, "\n",
               arena_printf(s->w.arena, "%s 192.0.2.200", session));
}

static void people_make(struct scene *s)
{
    const struct cfg_scrypt older = {.log2n = 3, .r = 8, .p = 1};
    const char *hash = NULL, *bobs = NULL;

    need(kdf_hash(s->w.arena, &older, PASSWORD, &hash), "hash");
    need(kdf_hash(s->w.arena, &s->w.cfg->password_scrypt, PASSWORD, &bobs), "hash");
    scene_need(strlen(bobs) < sizeof bobs_hash, "hash");
    strcpy(bobs_hash, bobs);
    add_user(s, ALICE, "alice@example.org", hash);
    add_user(s, BOB, "bob@example.org", bobs);
    add_user(s, CAROL, "carol@example.org", hash);
    for (int i = 1; i <= 4; i++)
        add_session(s, ALICE, hash, i, T0 + 7 * CLOCK_DAY);
    for (int i = 1; i <= 2; i++)
        add_session(s, BOB, bobs, i, T0 + 7 * CLOCK_DAY);
    for (int i = 5; i <= 9; i++)
        add_session(s, i % 2 ? ALICE : BOB, i % 2 ? hash : bobs, i, T0 + i * CLOCK_HOUR);
    tickets_make(s, bobs);
    need(users_disable(s->plain, CAROL, T0), "disable");
}

/* What was known of them before: events, why a session ended, a device, a group. */
static void past_make(struct scene *s)
{
    struct audit e = {
        .at = T0, .event = "sign-in", .actor = "visitor", .ip = "192.0.2.1", .agent = "agent", .request = "r"};
    const struct ended why = {"revoked", T0 + CLOCK_DAY};

    e.user_id = ALICE;
    need(audits_add(s->plain, &e), "event");
    e.user_id = BOB;
    need(audits_add(s->plain, &e), "event");
    e.user_id = NULL;
    e.email = "bob@example.org";
    need(audits_add(s->plain, &e), "event");
    need(ended_add_own(s->plain, scene_session(s->w.arena, BOB, 2), BOB, T0, &why), "ended");
    need(devices_seen(s->plain, ALICE, "192.0.2.1", T0, T0 + 9 * CLOCK_DAY), "device");
    need(devices_seen(s->plain, BOB, "192.0.2.1", T0, T0 + 9 * CLOCK_DAY), "device");
    need(groups_add(s->plain, ALICE, "readers"), "group");
    need(groups_add(s->plain, BOB, "staff"), "group");
    need(groups_add(s->plain, CAROL, "staff"), "group");
}

/* --- the way back ------------------------------------------------------------------------------------------------ */

/* A statement that is run thousands of times. */
static void *ready(struct scene *s, struct arena *a, const struct stmt_row *row, const char *sql)
{
    void *stmt = NULL;

    sql = expand(s, a, sql);
    need(s->plain->driver->prepare(s->plain, sql, row, &stmt), sql);
    return stmt;
}

static const struct stmt_row reset_row = {.name = "RESET", .params = "", .results = ""};

static struct stmt_row dump_row(const struct scene_table *t)
{
    return (struct stmt_row){.name = "DUMP", .params = "", .results = t->kinds};
}

static void *dump_ready(struct scene *s, struct arena *a, const struct scene_table *t)
{
    const struct stmt_row row = dump_row(t);

    return ready(s, a, &row, arena_printf(a, "SELECT %s FROM @%s", t->columns, t->name));
}

/* Copies that only this connection sees: others need not read of them, and they cost no write. Rows that others refer
 * to come first and go last. */
static void keep(struct scene *s)
{
    struct arena *a = s->w.arena;

    for (size_t i = 0; i < TABLES; i++) {
        const char *name = tables[i].name;
        script(s, arena_printf(a, "CREATE TEMPORARY TABLE kept_%s AS SELECT * FROM @%s", name, name));
        s->reset[TABLES - 1 - i] = ready(s, a, &reset_row, arena_printf(a, "DELETE FROM @%s", name));
        s->reset[TABLES + i] =
            ready(s, a, &reset_row, arena_printf(a, "INSERT INTO @%s SELECT * FROM kept_%s", name, name));
        s->dump[i] = dump_ready(s, a, &tables[i]);
    }
    s->ready_on = s->plain;
}

static void let_go(struct scene *s)
{
    for (size_t i = 0; i < TABLES; i++)
        s->plain->driver->finish(s->plain, s->dump[i]);
    for (size_t i = 0; i < 2 * TABLES; i++)
        s->plain->driver->finish(s->plain, s->reset[i]);
}

void scene_reset(struct scene *s)
{
    AUTO(db_tx) struct db *tx = NULL;
    int64_t changed;

    need(db_begin(s->plain, &tx), "begin");
    for (size_t i = 0; i < 2 * TABLES; i++)
        need(s->plain->driver->run(s->plain, s->reset[i], &reset_row, NULL, NULL, &changed), "reset");
    need(db_commit(&tx), "commit");
}

void scene_open(struct scene *s)
{
    memset(s, 0, sizeof *s);
    fixed_now = T0;
    fixed_random(1);
    world_open(&s->w);
    s->plain = s->w.db;
    s->w.cfg->password_scrypt = (struct cfg_scrypt){.log2n = 4, .r = 8, .p = 1};
    s->w.cfg->session_max_per_user = 3;
    s->from = (struct caller){"198.51.100.7", "agent"};
    if (strcmp(s->plain->driver->name, "sqlite") == 0)
        script(s, "PRAGMA synchronous = OFF"); /* no power fails here */
    keys_make(s, "the newer secret of thirty-two or more\nthe older secret of thirty-two or more\n", &s->keys);
    keys_make(s, "the older secret of thirty-two or more\n", &s->old);
    people_make(s);
    past_make(s);
    present(&s->both, ALICE, 1);
    present(&s->both, ALICE, 2);
    present(&s->stale, ALICE, 99);
    present(&s->stale, ALICE, 1);
    present(&s->bobs, BOB, 1);
    keep(s);
    fixed_now = SCENE_NOW;
}

void scene_close(struct scene *s)
{
    let_go(s);
    keys_close(&s->keys);
    keys_close(&s->old);
    world_close(&s->w);
}

struct auth scene_auth(struct scene *s, struct db *db, struct arena *a)
{
    return (struct auth){.cfg = s->w.cfg,
                         .db = db,
                         .arena = a,
                         .keys = s->keys,
                         .now = fixed_now,
                         .by = {"user", s->from.ip, s->from.agent, "FIXEDrequest"}};
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void rows_take(struct scene *s, struct arena *a, const struct scene_table *t, struct db_result *res)
{
    const struct stmt_row row = dump_row(t);
    bool kept = s->plain == s->ready_on; /* or somebody looks at a copy */
    void *stmt = kept ? s->dump[t - tables] : dump_ready(s, a, t);

    *res = (struct db_result){.arena = a, .cols = strlen(t->kinds)};
    enum err e = s->plain->driver->run(s->plain, stmt, &row, NULL, res, NULL);
    if (!kept)
        s->plain->driver->finish(s->plain, stmt);
    need(e, t->name);
}

const char *scene_dump(struct scene *s, struct arena *a)
{
    struct buf out = buf_in(a);
    struct db_result res;

    for (const struct scene_table *t = tables; t < tables + TABLES; t++) {
        if (s->but_tries && t == COUNTERS)
            continue;
        rows_take(s, a, t, &res);
        scene_lines(a, t, &res, bobs_hash, &out);
    }
    return buf_str(&out);
}

const char *scene_counters(struct scene *s, struct arena *a, int64_t *most)
{
    struct buf out = buf_in(a);
    struct db_result res;

    rows_take(s, a, COUNTERS, &res);
    *most = 0;
    for (size_t r = 0; r < res.n; r++)
        if (res.v[r * res.cols + TRIES].i > *most)
            *most = res.v[r * res.cols + TRIES].i;
    scene_lines(a, COUNTERS, &res, bobs_hash, &out);
    return buf_str(&out);
}
