/* Any bytes as a template: no crash, an end, a fault that names a line, and in HTML nothing of a value that was not
 * asked for as it is. */
#include "fuzz.h"

#include "base/mustache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mustache_var inner[] = {{"n", "<1>"}},
                                     vars[] = {{"x", "\x01<\x02"}, {"empty", ""}, {"un", NULL}};
    static const struct mustache_data items[] = {{.vars = inner, .n_vars = 1}, {.vars = NULL, .n_vars = 0}};
    static const struct mustache_list lists[] = {{"list", items, 2}};
    static const struct mustache_data all = {.vars = vars, .n_vars = 3, .lists = lists, .n_lists = 1};
    struct arena *a = fuzz_arena();
    struct buf out = buf_in(a), plain = buf_in(a);
    const char *fault = NULL, *fault_plain = NULL;
    char *text = fuzz_exact(data, size);
    bool ok = mustache_render(&out, text, size, &all, true, &fault);

    FUZZ_CHECK(ok == mustache_render(&plain, text, size, &all, false, &fault_plain) || size > 1000);
    FUZZ_CHECK(ok || (fault && strncmp(fault, "line ", 5) == 0));
    FUZZ_CHECK(out.len <= MUSTACHE_OUT_MAX);
    if (ok && !memmem(text, size, "{{{", 3) && !memchr(text, '&', size) && !memchr(text, '\x01', size))
        FUZZ_CHECK(out.len == 0 || !memmem(out.s, out.len, "\x01<", 2));
    free(text);
    arena_close(&a);
    return 0;
}
