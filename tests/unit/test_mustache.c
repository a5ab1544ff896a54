/* Templates: the cases of mustache(5) for what is taken, in words of our own, and what is refused. */
#include "../lib/suite.h"

#include "base/mustache.h"

#include <stdio.h>
#include <string.h>

static struct arena *arena;

static const struct mustache_var pair_a[] = {{"n", "1"}}, pair_b[] = {{"n", "2"}, {"x", "own"}};
static const struct mustache_data pairs[] = {{.vars = pair_a, .n_vars = 1}, {.vars = pair_b, .n_vars = 2}};
static const struct mustache_list lists[] = {{"pairs", pairs, 2}, {"none", NULL, 0}};
static const struct mustache_var vars[] = {{"x", "ex"},          {"evil", "<a href=\"x\">'&'</a>"},
                                           {"empty", ""},        {"un", NULL},
                                           {"nl", "two\nlines"}, {"tag", "{{x}}"}};
static const struct mustache_data data = {.vars = vars, .n_vars = 6, .lists = lists, .n_lists = 2};

static void gives_as(const char *template, bool html, const char *want)
{
    struct buf out = buf_in(arena);
    const char *fault = "none told";
    bool ok = mustache_render(&out, template, strlen(template), &data, html, &fault);

    if (!ok || strcmp(buf_str(&out), want) != 0)
        printf("<<%s>> gives <<%s>> (%s), not <<%s>>\n", template, buf_str(&out), ok ? "" : fault, want);
    CU_ASSERT_FATAL(ok);
    CU_ASSERT_STRING_EQUAL(buf_str(&out), want);
}

static void gives(const char *template, const char *want)
{
    gives_as(template, true, want);
}

static void refuses(const char *template, const char *want)
{
    struct buf out = buf_in(arena);
    const char *fault = "";

    CU_ASSERT_FALSE(mustache_render(&out, template, strlen(template), &data, true, &fault));
    if (strcmp(fault, want) != 0)
        printf("<<%s>>: <<%s>>, not <<%s>>\n", template, fault, want);
    CU_ASSERT_STRING_EQUAL(fault, want);
}

static void test_values(void)
{
    gives("", "");
    gives("no tag\n", "no tag\n");
    gives("Hello {{x}}!", "Hello ex!");
    gives("{{x}}{{x}}", "exex");
    gives("{{ x }} {{{ x }}} {{& x }}", "ex ex ex");
    gives("{{\tx\n}}", "ex");
    gives("[{{unknown}}{{un}}{{empty}}]", "[]");
    gives("  {{x}}\n", "  ex\n"); /* a value leaves its line as it is */
    gives("{{x}}\n", "ex\n");
    gives("{ {x} } } {", "{ {x} } } {");
    gives("{{tag}}", "{{x}}"); /* what a value says is text */
}

