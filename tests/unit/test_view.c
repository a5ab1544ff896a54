/* Sessions and users as JSON: the text that is written straight away is that of the object, whatever is in them. */
#include "../lib/suite.h"

#include "app/view.h"
#include "http/response.h"

#include <string.h>

static struct arena *arena;

static const struct user plain = {.id = "abcdefghijklmnopqrstuvwxyzABCDEF",
                                  .name = "Ada",
                                  .email = "ada@example.org",
                                  .email_verified = true,
                                  .created_at = INT64_C(1795423980000),
                                  .updated_at = INT64_C(1795423980001)};
static const struct session mobile = {
    .id = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",
    .user_id = "abcdefghijklmnopqrstuvwxyzABCDEF",
    .expires_at = INT64_C(1796028780000),
    .ip = "192.0.2.1",
    .agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    .created_at = INT64_C(1795423980000),
    .updated_at = INT64_C(1795423980001),
    .remember = true,
    .authenticated_at = INT64_C(1795423980002),
    .dies_at = INT64_C(1798015980000),
    .last_seen_at = INT64_C(1795423980003),
    .last_ip = "",
};

static const char *of_object(struct json_object *o)
{
    struct buf b = buf_in(arena);
    json_write(&b, o);
    json_object_put(o);
    return buf_str(&b);
}

static const char *user_text(const struct user *u)
{
    struct buf b = buf_in(arena);
    view_user_text(&b, u);
    return buf_str(&b);
}

static const char *session_text(const struct session *s, bool current)
{
    struct buf b = buf_in(arena);
    view_session_text(&b, s, current);
    return buf_str(&b);
}

static void test_user(void)
{
    CU_ASSERT_STRING_EQUAL(user_text(&plain),
                           "{\"name\":\"Ada\",\"email\":\"ada@example.org\",\"emailVerified\":true,\"image\":null,"
                           "\"createdAt\":\"2026-11-23T08:53:00.000Z\",\"updatedAt\":\"2026-11-23T08:53:00.001Z\","
                           "\"id\":\"abcdefghijklmnopqrstuvwxyzABCDEF\"}");
    CU_ASSERT_STRING_EQUAL(user_text(&plain), of_object(view_user(&plain)));
}

static void test_session(void)
{
    CU_ASSERT_STRING_EQUAL(
        session_text(&mobile, true),
        "{\"expiresAt\":\"2026-11-30T08:53:00.000Z\",\"token\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\","
        "\"createdAt\":\"2026-11-23T08:53:00.000Z\",\"updatedAt\":\"2026-11-23T08:53:00.001Z\","
        "\"ipAddress\":\"192.0.2.1\",\"userAgent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 "
        "Firefox/140.0\",\"userId\":\"abcdefghijklmnopqrstuvwxyzABCDEF\",\"id\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef\","
        "\"current\":true,\"rememberMe\":true,\"authenticatedAt\":\"2026-11-23T08:53:00.002Z\","
        "\"diesAt\":\"2026-12-23T08:53:00.000Z\",\"lastSeenAt\":\"2026-11-23T08:53:00.003Z\",\"lastIpAddress\":\"\","
        "\"device\":\"Firefox on Linux\"}");
    CU_ASSERT_STRING_EQUAL(session_text(&mobile, false), of_object(view_session(&mobile, false)));
}

/* Each byte at each place of texts of many lengths, so that it stands in every part of a lane. */
static void test_every_byte_everywhere(void)
{
    char name[40];
    struct user u = plain;
    u.name = name;
    for (int c = 1; c < 256; c++)
        for (size_t n = 1; n < sizeof name; n += 7)
            for (size_t at = 0; at < n; at++) {
                memset(name, 'x', n);
                name[n] = '\0';
                name[at] = (char)c;
                CU_ASSERT_STRING_EQUAL(user_text(&u), of_object(view_user(&u)));
                arena_reset(arena);
            }
}

/* What must be escaped, and is: one text of each kind, by hand. */
static void test_escapes(void)
{
    struct user u = plain;
    const struct {
        const char *name, *as;
    } texts[] = {
        {"<b>&\"\\", "\\u003cb\\u003e\\u0026\\\"\\\\"},
        {"0123456789abcdef\n\x1f", "0123456789abcdef\\n\\u001f"},
        {"0123456789abcde\xE2\x80\xA8z", "0123456789abcde\\u2028z"},
        {"\xE2\x80\xA9", "\\u2029"},
        {"\xE2\x82\xAC 5 \x7f", "\xE2\x82\xAC 5 \x7f"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char want[100];
        u.name = texts[i].name;
        snprintf(want, sizeof want, "{\"name\":\"%s\",\"email\"", texts[i].as);
        CU_ASSERT_EQUAL(strncmp(user_text(&u), want, strlen(want)), 0);
    }
}

static CU_TestInfo tests[] = {
    {"a user", test_user},     {"a session", test_session}, {"every byte everywhere", test_every_byte_everywhere},
    {"escapes", test_escapes}, CU_TEST_INFO_NULL,
};

static int open_arena(void)
{
    return arena_open(&arena, 4096) == ERR_OK ? 0 : 1;
}

static int close_arena(void)
{
    arena_close(&arena);
    return 0;
}

int main(void)
{
    return suite_run("view", tests, open_arena, close_arena);
}
