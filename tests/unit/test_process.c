/* Signals and descriptors a process starts with. Each case runs in a child, which its changes end with. */
#include "process.h"

#include "suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(int (*run)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(run());
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void (*handler_of(int sig))(int)
{
    struct sigaction act;
    sigaction(sig, NULL, &act);
    return act.sa_handler;
}

static int stops_are_taken(void)
{
    sigset_t open, now;

    signal(SIGHUP, SIG_DFL); /* under nohup(1) it is ignored, and stays so */
    if (process_signals(HUP_STOPS, &open) != ERR_OK || process_stop)
        return 1;
    sigprocmask(SIG_BLOCK, NULL, &now);
    if (!sigismember(&now, SIGTERM) || !sigismember(&now, SIGHUP) || sigismember(&open, SIGTERM))
        return 2;
    raise(SIGHUP);
    if (process_stop)
        return 3; /* let in only while waiting */
    sigprocmask(SIG_SETMASK, &open, NULL);
    return process_stop ? 0 : 4;
}

static int ignored_stays_ignored(void)
{
    sigset_t open;

    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (process_signals(HUP_STOPS, &open) != ERR_OK)
        return 1;
    /* TERM always counts: somebody must be able to end it */
    return handler_of(SIGHUP) == SIG_IGN && handler_of(SIGINT) == SIG_IGN && handler_of(SIGTERM) != SIG_IGN ? 0 : 2;
}

static int full_files_do_not_kill(void)
{
    sigset_t open;

    if (process_signals(HUP_STOPS, &open) != ERR_OK)
        return 1;
    return handler_of(SIGXFSZ) == SIG_IGN && handler_of(SIGPIPE) == SIG_IGN ? 0 : 2;
}

static int reopening_is_asked_once(void)
{
    sigset_t open;

    if (process_signals(HUP_STOPS, &open) != ERR_OK || process_reopen())
        return 1;
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, &open, NULL);
    return process_reopen() && !process_reopen() ? 0 : 2;
}

static int closed_descriptors_are_filled(void)
{
    struct stat st, null;

    close(STDIN_FILENO);
    close(STDERR_FILENO);
    if (process_descriptors() != ERR_OK || stat("/dev/null", &null) != 0)
        return 1;
    if (fstat(STDIN_FILENO, &st) != 0 || st.st_rdev != null.st_rdev)
        return 2;
    if (fstat(STDERR_FILENO, &st) != 0 || st.st_rdev != null.st_rdev)
        return 3;
    return open("/dev/null", O_RDONLY) > STDERR_FILENO ? 0 : 4;
}

#define CASE(name)                          \
    static void test_##name(void)           \
    {                                       \
        CU_ASSERT_EQUAL(in_child(name), 0); \
    }
CASE(stops_are_taken)
CASE(ignored_stays_ignored)
CASE(full_files_do_not_kill)
CASE(reopening_is_asked_once)
CASE(closed_descriptors_are_filled)

static CU_TestInfo tests[] = {
    {"stops are taken while waiting only", test_stops_are_taken},
    {"what was ignored stays ignored", test_ignored_stays_ignored},
    {"full files do not kill", test_full_files_do_not_kill},
    {"reopening is asked once", test_reopening_is_asked_once},
    {"closed descriptors are filled", test_closed_descriptors_are_filled},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN("process", tests)
