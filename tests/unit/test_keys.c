/* The secret file: what is read, what is refused, how it is made and rotated, alone and by many at once. The MACs and
 * fingerprints were computed with Python's hmac. */
#include "../lib/suite.h"

#include "base/enc.h"
#include "base/log.h"
#include "crypto/keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ONE "0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define TWO "zweites Geheimnis mit Umlaut \xC3\xA4\xC3\xB6\xC3\xBC 12345"
#define ONE_PRINT "2ee3452ee08ab49de541e6d2f7386ee689f34e945fa59efe173bb5f5185af974"
#define TWO_PRINT "56069197b9e01498d9c9f1fc18f5a49005dcd2a18baa23c90ba5fb2008a361a4"
#define CHILDREN 16

static char dir[] = "/tmp/latchkey-keys-XXXXXX";
static char path[64], other[64];

static void put(const char *text, size_t n, mode_t mode)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, n) == (ssize_t)n && fchmod(fd, mode) == 0);
    close(fd);
}

static const char *get(void)
{
    static char text[40000];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static enum err opens(const char *text)
{
    struct keys *k = NULL;
    put(text, strlen(text), 0600);
    enum err e = keys_open(path, &k);
    CU_ASSERT_EQUAL(k != NULL, e == ERR_OK);
    keys_close(&k);
    return e;
}

static int entries(void)
{
    int n = 0;
    for (const char *c = get(); *c; c++)
        n += *c == '\n';
    return n;
}

static void test_reads_lines(void)
{
    struct keys *k = NULL;
    char print[KEYS_PRINT_SIZE];
    static const char text[] = "# newest first\n\n" ONE "\r\n   \n\t\r\n" TWO;
    put(text, sizeof text - 1, 0600);
    CU_ASSERT_FATAL(keys_open(path, &k) == ERR_OK);
    CU_ASSERT_EQUAL(keys_count(k), 2);
    CU_ASSERT(keys_print(k, 0, print) == ERR_OK && strcmp(print, ONE_PRINT) == 0);
    CU_ASSERT(keys_print(k, 1, print) == ERR_OK && strcmp(print, TWO_PRINT) == 0);
    CU_ASSERT_EQUAL(keys_print(k, 2, print), ERR_INTERNAL);
    keys_close(&k);
    CU_ASSERT_PTR_NULL(k);
    keys_close(&k);
    keys_close(NULL);
}

static void test_mac_is_over_the_bytes_of_the_line(void)
{
    struct keys *k = NULL;
    uint8_t mac[KEYS_MAC_LEN];
    char text[ENC_B64_LEN(KEYS_MAC_LEN) + 1];
    put(ONE "\n" TWO "\n", strlen(ONE "\n" TWO "\n"), 0400);
    CU_ASSERT_FATAL(keys_open(path, &k) == ERR_OK);
    CU_ASSERT(keys_mac(k, 0, "AbCdEfGhIjKlMnOpQrStUvWxYz012345", 32, mac) == ERR_OK);
    enc_b64(mac, sizeof mac, text);
    CU_ASSERT_STRING_EQUAL(text, "cgWVMhWWaBKsEy13MUtlkcKHKveiVBo11Uyz928VrWo=");
    CU_ASSERT(keys_mac(k, 1, "AbCdEfGhIjKlMnOpQrStUvWxYz012345", 32, mac) == ERR_OK);
    enc_b64(mac, sizeof mac, text);
    CU_ASSERT_STRING_EQUAL(text, "7sXh7rfKObG8VBj0OypQONJCQ+u2WHs6P+0R5iOu3oc=");
    CU_ASSERT_EQUAL(keys_mac(k, 2, "x", 1, mac), ERR_INTERNAL);
    keys_close(&k);
}

static void test_bounds(void)
{
    static char text[40000];
    CU_ASSERT_EQUAL(opens("1234567890123456789012345678901\n"), ERR_SECRET);
    CU_ASSERT_EQUAL(opens("12345678901234567890123456789012"), ERR_OK);
    CU_ASSERT_EQUAL(opens("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
                          "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\n"),
                    ERR_SECRET); /* 32 bytes, 16 characters */
    memset(text, 'x', 512);
    CU_ASSERT_EQUAL(opens(text), ERR_OK);
    text[512] = 'x';
    CU_ASSERT_EQUAL(opens(text), ERR_SECRET);
    memset(text, '#', sizeof text - 1);
    CU_ASSERT_EQUAL(opens(text), ERR_SECRET);
    CU_ASSERT_EQUAL(opens(ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n"), ERR_OK);
    CU_ASSERT_EQUAL(opens(ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE), ERR_SECRET);
}

static void test_refuses_contents(void)
{
    struct keys *k = NULL;
    CU_ASSERT_EQUAL(opens(""), ERR_SECRET);
    CU_ASSERT_EQUAL(opens("\n# only a comment\n  \n"), ERR_SECRET);
    CU_ASSERT_EQUAL(opens(ONE "\nshort\n"), ERR_SECRET);
    CU_ASSERT_EQUAL(opens(ONE "\x1b" ONE), ERR_SECRET);
    CU_ASSERT_EQUAL(opens(ONE "\r" ONE), ERR_SECRET);
    CU_ASSERT_EQUAL(opens(ONE "\xFF" ONE), ERR_SECRET);
    put(ONE "\0" ONE, sizeof ONE + sizeof ONE - 1, 0600);
    CU_ASSERT_EQUAL(keys_open(path, &k), ERR_SECRET);
    CU_ASSERT_PTR_NULL(k);
}

static void test_refuses_open_modes(void)
{
    const mode_t bad[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666, 0440, 0644};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keys *k = NULL;
        put(ONE "\n", strlen(ONE) + 1, bad[i]);
        CU_ASSERT_EQUAL(keys_open(path, &k), ERR_SECRET);
        CU_ASSERT_EQUAL(keys_add(path, 2), ERR_SECRET);
        CU_ASSERT_PTR_NULL(k);
        CU_ASSERT_STRING_EQUAL(get(), ONE "\n");
    }
}

static void test_refuses_what_is_no_file(void)
{
    struct keys *k = NULL;
    unlink(path);
    CU_ASSERT_FATAL(mkfifo(path, 0600) == 0);
    CU_ASSERT_EQUAL(keys_open(path, &k), ERR_SECRET);
    unlink(path);
    CU_ASSERT_FATAL(mkdir(path, 0700) == 0);
    CU_ASSERT_EQUAL(keys_open(path, &k), ERR_SECRET);
    rmdir(path);
    CU_ASSERT_EQUAL(keys_open("/nonexistent/dir/secret", &k), ERR_IO);
    CU_ASSERT_EQUAL(keys_open("", &k), ERR_SECRET);
    CU_ASSERT_PTR_NULL(k);
}

static void test_follows_a_link_but_not_into_nothing(void)
{
    struct keys *k = NULL;
    put(ONE "\n", strlen(ONE) + 1, 0600);
    unlink(other);
    CU_ASSERT_FATAL(symlink(path, other) == 0);
    CU_ASSERT(keys_open(other, &k) == ERR_OK && keys_count(k) == 1);
    keys_close(&k);
    CU_ASSERT(keys_add(other, 8) == ERR_OK);
    struct stat st;
    CU_ASSERT(lstat(other, &st) == 0 && S_ISLNK(st.st_mode) && entries() == 2);
    unlink(path);
    CU_ASSERT_EQUAL(keys_open(other, &k), ERR_IO);
    CU_ASSERT_PTR_NULL(k);
    unlink(other);
}

static void test_makes_a_file(void)
{
    struct keys *k = NULL, *again = NULL;
    struct stat st;
    char one[KEYS_PRINT_SIZE], two[KEYS_PRINT_SIZE];
    unlink(path);
    CU_ASSERT_FATAL(keys_open(path, &k) == ERR_OK && keys_open(path, &again) == ERR_OK);
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_nlink == 1 && st.st_size == 65);
    CU_ASSERT_EQUAL(strspn(get(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 64);
    CU_ASSERT(keys_print(k, 0, one) == ERR_OK && keys_print(again, 0, two) == ERR_OK);
    CU_ASSERT_STRING_EQUAL(one, two);
    keys_close(&k);
    keys_close(&again);
}

/* Runs fn in CHILDREN processes at once, each writing its fingerprint to a pipe; false unless all end well. */
static bool together(int (*fn)(int out), int *in)
{
    int go[2], out[2], good = 0;
    CU_ASSERT_FATAL(pipe(go) == 0 && pipe(out) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0) {
            char c;
            close(go[1]);
            (void)!read(go[0], &c, 1); /* all begin when the parent lets go */
            _exit(fn(out[1]));
        }
    }
    close(go[0]);
    close(go[1]);
    close(out[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        good += wait(&status) > 0 && status == 0;
    }
    *in = out[0];
    return good == CHILDREN;
}

static int child_open(int out)
{
    struct keys *k = NULL;
    char print[KEYS_PRINT_SIZE];
    if (keys_open(path, &k) != ERR_OK || keys_print(k, 0, print) != ERR_OK)
        return 1;
    keys_close(&k);
    return write(out, print, sizeof print) != sizeof print;
}

static int child_add(int out)
{
    (void)out;
    return keys_add(path, 8) != ERR_OK;
}

static void test_many_starting_at_once_agree(void)
{
    for (int round = 0; round < 20; round++) {
        char prints[CHILDREN][KEYS_PRINT_SIZE];
        int in;
        unlink(path);
        CU_ASSERT(together(child_open, &in));
        CU_ASSERT_EQUAL(read(in, prints, sizeof prints), (ssize_t)sizeof prints);
        close(in);
        for (int i = 1; i < CHILDREN; i++)
            CU_ASSERT(memcmp(prints[0], prints[i], KEYS_PRINT_SIZE) == 0);
    }
}

static void test_add_puts_in_front_and_drops(void)
{
    struct keys *k = NULL;
    char print[KEYS_PRINT_SIZE];
    put("# note\n" ONE "\n" TWO "\n", strlen("# note\n" ONE "\n" TWO "\n"), 0600);
    CU_ASSERT(keys_add(path, 2) == ERR_OK);
    CU_ASSERT_FATAL(keys_open(path, &k) == ERR_OK);
    CU_ASSERT_EQUAL(keys_count(k), 2);
    CU_ASSERT(keys_print(k, 0, print) == ERR_OK && strcmp(print, ONE_PRINT) != 0);
    CU_ASSERT(keys_print(k, 1, print) == ERR_OK && strcmp(print, ONE_PRINT) == 0);
    keys_close(&k);
    for (int i = 0; i < 12; i++)
        CU_ASSERT(keys_add(path, 100) == ERR_OK);
    CU_ASSERT_EQUAL(entries(), KEYS_MAX);
    CU_ASSERT(keys_add(path, 1) == ERR_OK && entries() == 1);
    CU_ASSERT(keys_add(path, 0) == ERR_OK && entries() == 1);
    struct stat st;
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
}

static void test_longest_secrets_can_be_kept(void)
{
    static char text[8 * (4 * KEYS_MAX_LEN + 1)];
    size_t n = 0;
    for (int i = 0; i < KEYS_MAX; i++) {
        for (int c = 0; c < KEYS_MAX_LEN; c++, n += 4)
            memcpy(text + n, "\xF0\x9F\x98\x80", 4);
        text[n++] = '\n';
    }
    put(text, n, 0600);
    CU_ASSERT(keys_add(path, 8) == ERR_OK && entries() == 8);
}

static void test_add_at_once_loses_none(void)
{
    for (int round = 0; round < 10; round++) {
        int in;
        struct keys *k = NULL;
        char one[KEYS_PRINT_SIZE], two[KEYS_PRINT_SIZE];
        put(ONE "\n", strlen(ONE) + 1, 0600);
        CU_ASSERT(together(child_add, &in));
        close(in);
        CU_ASSERT_EQUAL(entries(), KEYS_MAX);
        CU_ASSERT_FATAL(keys_open(path, &k) == ERR_OK);
        for (size_t i = 1; i < keys_count(k); i++) {
            CU_ASSERT(keys_print(k, i - 1, one) == ERR_OK && keys_print(k, i, two) == ERR_OK);
            CU_ASSERT_STRING_NOT_EQUAL(one, two);
        }
        keys_close(&k);
    }
}

static void test_add_needs_a_file(void)
{
    unlink(path);
    CU_ASSERT_EQUAL(keys_add(path, 2), ERR_IO);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
}

static CU_TestInfo tests[] = {
    {"reads lines", test_reads_lines},
    {"mac is over the bytes of the line", test_mac_is_over_the_bytes_of_the_line},
    {"bounds", test_bounds},
    {"refuses contents", test_refuses_contents},
    {"refuses open modes", test_refuses_open_modes},
    {"refuses what is no file", test_refuses_what_is_no_file},
    {"follows a link but not into nothing", test_follows_a_link_but_not_into_nothing},
    {"makes a file", test_makes_a_file},
    {"many starting at once agree", test_many_starting_at_once_agree},
    {"add puts in front and drops", test_add_puts_in_front_and_drops},
    {"longest secrets can be kept", test_longest_secrets_can_be_kept},
    {"add at once loses none", test_add_at_once_loses_none},
    {"add needs a file", test_add_needs_a_file},
    CU_TEST_INFO_NULL,
};

static int make_dir(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/secret", dir);
    snprintf(other, sizeof other, "%s/link", dir);
    return log_open("/dev/null", LVL_ERROR) != ERR_OK;
}

/* That the directory can be removed tells that no temporary file was left behind. */
static int drop_dir(void)
{
    unlink(path);
    return rmdir(dir) != 0;
}

int main(void)
{
    return suite_run("keys", tests, make_dir, drop_dir);
}
