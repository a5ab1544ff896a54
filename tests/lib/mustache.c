/* Renders what stands in a file, {"template": …, "data": …} as JSON, for the cases of the mustache specification.
 * Prints what becomes of it, and ends with 1 after a fault. */
#include "base/mustache.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static void data_of(struct arena *a, struct json_object *o, struct mustache_data *out);

/* An object is a list of one: its names are looked up in it first. */
static void list_of(struct arena *a, const char *name, struct json_object *v, struct mustache_list *out)
{
    bool array = json_object_is_type(v, json_type_array);
    size_t n = array ? json_object_array_length(v) : 1;
    struct mustache_data *items = ARENA_ARRAY(a, struct mustache_data, n + 1);

    for (size_t i = 0; i < n; i++)
        data_of(a, array ? json_object_array_get_idx(v, i) : v, &items[i]);
    *out = (struct mustache_list){name, items, n};
}

static const char *text_of(struct arena *a, struct json_object *v)
{
    if (!v || (json_object_is_type(v, json_type_boolean) && !json_object_get_boolean(v)))
        return NULL;
    return arena_strdup(a, json_object_get_string(v));
}

static void data_of(struct arena *a, struct json_object *o, struct mustache_data *out)
{
    bool object = json_object_is_type(o, json_type_object);
    size_t n = object ? (size_t)json_object_object_length(o) : 0;
    struct mustache_var *vars = ARENA_ARRAY(a, struct mustache_var, n + 1);
    struct mustache_list *lists = ARENA_ARRAY(a, struct mustache_list, n + 1);

    *out = (struct mustache_data){.vars = vars, .lists = lists};
    if (!object)
        return;
    json_object_object_foreach(o, key, v)
    {
        const char *name = arena_strdup(a, key);
        if (json_object_is_type(v, json_type_array) || json_object_is_type(v, json_type_object))
            list_of(a, name, v, &lists[out->n_lists++]);
        else
            vars[out->n_vars++] = (struct mustache_var){name, text_of(a, v)};
    }
}

int main(int argc, char **argv)
{
    struct json_object *o = argc == 2 ? json_object_from_file(argv[1]) : NULL, *template = NULL, *given = NULL;
    struct mustache_data data;
    struct arena *a = NULL;
    const char *fault = NULL;

    if (!o || !json_object_object_get_ex(o, "template", &template) || !json_object_object_get_ex(o, "data", &given) ||
        arena_open(&a, 4096) != ERR_OK)
        return 2;
    struct buf out = buf_in(a);
    data_of(a, given, &data);
    bool ok = mustache_render(&out, json_object_get_string(template), (size_t)json_object_get_string_len(template),
                              &data, true, &fault);
    fputs(ok ? buf_str(&out) : fault, stdout);
    json_object_put(o);
    arena_close(&a);
    return ok ? 0 : 1;
}
