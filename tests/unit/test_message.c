/* A message as text. Encoded words and quoted-printable lines were made by Python's email package. */
#include "../lib/suite.h"

#include "base/net.h"
#include "mail/mail.h"

#include <stdio.h>
#include <string.h>

#define DAY1 INT64_C(1795424400123) /* 2026-11-23T09:00:00.123Z, a Monday */

static struct arena *arena;

static struct message plain(void)
{
    return (struct message){.from = "a@example.org",
                            .from_name = "Site",
                            .to = "b@example.org",
                            .subject = "Hi",
                            .text = "Hello\n",
                            .ref = "abc123",
                            .date = DAY1};
}

static const char *written(const struct message *m)
{
    struct buf out = buf_in(arena);

    CU_ASSERT_EQUAL_FATAL(message_write(m, &out), ERR_OK);
    CU_ASSERT_EQUAL(strlen(buf_str(&out)), out.len);
    return buf_str(&out);
}

static bool has(const struct message *m, const char *what)
{
    const char *s = written(m);
    bool there = strstr(s, what) != NULL;

    if (!there)
        printf("not in it: <<%s>>\n%s", what, s);
    return there;
}

static void test_whole(void)
{
    struct message m = plain();

    CU_ASSERT_STRING_EQUAL(written(&m), "Date: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
                                        "From: \"Site\"\r\n <a@example.org>\r\n"
                                        "To: <b@example.org>\r\n"
                                        "Subject: Hi\r\n"
                                        "Message-ID:\r\n <latchkey.abc123@example.org>\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "X-Auto-Response-Suppress: All\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: quoted-printable\r\n"
                                        "\r\n"
                                        "Hello\r\n");
    m.html = "<p>Hello</p>";
    CU_ASSERT(has(&m, "Content-Type: multipart/alternative;\r\n boundary=\"=_abc123\"\r\n\r\n"
                      "--=_abc123\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "Hello\r\n\r\n"
                      "--=_abc123\r\n"
                      "Content-Type: text/html; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "<p>Hello</p>\r\n\r\n"
                      "--=_abc123--\r\n"));
    CU_ASSERT_STRING_EQUAL(written(&m), written(&m));
    m.from_name = "";
    CU_ASSERT(has(&m, "From: <a@example.org>\r\n"));
}

