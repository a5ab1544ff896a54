/* latchkeyctl: reads the command line against the table of commands, opens what the command needs, runs it. */
#include "ctl.h"
#include "process.h"

#include "app/audit.h"
#include "app/jobs.h"
#include "base/enc.h"
#include "base/log.h"
#include "db/migrate.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off */
static const struct ctl_command commands[] = {
    {"user", "add", "EMAIL", "n", MAKES_STORE, ctl_user_add, "Add a user; the password is asked for, or read from standard input."},
    {"user", "list", NULL, "", NEEDS_STORE, ctl_user_list, "List all users."},
    {"user", "disable", "USER", "", NEEDS_STORE, ctl_user_disable, "Refuse sign-in to a user and end the user's sessions."},
    {"user", "enable", "USER", "", NEEDS_STORE, ctl_user_enable, "Let a disabled user sign in again."},
    {"user", "verify", "USER", "", NEEDS_STORE, ctl_user_verify, "Take the user's e-mail address for proven."},
    {"user", "delete", "USER", "", NEEDS_STORE, ctl_user_delete, "Delete a user with all sessions."},
    {"user", "set-password", "USER", "", NEEDS_STORE, ctl_user_set_password, "Set a user's password and end the user's sessions."},
    {"user", "reset", "USER", "", NEEDS_STORE, ctl_user_reset, "Give out a one-time token to set a new password with."},
    {"user", "export", "USER", "", NEEDS_STORE, ctl_user_export, "Print all that is stored of a user, as JSON."},
    {"user", "erase", "USER", "", NEEDS_STORE, ctl_user_erase, "Delete a user, and take him out of the audit log."},
    {"group", "list", NULL, "", NEEDS_STORE, ctl_group_list, "List all groups that have members."},
    {"group", "members", "GROUP", "", NEEDS_STORE, ctl_group_members, "List the members of a group."},
    {"group", "of", "USER", "", NEEDS_STORE, ctl_group_of, "List the groups a user is in."},
    {"group", "add", "GROUP USER ...", "", NEEDS_STORE, ctl_group_add, "Put users into a group."},
    {"group", "remove", "GROUP USER ...", "", NEEDS_STORE, ctl_group_remove, "Take users out of a group."},
    {"session", "list", NULL, "u", NEEDS_STORE, ctl_session_list, "List living sessions, of everybody or of one user."},
    {"session", "revoke", "ID", "", NEEDS_STORE, ctl_session_revoke, "End one session."},
    {"session", "revoke-all", NULL, "ue", NEEDS_STORE, ctl_session_revoke_all, "End all sessions of one user, or of everybody."},
    {"audit", NULL, NULL, "us", NEEDS_STORE, ctl_audit, "Show what happened, of everybody or of one user."},
    {"limit", "list", NULL, "", NEEDS_STORE, ctl_limit_list, "Show which accounts and addresses have tries counted."},
    {"limit", "clear", NULL, "uae", NEEDS_STORE, ctl_limit_clear, "Forget the tries of a user, of an address, or of everybody."},
    {"mail", "list", NULL, "", NEEDS_STORE, ctl_mail_list, "Show the mails that wait to be sent."},
    {"mail", "send", NULL, "", NEEDS_STORE, ctl_mail_send, "Send all mails that wait, at once."},
    {"mail", "drop", "ID", "", NEEDS_STORE, ctl_mail_drop, "Take away a mail that waits, unsent."},
    {"mail", "test", "ADDRESS", "", NEEDS_CONFIG, ctl_mail_test, "Send a mail to see whether it arrives."},
    {"status", NULL, NULL, "", NEEDS_STORE, ctl_status, "Show what is in the store."},
    {"sweep", NULL, NULL, "", NEEDS_STORE, ctl_sweep, "Delete expired sessions."},
    {"run-jobs", NULL, NULL, "", NEEDS_STORE, ctl_run_jobs, "Do what housekeeping is due, mail too, unless another is at it; for cron."},
    {"load-test-data", NULL, "N", "cmrxy", NEEDS_STORE, ctl_load, "Make N sessions of made-up users, to try out sizes with."},
    {"secret", "new", NULL, "k", NEEDS_CONFIG, ctl_secret_new, "Put a new secret in front of the others."},
    {"jwt", "new-key", NULL, "i", NEEDS_STORE, ctl_jwt_new_key, "Make a new key that signs JWTs from now on, or from later on."},
    {"jwt", "list", NULL, "", NEEDS_STORE, ctl_jwt_list, "List the keys that are published."},
    {"jwt", "delete-key", "KID", "", NEEDS_STORE, ctl_jwt_delete_key, "Take a key back: what it signed can no longer be verified."},
    {"migrate", NULL, NULL, "", CHANGES_STORE, ctl_migrate, "Bring the tables of the database up to this version."},
    {"check", NULL, NULL, "", NEEDS_NOTHING, ctl_check, "Check configuration, secrets, files and store."},
    {"print", "config", NULL, "f", NEEDS_NOTHING, ctl_print_config, "Print all settings, as documented or (--effective) as in force."},
    {"print", "routes", NULL, "", NEEDS_NOTHING, ctl_print_routes, "Print all endpoints."},
    {"print", "schema", NULL, "", NEEDS_CONFIG, ctl_print_schema, "Print the tables of the database."},
    {"print", "cookie-name", NULL, "", NEEDS_CONFIG, ctl_print_cookie_name, "Print the name of the session cookie."},
};
/* clang-format on */
enum { N_COMMANDS = sizeof commands / sizeof commands[0], ARENA_BLOCK = 64 * 1024, NAME_MAX_BYTES = 64 };

