/* A fresh database for each test, on the driver chosen. */
#include "world.h"
#include "base/auto.h"
#include "base/buf.h"
#include "db/migrate.h"

#ifdef LATCHKEY_WITH_MYSQL
#include <mysql.h>
#endif
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
    const char *env = getenv("STORE_DRIVER"), *all = world_server() ? "sqlite mysql" : "sqlite";
    char *names = strdup(env && *env ? env : all), *rest = names, *name;
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

const char *world_server(void)
{
    const char *path = getenv("LATCHKEY_TEST_MYSQL");

    return path && *path ? path : NULL;
}

static const char *server(void)
{
    const char *path = world_server();

    need(path != NULL, "LATCHKEY_TEST_MYSQL must name the socket of a private server whose root has no password");
    return path;
}

static bool on_mysql(void)
{
    return strcmp(driver, "mysql") == 0;
}

struct cfg *world_config(const struct world *w, const char *further)
{
    struct cfg *cfg = NULL;
    char text[2048];
    int len = snprintf(text, sizeof(text),
                       "[auth]\nbase_url = http://localhost\n[limits]\nrequest = 60s\n[database]\ndriver = %s\n"
                       "path = %s/test.db\nbusy_timeout = 20s\n[password]\nmin_strength = 0\n[database]\n",
                       driver, w->dir);

    if (on_mysql() && !strstr(further, "hosts ="))
        len += snprintf(text + len, sizeof(text) - (size_t)len, "hosts = %s\n", server());
    if (on_mysql() && !strstr(further, "user ="))
        len += snprintf(text + len, sizeof(text) - (size_t)len, "user = root\n");
    if (on_mysql())
        len += snprintf(text + len, sizeof(text) - (size_t)len, "name = %s\ntimeout = 30s\n", w->name);
    len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", further);
    need(len > 0 && (size_t)len < sizeof(text), "configuration too long");
    need(config_parse("world", text, (size_t)len, false, tell, NULL, &cfg) == ERR_OK, "configuration");
    return cfg;
}

struct db *world_connect(const struct world *w)
{
    struct db *db = NULL;

    need(db_open(w->cfg, NULL, &db) == ERR_OK, "database");
    return db;
}

bool world_asked(const char *name)
{
    const char *env = getenv("STORE_DRIVER");

    return env && *env ? strstr(env, name) != NULL : strcmp(name, "mysql") != 0 || world_server();
}

#ifdef LATCHKEY_WITH_MYSQL
int64_t world_server_number(const char *sql)
{
    MYSQL *m = mysql_init(NULL);

    need(m != NULL, "memory");
    /* another test may just have set the whole server to something odd */
    mysql_options(m, MYSQL_INIT_COMMAND, "SET autocommit = 1, sql_mode = 'STRICT_TRANS_TABLES', time_zone = '+00:00'");
    bool good = mysql_real_connect(m, NULL, "root", "", NULL, 0, server(), 0) && mysql_query(m, sql) == 0;
    if (!good)
        fprintf(stderr, "world: %s\n", mysql_error(m));
    need(good, sql);
    MYSQL_RES *res = mysql_store_result(m);
    MYSQL_ROW row = res ? mysql_fetch_row(res) : NULL;
    int64_t number = row && row[0] ? strtoll(row[0], NULL, 10) : -1;
    if (res)
        mysql_free_result(res);
    mysql_close(m);
    return number;
}
#else
int64_t world_server_number(const char *sql)
{
    need(false, "this latchkey was built without MySQL");
    return *sql;
}
#endif

void world_server_sql(const char *sql)
{
    (void)world_server_number(sql);
}

void world_empty(struct world *w)
{
    static int count;

    memset(w, 0, sizeof(*w));
    snprintf(w->name, sizeof(w->name), "latchkey_%ld_%lld_%d", (long)getpid(), (long long)clock_steady(), ++count);
    const char *tmp = getenv("TMPDIR");
    snprintf(w->dir, sizeof(w->dir), "%.40s/latchkey-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    need(mkdtemp(w->dir) != NULL, "directory");
    need(arena_open(&w->arena, 4096) == ERR_OK, "memory");
    if (on_mysql())
        world_server_sql(arena_printf(w->arena, "CREATE DATABASE %s", w->name));
    w->cfg = world_config(w, "");
    w->db = world_connect(w);
}

void world_open(struct world *w)
{
    world_empty(w);
    need(migrate_ready(w->db, w->arena) == ERR_OK, "schema");
}

void world_older(struct world *w, int schema)
{
    world_empty(w);
    struct buf out = buf_in(w->arena);
    need(migrate_print(w->cfg, &out) == ERR_OK, "schema");
    char *sql = arena_strdup(w->arena, buf_str(&out)), *end;
    char *newer = strstr(sql, arena_printf(w->arena, "-- %04d ", schema + 1));
    need(newer != NULL, "older schema");
    *newer = '\0';
    for (; (end = strstr(sql, ";\n")); sql = end + 2) {
        *end = '\0';
        need(db_script(w->db, sql) == ERR_OK, sql);
    }
    sql = arena_printf(w->arena, "INSERT INTO latchkey_meta VALUES ('schema', '%d')", schema);
    need(db_script(w->db, sql) == ERR_OK, sql);
}

void world_close(struct world *w)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char path[128];

    db_close(&w->db);
    if (on_mysql())
        world_server_sql(arena_printf(w->arena, "DROP DATABASE %s", w->name));
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
