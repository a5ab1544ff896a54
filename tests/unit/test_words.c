/* app/words.c: lines of a catalogue, the site's over those built in, and which language a browser gets. */
#include "config_case.h"

#include "app/words.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static char dir[] = "/tmp/latchkey-words.XXXXXX";

/* --- lines ------------------------------------------------------------------------------------------------------- */

static struct mustache_var vars[WORDS_MAX];
static size_t n_vars;

static const char *take_len(const char *text, size_t len)
{
    return words_read(arena, text, len, vars, &n_vars);
}

static const char *take(const char *text)
{
    n_vars = 0;
    return take_len(text, strlen(text));
}

static const char *word(const char *key)
{
    return words_get(&(struct words){"", {.vars = vars, .n_vars = n_vars}}, key);
}

static void test_lines(void)
{
    CU_ASSERT_PTR_NULL(take(""));
    CU_ASSERT_EQUAL(n_vars, 0);
    CU_ASSERT_PTR_NULL(take("a = one\n\n  # b = two\n\t c=\tthree = 3 \r\nd =\n  e_f-9 =x"));
    CU_ASSERT_EQUAL(n_vars, 4);
    CU_ASSERT_STRING_EQUAL(word("a"), "one");
    CU_ASSERT_STRING_EQUAL(word("c"), "three = 3");
    CU_ASSERT_STRING_EQUAL(word("d"), "");
    CU_ASSERT_STRING_EQUAL(word("e_f-9"), "x");
    CU_ASSERT_PTR_NULL(word("b"));
    CU_ASSERT_PTR_NULL(word(""));
    CU_ASSERT_STRING_EQUAL(vars[0].name, "t-a");
    CU_ASSERT_PTR_NULL(take("\xef\xbb\xbfk = \xc3\xa4\n")); /* a mark of the byte order */
    CU_ASSERT_STRING_EQUAL(word("k"), "\xc3\xa4");
    CU_ASSERT_PTR_NULL(take("k = 1\nk = 2\n"));
    CU_ASSERT_EQUAL(n_vars, 1);
    CU_ASSERT_STRING_EQUAL(word("k"), "2");
}

static void told(const char *text, const char *fault)
{
    const char *got = take(text);

    if (!got || strcmp(got, fault) != 0)
        printf("<<%s>>: <<%s>>, not <<%s>>\n", text, got ? got : "", fault);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, fault);
}

/* The line is passed over, the others are not. */
static void test_line_faults(void)
{
    told("a = 1\nnonsense\nb = 2", "line 2 is no 'key = text'");
    CU_ASSERT_STRING_EQUAL(word("b"), "2");
    told("= x", "line 1 has no key of letters, digits, _ and -");
    told("a b = x\nc", "line 1 has no key of letters, digits, _ and -");
    told("\xc3\xa4 = x", "line 1 has no key of letters, digits, _ and -");
    told(arena_printf(arena, "%081d = x", 0), "line 1 has no key of letters, digits, _ and -");
    CU_ASSERT_PTR_NULL(take(arena_printf(arena, "%080d = x", 0)));
    told("\n\na = \xff", "line 3 is not UTF-8");
    n_vars = 0;
    CU_ASSERT_STRING_EQUAL(take_len("a = \0b", 6), "line 1 is not UTF-8");
    CU_ASSERT_EQUAL(n_vars, 0);
}

static void test_too_many(void)
{
    struct buf b = buf_in(arena);

    for (int i = 0; i < WORDS_MAX; i++)
        buf_printf(&b, "k%d = %d\n", i, i);
    CU_ASSERT_PTR_NULL(take(buf_str(&b)));
    CU_ASSERT_EQUAL(n_vars, WORDS_MAX);
    CU_ASSERT_PTR_NULL(take_len("k7 = anew", 9)); /* there is room for one that is there */
    CU_ASSERT_STRING_EQUAL(word("k7"), "anew");
    CU_ASSERT_STRING_EQUAL(take_len("new = x", 7), "line 1 is one too many");
    CU_ASSERT_EQUAL(n_vars, WORDS_MAX);
}

/* --- books ------------------------------------------------------------------------------------------------------- */

static struct words_book *book;
static struct cfg *cfg;

