/* JSON as RFC 8259 has it: cases after the classes of JSONTestSuite (y_ must be taken, n_ must be refused). */
#include "suite.h"

#include "base/enc.h"
#include "http/json.h"
#include "http/request.h"

#include <string.h>

static enum err parse_n(const char *s, size_t n)
{
    struct json_object *o = NULL;
    enum err e = json_parse(s, n, &o);

    if (e != ERR_OK)
        CU_ASSERT_PTR_NULL(o);
    json_object_put(o);
    return e;
}

static enum err parse(const char *s)
{
    return parse_n(s, strlen(s));
}

static const char *const accepted[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "123",
    "1.5",
    "-0.25",
    "1e5",
    "1E+5",
    "1e-5",
    "0e1",
    "\"\"",
    "\"a\"",
    " [1] ",
    "\t\r\n{}\n",
    "[1 , 2]",
    "{\"a\":1}",
    "{ \"a\" : [ { \"b\" : null } ] }",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\\uD83D\\uDE00\"",
    "\"\xC3\xA9\xF0\x9F\x98\x80\"",
    "\"\x7f\"",
    "\"/* no comment */\"",
    "{\"\":0}",
    "[[],[[]],{}]",
    "123123e10",
    "[1,2,3,4,5,6,7,8,9,10,11,12]",
    "\"\\u00e9\\u2028\"",
    "\"\xE2\x80\xA8\"",
    "[-0.0000000000000000000000000000000000000000000000000000001]",
    "[123456789012345678901234567890]",
    "[1e999]",
    "\"\\\\u0000\"",
};

static void test_accepted(void)
{
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        if (parse(accepted[i]) != ERR_OK)
            printf("refused: %s\n", accepted[i]);
        CU_ASSERT_EQUAL(parse(accepted[i]), ERR_OK);
    }
}