static void usage(FILE *to)
{
    fputs("usage: latchkeyctl [-c FILE] [--json] COMMAND …\n\n", to);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct ctl_command *c = &commands[i];
        char line[64];
        snprintf(line, sizeof line, "%s%s%s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "",
                 c->arg ? " " : "", c->arg ? c->arg : "");
        fprintf(to, "  %-28s %s\n", line, c->text);
    }
    fputs("\n  -c, --config FILE  configuration (default: $LATCHKEY_CONF, else " LATCHKEY_SYSCONFDIR "/latchkey.conf)\n"
          "  -j, --json         output for programs\n"
          "      --user USER    session list, revoke-all, audit, limit clear: id or e-mail\n"
          "      --address ADDR limit clear: IPv4, or IPv6 and its /64\n"
          "      --since WHEN   audit: 2h, 30d, 2026-01-31 or 2026-01-31T12:00:00.000Z\n"
          "      --everybody    session revoke-all, limit clear: of all users\n"
          "      --name NAME    user add: the user's name\n"
          "      --keep N       secret new: secrets to keep, the new one included (default 2)\n"
          "      --in TIME      jwt new-key: it is published now and signs so much later (30m, 2h; default: at once)\n"
          "      --effective    print config: with the values in force\n"
          "      --expired      load-test-data: sessions that have expired\n"
          "      --cookies FILE load-test-data: write cookies of some of them there\n"
          "      --count N      load-test-data: so many cookies (default 2000)\n"
          "      --yes          load-test-data: although there are other users\n"
          "      --remove       load-test-data: take all of them away\n"
          "  -h, --help         this text\n"
          "  -V, --version      the version\n\n"
          "USER is an id or an e-mail address. See latchkeyctl(8).\n",
          to);
}

int ctl_fail(const struct ctl *ctl, const char *fmt, ...)
{
    va_list ap;

    (void)ctl;
    fputs("latchkeyctl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return CTL_FAILED;
}

const char *ctl_err_text(enum err e)
{
    /* what visitors are told of these is of no use here */
    if (err_row(e)->status == 503)
        return "the store does not answer as it should; the line above tells why";
    if (e == ERR_INTERNAL)
        return "it could not be done; the line above tells why";
    if (e == ERR_PASSWORD_WEAK)
        return "Password is too easy to guess or known from a breach; several words that do not belong together are "
               "good "
               "(password.min_strength, password.breached)";
    return err_row(e)->text;
}

int ctl_fail_err(const struct ctl *ctl, enum err e, const char *what)
{
    return ctl_fail(ctl, "%s: %s", what, ctl_err_text(e));
}

bool ctl_span(const char *text, int64_t *ms)
{
    static const char units[] = "smhd";
    static const int64_t in_ms[] = {CLOCK_SECOND, CLOCK_MINUTE, CLOCK_HOUR, CLOCK_DAY};
    char *end;
    long n = strtol(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;

    if (end == text || n < 0 || n >= 1000000 || !unit || end[1] != '\0')
        return false;
    *ms = n * in_ms[unit - units];
    return true;
}

static int usage_error(const char *what, const char *which)
{
    fprintf(stderr, "latchkeyctl: %s%s%s\nTry latchkeyctl --help.\n", what, which ? ": " : "", which ? which : "");
    return CTL_USAGE;
}

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "latchkeyctl: %s\n", line);
}

enum err ctl_become_owner(const struct cfg *cfg)
{
    struct stat st;

