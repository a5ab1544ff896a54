/* Encodings. Known answers: RFC 4648 §10, ECMA-262 encodeURIComponent, date(1), the UTF-8 table of RFC 3629 §4. */
#include "../lib/suite.h"

#include "base/enc.h"

#include <string.h>
#include <time.h>

static struct arena *arena;

static void test_hex(void)
{
    char out[9];
    unsigned char back[4];
    enc_hex("\x00\x7f\xab\xff", 4, out);
    CU_ASSERT_STRING_EQUAL(out, "007fabff");
    CU_ASSERT(enc_unhex("007FabFF", back, 4) && memcmp(back, "\x00\x7f\xab\xff", 4) == 0);
    const char *bad[] = {"", "007fabf", "007fabff0", "007fabfg", "007fab f", "+07fabff", "0x7fabff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(enc_unhex(bad[i], back, 4));
    CU_ASSERT(enc_unhex("", back, 0));
}

static const struct {
    const char *plain, *b64;
} rfc4648[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void test_b64_rfc4648(void)
{
    for (size_t i = 0; i < sizeof rfc4648 / sizeof *rfc4648; i++) {
        char out[16], back[16];
        size_t n = strlen(rfc4648[i].plain), len = strlen(rfc4648[i].b64);
        enc_b64(rfc4648[i].plain, n, out);
        CU_ASSERT_STRING_EQUAL(out, rfc4648[i].b64);
        CU_ASSERT(enc_unb64(rfc4648[i].b64, len, back, n) && memcmp(back, rfc4648[i].plain, n) == 0);
        CU_ASSERT_FALSE(enc_unb64(rfc4648[i].b64, len, back, n + 1));
    }
}

/* RFC 4648 §10 without its padding, and RFC 7515 appendix C. */
static void test_b64url(void)
{
    static const unsigned char rfc7515[] = {3, 236, 255, 224, 193}, edge[] = {0xFB, 0xFF, 0xBF};
    char out[64];

    for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
        size_t n = strlen(rfc4648[i].plain), len = strcspn(rfc4648[i].b64, "=");
        enc_b64url(rfc4648[i].plain, n, out);
        CU_ASSERT_EQUAL(strlen(out), len);
        CU_ASSERT_EQUAL(ENC_B64URL_LEN(n), len);
        CU_ASSERT(strncmp(out, rfc4648[i].b64, len) == 0);
    }
    enc_b64url(rfc7515, sizeof rfc7515, out);
    CU_ASSERT_STRING_EQUAL(out, "A-z_4ME");
    enc_b64url(edge, sizeof edge, out);
    CU_ASSERT_STRING_EQUAL(out, "-_-_");
}

static void test_b64_alphabets(void)
{
    /* All 64 values in order: 00 10 83 10 51 87 20 92 8b … of RFC 4648 table 1 */
    unsigned char all[48], back[48];
    char out[65];
    for (unsigned i = 0; i < 16; i++) {
        unsigned v = (4 * i) << 18 | (4 * i + 1) << 12 | (4 * i + 2) << 6 | (4 * i + 3);
        all[3 * i] = (unsigned char)(v >> 16);
        all[3 * i + 1] = (unsigned char)(v >> 8);
        all[3 * i + 2] = (unsigned char)v;
    }
    enc_b64(all, sizeof all, out);
    CU_ASSERT_STRING_EQUAL(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    CU_ASSERT(enc_unb64(out, 64, back, 48) && memcmp(back, all, 48) == 0);
}

static void test_unb64_every_character(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int c = 0; c < 256; c++) {
        char s[4] = {(char)c, 'A', 'A', 'A'};
        unsigned char out[3];
        const char *at = c ? strchr(alphabet, c) : NULL;
        CU_ASSERT_EQUAL(enc_unb64(s, 4, out, 3), at != NULL);
        if (at)
            CU_ASSERT_EQUAL(out[0], (at - alphabet) << 2);
    }
}

static void test_unb64_padding(void)
{
    unsigned char out[4];
    const char *bad[] = {"Zg=A", "Z===", "Zg", "Zg=", "Zg===", "Z g=", "Zm9v", "Zm8=", "====", "Zg==\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(enc_unb64(bad[i], strlen(bad[i]), out, 1));
    const char *same[] = {"Zg==", "Zh==", "Zn==", "Zv=="}; /* differ in the unused low bits only */
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CU_ASSERT(enc_unb64(same[i], 4, out, 1) && out[0] == 'f');
    CU_ASSERT(enc_unb64("Zw==", 4, out, 1) && out[0] == 'g');
    memset(out, 7, sizeof out);
    CU_ASSERT_FALSE(enc_unb64("Zm9*", 4, out, 3));
    CU_ASSERT(out[0] == 0 && out[1] == 0 && out[3] == 7);
}

static void test_percent(void)
{
    CU_ASSERT_STRING_EQUAL(enc_percent(arena, "a+/= b%?&#\xc3\xa9-_.!~*'()"),
                           "a%2B%2F%3D%20b%25%3F%26%23%C3%A9-_.!~*'()");
    CU_ASSERT_STRING_EQUAL(enc_percent(arena, "AZaz09"), "AZaz09");
    CU_ASSERT_STRING_EQUAL(enc_percent(arena, ""), "");
}

static void test_unpercent(void)
{
    CU_ASSERT_STRING_EQUAL(enc_unpercent(arena, "a%2B%2f%3D+b", 12, false), "a+/=+b");
    CU_ASSERT_STRING_EQUAL(enc_unpercent(arena, "a+b%2B", 6, true), "a b+");
    CU_ASSERT_STRING_EQUAL(enc_unpercent(arena, "%2541xyz", 5, false), "%41");
    const char *bad[] = {"%", "a%", "%2", "%G0", "%0G", "%%41", "%00", "a%00b", "% 1", "%-1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_PTR_NULL(enc_unpercent(arena, bad[i], strlen(bad[i]), false));
    CU_ASSERT_PTR_NULL(enc_unpercent(arena, "%41", 2, false)); /* the escape reaches beyond n */
    CU_ASSERT_PTR_NULL(enc_unpercent(arena, "a\0b", 3, false));
}

/* From date -u -d … +%s. */
static const struct {
    int64_t ms;
    const char *iso;
} instants[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {INT64_C(1795423980000), "2026-11-23T08:53:00.000Z"},
    {INT64_C(951782399999), "2000-02-28T23:59:59.999Z"},
    {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
    {INT64_C(951868800007), "2000-03-01T00:00:00.007Z"},
    {INT64_C(-2203891200000), "1900-03-01T00:00:00.000Z"},
    {INT64_C(2147483648000), "2038-01-19T03:14:08.000Z"},
    {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
    {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
    {INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
};

static void test_iso_known(void)
{
    char out[ENC_ISO_SIZE];
    int64_t back = 0;
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        enc_iso(instants[i].ms, out);
        CU_ASSERT_STRING_EQUAL(out, instants[i].iso);
        CU_ASSERT(enc_uniso(instants[i].iso, &back) && back == instants[i].ms);
    }
    enc_iso(INT64_MAX, out);
    CU_ASSERT_STRING_EQUAL(out, "9999-12-31T23:59:59.999Z");
    enc_iso(INT64_MIN, out);
    CU_ASSERT_STRING_EQUAL(out, "0000-01-01T00:00:00.000Z");
}

static void test_iso_against_libc(void)
{
    char out[ENC_ISO_SIZE], want[64];
    for (int64_t day = -719528; day < 2932896; day += 97) { /* years 0 to 9999 */
        time_t t = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        struct tm tm;
        int64_t back = 0;
        CU_ASSERT_FATAL(gmtime_r(&t, &tm) != NULL);
        size_t n = strftime(want, sizeof want, "-%m-%dT%H:%M:%S.250Z", &tm);
        enc_iso((int64_t)t * 1000 + 250, out);
        CU_ASSERT(n > 0 && strcmp(out + 4, want) == 0);
        CU_ASSERT(enc_uniso(out, &back) && back == (int64_t)t * 1000 + 250);
    }
}

static void test_uniso_refuses(void)
{
    const char *bad[] = {"",
                         "2026-11-23",
                         "2026-11-23T08:53:00Z",
                         "2026-11-23T08:53:00.000",
                         "2026-11-23 08:53:00.000Z",
                         "2026-11-23T08:53:00.000z",
                         "2026-11-23T08:53:00.000ZZ",
                         "2026-13-23T08:53:00.000Z",
                         "2026-00-23T08:53:00.000Z",
                         "2026-11-00T08:53:00.000Z",
                         "2026-11-31T08:53:00.000Z",
                         "2026-02-29T08:53:00.000Z",
                         "1900-02-29T08:53:00.000Z",
                         "2026-11-23T24:00:00.000Z",
                         "2026-11-23T08:60:00.000Z",
                         "2026-11-23T08:53:60.000Z",
                         "2026-11-23T08:53:0+.000Z"};
    int64_t ms = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(enc_uniso(bad[i], &ms));
    CU_ASSERT_EQUAL(ms, 77);
}

/* Every code point, encoded by the definition of RFC 3629 §3, and nothing else of up to four bytes. */
static size_t encode(unsigned point, char out[static 4])
{
    if (point < 0x80)
        return out[0] = (char)point, 1;
    if (point < 0x800)
        return out[0] = (char)(0xC0 | point >> 6), out[1] = (char)(0x80 | (point & 63)), 2;
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 63));
        out[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 63));
    out[2] = (char)(0x80 | (point >> 6 & 63));
    out[3] = (char)(0x80 | (point & 63));
    return 4;
}

static void test_utf8_every_code_point(void)
{
    size_t wrong = 0;
    for (unsigned point = 0; point < 0x140000; point++) {
        char s[4];
        size_t n = encode(point, s);
        bool good = point < 0xD800 || (point > 0xDFFF && point <= 0x10FFFF);
        wrong += enc_utf8_valid(s, n) != good || enc_utf8_next(s, n) != (good ? n : 0);
        wrong += n > 1 && enc_utf8_valid(s, n - 1);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_utf8_invalid(void)
{
    const char *bad[] = {"\x80",
                         "\xBF",
                         "\xC0\x80",
                         "\xC1\xBF",
                         "\xE0\x80\x80",
                         "\xE0\x9F\xBF",
                         "\xED\xA0\x80",
                         "\xF0\x80\x80\x80",
                         "\xF0\x8F\xBF\xBF",
                         "\xF4\x90\x80\x80",
                         "\xF5\x80\x80\x80",
                         "\xFE",
                         "\xFF",
                         "\xC3",
                         "\xC3(",
                         "\xE2\x82",
                         "\xE2(\xA1",
                         "\xF0\x9F\x98",
                         "\xF8\x88\x80\x80\x80",
                         "ok\xC3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(enc_utf8_valid(bad[i], strlen(bad[i])));
    CU_ASSERT(enc_utf8_valid("", 0) && enc_utf8_valid("a\0b", 3) && enc_utf8_valid("\xF0\x9F\x98\x80z\xC3\xA9", 7));
    CU_ASSERT_EQUAL(enc_utf8_next("", 0), 0);
}

static void test_utf8_clean(void)
{
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "h\xC3\xA9llo", 100), "h\xC3\xA9llo");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "h\xC3\xA9llo", 3), "h\xC3\xA9");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "h\xC3\xA9llo", 2), "h");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "h\xC3\xA9llo", 0), "");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "a\xFF\x62\xC3", 100), "a\xEF\xBF\xBD\x62\xEF\xBF\xBD");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 7), "\xF0\x9F\x98\x80");
    CU_ASSERT_STRING_EQUAL(enc_utf8_clean(arena, "a\xFF", 3), "a");
}

