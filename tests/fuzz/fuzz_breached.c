/* Any bytes as a file of breached passwords, a hash in front of them: no crash, and in a file that is as it should be
 * exactly what stands there is found. */
#include "fuzz.h"

#include "crypto/breached.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEX ((size_t)2 * SHA1_LEN)

/* One line as the documentation has it, read from left to right. */
static bool line_ok(const char *s, size_t n, uint8_t hash[static SHA1_LEN])
{
    char hex[2 * SHA1_LEN + 1] = "", *rest;

    if (n > 0 && s[n - 1] == '\r')
        n--;
    if (n < HEX || memchr(s, '\0', n) || n > 60)
        return false;
    memcpy(hex, s, HEX);
    if (!enc_unhex(hex, hash, SHA1_LEN))
        return false;
    if (n == HEX)
        return true;
    char count[32] = "";
    memcpy(count, s + HEX + 1, n - HEX - 1);
    if (s[HEX] != ':' || count[0] < '0' || count[0] > '9')
        return false;
    (void)strtoull(count, &rest, 10);
    return *rest == '\0';
}

/* Is it a sorted list, and does the hash stand in it? */
static bool list_ok(const char *s, size_t n, const uint8_t *sought, bool *there)
{
    uint8_t hash[SHA1_LEN], last[SHA1_LEN] = {0};

    *there = false;
    for (const char *end = s + n, *feed; s < end; s = feed + 1) {
        feed = memchr(s, '\n', (size_t)(end - s));
        if (!feed)
            feed = end;
        if (!line_ok(s, (size_t)(feed - s), hash) || memcmp(hash, last, SHA1_LEN) < 0)
            return false;
        memcpy(last, hash, SHA1_LEN);
        *there |= memcmp(hash, sought, SHA1_LEN) == 0;
    }
    return n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    uint8_t sought[SHA1_LEN] = {0};
    size_t key = size < SHA1_LEN ? size : SHA1_LEN;
    char path[64];
    bool found = false, there;
    int fd = memfd_create("breached", MFD_CLOEXEC);

    memcpy(sought, data, key);
    FUZZ_CHECK(fd >= 0 && write(fd, data + key, size - key) == (ssize_t)(size - key));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    bool good = list_ok((const char *)data + key, size - key, sought, &there);
    enum err e = breached_find(path, sought, &found), c = breached_check(path);
    close(fd);
    if (good)
        FUZZ_CHECK(e == ERR_OK && c == ERR_OK && found == there);
    FUZZ_CHECK(!found || e == ERR_OK);
    arena_close(&a);
    return 0;
}
