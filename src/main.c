/* latchkey: the FastCGI program. Reads the configuration, sees to schema and secrets, finds its socket, serves. */
#include "process.h"

#include "base/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    "Started as CGI program (GATEWAY_INTERFACE) it serves one request.\n"
    "See latchkey(8) and latchkey.conf(5).\n";

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "latchkey: %s\n", line);
}

static void tell_log(void *arg, const char *line)
{
    (void)arg;
    log_error("%s", line);
}

struct start {
    char *path;
    struct watch watch; /* of what was read */
};

/* Configuration and secrets, at the start and after HUP. The log is opened in between: what is told of the secrets is
 * told where the configuration says. */
static enum err configuration_read(void *arg, struct cfg **cfg, struct keys **keys)
{
    struct start *start = arg;
    struct cfg *c;
    struct keys *k;

    watch_note(&start->watch, WATCH_CONF, start->path);
    TRY(config_load(start->path, tell_log, NULL, &c));
    watch_note(&start->watch, WATCH_SECRET, c->secret_file);
    enum err e = log_open(c->log_file, c->log_level);
    if (e == ERR_OK)
        e = keys_open(c->secret_file, &k);
    if (e == ERR_OK && !start->watch.file[WATCH_SECRET].there)
        watch_note(&start->watch, WATCH_SECRET, c->secret_file); /* it was just made */
    if (e != ERR_OK) {
        config_free(&c);
        return e;
    }
    *cfg = c;
    *keys = k;
    return ERR_OK;
}

/* A socket that was passed as descriptor 0 is served by this process alone, unless more are asked for. */
static bool is_lone(const struct cfg *cfg, const struct sockets *s)
{
    return s->fd[SOCKET_SESSION] == STDIN_FILENO && cfg->pool_workers == 1 && s->fd[SOCKET_SIGN_IN] < 0;
}

static int serve_alone(const struct cfg *cfg, const struct keys *keys, struct watch *watch, bool unproven)
{
    struct worker w = {.cfg = cfg,
                       .keys = keys,
                       .listen_fd = STDIN_FILENO,
                       .name = "worker",
                       .lone = true,
                       .unproven = unproven,
                       .watch = watch};

    if (board_open(1, &w.place.board) != ERR_OK)
        return EXIT_FAILURE;
    int status = worker_run(&w);
    board_close(&w.place.board);
    return status;
}

/* Takes cfg and keys over. */
static int serve_take(struct cfg *cfg, struct keys *keys, struct sockets *sockets, struct start *start)
{
    if (!is_lone(cfg, sockets))
        return master_run(cfg, keys, sockets, configuration_read, start);
    int status = EXIT_FAILURE;
    enum err e = prepare_wait(cfg, keys);
    /* Who started us starts us for requests, which are told that the store is away. */
    if (e == ERR_OK || e == ERR_DB_DOWN)
        status = serve_alone(cfg, keys, &start->watch, e == ERR_DB_DOWN);
    else
        log_error("cannot start");
    keys_close(&keys);
    config_free(&cfg);
    return status;
}

static int serve_cgi(struct cfg *cfg, struct keys *keys)
{
    process_keep_low();
    int status = process_settle(keys) == ERR_OK ? cgi_run(cfg, keys) : cgi_fail();
    keys_close(&keys);
    config_free(&cfg);
    return status;
}

static int run_as_user(char *path)
{
    struct start start = {.path = path};
    struct sockets sockets;
    struct cfg *cfg;
    struct keys *keys;

    process_harden();
    if (configuration_read(&start, &cfg, &keys) != ERR_OK)
        return cgi_asked() ? cgi_fail() : EXIT_FAILURE;
    if (cgi_asked())
        return serve_cgi(cfg, keys);
    if (cfg->mail_transport != TRANSPORT_SENDMAIL)
        process_keep_low();
    if (process_settle(keys) != ERR_OK || sockets_open(cfg, &sockets) != ERR_OK) {
        keys_close(&keys);
        config_free(&cfg);
        return EXIT_FAILURE;
    }
    int status = serve_take(cfg, keys, &sockets, &start);
    sockets_close(&sockets, NULL);
    return status;
}

/* Read with the rights that we were started with for pool.user, and again with those of the user, as after HUP. */
static int run(char *path)
{
    struct cfg *cfg;

    log_name(cgi_asked() ? "cgi" : "master");
    enum err e = config_load(path, tell, NULL, &cfg);
    if (e == ERR_OK) {
        e = process_become(cfg);
        config_free(&cfg);
    }
    if (e == ERR_OK)
        return run_as_user(path);
    return cgi_asked() ? cgi_fail() : EXIT_FAILURE;
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
    char installed[] = LATCHKEY_SYSCONFDIR "/latchkey.conf";
    char *env = getenv("LATCHKEY_CONF"), *path = env && *env ? env : installed;

    if (!cgi_arguments_ok(argc, argv))
        return cgi_fail();
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
