/* Deadlines by POSIX timers. A receive time-out on the socket could not do this: libraries loop over their reads, and a
 * byte every few seconds would start each read's time-out anew. Must not do more in the handler than shutdown(2). */
#include "base/deadline.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { THIRDS = 3 };

static void on_alarm(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)context;
    int saved = errno;

    if (info->si_code != SI_TIMER)
        return;
    struct deadline *d = info->si_value.sival_ptr;
    d->third += 1 + info->si_overrun;
    if (d->fd >= 0 && (d->early || d->third >= THIRDS)) {
        d->hit = 1;
        shutdown(d->fd, SHUT_RDWR);
    }
    errno = saved;
}

enum err deadline_open(struct deadline *d)
{
    struct sigaction act = {.sa_sigaction = on_alarm, .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = d};
    sigset_t alarm_only;

    *d = (struct deadline){.fd = -1};
    sigemptyset(&act.sa_mask);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    if (sigaction(SIGALRM, &act, NULL) != 0 || sigprocmask(SIG_UNBLOCK, &alarm_only, NULL) != 0 ||
        timer_create(CLOCK_MONOTONIC, &event, &d->timer) != 0) {
        log_error("no timer for deadlines: %s", strerror(errno));
        return ERR_IO;
    }
    d->open = true;
    return ERR_OK;
}

/* An alarm that is on its way already finds fd -1; SIGALRM is not blocked, so none stays behind. */
void deadline_close(struct deadline *d)
{
    d->fd = -1;
    if (d->open)
        timer_delete(d->timer);
    d->open = false;
}

/* The last timer may still run: arming replaces it before the descriptor is shown to the handler. The timer repeats after
 * each third, so that giving the rest costs no system call, and one that passed between these lines (a stopped process) is
 * not the last. */
void deadline_start(struct deadline *d, int fd, int64_t ms)
{
    int64_t third = ms / THIRDS > 0 ? ms / THIRDS : 1;
    struct timespec t = {third / 1000, (long)(third % 1000) * 1000000};
    struct itimerspec when = {.it_value = t, .it_interval = t};

    timer_settime(d->timer, 0, &when, NULL);
    d->hit = 0;
    d->third = 0;
    d->early = 1;
    d->fd = fd;
}

void deadline_rest(struct deadline *d)
{
    d->early = 0;
}

void deadline_forget(struct deadline *d)
{
    d->fd = -1;
}

void deadline_stop(struct deadline *d)
{
    static const struct itimerspec never;

    d->fd = -1;
    timer_settime(d->timer, 0, &never, NULL);
}
