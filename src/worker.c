/* A worker: one process, one request at a time, until asked to stop. The request in hand is finished first. */
#include "process.h"

#include "base/log.h"

#include <stdlib.h>

static enum err worker_loop(struct app *app, int listen_fd, const sigset_t *open)
{
    const struct cfg *cfg = app->cfg;
    struct fcgi_options options = {listen_fd, cfg->limits_request, cfg->pool_web_servers.v, cfg->pool_web_servers.n};
    struct fcgi *f;

    TRY(fcgi_open(&options, &f));
    enum err e = ERR_OK;
    while (e == ERR_OK || e == ERR_CLIENT_GONE) {
        e = fcgi_next(f, open, &process_stop);
        process_reopen(); /* a line is written only while serving */
        if (e == ERR_OK)
            app_serve(app, f);
    }
    fcgi_close(&f);
    return e == ERR_SHUTDOWN ? ERR_OK : e;
}

int worker_run(const struct cfg *cfg, const struct keys *keys, int listen_fd, const char *name)
{
    struct app app;
    sigset_t open;

    log_name(name);
    process_stop = 0;
    enum err e = process_signals(&open);
    if (e == ERR_OK)
        e = app_open(cfg, keys, &app);
    if (e != ERR_OK) {
        log_error("cannot start: %s", err_row(e)->text);
        return EXIT_FAILURE;
    }
    e = worker_loop(&app, listen_fd, &open);
    if (e != ERR_OK)
        log_error("cannot go on: %s", err_row(e)->text);
    app_close(&app);
    return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