static void test_dates(void)
{
    struct message m = plain();

    m.date = 0;
    CU_ASSERT(has(&m, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"));
    m.date = INT64_C(951782399999); /* the end of a leap day's eve */
    CU_ASSERT(has(&m, "Date: Mon, 28 Feb 2000 23:59:59 +0000\r\n"));
    m.date = INT64_C(951782400000);
    CU_ASSERT(has(&m, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"));
    m.date = -1;
    CU_ASSERT(has(&m, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"));
}

static void test_subject(void)
{
    struct message m = plain();

    m.subject = "Gr\xc3\xbc\xc3\x9f"
                "e";
    CU_ASSERT(has(&m, "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"));
    m.subject = "=?UTF-8?Q?trick?="; /* what looks encoded is shown as it is */
    CU_ASSERT(has(&m, "Subject: =?UTF-8?B?PT9VVEYtOD9RP3RyaWNrPz0=?=\r\n"));
    m.subject = "";
    CU_ASSERT(has(&m, "Subject: \r\n"));
    /* cut between characters: 39 bytes are 13 of these */
    m.subject = "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac";
    CU_ASSERT(has(&m, "Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n"
                      " =?UTF-8?B?4oKs?=\r\n"));
}

static void test_names(void)
{
    struct message m = plain();

    m.from_name = "A \"B\" \\ C, <d@e>";
    CU_ASSERT(has(&m, "From: \"A \\\"B\\\" \\\\ C, <d@e>\"\r\n <a@example.org>\r\n"));
    m.from_name = "J\xc3\xb6rg";
    CU_ASSERT(has(&m, "From: =?UTF-8?B?SsO2cmc=?=\r\n <a@example.org>\r\n"));
}

static void test_nothing_injected(void)
{
    static const char *const evil[] = {"x\r\nBcc: e@example.org",
                                       "x\nBcc: e@example.org",
                                       "x\rBcc: e@example.org",
                                       "x\xc2\x85"
                                       "Bcc: e@example.org",
                                       "x\xe2\x80\xa8"
                                       "Bcc: e@example.org",
                                       "x\r\n\r\nBcc: e@example.org",
                                       "\xff\xfe\x80 Bcc: e@example.org"};
    struct message m = plain();

    for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++) {
        m.subject = m.from_name = evil[i];
        const char *s = written(&m), *head = strstr(s, "\r\n\r\n");
        CU_ASSERT_PTR_NOT_NULL_FATAL(head);
        CU_ASSERT_PTR_NULL(strstr(s, "\r\nBcc"));
        CU_ASSERT_PTR_NULL(strstr(s, "\nBcc"));
        CU_ASSERT_STRING_EQUAL(head, "\r\n\r\nHello\r\n");
    }
    CU_ASSERT_STRING_EQUAL(message_line(arena,
                                        "a\r\nb\xe2\x80\xae"
                                        "c\x7f\x1b",
                                        100),
                           "a  b c  ");
    CU_ASSERT_STRING_EQUAL(message_line(arena, "abcdef", 3), "abc");
}

static void test_addresses(void)
{
    static const char *const good[] = {"a@b", "a.b@example.org", "o'b+x_y-z@sub.example.org", "a!#$%&*/=?^`{|}~@b"};
    static const char *const bad[] = {"",       "a",       "@b",          "a@",         "a@b@c",      "a b@c",
                                      "a@b c",  "a\r\n@b", "a@b\r\nX: y", "<a@b>",      "\"a\"@b",    "a,b@c",
                                      "a@b,c",  "-a@b",    ".a@b",        "a.@b",       "a..b@c",     "a@.b",
                                      "a@b.",   "a@b..c",  "a@[1.2.3.4]", "\xc3\xa4@b", "a@\xc3\xa4", "a@b\xe2\x80\xae",
                                      "a(c)@b", "a\\@b",   "a@b:25",      "a;b@c"};
    struct message m = plain();
    struct buf out = buf_in(arena);
    char longest[300];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT(net_mailbox_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (net_mailbox_ok(bad[i]))
            printf("taken: <<%s>>\n", bad[i]);
        CU_ASSERT_FALSE(net_mailbox_ok(bad[i]));
        m = plain();
        m.to = bad[i];
        CU_ASSERT_EQUAL(message_write(&m, &out), ERR_INVALID_EMAIL);
        m = plain();
        m.from = bad[i];
        CU_ASSERT_EQUAL(message_write(&m, &out), ERR_INVALID_EMAIL);
    }
    CU_ASSERT_EQUAL(out.len, 0);
    memset(longest, 'a', sizeof longest);
    longest[1] = '@';
    longest[255] = '\0';
    CU_ASSERT(net_mailbox_ok(longest));
    longest[255] = 'a';
    longest[256] = '\0';
    CU_ASSERT_FALSE(net_mailbox_ok(longest));
    m = plain();
    m.ref = "a b";
    CU_ASSERT_EQUAL(message_write(&m, &out), ERR_INTERNAL);
}

static void body(const char *text, const char *want)
{
    struct message m = plain();

    m.text = text;
    const char *got = strstr(written(&m), "\r\n\r\n") + 4;
    if (strcmp(got, want) != 0)
        printf("<<%s>> gives <<%s>>, not <<%s>>\n", text, got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
}

static void test_bodies(void)
{
    body("", "");
    body("a", "a\r\n");
    body("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd\r\n");
    body("\n\na\n\n", "\r\n\r\na\r\n\r\n");
    body("1=2\n", "1=3D2\r\n");
    body("Gr\xc3\xbc\xc3\x9f"
         "e\n",
         "Gr=C3=BC=C3=9Fe\r\n");
    body("a \nb\t\nc d", "a=20\r\nb=09\r\nc d\r\n");
    body(".\n..x\nFrom me\nFromage\n", "=2E\r\n=2E.x\r\n=46rom me\r\nFromage\r\n");
    body("\x01\x7f\x1b", "=01=7F=1B\r\n");
    body("\xff", "=EF=BF=BD\r\n"); /* what is no UTF-8 is shown as such */
    /* 75 characters and a soft end; none of an escape is cut */
    body("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    body("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\nb\r\n");
    body("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\n=3D\r\n");
    body("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\n=2Eb\r\n");
}

static CU_TestInfo tests[] = {
    {"whole", test_whole},
    {"dates", test_dates},
    {"subjects", test_subject},
    {"names", test_names},
    {"nothing comes into the head", test_nothing_injected},
    {"addresses", test_addresses},
    {"bodies", test_bodies},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN_ARENA("message", tests, arena)
