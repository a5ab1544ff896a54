/* Form-encoded bodies: what is taken is text, capped, and found again by its name. */
#include "fuzz.h"

#include "http/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    char *in = fuzz_exact(data, size);
    struct pairs p = {0};

    if (pairs_parse(a, in, size, &p) == ERR_OK) {
        FUZZ_CHECK(p.n <= PAIRS_MAX);
        for (size_t i = 0; i < p.n; i++) {
            fuzz_text(p.v[i].name);
            fuzz_text(p.v[i].value);
            FUZZ_CHECK(pairs_get(&p, p.v[i].name));
        }
    }
    free(in);
    arena_close(&a);
    return 0;
}
