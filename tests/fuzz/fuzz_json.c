/* JSON bodies: what is taken is valid text within the depth, and is read the same again after being written. */
#include "fuzz.h"

#include "http/json.h"
#include "http/request.h"
#include "http/response.h"

static int depth(struct json_object *o)
{
    int most = 0;

    if (json_object_get_type(o) == json_type_array)
        for (size_t i = 0; i < json_object_array_length(o); i++) {
            int d = depth(json_object_array_get_idx(o, i));
            most = d > most ? d : most;
        }
    else if (json_object_get_type(o) == json_type_object) {
        json_object_object_foreach(o, key, value)
        {
            fuzz_text(key);
            int d = depth(value);
            most = d > most ? d : most;
        }
    } else {
        if (json_object_get_type(o) == json_type_string) {
            fuzz_text(json_object_get_string(o));
            FUZZ_CHECK(strlen(json_object_get_string(o)) == (size_t)json_object_get_string_len(o));
        }
        return 0;
    }
    return most + 1;
}

/* Through the answer's writer: nothing that HTML would see, and the same value again. */
static void write_and_read(struct arena *a, struct json_object *o)
{
    struct response r = response_in(a);
    struct json_object *again = NULL;
    const char *plain = arena_strdup(a, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));

    response_json_take(&r, 200, json_object_get(o));
    FUZZ_CHECK(!strpbrk(buf_str(&r.body), "<>&"));
    fuzz_text(buf_str(&r.body));
    if (strstr(plain, "Infinity") || strstr(plain, "NaN"))
        return; /* 1e999 */
    FUZZ_CHECK(json_parse(r.body.s, r.body.len, &again) == ERR_OK);
    FUZZ_CHECK(strcmp(plain, json_object_to_json_string_ext(again, JSON_C_TO_STRING_PLAIN)) == 0);
    json_object_put(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = fuzz_arena();
    char *in = fuzz_exact(data, size);
    struct json_object *o = NULL;

    if (json_parse(in, size, &o) == ERR_OK) {
        FUZZ_CHECK(enc_utf8_valid(in, size) && !memchr(in, '\0', size));
        FUZZ_CHECK(depth(o) <= 16);
        write_and_read(a, o);
        json_object_put(o);
    }
    free(in);
    arena_close(&a);
    return 0;
}
