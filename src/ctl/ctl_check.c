/* latchkeyctl check: looks at everything that must be right before visitors come, and says what to do about the rest.
 */
#include "ctl.h"

#include "app/mailer.h"
#include "app/page.h"
#include "auth/jwt.h"
#include "crypto/breached.h"
#include "crypto/keys.h"
#include "db/migrate.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct check {
    struct ctl *ctl;
    struct out *out;
    int failed;
};

static void say(struct check *c, const char *state, const char *what, const char *detail)
{
    out_row(c->out, state, what, detail);
    c->failed += strcmp(state, "FAIL") == 0;
}

static void on_fault(void *arg, const char *line)
{
    say(arg, "FAIL", "configuration", line);
}

static void on_warning(void *arg, const char *line)
{
    say(arg, "warn", "configuration", line);
}

static bool check_config(struct check *c)
{
    struct ctl *ctl = c->ctl;

    if (config_load(ctl->conf_path, on_fault, c, &ctl->cfg) != ERR_OK)
        return false;
    say(c, "ok", "configuration", ctl->conf_path);
    config_warn(ctl->cfg, on_warning, c);
    if (ctl_become_owner(ctl->cfg) != ERR_OK)
        say(c, "FAIL", "state", "root cannot act as its owner");
    ctl->au = (struct auth){.cfg = ctl->cfg, .arena = ctl->arena, .now = clock_now()};
    return true;
}

static struct keys *check_secret(struct check *c)
{
    const char *path = c->ctl->cfg->secret_file;
    struct keys *keys = NULL;

    if (access(path, F_OK) != 0 && errno == ENOENT) {
        say(c, "warn", "secret", arena_printf(c->ctl->arena, "%s is not there yet; the first start makes it", path));
        return NULL;
    }
    if (keys_open(path, &keys) != ERR_OK) {
        say(c, "FAIL", "secret", arena_printf(c->ctl->arena, "%s is not usable", path));
        return NULL;
    }
    say(c, "ok", "secret", arena_printf(c->ctl->arena, "%zu in %s", keys_count(keys), path));
    return keys;
}

/* Root has become who serves by now, who must be able to read it. */
static void check_breached(struct check *c)
{
    const char *path = c->ctl->cfg->password_breached;

    if (!*path)
        return;
    if (breached_check(path) != ERR_OK)
        say(c, "FAIL", "breached", arena_printf(c->ctl->arena, "%s is not usable", path));
    else
        say(c, "ok", "breached", path);
}

static void check_state(struct check *c)
{
    const char *dir = c->ctl->cfg->pool_state;
    struct stat st;

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        say(c, "FAIL", "state", arena_printf(c->ctl->arena, "%s is no directory", dir));
    else if (access(dir, R_OK | W_OK | X_OK) != 0)
        say(c, "FAIL", "state", arena_printf(c->ctl->arena, "%s cannot be written by this user", dir));
    else if (st.st_mode & S_IWOTH)
        say(c, "FAIL", "state", arena_printf(c->ctl->arena, "%s can be written by everybody", dir));
    else
        say(c, "ok", "state", dir);
}

/* Sessions begin and end by this host's clock; other hosts of the same store see them by theirs. */
static void check_clock(struct check *c)
{
    struct ctl *ctl = c->ctl;
    int64_t apart;

    enum err e = store_clock_apart(ctl->au.db, ctl->arena, &apart);
    if (e != ERR_OK) {
        say(c, "FAIL", "clock", ctl_err_text(e));
        return;
    }
    long long seconds = (long long)((apart < 0 ? -apart : apart) / CLOCK_SECOND);
    if (apart > STORE_CLOCK_TOLERATED || apart < -STORE_CLOCK_TOLERATED)
        say(c, "warn", "clock",
            arena_printf(ctl->arena, "%lld s %s the store's: one of the two hosts does not keep time", seconds,
                         apart > 0 ? "ahead of" : "behind"));
    else
        say(c, "ok", "clock", arena_printf(ctl->arena, "within %lld s of the store's", seconds + 1));
}