static void test_escaping(void)
{
    gives("{{evil}}", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    gives("{{{evil}}}", "<a href=\"x\">'&'</a>");
    gives("{{&evil}}", "<a href=\"x\">'&'</a>");
    gives_as("{{evil}}", false, "<a href=\"x\">'&'</a>");
    gives("{{#x}}{{evil}}{{/x}}", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

static void test_sections(void)
{
    gives("{{#x}}yes{{/x}}{{^x}}no{{/x}}", "yes");
    gives("{{#empty}}yes{{/empty}}{{^empty}}no{{/empty}}", "no");
    gives("{{#un}}yes{{/un}}{{^un}}no{{/un}}", "no");
    gives("{{#unknown}}yes{{/unknown}}{{^unknown}}no{{/unknown}}", "no");
    gives("{{#x}}a{{#empty}}b{{/empty}}{{^empty}}c{{/empty}}d{{/x}}", "acd");
    gives("{{#x}}{{#x}}{{x}}{{/x}}{{/x}}", "ex"); /* of the same name */
    gives("{{^x}}{{#x}}a{{/x}}{{^x}}b{{/x}}{{/x}}.", ".");
    gives("| {{# x }}in{{/ x }} |", "| in |");
}

static void test_lists(void)
{
    gives("{{#pairs}}<{{n}}>{{/pairs}}", "<1><2>");
    gives("{{#pairs}}{{x}},{{/pairs}}", "ex,own,"); /* the item first, then what it lies in */
    gives("{{#pairs}}{{#pairs}}{{n}}{{/pairs}};{{/pairs}}", "12;12;");
    gives("{{#none}}a{{/none}}{{^none}}b{{/none}}", "b");
    gives("{{^pairs}}a{{/pairs}}.", ".");
    gives("{{pairs}}", "");
    gives("{{#pairs}}\n- {{n}}\n{{/pairs}}\n", "- 1\n- 2\n");
}

static void test_comments(void)
{
    gives("12{{! a comment }}34", "1234");
    gives("a {{! it\nhas lines }}b", "a b");
    gives("{{!x}}{{x}}", "ex");
    gives("a\n  {{! alone }}\nb\n", "a\nb\n");
    gives("a\n{{! over\nlines }}\nb\n", "a\nb\n");
    gives("  12 {{! beside }}\n", "  12 \n");
    gives("{{! }! {}}x", "x");
}

static void test_standalone(void)
{
    gives("| This\n{{#x}}\n|\n{{/x}}\n| Line\n", "| This\n|\n| Line\n");
    gives("| This\n  {{#x}}\t\n|\n  {{/x}}  \n| Line\n", "| This\n|\n| Line\n");
    gives("|\r\n{{#x}}\r\n{{/x}}\r\n|", "|\r\n|");
    gives("  {{#x}}\n#{{/x}}\n/", "#\n/");   /* the first of all lines */
    gives("#{{#x}}\n/\n  {{/x}}", "#\n/\n"); /* the last one, without an end */
    gives("{{#x}}{{/x}}\n", "\n");           /* two tags: not alone */
    gives(" {{#x}} a {{/x}}\n", "  a \n");
    gives("a\n{{#un}}\nb\n{{/un}}\nc\n", "a\nc\n");
    gives("{{#x}}\n{{#x}}\nin\n{{/x}}\n{{/x}}\n", "in\n");
}

static void test_faults(void)
{
    refuses("a\nb {{x", "line 2: a tag lacks its }}");
    refuses("{{{x}} }", "line 1: a tag lacks its }}}");
    refuses("{{#x}}a", "line 1: a section has no end");
    refuses("a\n\n{{/x}}", "line 3: the end of a section that is not the one open");
    refuses("{{#x}}{{#pairs}}{{/x}}{{/pairs}}", "line 1: the end of a section that is not the one open");
    refuses("{{#un}}\n{{/x}}", "line 2: the end of a section that is not the one open"); /* though not shown */
    refuses("{{> part}}", "line 1: partials and other delimiters are not taken");
    refuses("{{=<% %>=}}", "line 1: partials and other delimiters are not taken");
    refuses("{{}}", "line 1: a name is of letters, digits, _ and -");
    refuses("{{.}}", "line 1: a name is of letters, digits, _ and -");
    refuses("{{a.b}}", "line 1: a name is of letters, digits, _ and -");
    refuses("{{a b}}", "line 1: a name is of letters, digits, _ and -");
    refuses("{{#}}{{/}}", "line 1: a name is of letters, digits, _ and -");
}

static void test_caps(void)
{
    struct buf deep = buf_in(arena), loops = buf_in(arena), out = buf_in(arena);
    char *large = arena_alloc(arena, MUSTACHE_MAX + 2);
    const char *fault = "";

    for (int i = 0; i < MUSTACHE_DEPTH; i++)
        buf_puts(&deep, "{{#x}}");
    for (int i = 0; i < MUSTACHE_DEPTH; i++)
        buf_puts(&deep, "{{/x}}");
    gives(buf_str(&deep), "");
    refuses(arena_printf(arena, "{{#x}}%s{{/x}}", buf_str(&deep)), "line 1: sections lie too deep in each other");
    for (int i = 0; i < MUSTACHE_DEPTH; i++)
        buf_puts(&loops, "{{#pairs}}");
    for (int i = 0; i < 1000; i++)
        buf_puts(&loops, "{{empty}}");
    for (int i = 0; i < MUSTACHE_DEPTH; i++)
        buf_puts(&loops, "{{/pairs}}");
    refuses(buf_str(&loops), "line 1: too many tags, lists in lists gone through");
    memset(large, 'a', MUSTACHE_MAX + 1);
    CU_ASSERT(mustache_render(&out, large, MUSTACHE_MAX, &data, true, &fault));
    CU_ASSERT_FALSE(mustache_render(&out, large, MUSTACHE_MAX + 1, &data, true, &fault));
    CU_ASSERT_STRING_EQUAL(fault, "line 1: the template is too long");
    memcpy(large, "{{#pairs}}{{#pairs}}{{#pairs}}{{#pairs}}{{#pairs}}", 50);
    memcpy(large + MUSTACHE_MAX - 50, "{{/pairs}}{{/pairs}}{{/pairs}}{{/pairs}}{{/pairs}}", 50);
    CU_ASSERT_FALSE(mustache_render(&out, large, MUSTACHE_MAX, &data, true, &fault));
    CU_ASSERT_STRING_EQUAL(fault, "line 1: what becomes of it is too long");
}

static CU_TestInfo tests[] = {
    {"values", test_values}, {"escaping", test_escaping}, {"sections", test_sections},
    {"lists", test_lists},   {"comments", test_comments}, {"lines of tags alone", test_standalone},
    {"faults", test_faults}, {"caps", test_caps},         CU_TEST_INFO_NULL,
};
SUITE_MAIN_ARENA("mustache", tests, arena)
