/* A process that a web server has started, as mod_fcgid does, is told by nobody that its configuration is another one,
 * and its owner may not be able to find it. It looks by itself and leaves; the web server starts one that reads the new
 * one. Must not leave where nobody would. */
#include "process.h"

#include "base/log.h"

#include <unistd.h>

enum { LOOK_MS = 2000, PROCESS_1 = 1 };

static struct watch_file look(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct watch_file){.path = path};
    return (struct watch_file){path, true, st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

void watch_note(struct watch *w, int which, const char *path)
{
    w->file[which] = look(path);
    w->due = clock_steady() + LOOK_MS;
}

/* One that is away at this moment is being replaced. */
static bool changed(struct watch_file *seen)
{
    struct watch_file now = look(seen->path);
    bool same = now.there == seen->there && now.dev == seen->dev && now.ino == seen->ino && now.size == seen->size &&
                now.mtim.tv_sec == seen->mtim.tv_sec && now.mtim.tv_nsec == seen->mtim.tv_nsec;

    if (!now.there)
        return false;
    *seen = now;
    return !same;
}

static void tell(void *arg, const char *line)
{
    (void)arg;
    log_error("%s", line);
}

static bool usable(const char *path)
{
    struct cfg *cfg;

    if (config_load(path, tell, NULL, &cfg) == ERR_OK) {
        config_free(&cfg);
        return true;
    }
    log_error("the configuration is not usable: the old one stays in force");
    return false;
}

int64_t watch_wait(const struct watch *w)
{
    int64_t left = w->due - clock_steady();

    return left > 0 ? left : 0;
}

/* Who started a process that has become one of process 1 is gone: spawn-fcgi, a shell. */
bool watch_changed(struct watch *w)
{
    if (watch_wait(w) > 0)
        return false;
    w->due = clock_steady() + LOOK_MS;
    if (getppid() == PROCESS_1)
        return false;
    bool conf = changed(&w->file[WATCH_CONF]), secret = changed(&w->file[WATCH_SECRET]);
    if ((!conf && !secret) || !usable(w->file[WATCH_CONF].path))
        return false;
    log_info("the %s has changed: leaving", conf ? "configuration" : "secret file");
    return true;
}