/* Many users and one address: a proxy in front that the configuration does not name. */
static void check_crowd(struct check *c)
{
    enum { MANY = 20 };
    struct ctl *ctl = c->ctl;
    int64_t users = 0, addresses = 0;
    const char *address = "";

    if (sessions_crowd(ctl->au.db, ctl->arena, ctl->au.now, &users, &addresses, &address) == ERR_OK && users >= MANY &&
        addresses == 1)
        say(c, "warn", "addresses",
            arena_printf(ctl->arena, "all %lld users come from %s: behind a proxy set auth.trusted_proxies",
                         (long long)users, address));
}

/* Can the key that signs be used, with the secrets that the next start will have? */
static void check_jwt(struct check *c, const struct keys *keys)
{
    struct ctl *ctl = c->ctl;
    struct signing_key k = {.id = ""};
    uint8_t seed[32];

    ctl->au.keys = keys;
    enum err e = jwt_current(&ctl->au, false, &k);
    if (e == ERR_OK && keys)
        e = jwt_unseal(&ctl->au, &k, seed);
    explicit_bzero(seed, sizeof seed);
    ctl->au.keys = NULL;
    if (e == ERR_NONE)
        say(c, "ok", "jwt", "no key yet; the first use makes it");
    else if (e == ERR_SECRET)
        say(c, "FAIL", "jwt",
            arena_printf(ctl->arena,
                         "none of our secrets opens the key %s: put the old secret back, or latchkeyctl jwt new-key",
                         k.id));
    else if (e != ERR_OK)
        say(c, "FAIL", "jwt", ctl_err_text(e));
    else if (keys)
        say(c, "ok", "jwt", arena_printf(ctl->arena, "key %s signs", k.id));
}

/* The store is looked at, never made or changed. */
static void check_store(struct check *c, const struct keys *keys)
{
    struct ctl *ctl = c->ctl;
    int version = 0;

    if (ctl->cfg->database_driver == DRIVER_SQLITE && access(ctl->cfg->database_path, F_OK) != 0 && errno == ENOENT) {
        say(c, "warn", "store",
            arena_printf(ctl->arena, "%s is not there yet; the first start makes it", ctl->cfg->database_path));
        return;
    }
    enum err e = db_open_existing(ctl->cfg, NULL, &ctl->au.db);
    if (e == ERR_OK)
        e = migrate_version(ctl->au.db, ctl->arena, &version);
    if (e != ERR_OK) {
        say(c, "FAIL", "store", ctl_err_text(e));
        return;
    }
    say(c, "ok", "store", db_version(ctl->au.db));
    if (version != migrate_newest())
        say(c, "FAIL", "schema",
            arena_printf(ctl->arena, "version %d, this program needs %d: latchkeyctl migrate", version,
                         migrate_newest()));
    else
        say(c, "ok", "schema", arena_printf(ctl->arena, "version %d", version));
    bool known = false;
    if (!keys && version > 0 && meta_has_secret(ctl->au.db, ctl->arena, &known) == ERR_OK && known)
        say(c, "FAIL", "secret", "the store knows a secret, and its file is gone: put the old file back");
    if (keys && version > 0 && meta_knows_secret(ctl->au.db, ctl->arena, keys) != ERR_OK)
        say(c, "FAIL", "secret", "the store was made with other secrets than those of the secret file");
    check_clock(c);
    if (version != migrate_newest())
        return;
    check_crowd(c);
    if (ctl->cfg->auth_mode == MODE_JWT)
        check_jwt(c, keys);
}

/* The group must be there, and this user a member of it: nobody else may give a file away. */
static void check_group(struct check *c)
{
    const char *name = c->ctl->cfg->pool_socket_group;
    struct group *g = *name ? getgrnam(name) : NULL;
    gid_t mine[256];

    if (!*name)
        return;
    if (!g) {
        say(c, "FAIL", "socket", arena_printf(c->ctl->arena, "there is no group %s", name));
        return;
    }
    bool member = geteuid() == 0 || getegid() == g->gr_gid;
    int n = getgroups(sizeof mine / sizeof mine[0], mine);
    for (int i = 0; i < n && !member; i++)
        member = mine[i] == g->gr_gid;
    if (!member)
        say(c, "FAIL", "socket", arena_printf(c->ctl->arena, "this user is no member of the group %s", name));
}

