/* S99: a request is answered though nothing can be logged, and a log that cannot be opened anew goes on in the old
 * file. */
#include "calls_case.h"

#include "../unit/fcgi_peer.h"
#include "app/app.h"
#include "scene.h"

#include <signal.h>
#include <sys/stat.h>

static void log_to_full_disk(void)
{
    scene_need(log_open("/dev/full", LVL_DEBUG) == ERR_OK, "/dev/full");
}

/* A pipe that nobody reads any more. */
static void log_to_nobody(void)
{
    int p[2];

    scene_need(pipe(p) == 0 && dup2(p[1], STDERR_FILENO) == STDERR_FILENO, "pipe");
    close(p[0]);
    close(p[1]);
    scene_need(log_open(NULL, LVL_DEBUG) == ERR_OK, "log");
}

/* A process that serves requests as a worker does. */
static void serve_app(const struct server *server, struct scene *s, void (*log)(void))
{
    struct app app;
    struct fcgi *f = NULL;
    sigset_t open_mask;
    struct sigaction act = {.sa_handler = on_term};

    sigemptyset(&open_mask);
    sigaction(SIGTERM, &act, NULL);
    struct fcgi_options o = {.listen_fd = server->fd, .deadline_ms = 20000};
    scene_need(app_open(s->w.cfg, s->keys, NULL, &app) == ERR_OK && fcgi_open(&o, &f) == ERR_OK, "app");
    log();
    while (fcgi_next(f, &open_mask, &stop, -1) == ERR_OK) {
        app_serve(&app, f);
        log_error("and a line of its own");
    }
    fcgi_close(&f);
    app_close(&app);
    _exit(0);
}

static void served_without_log(void (*log)(void))
{
    struct scene s;
    struct server server = {.fd = -1};

    scene_open(&s);
    s.w.cfg->pool_state = s.w.dir;
    snprintf(server.path, sizeof server.path, "%.80s/socket", s.w.dir);
    CU_ASSERT_EQUAL_FATAL(fcgi_listen(server.path, "", 8, &server.fd), ERR_OK);
    fflush(stdout);
    server.pid = fork();
    CU_ASSERT_FATAL(server.pid >= 0);
    if (server.pid == 0)
        serve_app(&server, &s, log);
    for (int i = 0; i < 3; i++) {
        ask(&server, NULL, NULL);
        expect("Status: 404 Not Found");
    }
    server_end(&server);
    unlink(arena_printf(s.w.arena, "%s/hash.lock", s.w.dir));
    scene_close(&s);
}

static void test_log_full(void)
{
    served_without_log(log_to_full_disk);
}

static void test_log_pipe(void)
{
    served_without_log(log_to_nobody);
}

static void test_log_reopen(void)
{
    struct stat st;

    clear();
    CU_ASSERT_EQUAL_FATAL(log_open(path, LVL_INFO), ERR_OK);
    for (size_t i = 0; i < ERRORS; i++) {
        calls_fail(1, errors[i], false);
        log_reopen(); /* tells of it in the old one */
        CU_ASSERT(calls_mend() >= 1);
        CU_ASSERT(stat(path, &st) == 0 && st.st_size > 0);
        off_t size = st.st_size;
        log_info("goes on");
        CU_ASSERT(stat(path, &st) == 0 && st.st_size > size);
    }
    CU_ASSERT_EQUAL(log_open("/dev/null", LVL_ERROR), ERR_OK);
    unlink(path);
}

static CU_TestInfo tests[] = {
    {"failing calls: full disk below the log", test_log_full},
    {"failing calls: nobody reads the log", test_log_pipe},
    {"failing calls: log after a rotation", test_log_reopen},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("calls of the log", tests, case_open, case_close);
}
