/* Looking at schema, secrets and files before anything is served, in a process of its own: whoever starts workers keeps
 * no database open. Must not serve. */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STORE_AWAY = 3 }; /* exit status */

static int prepare(const struct cfg *cfg, const struct keys *keys)
{
    struct app app;

    process_keep_low();
    enum err e = app_open(cfg, keys, NULL, &app);
    if (e == ERR_OK) {
        e = app_prepare(&app);
        app_close(&app);
    }
    if (e != ERR_OK)
        log_error("store, secrets and files are not as they should be: %s", err_row(e)->text);
    if (e == ERR_DB_DOWN)
        return STORE_AWAY;
    return e == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

pid_t prepare_start(const struct cfg *cfg, const struct keys *keys)
{
    static const struct sockets none = {.fd = {-1, -1}};
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        log_error("fork: %s", strerror(errno));
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    sockets_only(&none);
    exit(prepare(cfg, keys));
}

enum err prepare_wait(const struct cfg *cfg, const struct keys *keys)
{
    int status;
    pid_t pid = prepare_start(cfg, keys);

    if (pid < 0)
        return ERR_IO;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ERR_IO;
    if (!WIFEXITED(status))
        return ERR_CONFIG;
    if (WEXITSTATUS(status) == STORE_AWAY)
        return ERR_DB_DOWN;
    return WEXITSTATUS(status) == EXIT_SUCCESS ? ERR_OK : ERR_CONFIG;
}
