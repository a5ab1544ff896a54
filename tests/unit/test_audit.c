/* The streams of the audit log: one line whatever comes, in the file and for syslog, whose function is ours here. */
#include "../lib/suite.h"

#include "app/audit.h"
#include "base/enc.h"
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define AT INT64_C(1795423980123) /* 2026-11-23T08:53:00.123Z */

static char dir[] = "/tmp/latchkey-audit-XXXXXX", path[64], log_path[64], text[40000], told[20000];
static int tolds, priority;
static struct cfg cfg;
static struct arena *arena;

/* --- syslog(3), under both of its names ----------------------------------------------------------------------------
 */

PRINTF_LIKE(2, 0)
static void keep(int pri, const char *fmt, va_list ap)
{
    priority = pri;
    tolds++;
    vsnprintf(told, sizeof told, fmt, ap);
}

void syslog(int pri, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep(pri, fmt, ap);
    va_end(ap);
}

void __syslog_chk(int pri, int flag, const char *fmt, ...) PRINTF_LIKE(3, 4);
void __syslog_chk(int pri, int flag, const char *fmt, ...)
{
    va_list ap;

    (void)flag;
    va_start(ap, fmt);
    keep(pri, fmt, ap);
    va_end(ap);
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static const char *read_file(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static struct auth begin(const char *file, bool to_syslog)
{
    arena_reset(arena);
    unlink(path);
    CU_ASSERT_EQUAL(truncate(log_path, 0), 0);
    tolds = 0;
    *told = '\0';
    cfg = (struct cfg){.audit_file = file, .audit_syslog = to_syslog};
    return (struct auth){.cfg = &cfg, .arena = arena, .now = AT};
}

/* One event of a visitor with this User-Agent, written. */
static void write_agent(const char *file, bool to_syslog, const char *agent)
{
    struct auth au = begin(file, to_syslog);

    au.by = (struct act){.ip = "192.0.2.1", .agent = agent, .request = "r"};
    journal_note(&au, EV_REQUEST_REFUSED, &(struct audit){.reason = "INVALID_ORIGIN"});
    audit_write(&au);
    CU_ASSERT(au.notes.n == 0 && au.notes.done == 0);
}

#define HEAD                                                                                                         \
    "{\"at\":\"2026-11-23T08:53:00.123Z\",\"event\":\"request-refused\",\"actor\":\"visitor\",\"reason\":\"INVALID_" \
    "ORIGIN\""
#define LINE(agent) HEAD ",\"ipAddress\":\"192.0.2.1\",\"userAgent\":\"" agent "\",\"requestId\":\"r\"}"

static void test_a_line(void)
{
    struct stat st;

    write_agent(path, true, "Fox %s%n/1");
    CU_ASSERT_STRING_EQUAL(read_file(path), LINE("Fox %s%n/1") "\n");
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
    CU_ASSERT_STRING_EQUAL(told, "latchkey: " LINE("Fox %s%n/1")); /* whose protocol has an end of its own */
    CU_ASSERT(tolds == 1 && priority == (LOG_AUTHPRIV | LOG_INFO));
}

static void test_each_where_it_belongs(void)
{
    write_agent(path, false, "");
    CU_ASSERT_STRING_EQUAL(read_file(path),
                           HEAD ",\"ipAddress\":\"192.0.2.1\",\"requestId\":\"r\"}\n"); /* no empty value */
    CU_ASSERT_EQUAL(tolds, 0);
    write_agent("", true, "x");
    CU_ASSERT(tolds == 1 && access(path, F_OK) != 0);
    write_agent("", false, "x");
    CU_ASSERT(tolds == 0 && access(path, F_OK) != 0);
}

static void test_what_is_not_done_is_not_told(void)
{
    struct auth au = begin(path, true);

    audit_write(&au);
    CU_ASSERT(access(path, F_OK) != 0); /* nothing to tell */
    for (int i = 0; i < 9; i++)
        journal_note(&au, EV_REQUEST_REFUSED, &(struct audit){.reason = arena_printf(arena, "r%d", i)});
    au.notes.v[7] = au.notes.v[8];
    au.notes.done = 7; /* two of a transaction that never came to its end */
    audit_write(&au);
    audit_write(&au);
    CU_ASSERT_EQUAL(tolds, 7);
    int lines = 0;
    for (const char *p = read_file(path); (p = strchr(p, '\n')); p++)
        lines++;
    CU_ASSERT(lines == 7 && strstr(text, "\"r6\"") && !strstr(text, "\"r8\""));
}

static void test_escapes(void)
{
    write_agent(
        path, true,
        "a\r\n\"\\\x1b[2J\x7f\xC2\x80\xC2\x9B\xC2\xA0\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAE\xE2\x81\xA6\xE2\x82\xAC");
    CU_ASSERT_STRING_EQUAL(
        read_file(path),
        LINE("a\\r\\n\\\"\\\\\\u001b[2J\\u007f\\u0080\\u009b\xC2\xA0\\u2028\\u2029\\u202e\\u2066\xE2\x82\xAC") "\n");
    CU_ASSERT_EQUAL(strlen(told), strlen("latchkey: ") + strlen(text) - 1);
}

/* Each byte alone and before each other, as the request's header is cleaned. */
static void test_every_byte_gives_one_clean_line(void)
{
    for (int c = 1; c < 256; c++)
        for (int d = 1; d < 256; d += c < 0x80 ? 0x7F : 1) {
            const char bytes[] = {(char)c, (char)d, (char)0xA8, '\0'};
            struct auth au = begin(path, false);
            au.by.agent = enc_utf8_clean(arena, bytes, sizeof bytes);
            journal_note(&au, EV_REQUEST_REFUSED, &(struct audit){.reason = NULL});
            audit_write(&au);
            const char *line = read_file(path), *p = line;
            size_t len = strlen(line);
            while (*p && *p != '\n' && enc_utf8_steering(p) == 0)
                p++;
            CU_ASSERT(len > 0 && p == line + len - 1 && *p == '\n' && enc_utf8_valid(line, len));
        }
}

/* --- what cannot be written ----------------------------------------------------------------------------------------
 */

static void test_full(void)
{
    write_agent("/dev/full", true, "x");
    CU_ASSERT_EQUAL(tolds, 1); /* the other stream has it */
    CU_ASSERT_PTR_NOT_NULL(strstr(read_file(log_path), "error audit file /dev/full: No space left on device\n"));
}

static void test_nowhere(void)
{
    write_agent("/nonexistent/audit.log", true, "x");
    CU_ASSERT_EQUAL(tolds, 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(read_file(log_path), "error audit file /nonexistent/audit.log: No such file or directory\n"));
}

static void test_check(void)
{
    struct auth au = begin(path, false);

    CU_ASSERT_EQUAL(audit_check(au.cfg), ERR_OK);
    CU_ASSERT(access(path, F_OK) == 0 && *read_file(log_path) == '\0');
    cfg.audit_file = "";
    CU_ASSERT_EQUAL(audit_check(&cfg), ERR_OK);
    cfg.audit_file = dir;
    CU_ASSERT_EQUAL(audit_check(&cfg), ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(read_file(log_path), ": Is a directory\n"));
}

static CU_TestInfo tests[] = {
    {"a line, in the file and for syslog", test_a_line},
    {"each where it belongs", test_each_where_it_belongs},
    {"what is not done is not told", test_what_is_not_done_is_not_told},
    {"escapes", test_escapes},
    {"every byte gives one clean line", test_every_byte_gives_one_clean_line},
    {"full", test_full},
    {"nowhere", test_nowhere},
    {"check", test_check},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (!mkdtemp(dir) || arena_open(&arena, 4096) != ERR_OK)
        return 2;
    snprintf(path, sizeof path, "%s/audit.log", dir);
    snprintf(log_path, sizeof log_path, "%s/log", dir);
    if (log_open(log_path, LVL_INFO) != ERR_OK)
        return 2;
    int status = suite_run("audit", tests, NULL, NULL);
    unlink(path);
    unlink(log_path);
    rmdir(dir);
    arena_close(&arena);
    return status;
}