static void check_log(struct check *c)
{
    const char *path = c->ctl->cfg->log_file;

    if (!*path)
        return;
    const char *slash = strrchr(path, '/');
    const char *dir = slash ? arena_strndup(c->ctl->arena, path, (size_t)(slash - path) + 1) : ".";
    if (access(path, W_OK) != 0 && (errno != ENOENT || access(dir, W_OK | X_OK) != 0))
        say(c, "FAIL", "log", arena_printf(c->ctl->arena, "%s cannot be written: %s", path, strerror(errno)));
    else
        say(c, "ok", "log", path);
}

/* A server is talked to, but nothing is sent. */
static void check_mail(struct check *c)
{
    struct ctl *ctl = c->ctl;
    const char *detail = "";
    size_t own = 0;

    bool good = transport_check(ctl->cfg, ctl->arena, &detail);
    say(c, good ? "ok" : "FAIL", "mail", detail);
    const char *fault = mailer_templates_fault(ctl->cfg, ctl->arena, &own);
    if (fault)
        say(c, "FAIL", "templates", fault);
    else if (*ctl->cfg->mail_templates)
        say(c, own > 0 ? "ok" : "warn", "templates",
            arena_printf(ctl->arena, "%s: %s", ctl->cfg->mail_templates,
                         own > 0 ? "well" : "no file that is a template"));
}

static void check_pages(struct check *c)
{
    struct ctl *ctl = c->ctl;
    const char *dir = ctl->cfg->pages_directory;
    bool own = false;

    const char *fault = page_templates_fault(ctl->cfg, ctl->arena, &own);
    if (fault)
        say(c, "FAIL", "pages", fault);
    else if (*dir)
        say(c, own ? "ok" : "warn", "pages",
            arena_printf(ctl->arena, "%s: %s", dir, own ? "well" : "no file that is of a page"));
}

/* Is somebody answering at the socket? Only a note: check is also run before the first start. */
static void check_socket(struct check *c, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    if (!strchr(path, '/') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path) + 1);
    const char *dir = arena_strndup(c->ctl->arena, path, (size_t)(strrchr(path, '/') - path) + 1);
    if (access(dir, W_OK | X_OK) != 0)
        say(c, "FAIL", "socket", arena_printf(c->ctl->arena, "no socket can be made in %s: %s", dir, strerror(errno)));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        say(c, "ok", "socket", arena_printf(c->ctl->arena, "%s answers", path));
    else
        say(c, "warn", "socket", arena_printf(c->ctl->arena, "%s: %s (latchkey does not run?)", path, strerror(errno)));
    close(fd);
}

static void check_user(struct check *c)
{
    const char *name = c->ctl->cfg->pool_user;

    if (*name && !getpwnam(name))
        say(c, "FAIL", "user", arena_printf(c->ctl->arena, "pool.user: there is no user %s", name));
}

/* Memory for password hashes against what the machine has. */
static void check_memory(struct check *c)
{
    const struct cfg_scrypt *s = &c->ctl->cfg->password_scrypt;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t slots = kdf_gate_slots(c->ctl->cfg);
    int64_t mib = slots * (INT64_C(128) << s->log2n) * s->r / (1 << 20), have = (int64_t)pages * page / (1 << 20);

    const char *text = arena_printf(c->ctl->arena, "up to %lld MiB for %lld hashes at once, of %lld MiB",
                                    (long long)mib, (long long)slots, (long long)have);
    say(c, mib * 2 > have ? "warn" : "ok", "memory", text);
}

int ctl_check(struct ctl *ctl)
{
    struct check c = {.ctl = ctl, .out = out_begin(ctl, "state:s what:s detail:w")};

    if (check_config(&c)) {
        struct keys *keys = check_secret(&c);
        check_breached(&c);
        check_state(&c);
        check_store(&c, keys);
        check_log(&c);
        check_mail(&c);
        check_pages(&c);
        check_group(&c);
        check_user(&c);
        check_socket(&c, c.ctl->cfg->pool_socket);
        check_socket(&c, c.ctl->cfg->pool_sign_in_socket);
        check_memory(&c);
        keys_close(&keys);
    }
    int status = out_end(c.out);
    return c.failed ? CTL_FAILED : status;
}
