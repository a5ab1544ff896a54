/* The log: one line whatever comes, escaping, cutting, levels, rotation. The clock is ours. */
#include "../lib/suite.h"

#include "base/clock.h"
#include "base/enc.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP "2026-11-23T08:53:00.123Z "

static char dir[] = "/tmp/latchkey-log-XXXXXX";
static char path[64], other[64], text[20000];

int64_t clock_now(void)
{
    return INT64_C(1795423980123);
}

static const char *read_log(const char *name)
{
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void start(enum log_level level)
{
    unlink(path);
    unlink(other);
    log_name(NULL);
    log_request(NULL);
    CU_ASSERT_FATAL(log_open(path, level) == ERR_OK);
}

static void test_form_of_a_line(void)
{
    start(LVL_DEBUG);
    log_error("one %d", 1);
    log_name("worker 3");
    log_warn("two");
    log_request("r-1");
    log_info("three");
    log_name(NULL);
    log_debug("four");
    CU_ASSERT_STRING_EQUAL(read_log(path), STAMP "error one 1\n" STAMP "warn  [worker 3] two\n" STAMP
                                                 "info  [worker 3] [r-1] three\n" STAMP "debug [r-1] four\n");
}

static void test_levels(void)
{
    start(LVL_WARN);
    CU_ASSERT(log_wants(LVL_ERROR) && log_wants(LVL_WARN) && !log_wants(LVL_INFO) && !log_wants(LVL_DEBUG));
    log_info("not this");
    log_warn("this");
    CU_ASSERT_STRING_EQUAL(read_log(path), STAMP "warn  this\n");
}

static void test_escapes(void)
{
    start(LVL_INFO);
    log_info("%s", "a\r\nb\x1b[31m\x7f\tc\\d\"e");
    log_info("%s", "\xC3\xA9 \xF0\x9F\x98\x80 \xC3( \xFF \xED\xA0\x80");
    log_info("%s", "\xC2\x9B|\xC2\xA0|\xE2\x80\xA8|\xE2\x80\xA9|\xE2\x80\xAA");
    CU_ASSERT_STRING_EQUAL(read_log(path),
                           STAMP "info  a\\x0D\\x0Ab\\x1B[31m\\x7F\\x09c\\\\d\"e\n" STAMP
                                 "info  \xC3\xA9 \xF0\x9F\x98\x80 \\xC3( \\xFF \\xED\\xA0\\x80\n" STAMP
                                 "info  \\xC2\\x9B|\xC2\xA0|\\xE2\\x80\\xA8|\\xE2\\x80\\xA9|\xE2\x80\xAA\n");
}

static void test_name_and_request_are_escaped(void)
{
    start(LVL_INFO);
    log_request("x\ny");
    log_info("z");
    CU_ASSERT_STRING_EQUAL(read_log(path), STAMP "info  [x\\x0Ay] z\n");
    log_request(NULL);
}

static void test_every_byte_gives_one_clean_line(void)
{
    for (int c = 1; c < 256; c++) {
        start(LVL_INFO);
        log_info("<%c>", c);
        const char *line = read_log(path);
        size_t len = strlen(line);
        CU_ASSERT(len > 0 && strchr(line, '\n') == line + len - 1 && enc_utf8_valid(line, len));
        for (size_t i = 0; i + 1 < len; i++)
            CU_ASSERT((unsigned char)line[i] >= 0x20 && line[i] != 0x7F);
    }
}

static void test_cut_at_4k_on_a_character(void)
{
    static char big[9000];
    const char *units[] = {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x1b", "\xFF", "\\"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        for (size_t shift = 0; shift < 5; shift++) {
            size_t n = shift;
            memset(big, 'a', shift);
            while (n + 5 < sizeof big) {
                memcpy(big + n, units[u], strlen(units[u]));
                n += strlen(units[u]);
            }
            big[n] = '\0';
            start(LVL_INFO);
            log_info("%s", big);
            const char *line = read_log(path);
            size_t len = strlen(line);
            CU_ASSERT(len <= 4096 && len > 4096 - 16);
            CU_ASSERT(strcmp(line + len - 4, "...\n") == 0 && strchr(line, '\n') == line + len - 1);
            CU_ASSERT(enc_utf8_valid(line, len));
        }
}

static void test_reopen_after_rotation(void)
{
    start(LVL_INFO);
    log_info("old");
    CU_ASSERT_EQUAL(rename(path, other), 0);
    log_info("still old");
    log_reopen();
    log_info("new");
    CU_ASSERT_STRING_EQUAL(read_log(other), STAMP "info  old\n" STAMP "info  still old\n");
    CU_ASSERT_STRING_EQUAL(read_log(path), STAMP "info  new\n");
}

static void test_appends_and_mode(void)
{
    struct stat st;
    mode_t before = umask(0);
    start(LVL_INFO);
    umask(before);
    log_info("1");
    CU_ASSERT(log_open(path, LVL_INFO) == ERR_OK);
    log_info("2");
    CU_ASSERT_STRING_EQUAL(read_log(path), STAMP "info  1\n" STAMP "info  2\n");
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
}

static void test_failed_open_keeps_the_sink(void)
{
    start(LVL_INFO);
    CU_ASSERT_EQUAL(log_open("/nonexistent/dir/log", LVL_INFO), ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(read_log(path), "/nonexistent/dir/log"));
}

static void test_errno_survives(void)
{
    start(LVL_INFO);
    errno = EXDEV;
    log_info("x");
    CU_ASSERT_EQUAL(errno, EXDEV);
}

static CU_TestInfo tests[] = {
    {"form of a line", test_form_of_a_line},
    {"levels", test_levels},
    {"escapes", test_escapes},
    {"name and request are escaped", test_name_and_request_are_escaped},
    {"every byte gives one clean line", test_every_byte_gives_one_clean_line},
    {"cut at 4 KiB on a character", test_cut_at_4k_on_a_character},
    {"reopen after rotation", test_reopen_after_rotation},
    {"appends; mode", test_appends_and_mode},
    {"failed open keeps the sink", test_failed_open_keeps_the_sink},
    {"errno survives", test_errno_survives},
    CU_TEST_INFO_NULL,
};

static int make_dir(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(other, sizeof other, "%s/log.1", dir);
    return 0;
}

static int drop_dir(void)
{
    int e = log_open(NULL, LVL_INFO) != ERR_OK;
    unlink(path);
    unlink(other);
    return rmdir(dir) != 0 || e;
}

int main(void)
{
    return suite_run("log", tests, make_dir, drop_dir);
}