static void test_utf8_clean_is_always_valid_and_bounded(void)
{
    char s[64];
    unsigned seed = 12345;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof s - 1; i++) {
            seed = seed * 1103515245u + 12345u;
            s[i] = "az\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF\xED\xA0"[(seed >> 16) % 14];
        }
        s[(size_t)round % sizeof s] = '\0';
        s[sizeof s - 1] = '\0';
        size_t max = seed % 70;
        const char *out = enc_utf8_clean(arena, s, max);
        CU_ASSERT(strlen(out) <= max && enc_utf8_valid(out, strlen(out)));
        arena_reset(arena);
    }
}

static void test_lengths(void)
{
    CU_ASSERT_EQUAL(enc_utf8_points(""), 0);
    CU_ASSERT_EQUAL(enc_utf8_points("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 4);
    CU_ASSERT_EQUAL(enc_utf16_units("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 5); /* node: 'aé€😀'.length */
}

static void test_letter_case(void)
{
    CU_ASSERT_STRING_EQUAL(enc_lower(arena, "AbZ@[`{\xC3\x89"), "abz@[`{\xC3\x89");
    CU_ASSERT(enc_equal_nocase("Set-Cookie", "sET-cOOKIE") && enc_equal_nocase("", ""));
    CU_ASSERT_FALSE(enc_equal_nocase("a", "ab"));
    CU_ASSERT_FALSE(enc_equal_nocase("ab", "a"));
    CU_ASSERT_FALSE(enc_equal_nocase("@", "`"));
    CU_ASSERT_FALSE(enc_equal_nocase("\xC3\x89", "\xC3\xA9"));
}

static CU_TestInfo tests[] = {
    {"hex", test_hex},
    {"base64 of RFC 4648", test_b64_rfc4648},
    {"base64url", test_b64url},
    {"base64 alphabets", test_b64_alphabets},
    {"unb64: every character", test_unb64_every_character},
    {"unb64: padding and unused bits", test_unb64_padding},
    {"percent", test_percent},
    {"unpercent", test_unpercent},
    {"iso: known instants", test_iso_known},
    {"iso: against libc over 10000 years", test_iso_against_libc},
    {"uniso refuses", test_uniso_refuses},
    {"utf8: every code point", test_utf8_every_code_point},
    {"utf8: invalid forms", test_utf8_invalid},
    {"utf8 clean", test_utf8_clean},
    {"utf8 clean is always valid and bounded", test_utf8_clean_is_always_valid_and_bounded},
    {"lengths", test_lengths},
    {"letter case", test_letter_case},
    CU_TEST_INFO_NULL,
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
    return suite_run("enc", tests, open_arena, close_arena);
}
