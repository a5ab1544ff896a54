/* Connecting to MySQL: which host, with or without TLS, and what every session has to be set to. Must not fall back to
 * anything weaker, nor log the password. */
#include "db/db_mysql.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEAST_TRY_MS 500  /* with less left a try is not begun */
#define LOCK_SLACK_MS 300 /* the server counts the wait for a lock in whole seconds, and needs a moment to say so */
#define MARIADB_OLDEST 100200UL
#define MYSQL_OLDEST 80017UL
#define DDL_WAIT_SECONDS 60
#define DDL_MS CLOCK_HOUR /* a change of the schema takes as long as it takes */
#define TLS_VERSIONS "TLSv1.2,TLSv1.3"

/* One host of the list, and what one try needs. */
struct target {
    const char *entry; /* as configured, for the log */
    const char *path;  /* of a unix socket; NULL: TCP */
    struct net_host host;
    bool tls;
    int64_t ms; /* for all of it, once it is begun */
    bool broke; /* it took us, and then the connection broke */
};

/* Of what is under way: until when (clock_steady) it may take, and whether the socket has to be kept from blocking.
 * Static, because the library's call back tells nothing of whose it is; a process does one thing at a time. */
static int64_t wait_until;
static bool wait_tls;

/* Less than an answer may take, or one that waits for a lock would pass for a server that is away. */
int64_t my_lock_seconds(struct db *db, int64_t ms)
{
    int64_t most = my_of(db)->timeout / 1000 - 1, seconds = ms / 1000;

    seconds = seconds < most ? seconds : most;
    return seconds < 1 ? 1 : seconds;
}

int64_t my_begin(struct db *db)
{
    int64_t now = clock_steady();

    int64_t most = my_of(db)->timeout + (my_of(db)->timeout <= 1000 ? LOCK_SLACK_MS : 0);
    int64_t last = db->until ? db->until + most : INT64_MAX; /* for all that a request asks, however many it is */
    wait_until = db->pinned ? now + DDL_MS : now + most < last ? now + most : last;
    return now;
}

#ifdef LIBMARIADB
/* Inside TLS the library would wait for the rest of a record in a read that blocks: it comes here instead if it cannot.
 */
static void unblock(my_socket fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* The library's own time-outs begin anew with each byte, and with each signal. */
static int io_wait(my_socket fd, my_flag is_read, int timeout)
{
    struct pollfd p = {.fd = fd, .events = is_read ? POLLIN : POLLOUT};
    int rc;

    (void)timeout;
    if (wait_tls)
        unblock(fd);
    do {
        int64_t left = wait_until - clock_steady();
        rc = left > 0 ? poll(&p, 1, (int)left) : 0;
    } while (rc < 0 && errno == EINTR);
    if (rc == 0)
        errno = ETIMEDOUT;
    return rc;
}
#endif

/* --- options ----------------------------------------------------------------------------------------------------- */

bool my_tls_wanted(const struct cfg *cfg, const char *entry)
{
    struct net_host host;

    if (*entry == '/' || cfg->database_tls == SWITCH_OFF)
        return false;
    return cfg->database_tls == SWITCH_ON || !net_host_parse(entry, &host) || !net_host_local(host.name);
}

static const char *or_null(const char *s)
{
    return *s ? s : NULL;
}

static void tls_files(MYSQL *m, const struct cfg *cfg)
{
    mysql_options(m, MYSQL_OPT_SSL_KEY, or_null(cfg->database_tls_key));
    mysql_options(m, MYSQL_OPT_SSL_CERT, or_null(cfg->database_tls_cert));
    mysql_options(m, MYSQL_OPT_SSL_CA, or_null(cfg->database_tls_ca));
}

#ifdef LIBMARIADB
static void tls_set(MYSQL *m, const struct cfg *cfg, bool on)
{
    const my_flag flag[sizeof(int)] = {on, on, on, on}; /* some versions read an int */

    if (on) {
        tls_files(m, cfg);
        mysql_options(m, MARIADB_OPT_TLS_VERSION, TLS_VERSIONS);
    }
    mysql_options(m, MYSQL_OPT_SSL_ENFORCE, flag);
    mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, flag);
}

/* Only ways to log in that never hand the password over as it is, nor ask a person. The SHA-2 ones do, encrypted to
 * whatever key the other side shows, unless nobody can be in between. */
