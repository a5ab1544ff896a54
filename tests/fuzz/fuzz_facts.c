/* Any bytes as the facts of a mail: no crash, and what is taken is written back as the same bytes. */
#include "fuzz.h"

#include "auth/mail.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    struct buf back = buf_in(a);
    struct mail_facts f;
    char *bytes = fuzz_exact(data, size);

    if (mail_facts_parse(a, bytes, size, &f)) {
        mail_facts_text(&back, &f);
        FUZZ_CHECK(back.len == size && memcmp(back.s, bytes, size) == 0);
    }
    free(bytes);
    arena_close(&a);
    return 0;
}