    if (geteuid() != 0 || stat(cfg->pool_state, &st) != 0 || st.st_uid == 0)
        return ERR_OK;
    struct passwd *pw = getpwuid(st.st_uid);
    gid_t gid = pw ? pw->pw_gid : st.st_gid;
    if ((pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) != 0 || setgid(gid) != 0 || setuid(st.st_uid) != 0) {
        log_error("cannot act as the owner of %s: %s", cfg->pool_state, strerror(errno));
        return ERR_IO;
    }
    return ERR_OK;
}

/* Who runs this, for the audit log. Behind sudo(8) that is not root. */
static const char *actor_name(struct arena *a)
{
    const char *sudo = getenv("SUDO_USER");
    struct passwd *pw = getpwuid(getuid());

    if (sudo && *sudo && getuid() == 0)
        return arena_printf(a, "administrator %s", enc_utf8_clean(a, sudo, NAME_MAX_BYTES));
    return pw ? arena_printf(a, "administrator %s", enc_utf8_clean(a, pw->pw_name, NAME_MAX_BYTES))
              : arena_printf(a, "administrator %d", (int)getuid());
}

static enum err store_open(struct ctl *ctl, enum ctl_needs needs)
{
    TRY(needs == MAKES_STORE ? db_open(ctl->cfg, NULL, &ctl->au.db) : db_open_existing(ctl->cfg, NULL, &ctl->au.db));
    db_until(ctl->au.db, 0); /* nobody waits for an answer: lists and sweeping take what they take */
    ctl_share(ctl);
    return needs == MAKES_STORE ? migrate_ready(ctl->au.db, ctl->arena) : migrate_current(ctl->au.db, ctl->arena);
}

static enum err ctl_open(struct ctl *ctl, enum ctl_needs needs)
{
    TRY(arena_open(&ctl->arena, ARENA_BLOCK));
    if (needs == NEEDS_NOTHING)
        return ERR_OK;
    TRY(config_load(ctl->conf_path, tell, NULL, &ctl->cfg));
    ctl->au = (struct auth){.cfg = ctl->cfg, .arena = ctl->arena, .now = clock_now()};
    ctl->au.by.actor = actor_name(ctl->arena); /* while we are still who called us */
    process_keep_low_unless_mail(ctl->cfg);
    if (needs != CHANGES_STORE || ctl->cfg->database_driver == DRIVER_SQLITE)
        TRY(ctl_become_owner(ctl->cfg));
    if (needs == NEEDS_CONFIG || needs == CHANGES_STORE)
        return ERR_OK;
    return store_open(ctl, needs);
}

int ctl_keys(struct ctl *ctl, struct keys **out)
{
    const char *path = ctl->cfg->secret_file;

    if (access(path, F_OK) != 0)
        return ctl_fail(ctl, "%s: %s", path, strerror(errno));
    enum err e = keys_open(path, out);
    return e == ERR_OK ? CTL_OK : ctl_fail_err(ctl, e, path);
}

static void ctl_close(struct ctl *ctl)
{
    if (ctl->cfg)
        audit_write(&ctl->au);
    if (ctl->au.mail_queued)
        jobs_mail_queued(ctl->cfg);
    db_close(&ctl->au.db);
    shmcache_close(&ctl->cache);
    config_free(&ctl->cfg);
    arena_close(&ctl->arena);
}

static int run(struct ctl *ctl, const struct ctl_command *c)
{
    enum err e = ctl_open(ctl, c->needs);
    int status = e == ERR_OK ? c->run(ctl) : ctl_fail_err(ctl, e, c->verb ? c->verb : c->noun);

    ctl_close(ctl);
    return status;
}

static const struct ctl_command *command_find(int argc, char **argv, int *used)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct ctl_command *c = &commands[i];
        if (strcmp(argv[0], c->noun) != 0)
            continue;
        if (!c->verb || (argc > 1 && strcmp(argv[1], c->verb) == 0)) {
            *used = c->verb ? 2 : 1;
            return c;
        }
    }
    return NULL;
}

/* Which of the options given does the command not take? 0: none. */
static char option_surplus(const struct ctl *ctl, const struct ctl_command *c)
{
    const struct {
        char letter;
        bool given;
    } options[] = {{'u', ctl->user},      {'n', ctl->name},  {'k', ctl->keep},    {'e', ctl->everybody},
                   {'f', ctl->effective}, {'s', ctl->since}, {'a', ctl->address}, {'i', ctl->in},
                   {'c', ctl->cookies},   {'m', ctl->count}, {'r', ctl->remove},  {'x', ctl->expired},
                   {'y', ctl->yes}};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].given && !strchr(c->options, options[i].letter))
            return options[i].letter;
    return 0;
}

