/* The program as plain CGI: one process, one request. Makes no tables and sends no mail; latchkeyctl migrate and run-jobs
 * do. */
#include "process.h"

#include "base/enc.h"
#include "base/log.h"
#include "store/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cgi_asked(void)
{
    return getenv("GATEWAY_INTERFACE") && getenv("REQUEST_METHOD") && !sockets_listening(STDIN_FILENO);
}

/* A query without '=' may reach a CGI program as its arguments (RFC 3875 §4.4), "-c" among them. A script that starts us
 * gives arguments of its own, and none of the query's. */
static bool arguments_of_query(int argc, char **argv, struct arena *a)
{
    const char *query = getenv("QUERY_STRING");

    if (argc < 2 || !query || !*query || strchr(query, '='))
        return false;
    const char *words = enc_unpercent(a, query, strlen(query), true);
    return !words || strncmp(words, argv[1], strlen(argv[1])) == 0;
}

bool cgi_arguments_ok(int argc, char **argv)
{
    struct arena *a = NULL;

    if (!cgi_asked())
        return true;
    if (arena_open(&a, 1024) != ERR_OK)
        return false;
    bool ok = !arguments_of_query(argc, argv, a);
    arena_close(&a);
    return ok;
}

int cgi_fail(void)
{
    fputs("Status: 500 Internal Server Error\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\r\n"
          "{\"message\":\"Internal server error\",\"code\":\"INTERNAL_SERVER_ERROR\"}",
          stdout);
    return EXIT_FAILURE;
}

/* A store that is away is told by whoever needs it; one that another secret belongs to serves nobody. */
static enum err secret_fits(struct app *app)
{
    if (app_connect(app) != ERR_OK)
        return ERR_OK;
    enum err e = meta_check_secret(app->db, app->arena, app->keys);
    return e == ERR_SECRET ? e : ERR_OK;
}

int cgi_run(const struct cfg *cfg, const struct keys *keys)
{
    struct app app;
    struct fcgi *f = NULL;

    log_name("cgi");
    signal(SIGPIPE, SIG_IGN);
    enum err e = app_open(cfg, keys, NULL, &app);
    if (e != ERR_OK)
        return cgi_fail();
    app.strict = true;
    e = secret_fits(&app);
    if (e == ERR_OK)
        e = fcgi_open_cgi(cfg->limits_request, &f);
    if (e == ERR_OK)
        app_serve(&app, f);
    fcgi_close(&f);
    app_close(&app);
    return e == ERR_OK ? EXIT_SUCCESS : cgi_fail();
}
