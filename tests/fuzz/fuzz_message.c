/* Any bytes as name, subject, address, text and HTML (lines of the input that NULs part): a message is ASCII in lines
 * of at most 998 characters, its head has the fields it is to have, once each, and nothing else. */
#include "fuzz.h"

#include "mail/mail.h"

enum { PARTS = 5 };

static void check_line(const char *s, size_t n, bool head)
{
    FUZZ_CHECK(n <= (head ? 600 : 76));
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK((s[i] >= ' ' && s[i] <= '~') || s[i] == '\t');
}

static void check_head(const char *s, const char *end)
{
    static const char *const fields[] = {
        "Date",         "From",        "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
        "MIME-Version", "Content-Type"};
    size_t at = 0;

    while (s < end) {
        const char *stop = strstr(s, "\r\n");
        if (*s != ' ') {
            const char *name = at < sizeof fields / sizeof fields[0] ? fields[at++] : "Content-Transfer-Encoding";
            FUZZ_CHECK(strncmp(s, name, strlen(name)) == 0 && s[strlen(name)] == ':');
        }
        s = stop + 2;
    }
    FUZZ_CHECK(at == sizeof fields / sizeof fields[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    const char *part[PARTS] = {"", "", "a@example.org", "", ""}, *p = (const char *)data, *end = p + size;

    for (int i = 0; i < PARTS && p < end; i++) {
        size_t n = strnlen(p, (size_t)(end - p));
        part[i] = arena_strndup(a, p, n);
        p += n + (p + n < end);
    }
    struct message m = {.from = "from@example.org",
                        .from_name = part[0],
                        .subject = part[1],
                        .to = part[2],
                        .text = part[3],
                        .html = part[4],
                        .ref = "abc",
                        .date = (int64_t)size * 86399};
    struct buf out = buf_in(a);
    if (message_write(&m, &out) == ERR_OK) {
        const char *head = strstr(out.s, "\r\n\r\n");
        FUZZ_CHECK(strlen(out.s) == out.len && head);
        check_head(out.s, head + 2);
        for (const char *s = out.s; *s;) {
            const char *stop = strstr(s, "\r\n");
            FUZZ_CHECK(stop);
            check_line(s, (size_t)(stop - s), s < head);
            s = stop + 2;
        }
    }
    arena_close(&a);
    return 0;
}
