/* Listening sockets: modes, old files, addresses. */
#include "suite.h"

#include "base/log.h"
#include "http/fcgi.h"

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/test_listen.XXXXXX", path[64];

static enum err try(const char *where, const char *group, int *fd)
{
    *fd = -1;
    return fcgi_listen(where, group, 8, fd);
}

static bool connects(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path, path, sizeof path);
    bool ok = connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
    close(fd);
    return ok;
}

static void test_mode(void)
{
    static const mode_t masks[] = {0, 022, 0777};
    struct stat st;
    int fd;

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        CU_ASSERT_EQUAL(try(path, "", &fd), ERR_OK);
        CU_ASSERT_EQUAL(umask(before), masks[i]); /* given back */
        CU_ASSERT_EQUAL(stat(path, &st), 0);
        CU_ASSERT_TRUE(S_ISSOCK(st.st_mode));
        CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
        CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        CU_ASSERT_TRUE(connects());
        close(fd);
        unlink(path);
    }
}

static void test_group(void)
{
    struct group *mine = getgrgid(getegid());
    struct stat st;
    int fd;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mine);
    CU_ASSERT_EQUAL(try(path, mine->gr_name, &fd), ERR_OK);
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_gid, getegid());
    close(fd);
    unlink(path);
    CU_ASSERT_EQUAL(try(path, "no such group", &fd), ERR_IO);
    CU_ASSERT_EQUAL(fd, -1);
    unlink(path);
}

static void test_stale_and_live(void)
{
    int fd, second;

    CU_ASSERT_EQUAL(try(path, "", &fd), ERR_OK);
    CU_ASSERT_EQUAL(try(path, "", &second), ERR_IO); /* live */
    CU_ASSERT_TRUE(connects());
    close(fd);
    CU_ASSERT_FALSE(connects());
    CU_ASSERT_EQUAL(try(path, "", &fd), ERR_OK); /* stale */
    CU_ASSERT_TRUE(connects());
    close(fd);
    unlink(path);
}

static void test_live_with_full_backlog(void)
{
    int fd, second, many[64], n = 0;

    CU_ASSERT_EQUAL(fcgi_listen(path, "", 1, &fd), ERR_OK);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, path, sizeof path);
    do
        many[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    while (connect(many[n++], (struct sockaddr *)&to, sizeof to) == 0 && n < 64);
    CU_ASSERT_TRUE(n < 64);
    CU_ASSERT_EQUAL(try(path, "", &second), ERR_IO);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    while (n > 0)
        close(many[--n]);
    close(fd);
    unlink(path);
}

static void test_other_files_stay(void)
{
    char aside[80];
    int fd, file = open(path, O_CREAT | O_WRONLY, 0600);

    CU_ASSERT_TRUE(file >= 0);
    close(file);
    CU_ASSERT_EQUAL(try(path, "", &fd), ERR_IO);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    unlink(path);
    snprintf(aside, sizeof aside, "%s/aside", dir);
    CU_ASSERT_EQUAL(symlink(aside, path), 0);
    CU_ASSERT_EQUAL(try(path, "", &fd), ERR_IO);
    CU_ASSERT_NOT_EQUAL(access(aside, F_OK), 0);
    unlink(path);
}

static void test_paths_refused(void)
{
    char longest[200];
    int fd;

    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    CU_ASSERT_EQUAL(try(longest, "", &fd), ERR_IO);
    CU_ASSERT_EQUAL(try("/nonexistent/dir/s.sock", "", &fd), ERR_IO);
}

static void test_addresses(void)
{
    static const char *const bad[] = {
        "",      "127.0.0.1", "127.0.0.1:",  ":9000",       "::1:9000",     "localhost:9000",
        "[::1]", "[::1]9000", "127.0.0.1:x", "256.0.0.1:0", "[127.0.0.1:0", "name"};
    int fd;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (try(bad[i], "", &fd) != ERR_IO)
            printf("taken: %s\n", bad[i]);
        CU_ASSERT_EQUAL(try(bad[i], "", &fd), ERR_IO);
    }
    CU_ASSERT_EQUAL(try("127.0.0.1:0", "", &fd), ERR_OK);
    CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    if (access("/proc/net/if_inet6", R_OK) == 0) {
        CU_ASSERT_EQUAL(try("[::1]:0", "", &fd), ERR_OK);
        close(fd);
    }
}

static int setup(void)
{
    if (log_open("/dev/null", LVL_ERROR) != ERR_OK || !mkdtemp(dir))
        return 1;
    return snprintf(path, sizeof path, "%s/s", dir) < 0;
}

static int teardown(void)
{
    return rmdir(dir);
}

static CU_TestInfo tests[] = {
    {"mode", test_mode},
    {"group", test_group},
    {"stale and live", test_stale_and_live},
    {"live with full backlog", test_live_with_full_backlog},
    {"other files stay", test_other_files_stay},
    {"paths refused", test_paths_refused},
    {"addresses", test_addresses},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("listen", tests, setup, teardown);
}
