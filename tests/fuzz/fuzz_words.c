/* Any bytes as a catalogue of words: no crash, keys that a template can name, each once, texts of one line of UTF-8, a
 * fault that names a line; and read once more on top of itself it changes nothing. */
#include "fuzz.h"

#include "app/words.h"

static void check(const struct mustache_var *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(strncmp(v[i].name, "t-", 2) == 0 && v[i].name[2]);
        FUZZ_CHECK(!strpbrk(v[i].name, " \t\r\n={}.#"));
        FUZZ_CHECK(!strchr(v[i].text, '\n'));
        fuzz_text(v[i].text);
        for (size_t j = 0; j < i; j++)
            FUZZ_CHECK(strcmp(v[i].name, v[j].name) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mustache_var v[WORDS_MAX];
    struct arena *a = fuzz_arena();
    char *text = fuzz_exact(data, size);
    size_t n = 0, again;

    const char *fault = words_read(a, text, size, v, &n);
    FUZZ_CHECK(n <= WORDS_MAX && (!fault || strncmp(fault, "line ", 5) == 0));
    check(v, n);
    again = n;
    (void)words_read(a, text, size, v, &again);
    FUZZ_CHECK(again == n);
    free(text);
    arena_close(&a);
    return 0;
}
