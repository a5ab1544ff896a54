/* The file of breached passwords. Hashes that are looked for are as short as a name: "1" is 11…11. */
#include "../lib/suite.h"

#include "base/log.h"
#include "crypto/breached.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define H(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c

static char path[] = "/tmp/latchkey-breached-XXXXXX";

static void put(const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, n) == (ssize_t)n);
    close(fd);
}

/* 'y' found, 'n' not, 'e' error */
static char find_in(const char *file, int digit)
{
    uint8_t hash[SHA1_LEN];
    bool found = false;
    memset(hash, digit * 0x11, sizeof hash);
    if (breached_find(file, hash, &found) != ERR_OK)
        return 'e';
    return found ? 'y' : 'n';
}

static char find(int digit)
{
    return find_in(path, digit);
}

/* What is found of the digits 0 to 15, each as a letter. */
static const char *found(const char *text)
{
    static char all[17];
    put(text, strlen(text));
    for (int i = 0; i < 16; i++)
        all[i] = find(i);
    return all;
}

static bool checked(const char *text)
{
    put(text, strlen(text));
    return breached_check(path) == ERR_OK;
}

static void test_first_middle_last_absent(void)
{
    CU_ASSERT_STRING_EQUAL(found(H("1") "\n" H("5") "\n" H("7") "\n" H("9") "\n" H("E") "\n"), "nynnnynynynnnnyn");
    CU_ASSERT_STRING_EQUAL(found(H("0") "\n" H("F") "\n"), "ynnnnnnnnnnnnnny");
    CU_ASSERT_STRING_EQUAL(found(H("0") "\n" H("0") "\n" H("F") "\n" H("F") "\n"), "ynnnnnnnnnnnnnny");
}

static void test_one_line(void)
{
    CU_ASSERT_STRING_EQUAL(found(H("7") "\n"), "nnnnnnnynnnnnnnn");
    CU_ASSERT_STRING_EQUAL(found(H("7")), "nnnnnnnynnnnnnnn");
    CU_ASSERT(checked(H("7")));
}

static void test_lines_of_all_forms(void)
{
    CU_ASSERT_STRING_EQUAL(found(H("1") ":3\n" H("5") ":123456789\n" H("7") "\n" H("9") ":1\n"), "nynnnynynynnnnnn");
    CU_ASSERT_STRING_EQUAL(found(H("1") ":3\r\n" H("5") "\r\n" H("7") ":12\r\n"), "nynnnynynnnnnnnn");
    CU_ASSERT_STRING_EQUAL(found(H("A") ":3\n" H("b") "\n" H("C") "\n" H("d") ":4"), "nnnnnnnnnnyyyynn");
    CU_ASSERT(checked(H("1") ":3\r\n" H("5") "\r\n" H("a") ":12\n" H("B")));
}

static void test_many_lines(void)
{
    static char text[2000 * 64];
    size_t n = 0;
    uint8_t hash[SHA1_LEN];
    bool hit;
    for (unsigned i = 0; i < 2000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, i % 3 ? "%08X%032d:%u\n" : "%08X%032d\n", 2 * i, 0, i * i);
    put(text, n);
    CU_ASSERT_EQUAL(breached_check(path), ERR_OK);
    memset(hash, 0, sizeof hash);
    for (unsigned i = 0; i < 4000; i++) {
        hash[2] = (uint8_t)(i >> 8);
        hash[3] = (uint8_t)i;
        CU_ASSERT(breached_find(path, hash, &hit) == ERR_OK && hit == (i % 2 == 0));
    }
}

static void test_what_is_no_list(void)
{
    static char huge[100000];
    static const char *const bad[] = {
        "",
        "\n",
        "password\n",
        "12345678901234567890\n",
        H("7") " \n",
        H("7") ":\n",
        H("7") ":x\n",
        H("7") ":12 \n",
        H("7") ";12\n",
        H("7") "7\n",
        H("7") ":1234567890123456789012345\n",
        "G" H("7") "\n",
        "\xEF\xBB\xBF" H("7") "\n",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FDX:3\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_FALSE(checked(bad[i]));
        CU_ASSERT_EQUAL(find(7), 'e');
    }
    memset(huge, 'A', sizeof huge);
    put(huge, sizeof huge);
    CU_ASSERT_EQUAL(find(7), 'e');
    CU_ASSERT_EQUAL(breached_check(path), ERR_IO);
    memset(huge, '\n', sizeof huge);
    put(huge, sizeof huge);
    CU_ASSERT_EQUAL(find(7), 'e');
}

static void test_cut_in_the_middle_of_a_line(void)
{
    const char *text = H("1") "\n" H("5") "\n" H("7") "\nFFFFFFFFF";
    CU_ASSERT_FALSE(checked(text));
    CU_ASSERT_EQUAL(find(15), 'e');
    CU_ASSERT_EQUAL(find(1), 'y');
}

static void test_another_order(void)
{
    CU_ASSERT_FALSE(checked(H("7") ":9\n" H("5") ":8\n" H("F") ":7\n" H("1") ":6\n" H("3") ":5\n"));
    CU_ASSERT_FALSE(checked(H("2") "\n" H("1") "\n"));
    CU_ASSERT(checked(H("1") "\n" H("2") "\n"));
}

static void test_what_is_no_file(void)
{
    char fifo[64];
    snprintf(fifo, sizeof fifo, "%s.fifo", path);
    CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
    const char *const none[] = {"/tmp", "/tmp/latchkey-none/there", "/dev/null", fifo};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        CU_ASSERT_EQUAL(find_in(none[i], 7), 'e');
        CU_ASSERT_EQUAL(breached_check(none[i]), ERR_IO);
    }
    unlink(fifo);
}

static CU_TestInfo tests[] = {
    {"first, middle, last, absent", test_first_middle_last_absent},
    {"one line", test_one_line},
    {"lines of all forms", test_lines_of_all_forms},
    {"many lines", test_many_lines},
    {"what is no list", test_what_is_no_list},
    {"cut in the middle of a line", test_cut_in_the_middle_of_a_line},
    {"another order", test_another_order},
    {"what is no file", test_what_is_no_file},
    CU_TEST_INFO_NULL,
};

static int begin(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    return log_open("/dev/null", LVL_ERROR) != ERR_OK;
}

static int end(void)
{
    return unlink(path);
}

int main(void)
{
    return suite_run("breached", tests, begin, end);
}