static const char *const refused[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[1",
    "[1,",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "\"",
    "\"a",
    "\"\\",
    "\"\\u",
    "\"\\u00",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[,]",
    "{,}",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{\"a\"::1}",
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "'a'",
    "['a']",
    "[1 2]",
    "[1 true]",
    "[1true]",
    "[truefalse]",
    "[\"a\"\"b\"]",
    "{\"a\":1 \"b\":2}",
    "{\"a\":}",
    "{\"a\":1:2}",
    "[1:2]",
    "[\"a\":1]",
    "{\"a\",\"b\"}",
    "{}{}",
    "{} x",
    "[]]",
    "{}}",
    "1 2",
    "\"a\" \"b\"",
    "null null",
    "[}",
    "{]",
    "{\"a\":[}]",
    /* literals */
    "NULL",
    "True",
    "FALSE",
    "nul",
    "nulll",
    "tru",
    "truee",
    "TRUE",
    "undefined",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "[NaN]",
    "[-Infinity]",
    "[Infinity]",
    "inf",
    "-",
    "[-]",
    "[nu]",
    "[null]x",
    "a",
    /* numbers */
    "01",
    "-01",
    "00",
    "1.",
    "-1.",
    ".5",
    "-.5",
    "1.e5",
    "1e",
    "1e+",
    "1E-",
    "+1",
    "++1",
    "--1",
    "1-2",
    "0x1",
    "0x",
    "1_000",
    "1a",
    "1.2.3",
    "1e5.5",
    "1e5e5",
    "1,5",
    "[1.]",
    "[-2.]",
    "[0e]",
    "[1+2]",
    "[0.e1]",
    "1\xC2\xA0",
    "[1eE2]",
    "[0.3e]",
    "1f",
    "1d",
    "1L",
    /* strings */
    "\"\t\"",
    "\"\n\"",
    "\"\r\"",
    "\"\x01\"",
    "\"\x1f\"",
    "\"\\a\"",
    "\"\\x41\"",
    "\"\\'\"",
    "\"\\0\"",
    "\"\\u004\"",
    "\"\\u004g\"",
    "\"\\U0041\"",
    "\"\\u 041\"",
    "\"\\u0000\"",
    "{\"a\\u0000\":1}",
    "\"\\u+041\"",
    "\"\\\n\"",
    "\"\\\xC3\xA9\"",
    "{\"\t\":1}",
    /* comments and blanks that are none */
    "/**/1",
    "1/**/",
    "[1/* x */]",
    "// x\n1",
    "1 // x",
    "1#",
    "# x\n1",
    "\f1",
    "\v1",
    "1\f",
    "\xC2\xA0"
    "1",
    "\xE2\x80\xA8"
    "1",
    "[1,\xE3\x80\x80 2]",
    "<null>",
    "{\"a\":1;\"b\":2}",
    "(1)",
    "\\u0031",
    "[\\n]",
    "\\",
    /* UTF-8 */
    "\"\xff\"",
    "\"\xC3\"",
    "\"\xC0\x80\"",
    "\"\xE0\x80\x80\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\xff",
    "{\"\xff\":1}",
    "\"\x80\"",
    "\"\xF8\x88\x80\x80\x80\"",
    "[\xC3\xA9]",
    "\xFE\xFF\x00\x31",
    "\xEF\xBB",
    "\xEF\xBB\xBF",
    "\xEF\xBB\xBF\xEF\xBB\xBF{}",
    "{}\xEF\xBB\xBF",
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (parse(refused[i]) != ERR_BAD_JSON)
            printf("taken: %s\n", refused[i]);
        CU_ASSERT_EQUAL(parse(refused[i]), ERR_BAD_JSON);
    }
}

static void test_nul(void)
{
    CU_ASSERT_EQUAL(parse_n("{}\0", 3), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("\0{}", 3), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("\"a\0b\"", 5), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("1\0", 2), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("[1\0]", 4), ERR_BAD_JSON);
}

/* The bytes after n belong to somebody else. */
static void test_length(void)
{
    CU_ASSERT_EQUAL(parse_n("{}}", 2), ERR_OK);
    CU_ASSERT_EQUAL(parse_n("12x", 2), ERR_OK);
    CU_ASSERT_EQUAL(parse_n("truex", 4), ERR_OK);
    CU_ASSERT_EQUAL(parse_n("true", 3), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("\"\\u0041\"", 6), ERR_BAD_JSON);
    CU_ASSERT_EQUAL(parse_n("\"a\"", 2), ERR_BAD_JSON);
}

static void nested(char *out, int depth, char open, char close, const char *inner)
{
    char *p = out;

    for (int i = 0; i < depth; i++) {
        *p++ = open;
        if (open == '{') {
            memcpy(p, "\"a\":", 4);
            p += 4;
        }
    }
    memcpy(p, inner, strlen(inner));
    p += strlen(inner);
    memset(p, close, (size_t)depth);
    p[depth] = '\0';
}

static void test_depth(void)
{
    static char s[700000];

    nested(s, 16, '[', ']', "");
    CU_ASSERT_EQUAL(parse(s), ERR_OK);
    nested(s, 16, '[', ']', "1");
    CU_ASSERT_EQUAL(parse(s), ERR_OK);
    nested(s, 16, '{', '}', "1");
    CU_ASSERT_EQUAL(parse(s), ERR_OK);
    nested(s, 17, '[', ']', "");
    CU_ASSERT_EQUAL(parse(s), ERR_BAD_JSON);
    nested(s, 17, '{', '}', "1");
    CU_ASSERT_EQUAL(parse(s), ERR_BAD_JSON);
    nested(s, 100000, '[', ']', "");
    CU_ASSERT_EQUAL(parse(s), ERR_BAD_JSON);
}

static void text_is(const char *json, const char *want)
{
    struct json_object *o = NULL;

    CU_ASSERT_EQUAL(json_parse(json, strlen(json), &o), ERR_OK);
    CU_ASSERT_EQUAL(json_object_get_type(o), json_type_string);
    CU_ASSERT_STRING_EQUAL(json_object_get_string(o), want);
    json_object_put(o);
}

static void test_strings(void)
{
    text_is("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    text_is("\"\\u0041\\u00e9\\u20AC\"", "A\xC3\xA9\xE2\x82\xAC");
    text_is("\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80");
    text_is("\"a\x7f\"", "a\x7f");
    text_is("\xEF\xBB\xBF\"bom\"", "bom");
}

static void test_lone_surrogates(void)
{
    static const char *const lone[] = {"\"\\uD800\"",        "\"\\uDC00\"",    "\"\\uD800\\uD800\"", "\"\\uD83Dx\"",
                                       "\"\\uDE00\\uD83D\"", "\"\\uD800\\n\"", "{\"\\uD800\":1}"};

    for (size_t i = 0; i < sizeof lone / sizeof *lone; i++) {
        struct json_object *o = NULL;
        if (json_parse(lone[i], strlen(lone[i]), &o) == ERR_OK) {
            const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
            CU_ASSERT_TRUE(enc_utf8_valid(text, strlen(text)));
        }
        json_object_put(o);
    }
}

static void test_last_key_wins(void)
{
    struct json_object *o = NULL, *v = NULL;

    CU_ASSERT_EQUAL(json_parse("{\"a\":1,\"b\":2,\"a\":\"x\"}", 21, &o), ERR_OK);
    CU_ASSERT_TRUE(json_object_object_get_ex(o, "a", &v));
    CU_ASSERT_STRING_EQUAL(json_object_get_string(v), "x");
    CU_ASSERT_EQUAL(json_object_object_length(o), 2);
    json_object_put(o);
}

static void test_null_is_a_value(void)
{
    struct json_object *o = (struct json_object *)&o;

    CU_ASSERT_EQUAL(json_parse("null", 4, &o), ERR_OK);
    CU_ASSERT_PTR_NULL(o);
}

static CU_TestInfo tests[] = {
    {"accepted", test_accepted},
    {"refused", test_refused},
    {"nul", test_nul},
    {"length", test_length},
    {"depth", test_depth},
    {"strings", test_strings},
    {"lone surrogates", test_lone_surrogates},
    {"last key wins", test_last_key_wins},
    {"null is a value", test_null_is_a_value},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("json", tests)
