/* From body and query to a typed struct, by table. All faults are told at once, in the words better-auth's client side
 * knows. Must not know what a field is for. */
#include "http/fields.h"

#include "base/enc.h"
#include "http/json.h"

#include <string.h>

const char FIELDS_NULL[] = "";

/* A field as it came, from JSON or as text. */
enum shape { ABSENT, NIL, NUMBER, ARRAY, OBJECT, BOOLEAN, STRING };
static const char *const shape_name[] = {
    [ABSENT] = "undefined", [NIL] = "null",        [NUMBER] = "number", [ARRAY] = "array",
    [OBJECT] = "object",    [BOOLEAN] = "boolean", [STRING] = "string",
};

struct given {
    enum shape shape;
    bool typed; /* JSON: a boolean is a boolean there, not its name */
    bool flag;
    const char *text;
};

struct run {
    const struct form *form;
    const struct request *r;
    struct arena *arena;
    bool body_usable;
    char *values;
    struct buf faults;
};

static enum shape shape_of(struct json_object *o)
{
    switch (json_object_get_type(o)) {
    case json_type_null:
        return NIL;
    case json_type_boolean:
        return BOOLEAN;
    case json_type_double:
    case json_type_int:
        return NUMBER;
    case json_type_object:
        return OBJECT;
    case json_type_array:
        return ARRAY;
    case json_type_string:
        break;
    }
    return STRING;
}

static struct given given_json(struct json_object *body, const char *name)
{
    struct json_object *o;

    if (!json_object_object_get_ex(body, name, &o))
        return (struct given){.shape = ABSENT, .typed = true};
    struct given g = {.shape = shape_of(o), .typed = true};
    if (g.shape == STRING)
        g.text = json_object_get_string(o);
    g.flag = g.shape == BOOLEAN && json_object_get_boolean(o);
    return g;
}

static struct given given_find(const struct run *run, const struct field *f)
{
    const struct pairs *p = f->from == FROM_QUERY ? &run->r->query : &run->r->form;

    if (f->from == FROM_BODY && run->r->body == BODY_JSON)
        return given_json(run->r->json, f->name);
    const char *text = pairs_get(p, f->name);
    return (struct given){.shape = text ? STRING : ABSENT, .text = text};
}

static void PRINTF_LIKE(3, 4) fault(struct run *run, const struct field *f, const char *fmt, ...)
{
    va_list ap;

    if (run->faults.len > 0)
        buf_puts(&run->faults, "; ");
    if (f)
        buf_printf(&run->faults, "[%s.%s] ", f->from == FROM_QUERY ? "query" : "body", f->name);
    else
        buf_puts(&run->faults, "[body] ");
    va_start(ap, fmt);
    buf_puts(&run->faults, arena_vprintf(run->arena, fmt, ap));
    va_end(ap);
}

static void fault_type(struct run *run, const struct field *f, const char *expected, enum shape got)
{
    fault(run, f, "Invalid input: expected %s, received %s", expected, shape_name[got]);
}

static void text_take(struct run *run, const struct field *f, const struct given *g)
{
    if (g->shape != STRING)
        fault_type(run, f, "string", g->shape);
    else if (f->type == FIELD_EMAIL && !run->form->email_ok(g->text))
        fault(run, f, "Invalid email address");
    else if (f->type == FIELD_NONEMPTY && !*g->text)
        fault(run, f, "Too small: expected string to have >=1 characters");
    else
        *(const char **)(void *)(run->values + f->offset) = arena_strdup(run->arena, g->text);
}

static bool flag_of(const struct field *f, const char *text, bool *out)
{
    bool on = f->from == FROM_BODY && strcmp(text, "on") == 0;

    *out = on || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || !*text || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static void flag_take(struct run *run, const struct field *f, const struct given *g)
{
    bool value = g->flag;

    if (g->shape == ABSENT && !f->required)
        value = f->otherwise;
    else if (g->shape == STRING ? g->typed || !flag_of(f, g->text, &value) : g->shape != BOOLEAN)
        fault_type(run, f, "boolean", g->shape);
    *(bool *)(run->values + f->offset) = value;
}

static void keep_take(struct run *run, const struct field *f, const struct given *g)
{
    bool current = g->shape == STRING && strcmp(g->text, "current") == 0;

    if (!current && (g->shape != ABSENT || f->required))
        fault(run, f, "Invalid option: expected \"current\"");
    *(bool *)(run->values + f->offset) = current;
}

static void nullable_take(struct run *run, const struct field *f, const struct given *g)
{
    if (g->shape == NIL)
        *(const char **)(void *)(run->values + f->offset) = FIELDS_NULL;
    else if (g->shape != ABSENT)
        text_take(run, f, g);
}

static void present_take(struct run *run, const struct field *f, const struct given *g)
{
    bool empty = g->shape == ABSENT || g->shape == NIL || (g->shape == BOOLEAN && !g->flag);

    *(bool *)(run->values + f->offset) = !empty && (g->shape != STRING || *g->text);
}

static void field_take(struct run *run, const struct field *f)
{
    bool usable = f->from == FROM_QUERY || run->body_usable;
    struct given g = usable ? given_find(run, f) : (struct given){.shape = ABSENT};
    struct field optional = *f;

    optional.required = f->required && usable; /* the body as a whole has been judged already */
    if (f->type == FIELD_BOOL)
        flag_take(run, &optional, &g);
    else if (f->type == FIELD_KEEP)
        keep_take(run, &optional, &g);
    else if (f->type == FIELD_NULLABLE)
        nullable_take(run, f, &g);
    else if (f->type == FIELD_PRESENT)
        present_take(run, f, &g);
    else if (g.shape != ABSENT || optional.required)
        text_take(run, f, &g);
}

/* Is there an object to take fields from? */
static bool body_check(struct run *run)
{
    const struct request *r = run->r;
    enum shape shape = r->body == BODY_JSON ? shape_of(r->json) : r->body == BODY_FORM ? OBJECT : ABSENT;

    if (!run->form->body || shape == OBJECT)
        return run->form->body;
    if (shape == ABSENT && run->form->absent)
        return false;
    fault_type(run, NULL, "object", shape);
    if (run->form->twice)
        fault_type(run, NULL, "record", shape);
    return false;
}

enum err fields_parse(const struct form *form, const struct request *r, struct arena *a, void *out, const char **detail)
{
    struct run run = {.form = form, .r = r, .arena = a, .faults = buf_in(a)};

    run.values = arena_alloc(a, form->size);
    run.body_usable = body_check(&run);
    for (size_t i = 0; i < form->n; i++)
        field_take(&run, &form->v[i]);
    if (run.faults.len > 0) {
        *detail = buf_str(&run.faults);
        return ERR_VALIDATION;
    }
    memcpy(out, run.values, form->size);
    return ERR_OK;
}
