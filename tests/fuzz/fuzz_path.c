/* Request heads. Each line of the input is a parameter; a line without '=' is a REQUEST_URI. */
#include "fuzz.h"

#include "http/request.h"

static const struct cfg cfg = {.auth_base_path = "/auth", .limits_head = 16384};

static void head_check(const struct request *r)
{
    FUZZ_CHECK(r->method_name && *r->method_name && r->peer);
    FUZZ_CHECK(!r->path || r->path[0] == '/');
    FUZZ_CHECK(r->query.n <= 64 && (r->path || r->query.n == 0));
    FUZZ_CHECK(r->length >= -1);
    FUZZ_CHECK(!r->origin || (!strchr(r->origin, '\r') && !strchr(r->origin, '\x01')));
    for (size_t i = 0; i < r->query.n; i++) {
        fuzz_text(r->query.v[i].name);
        fuzz_text(r->query.v[i].value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    char *text = arena_strndup(a, (const char *)data, size);
    char **env = ARENA_ARRAY(a, char *, size + 4);
    size_t n = 0;
    struct request r = {0};

    env[n++] = arena_strdup(a, "FCGI_ROLE=RESPONDER");
    env[n++] = arena_strdup(a, "REQUEST_METHOD=GET");
    for (char *line = text, *rest = text; rest; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        env[n++] = strchr(line, '=') && *line != '/' ? arena_strdup(a, line) : arena_printf(a, "REQUEST_URI=%s", line);
    }
    if (request_head(&cfg, a, env, &r) == ERR_OK) {
        head_check(&r);
        request_end(&r);
    }
    arena_close(&a);
    return 0;
}