static void auth_set(MYSQL *m, const struct target *to)
{
    static const char always[] = "mysql_native_password,client_ed25519,parsec";
    static const char safely[] = "mysql_native_password,client_ed25519,parsec,caching_sha2_password,sha256_password";

    mysql_optionsv(m, MARIADB_OPT_RESTRICTED_AUTH, to->tls || to->path ? safely : always);
}
#else
static void tls_set(MYSQL *m, const struct cfg *cfg, bool on)
{
    unsigned mode = on ? SSL_MODE_VERIFY_IDENTITY : SSL_MODE_DISABLED;

    if (on) {
        tls_files(m, cfg);
        if (!*cfg->database_tls_ca) /* this library does not look for those of the system by itself */
            mysql_options(m, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
        mysql_options(m, MYSQL_OPT_TLS_VERSION, TLS_VERSIONS);
    }
    mysql_options(m, MYSQL_OPT_SSL_MODE, &mode);
}

/* This library asks for no key of the server unless told to, so that a password crosses inside TLS or not at all. */
static void auth_set(MYSQL *m, const struct target *to)
{
    const bool off = false;

    (void)to;
    mysql_options(m, MYSQL_ENABLE_CLEARTEXT_PLUGIN, &off);
}
#endif

static void options_set(MYSQL *m, struct db *db, const struct target *to)
{
    const unsigned infile = 0, wait = (unsigned)(my_of(db)->timeout / 1000), first = (unsigned)((to->ms + 999) / 1000);
    const unsigned protocol = to->path ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &first);
    mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &wait);
    mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &wait);
    mysql_options(m, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &infile);
#ifdef LIBMARIADB
    const my_flag again = 0;
    mysql_options(m, MYSQL_OPT_RECONNECT, &again); /* the other library's newer versions know none */
    mysql_optionsv(m, MARIADB_OPT_IO_WAIT, io_wait);
#endif
    mysql_options4(m, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "latchkey");
    tls_set(m, db->cfg, to->tls);
    auth_set(m, to);
}

/* --- the session ------------------------------------------------------------------------------------------------- */

static bool query(MYSQL *m, const char *sql)
{
    return mysql_real_query(m, sql, (unsigned long)strlen(sql)) == 0;
}

