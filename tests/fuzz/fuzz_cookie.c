/* The Cookie header: any bytes, any number of cookies, within the cap. First line of the input: the name. */
#include "fuzz.h"

#include "http/request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    char *header = arena_strndup(a, (const char *)data, size);
    const char *value[4], *name = "s";
    char *line = strchr(header, '\n');

    if (line) {
        *line = '\0';
        name = header;
        header = line + 1;
    }
    size_t n = cookie_values(a, header, name, value, 4);
    FUZZ_CHECK(n <= 4);
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(strlen(value[i]) <= strlen(header));
    FUZZ_CHECK(n == 0 || strstr(header, name));
    arena_close(&a);
    return 0;
}
