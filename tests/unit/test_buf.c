/* Buffers: growth, formats, bytes that are no text. */
#include "../lib/suite.h"

#include "base/buf.h"

#include <string.h>

static struct arena *arena;

static struct buf fresh(void)
{
    arena_reset(arena);
    return buf_in(arena);
}

static void test_empty_is_empty_text(void)
{
    struct buf b = fresh();
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    CU_ASSERT_EQUAL(b.len, 0);
    buf_add(&b, NULL, 0);
    buf_puts(&b, "");
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
}

static void test_grows_byte_by_byte(void)
{
    struct buf b = fresh();
    for (int i = 0; i < 5000; i++) {
        buf_putc(&b, (char)('a' + i % 26));
        CU_ASSERT(b.len == (size_t)i + 1 && b.s[b.len] == '\0' && b.len < b.cap);
    }
    for (int i = 0; i < 5000; i++)
        CU_ASSERT(b.s[i] == 'a' + i % 26);
}

static void test_add_of_every_size(void)
{
    char text[700];
    memset(text, 'x', sizeof text);
    for (size_t n = 0; n < sizeof text; n++) {
        struct buf b = fresh();
        buf_add(&b, text, n);
        buf_add(&b, text, n);
        CU_ASSERT(b.len == 2 * n && strlen(buf_str(&b)) == 2 * n);
    }
}

static void test_printf_at_every_fill(void)
{
    for (int fill = 0; fill < 300; fill++) {
        struct buf b = fresh();
        buf_printf(&b, "%*s", fill, "");
        buf_printf(&b, "[%s %d]", "text", 42);
        CU_ASSERT_EQUAL(b.len, (size_t)fill + 9);
        CU_ASSERT_STRING_EQUAL(buf_str(&b) + fill, "[text 42]");
    }
}

static void test_printf_longer_than_any_block(void)
{
    struct buf b = fresh();
    buf_puts(&b, "<");
    buf_printf(&b, "%100000d", 5);
    buf_puts(&b, ">");
    CU_ASSERT(b.len == 100002 && b.s[0] == '<' && b.s[100000] == '5' && b.s[100001] == '>');
}

static void test_nul_bytes_are_kept(void)
{
    struct buf b = fresh();
    buf_add(&b, "a\0b", 3);
    buf_putc(&b, '\0');
    CU_ASSERT(b.len == 4 && memcmp(b.s, "a\0b\0", 5) == 0);
}

static void test_may_add_its_own_text(void)
{
    struct buf b = fresh();
    buf_puts(&b, "0123456789");
    for (int i = 0; i < 6; i++)
        buf_add(&b, buf_str(&b), b.len);
    CU_ASSERT(b.len == 640 && memcmp(b.s + 630, "0123456789", 10) == 0);
}

static void test_html(void)
{
    struct buf b = fresh();
    buf_html(&b, "");
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "");
    buf_html(&b, "<a title=\"it's\">&amp;</a> \xC3\xA4");
    CU_ASSERT_STRING_EQUAL(buf_str(&b), "&lt;a title=&quot;it&#39;s&quot;&gt;&amp;amp;&lt;/a&gt; \xC3\xA4");
}

static CU_TestInfo tests[] = {
    {"empty is empty text", test_empty_is_empty_text},
    {"grows byte by byte", test_grows_byte_by_byte},
    {"add of every size", test_add_of_every_size},
    {"printf at every fill", test_printf_at_every_fill},
    {"printf longer than any block", test_printf_longer_than_any_block},
    {"NUL bytes are kept", test_nul_bytes_are_kept},
    {"may add its own text", test_may_add_its_own_text},
    {"text inside HTML", test_html},
    CU_TEST_INFO_NULL,
};

static int open_arena(void)
{
    return arena_open(&arena, 1024) == ERR_OK ? 0 : 1;
}

static int close_arena(void)
{
    arena_close(&arena);
    return 0;
}

int main(void)
{
    return suite_run("buf", tests, open_arena, close_arena);
}