/* Everything that a server's configuration could make different. */
static bool session_set(struct db *db, MYSQL *m)
{
    char sql[640];
    long long wait = my_of(db)->patience;

    snprintf(sql, sizeof(sql),
             "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
             " time_zone = '+00:00', autocommit = 1, character_set_client = utf8mb4, character_set_results = utf8mb4,"
             " collation_connection = utf8mb4_bin, foreign_key_checks = 1, unique_checks = 1, sql_safe_updates = 0,"
             " sql_auto_is_null = 0, innodb_lock_wait_timeout = %lld, lock_wait_timeout = %d",
             wait, DDL_WAIT_SECONDS);
    return query(m, sql) && query(m, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

static bool version_ok(MYSQL *m, const struct target *to, struct db *db)
{
    unsigned long is = mysql_get_server_version(m);
    bool maria = strstr(mysql_get_server_info(m), "MariaDB") != NULL;
    char text[64];

    if (is < (maria ? MARIADB_OLDEST : MYSQL_OLDEST)) {
        log_error("mysql: %s: the server is too old: MariaDB 10.2 or MySQL 8.0.17 is needed", to->entry);
        return false;
    }
    snprintf(text, sizeof(text), "%s %lu.%lu.%lu", maria ? "mariadb" : "mysql", is / 10000, is / 100 % 100, is % 100);
    if (!db->version || strcmp(db->version, text) != 0)
        db->version = arena_strdup(db->arena, text);
    return true;
}

/* --- one try ----------------------------------------------------------------------------------------------------- */

static bool refuse(MYSQL *m, const struct target *to, const char *doing)
{
    log_error("mysql: %s: %s: %s (%u)", to->entry, doing, mysql_error(m), mysql_errno(m));
    return false;
}

static bool host_ready(struct db *db, MYSQL *m, const struct target *to)
{
    if (to->tls && !mysql_get_ssl_cipher(m)) {
        log_error("mysql: %s: TLS is demanded (database.tls), and the connection has none", to->entry);
        return false;
    }
    if (!version_ok(m, to, db))
        return false;
    if (!session_set(db, m))
        return refuse(m, to, "settings");
    if (!my_role_ok(db, m, to->entry))
        return false;
    /* reads that a cluster answers on another node must see what was committed on this one */
    return !my_of(db)->galera || query(m, "SET SESSION wsrep_sync_wait = 7") || refuse(m, to, "settings");
}

/* The library keeps a copy of the password for connecting anew, which we never let it do. */
static void password_wipe(MYSQL *m)
{
    if (m->passwd)
        explicit_bzero(m->passwd, strlen(m->passwd));
}

/* The library does not say which file it was. */
static bool tls_files_ok(const struct cfg *cfg, const struct target *to)
{
    const char *const files[][2] = {{"database.tls_ca", cfg->database_tls_ca},
                                    {"database.tls_cert", cfg->database_tls_cert},
                                    {"database.tls_key", cfg->database_tls_key}};

    for (size_t i = 0; to->tls && i < 3; i++) {
        if (!*files[i][1] || access(files[i][1], R_OK) == 0)
            continue;
        log_error("mysql: %s: %s: %s: %s", to->entry, files[i][0], files[i][1], strerror(errno));
        return false;
    }
    return true;
}

static bool host_try(struct db *db, struct target *to, MYSQL **out)
{
    const struct cfg *cfg = db->cfg;
    MYSQL *m = tls_files_ok(cfg, to) ? mysql_init(NULL) : NULL;
    unsigned port = to->host.port > 0 ? (unsigned)to->host.port : 3306;

    if (!m)
        return false;
    options_set(m, db, to);
    wait_until = clock_steady() + to->ms;
    wait_tls = to->tls;
    bool up = mysql_real_connect(m, to->path ? NULL : to->host.name, cfg->database_user, cfg->database_password,
                                 cfg->database_name, to->path ? 0 : port, to->path, CLIENT_FOUND_ROWS) != NULL;
    password_wipe(m);
    my_of(db)->entry = to->entry;
    if (!up) {
        refuse(m, to, to->tls ? "cannot connect with TLS (database.tls_*)" : "cannot connect");
    } else if (!(up = host_ready(db, m, to))) {
        to->broke = my_err_of(mysql_errno(m)) == ERR_DB_LOST;
    }
    if (!up) {
        mysql_close(m);
        return false;
    }
    /* a program that is called (mail.sendmail) gets nothing of ours */
    (void)fcntl((int)mysql_get_socket(m), F_SETFD, FD_CLOEXEC);
    *out = m;
    return true;
}

/* How long a try may take; 0: it is not to be begun. */
static int64_t time_left(struct db *db)
{
    int64_t most = my_of(db)->timeout, left = db->until ? db->until - clock_steady() : most;

    if (left < LEAST_TRY_MS)
        return 0;
    return left < most ? left : most;
}

/* A server that took us and then dropped the connection (a KILL at a bad moment) is there: once more before it counts
 * as away. */
static bool host_take(struct db *db, struct target *to, MYSQL **out)
{
    if (host_try(db, to, out))
        return true;
    to->ms = to->broke ? time_left(db) : 0;
    return to->ms > 0 && host_try(db, to, out);
}

/* --- all of them ------------------------------------------------------------------------------------------------- */

static bool target_set(struct target *to, const struct cfg *cfg, const char *entry)
{
    *to = (struct target){.entry = entry, .path = *entry == '/' ? entry : NULL, .tls = my_tls_wanted(cfg, entry)};
    return to->path || net_host_parse(entry, &to->host);
}

static int32_t host_first(struct db *db)
{
    return db->health ? atomic_load(&db->health->host) : my_of(db)->host;
}

static void host_note(struct db *db, int32_t host)
{
    my_of(db)->host = host;
    if (db->health)
        atomic_store(&db->health->host, host);
}

static void my_new(struct db *db, const struct cfg *cfg)
{
    struct my *my = db->conn ? db->conn : ARENA_NEW(db->arena, struct my);

    db->conn = my;
    my->tx = false;
    my->timeout = (cfg->database_timeout + 999) / 1000 * 1000;
    my->patience = my_lock_seconds(db, db->patience);
}

enum err my_open(struct db *db, const struct cfg *cfg, bool create)
{
    const struct cfg_list *hosts = &cfg->database_hosts;
    struct target to;

    (void)create; /* a database on a server is there or it is not */
    my_new(db, cfg);
    size_t first = (size_t)host_first(db);
    for (size_t i = 0; i < hosts->n; i++) {
        size_t at = (first + i) % hosts->n;
        if (!target_set(&to, cfg, hosts->v[at]))
            continue; /* refused by the check of the configuration */
        to.ms = time_left(db);
        if (to.ms == 0) {
            log_error("mysql: %s: no time is left to try it", to.entry);
            host_note(db, (int32_t)at); /* the next request begins here */
            break;
        }
        if (host_take(db, &to, &my_of(db)->m)) {
            host_note(db, (int32_t)at);
            return ERR_OK;
        }
    }
    return ERR_DB_DOWN;
}

void my_close(struct db *db)
{
    struct my *my = my_of(db);

    if (!my || !my->m)
        return;
    mysql_close(my->m);
    my->m = NULL;
    my->tx = false;
}
