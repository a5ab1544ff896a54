/* A fresh database for each test, on the driver chosen. */
#include "world.h"
#include "base/auto.h"
#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *driver = "sqlite";

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "world: %s\n", what);
    exit(2);
}

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "world: %s\n", line);
}

void world_use(const char *name)
{
    driver = name;
}

int world_each_driver(int (*run)(const char *driver))
{
    const char *env = getenv("STORE_DRIVER");
    char *names = strdup(env && *env ? env : "sqlite"), *rest = names, *name;
    int bad = 0, ran = 0;

    need(names != NULL, "memory");
    while ((name = strsep(&rest, " ,"))) {
        if (!*name)
            continue;
        world_use(name);
        bad += run(name);
        ran++;
    }
    world_use("sqlite");
    free(names);
    need(ran > 0, "STORE_DRIVER names no driver");
    return bad;
}

struct cfg *world_config(const struct world *w, const char *further)
{
    struct cfg *cfg = NULL;
    char text[1024];
    int len = snprintf(
        text, sizeof(text),
        "[auth]\nbase_url = http://localhost\n[database]\ndriver = %s\npath = %s/test.db\nbusy_timeout = 20s\n%s",
        driver, w->dir, further);

    need(len > 0 && (size_t)len < sizeof(text), "configuration too long");
    need(config_parse("world", text, (size_t)len, false, tell, NULL, &cfg) == ERR_OK, "configuration");
    return cfg;
}

struct db *world_connect(const struct world *w)
{
    struct db *db = NULL;

    need(db_open(w->cfg, &db) == ERR_OK, "database");
    return db;
}

void world_empty(struct world *w)
{
    memset(w, 0, sizeof(*w));
    const char *tmp = getenv("TMPDIR");
    snprintf(w->dir, sizeof(w->dir), "%.40s/latchkey-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    need(mkdtemp(w->dir) != NULL, "directory");
    need(arena_open(&w->arena, 4096) == ERR_OK, "memory");
    w->cfg = world_config(w, "");
    w->db = world_connect(w);
}

void world_open(struct world *w)
{
    world_empty(w);
    need(migrate_ready(w->db, w->arena) == ERR_OK, "schema");
}

void world_close(struct world *w)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char path[128];

    db_close(&w->db);
    config_free(&w->cfg);
    arena_close(&w->arena);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        snprintf(path, sizeof(path), "%s/test.db%s", w->dir, tails[i]);
        unlink(path);
    }
    rmdir(w->dir);
}

const char *world_user(struct world *w, int n)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u = {
        .id = arena_printf(w->arena, "u%d", n),
        .name = arena_printf(w->arena, "User %d", n),
        .email = arena_printf(w->arena, "u%d@example.org", n),
        .created_at = T0,
        .updated_at = T0,
    };

    need(db_begin(w->db, &tx) == ERR_OK, "begin");
    need(users_add(w->db, &u) == ERR_OK, "user");
    need(users_lock(w->db, u.id) == ERR_OK, "lock");
    need(accounts_add(w->db, u.id, "hash", T0) == ERR_OK, "account");
    need(db_commit(&tx) == ERR_OK, "commit");
    return u.id;
}

struct session world_session(struct world *w, const char *user_id, const char *id)
{
    return (struct session){
        .id = arena_strdup(w->arena, id),
        .user_id = user_id,
        .expires_at = T0 + 7 * CLOCK_DAY,
        .ip = "192.0.2.1",
        .agent = "agent",
        .created_at = T0,
        .updated_at = T0,
        .remember = true,
        .authenticated_at = T0,
        .dies_at = T0 + 30 * CLOCK_DAY,
        .last_seen_at = T0,
        .last_ip = "192.0.2.1",
    };
}

enum err world_add(struct db *db, const struct session *s, const char *token_hash, const char *password)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(db, &tx));
    TRY(users_lock(db, s->user_id));
    TRY(sessions_add(db, s, token_hash, password));
    return db_commit(&tx);
}
