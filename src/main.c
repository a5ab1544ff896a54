/* latchkey: the FastCGI program. Reads the configuration, sees to schema and secrets, finds its socket, serves. */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_PASSED_FD = 3 }; /* sd_listen_fds(3) */

static const char usage[] =
    "usage: latchkey [-c FILE]\n"
    "Serves session authentication over FastCGI.\n"
    "\n"
    "  -c, --config FILE  configuration (default: $LATCHKEY_CONF, else " LATCHKEY_SYSCONFDIR "/latchkey.conf)\n"
    "  -h, --help         this text\n"
    "  -V, --version      the version\n"
    "\n"
    "If descriptor 0 is a listening socket, or one is passed by LISTEN_FDS, it is used; otherwise pool.socket is "
    "made.\n"
    "See latchkey(8) and latchkey.conf(5).\n";

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "latchkey: %s\n", line);
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t n = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

/* A socket somebody else made for us: by LISTEN_FDS, or as descriptor 0. -1: none. */
static int socket_passed(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

    if (pid && n && strtol(pid, NULL, 10) == (long)getpid() && strtol(n, NULL, 10) >= 1 &&
        is_listening(FIRST_PASSED_FD))
        return FIRST_PASSED_FD;
    return is_listening(STDIN_FILENO) ? STDIN_FILENO : -1;
}

/* Schema and secrets are seen to once before anything is served, in a process of its own: handles are never shared with
 * workers, and the one who starts keeps no database open. */
static int prepare(const struct cfg *cfg, const struct keys *keys)
{
    struct app app;

    enum err e = app_open(cfg, keys, &app);
    if (e == ERR_OK) {
        e = app_prepare(&app);
        app_close(&app);
    }
    if (e != ERR_OK)
        log_error("cannot start: %s", err_row(e)->text);
    return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int prepare_apart(const struct cfg *cfg, const struct keys *keys)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        exit(prepare(cfg, keys));
    if (pid < 0)
        return EXIT_FAILURE;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

/* A socket that was passed as descriptor 0 is served by this process alone, unless more workers are asked for. */
static int serve(const struct cfg *cfg, const struct keys *keys)
{
    int fd = socket_passed();
    bool own = fd < 0;

    if (prepare_apart(cfg, keys) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (own && fcgi_listen(cfg->pool_socket, cfg->pool_socket_group, (int)cfg->pool_backlog, &fd) != ERR_OK)
        return EXIT_FAILURE;
    int status = fd == STDIN_FILENO && cfg->pool_workers == 1
                     ? worker_run(cfg, keys, fd, "worker")
                     : master_run(cfg, keys, fd, own ? cfg->pool_socket : "the socket passed");
    if (own)
        fcgi_unlisten(cfg->pool_socket, &fd);
    return status;
}

/* What root makes in a directory of somebody else is of no use to that somebody afterwards. */
static bool is_for_other_user(const struct cfg *cfg)
{
    struct stat st;

    if (geteuid() != 0 || stat(cfg->pool_state, &st) != 0 || st.st_uid == 0)
        return false;
    log_error("%s belongs to another user: run latchkey as that user, not as root", cfg->pool_state);
    return true;
}

static int run(const char *path)
{
    struct cfg *cfg;
    struct keys *keys;

    if (config_load(path, tell, NULL, &cfg) != ERR_OK)
        return EXIT_FAILURE;
    if (log_open(cfg->log_file, cfg->log_level) != ERR_OK)
        return EXIT_FAILURE;
    log_name("master");
    process_harden();
    if (is_for_other_user(cfg))
        return EXIT_FAILURE;
    if (keys_open(cfg->secret_file, &keys) != ERR_OK)
        return EXIT_FAILURE;
    process_settle(keys);
    int status = serve(cfg, keys);
    keys_close(&keys);
    config_free(&cfg);
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    if (process_descriptors() != ERR_OK)
        return EXIT_FAILURE;
    const char *env = getenv("LATCHKEY_CONF"), *path = env && *env ? env : LATCHKEY_SYSCONFDIR "/latchkey.conf";

    for (int c; (c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case 'h':
            return fputs(usage, stdout) < 0;
        case 'V':
            return puts("latchkey " PACKAGE_VERSION) < 0;
        default:
            fputs("Try latchkey --help.\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "latchkey: unexpected argument: %s\n", argv[optind]);
        return 2;
    }
    return run(path);
}