static void open_book(const char *settings)
{
    const char *text = arena_printf(arena, SITE "[pages]\n%s", settings);

    cfg = parse_len(text, strlen(text), false, ERR_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    CU_ASSERT_EQUAL_FATAL(words_open(cfg, &book), ERR_OK);
}

static void close_book(void)
{
    words_close(&book);
    CU_ASSERT_PTR_NULL(book);
    config_free(&cfg);
}

static void speaks(const char *accept, const char *lang)
{
    const struct words *w = words_for(book, accept);

    if (strcmp(w->lang, lang) != 0)
        printf("<<%s>>: %s, not %s\n", accept ? accept : "(none)", w->lang, lang);
    CU_ASSERT_STRING_EQUAL(w->lang, lang);
}

static void test_choice(void)
{
    static const char *const german[] = {"de",
                                         "DE",
                                         "de-AT",
                                         "de-CH-1996, en",
                                         "fr, de",
                                         "fr;q=0.9, de;q=0.1",
                                         "en;q=0.5,de;q=0.7",
                                         "en;q=0.999, de",
                                         "en ; q=0.2 , de ; q=0.3",
                                         "*, de;q=0.1",
                                         "en;q=0, de;q=0.001",
                                         ",,de,",
                                         "de;level=1;q=0.5"};
    static const char *const english[] = {"",
                                          "en",
                                          "fr",
                                          "*",
                                          "de;q=0",
                                          "de;q=0.000",
                                          "en, de",
                                          "deu",
                                          "d",
                                          "x-de",
                                          "de;q=0.5, en;q=0.6",
                                          "de;q=.5, en",
                                          ";q=1",
                                          "de;q=x",
                                          ",;,;=,-"};

    open_book("");
    speaks(NULL, "en");
    for (size_t i = 0; i < sizeof german / sizeof german[0]; i++)
        speaks(german[i], "de");
    for (size_t i = 0; i < sizeof english / sizeof english[0]; i++)
        speaks(english[i], "en");
    CU_ASSERT_STRING_EQUAL(words_get(words_for(book, "de"), "sign-in"), "Anmelden");
    close_book();
    open_book("language = de\n");
    speaks("en", "de");
    speaks(NULL, "de");
    close_book();
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(arena_printf(arena, "%s/%s", dir, name), "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static const char *fault_of(const char *settings, bool *own)
{
    const char *text = arena_printf(arena, SITE "[pages]\n%s", settings);
    struct cfg *c = parse_len(text, strlen(text), false, ERR_OK);
    const char *fault = c ? words_fault(c, arena, own) : "none";

    config_free(&c);
    return fault;
}

static void is(const char *lang, const char *key, const char *want)
{
    const char *got = words_get(words_for(book, lang), key);

    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, want);
}

static void test_of_the_site(void)
{
    const char *here = arena_printf(arena, "directory = %s\n", dir);
    bool own = true;

    CU_ASSERT_PTR_NULL(fault_of(here, &own));
    CU_ASSERT_FALSE(own);
    put("de.strings", "sign-in = Rein\nmine = Meins\nbroken\n");
    CU_ASSERT_STRING_EQUAL(fault_of(here, &own), arena_printf(arena, "%s/de.strings: line 3 is no 'key = text'", dir));
    CU_ASSERT(own);
    open_book(here);
    is("de", "sign-in", "Rein");
    is("de", "mine", "Meins");
    is("de", "sign-out", "Abmelden");
    is("en", "sign-in", "Sign in");
    close_book();
    /* a third language: English for what it lacks */
    put("fr.strings", "sign-in = Connexion\n");
    here = arena_printf(arena, "directory = %s\nlanguage = fr\n", dir);
    CU_ASSERT_PTR_NULL(fault_of(here, &own));
    open_book(here);
    speaks("de", "fr");
    is("de", "sign-in", "Connexion");
    is("de", "sign-out", "Sign out");
    close_book();
    CU_ASSERT_EQUAL(unlink(arena_printf(arena, "%s/fr.strings", dir)), 0);
    CU_ASSERT_EQUAL(unlink(arena_printf(arena, "%s/de.strings", dir)), 0);
}

/* One that is nowhere, or no file: English stands in, and the fault is told. */
static void test_nowhere(void)
{
    bool own;

    CU_ASSERT_STRING_EQUAL(fault_of("language = fr\n", &own), "fr.strings: there is no such template");
    open_book("language = fr\n");
    is("fr", "sign-in", "Sign in");
    close_book();
    CU_ASSERT_EQUAL(mkdir(arena_printf(arena, "%s/en.strings", dir), 0700), 0);
    const char *here = arena_printf(arena, "directory = %s\n", dir);
    CU_ASSERT_STRING_EQUAL(fault_of(here, &own), arena_printf(arena, "%s/en.strings: Is a directory", dir));
    open_book(here);
    is("en", "sign-in", "Sign in");
    is("de", "sign-in", "Anmelden");
    close_book();
    CU_ASSERT_EQUAL(rmdir(arena_printf(arena, "%s/en.strings", dir)), 0);
}

static CU_TestInfo tests[] = {
    {"lines", test_lines},   {"faults of lines", test_line_faults}, {"too many", test_too_many},
    {"choice", test_choice}, {"of the site", test_of_the_site},     {"nowhere", test_nowhere},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (!mkdtemp(dir) || log_open("/dev/null", LVL_ERROR) != ERR_OK || arena_open(&arena, 4096) != ERR_OK)
        return 2;
    int status = suite_run("words", tests, NULL, NULL);
    arena_close(&arena);
    rmdir(dir);
    return status;
}