static int dispatch(struct ctl *ctl, int argc, char **argv)
{
    int used = 0;

    if (argc < 1)
        return usage(stderr), CTL_USAGE;
    const struct ctl_command *c = command_find(argc, argv, &used);
    if (!c)
        return usage_error("no such command", argv[0]);
    if (c->arg && used < argc)
        ctl->arg = argv[used++];
    bool several = c->arg && strchr(c->arg, ' ');
    if (used < argc && !several)
        return usage_error("unexpected argument", argv[used]);
    if (c->arg && !ctl->remove && (!ctl->arg || (several && used == argc)))
        return usage_error("missing argument", c->arg);
    ctl->more = argv + used;
    ctl->n_more = (size_t)(argc - used);
    if (option_surplus(ctl, c))
        return usage_error("an option does not go with", argv[0]);
    return run(ctl, c);
}

enum { OPT_USER = 256, OPT_NAME, OPT_KEEP, OPT_EVERYBODY, OPT_EFFECTIVE, OPT_SINCE, OPT_ADDRESS, OPT_IN, OPT_COOKIES, OPT_COUNT, OPT_EXPIRED,
       OPT_REMOVE, OPT_YES };

static const char **option_text(struct ctl *ctl, int option)
{
    switch (option) {
    case 'c':
        return &ctl->conf_path;
    case OPT_USER:
        return &ctl->user;
    case OPT_NAME:
        return &ctl->name;
    case OPT_KEEP:
        return &ctl->keep;
    case OPT_ADDRESS:
        return &ctl->address;
    case OPT_IN:
        return &ctl->in;
    case OPT_SINCE:
        return &ctl->since;
    case OPT_COOKIES:
        return &ctl->cookies;
    case OPT_COUNT:
        return &ctl->count;
    default:
        return NULL;
    }
}

static bool *option_flag(struct ctl *ctl, int option)
{
    switch (option) {
    case 'j':
        return &ctl->json;
    case OPT_EVERYBODY:
        return &ctl->everybody;
    case OPT_EFFECTIVE:
        return &ctl->effective;
    case OPT_EXPIRED:
        return &ctl->expired;
    case OPT_REMOVE:
        return &ctl->remove;
    case OPT_YES:
        return &ctl->yes;
    default:
        return NULL;
    }
}

/* Notes one option. CTL_OK: go on; else the exit status, or -1 for "done, and well". */
static int option_take(struct ctl *ctl, int option)
{
    const char **text = option_text(ctl, option);
    bool *flag = option_flag(ctl, option);

    if (text)
        *text = optarg;
    if (flag)
        *flag = true;
    if (text || flag)
        return CTL_OK;
    if (option == 'h')
        return usage(stdout), -1;
    if (option == 'V')
        return puts("latchkeyctl " PACKAGE_VERSION) < 0 ? CTL_FAILED : -1;
    fputs("Try latchkeyctl --help.\n", stderr); /* getopt has said what */
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"user", required_argument, NULL, OPT_USER},
        {"name", required_argument, NULL, OPT_NAME},
        {"keep", required_argument, NULL, OPT_KEEP},
        {"address", required_argument, NULL, OPT_ADDRESS},
        {"since", required_argument, NULL, OPT_SINCE},
        {"in", required_argument, NULL, OPT_IN},
        {"everybody", no_argument, NULL, OPT_EVERYBODY},
        {"effective", no_argument, NULL, OPT_EFFECTIVE},
        {"cookies", required_argument, NULL, OPT_COOKIES},
        {"count", required_argument, NULL, OPT_COUNT},
        {"expired", no_argument, NULL, OPT_EXPIRED},
        {"remove", no_argument, NULL, OPT_REMOVE},
        {"yes", no_argument, NULL, OPT_YES},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *env = getenv("LATCHKEY_CONF");
    struct ctl ctl = {.conf_path = env && *env ? env : LATCHKEY_SYSCONFDIR "/latchkey.conf"};

    if (process_descriptors() != ERR_OK || log_open(NULL, LVL_WARN) != ERR_OK)
        return CTL_FAILED;
    log_name("latchkeyctl");
    process_harden();
    for (int c; (c = getopt_long(argc, argv, "c:jhV", options, NULL)) != -1;) {
        int status = option_take(&ctl, c);
        if (status != CTL_OK)
            return status < 0 ? CTL_OK : status;
    }
    return dispatch(&ctl, argc - optind, argv + optind);
}
