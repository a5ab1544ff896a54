/* Field tables: every type from JSON, form and query, every fault in its words. */
#include "suite.h"

#include "http/fields.h"
#include "http/json.h"

#include <string.h>

static struct arena *arena;

static bool email_ok(const char *s)
{
    return strchr(s, '@') != NULL;
}

struct sample {
    const char *name, *email, *token;
    bool remember, keep, passive;
};

#define AT(m) offsetof(struct sample, m)
static const struct field sample_v[] = {
    {.name = "name", .type = FIELD_TEXT, .required = true, .offset = AT(name)},
    {.name = "email", .type = FIELD_EMAIL, .required = true, .offset = AT(email)},
    {.name = "token", .type = FIELD_NONEMPTY, .offset = AT(token)},
    {.name = "rememberMe", .type = FIELD_BOOL, .otherwise = true, .offset = AT(remember)},
};
static const struct field query_v[] = {
    {.name = "keep", .from = FROM_QUERY, .type = FIELD_KEEP, .offset = AT(keep)},
    {.name = "disableRefresh", .from = FROM_QUERY, .type = FIELD_BOOL, .offset = AT(passive)},
    {.name = "token", .from = FROM_QUERY, .type = FIELD_TEXT, .offset = AT(token)},
};

static struct form sample_form(void)
{
    return (struct form){.name = "sample",
                         .size = sizeof(struct sample),
                         .body = true,
                         .email_ok = email_ok,
                         .v = sample_v,
                         .n = sizeof sample_v / sizeof *sample_v};
}

static struct sample got;
static const char *detail;

/* what: "j…" a JSON body, "f…" a form, "q…" a query, NULL none. */
static enum err run(struct form form, const char *what)
{
    struct request r = {.peer = ""};

    detail = NULL;
    memset(&got, 0x5a, sizeof got);
    if (what && *what == 'j') {
        CU_ASSERT_EQUAL_FATAL(json_parse(what + 1, strlen(what + 1), &r.json), ERR_OK);
        r.body = BODY_JSON;
    } else if (what && *what == 'f') {
        CU_ASSERT_EQUAL_FATAL(pairs_parse(arena, what + 1, strlen(what + 1), &r.form), ERR_OK);
        r.body = BODY_FORM;
    } else if (what) {
        CU_ASSERT_EQUAL_FATAL(pairs_parse(arena, what + 1, strlen(what + 1), &r.query), ERR_OK);
    }
    enum err e = fields_parse(&form, &r, arena, &got, &detail);
    json_object_put(r.json); /* what was taken must outlive it */
    if (e == ERR_VALIDATION)
        CU_ASSERT_PTR_NOT_NULL_FATAL(detail);
    return e;
}

static void faulty(struct form form, const char *what, const char *want)
{
    CU_ASSERT_EQUAL(run(form, what), ERR_VALIDATION);
    if (!detail || strcmp(detail, want) != 0)
        printf("%s: %s\n", what ? what : "(none)", detail ? detail : "no fault");
    CU_ASSERT_TRUE(detail && strcmp(detail, want) == 0);
    CU_ASSERT_EQUAL(*(unsigned char *)&got, 0x5a); /* written only on success */
}

static void test_taken(void)
{
    CU_ASSERT_EQUAL(
        run(sample_form(), "j{\"name\":\"N\\u00e9\",\"email\":\"a@b\",\"token\":\"t\",\"rememberMe\":false,\"x\":1}"),
        ERR_OK);
    CU_ASSERT_STRING_EQUAL(got.name, "N\xC3\xA9");
    CU_ASSERT_STRING_EQUAL(got.email, "a@b");
    CU_ASSERT_STRING_EQUAL(got.token, "t");
    CU_ASSERT_FALSE(got.remember);
    CU_ASSERT_EQUAL(run(sample_form(), "j{\"name\":\"\",\"email\":\"a@b\"}"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(got.name, "");
    CU_ASSERT_PTR_NULL(got.token);
    CU_ASSERT_TRUE(got.remember);
    CU_ASSERT_EQUAL(run(sample_form(), "fname=a+b&email=a%40b&name=second"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(got.name, "a b");
    CU_ASSERT_STRING_EQUAL(got.email, "a@b");
    CU_ASSERT_TRUE(got.remember);
}

static void test_received(void)
{
    static const char *const value[][2] = {{"1", "number"}, {"1.5", "number"}, {"null", "null"},
                                           {"[]", "array"}, {"{}", "object"},  {"true", "boolean"}};
    char in[200], want[200];

    for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
        snprintf(in, sizeof in, "j{\"name\":%s,\"email\":\"a@b\"}", value[i][0]);
        snprintf(want, sizeof want, "[body.name] Invalid input: expected string, received %s", value[i][1]);
        faulty(sample_form(), in, want);
        snprintf(in, sizeof in, "j{\"name\":\"\",\"email\":%s}", value[i][0]);
        snprintf(want, sizeof want, "[body.email] Invalid input: expected string, received %s", value[i][1]);
        faulty(sample_form(), in, want);
        snprintf(in, sizeof in, "j{\"name\":\"\",\"email\":\"@\",\"token\":%s}", value[i][0]);
        snprintf(want, sizeof want, "[body.token] Invalid input: expected string, received %s", value[i][1]);
        faulty(sample_form(), in, want);
        if (strcmp(value[i][1], "boolean") == 0)
            continue;
        snprintf(in, sizeof in, "j{\"name\":\"\",\"email\":\"@\",\"rememberMe\":%s}", value[i][0]);
        snprintf(want, sizeof want, "[body.rememberMe] Invalid input: expected boolean, received %s", value[i][1]);
        faulty(sample_form(), in, want);
    }
    faulty(sample_form(), "j{\"name\":\"\",\"email\":\"@\",\"rememberMe\":\"true\"}",
           "[body.rememberMe] Invalid input: expected boolean, received string");
}

static void test_all_faults_in_order(void)
{
    faulty(sample_form(), "j{\"rememberMe\":1,\"token\":\"\",\"email\":\"x\"}",
           "[body.name] Invalid input: expected string, received undefined; [body.email] Invalid email address; "
           "[body.token] Too small: expected string to have >=1 characters; "
           "[body.rememberMe] Invalid input: expected boolean, received number");
    faulty(sample_form(), "j{\"email\":\"\",\"name\":\"\"}", "[body.email] Invalid email address");
    faulty(sample_form(), "f&",
           "[body.name] Invalid input: expected string, received undefined; "
           "[body.email] Invalid input: expected string, received undefined");
}

static void test_whole_body(void)
{
    static const char *const shape[][2] = {{"j[]", "array"}, {"jnull", "null"},    {"j\"{}\"", "string"},
                                           {"j1", "number"}, {"jtrue", "boolean"}, {NULL, "undefined"}};
    char want[200];

    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        struct form form = sample_form();
        snprintf(want, sizeof want, "[body] Invalid input: expected object, received %s", shape[i][1]);
        faulty(form, shape[i][0], want);
        form.twice = true;
        snprintf(
            want, sizeof want,
            "[body] Invalid input: expected object, received %s; [body] Invalid input: expected record, received %s",
            shape[i][1], shape[i][1]);
        faulty(form, shape[i][0], want);
        form.twice = false;
        form.absent = true;
        snprintf(want, sizeof want, "[body] Invalid input: expected object, received %s", shape[i][1]);
        if (shape[i][0])
            faulty(form, shape[i][0], want);
    }
}

static void test_absent_body(void)
{
    struct form form = sample_form();

    form.absent = true;
    CU_ASSERT_EQUAL(run(form, NULL), ERR_OK);
    CU_ASSERT_PTR_NULL(got.name);
    CU_ASSERT_TRUE(got.remember);
    form.body = false;
    form.absent = false;
    CU_ASSERT_EQUAL(run(form, "j[1]"), ERR_OK); /* a body nobody asked for */
    CU_ASSERT_PTR_NULL(got.name);
}

static void test_form_booleans(void)
{
    static const struct {
        const char *text;
        int is; /* -1: a fault */
    } row[] = {{"true", 1}, {"on", 1},    {"1", 1},    {"false", 0}, {"0", 0},
               {"", 0},     {"TRUE", -1}, {"yes", -1}, {"2", -1},    {"off", -1}};
    char in[100];

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(in, sizeof in, "fname=&email=@&rememberMe=%s", row[i].text);
        if (row[i].is < 0) {
            faulty(sample_form(), in, "[body.rememberMe] Invalid input: expected boolean, received string");
            continue;
        }
        CU_ASSERT_EQUAL(run(sample_form(), in), ERR_OK);
        CU_ASSERT_EQUAL(got.remember, row[i].is);
    }
}

static void test_query(void)
{
    struct form form = {.name = "q", .size = sizeof(struct sample), .v = query_v, .n = 3};

    CU_ASSERT_EQUAL(run(form, NULL), ERR_OK);
    CU_ASSERT_FALSE(got.keep || got.passive);
    CU_ASSERT_EQUAL(run(form, "qkeep=current&disableRefresh=true&token=x"), ERR_OK);
    CU_ASSERT_TRUE(got.keep && got.passive);
    CU_ASSERT_STRING_EQUAL(got.token, "x");
    CU_ASSERT_EQUAL(run(form, "qdisableRefresh=1"), ERR_OK);
    CU_ASSERT_TRUE(got.passive);
    CU_ASSERT_EQUAL(run(form, "qdisableRefresh="), ERR_OK);
    CU_ASSERT_FALSE(got.passive);
    CU_ASSERT_EQUAL(run(form, "qdisableRefresh=0"), ERR_OK);
    CU_ASSERT_EQUAL(run(form, "qdisableRefresh=false"), ERR_OK);
    CU_ASSERT_FALSE(got.passive);
    faulty(form, "qdisableRefresh=on", "[query.disableRefresh] Invalid input: expected boolean, received string");
    faulty(form, "qkeep=", "[query.keep] Invalid option: expected \"current\"");
    faulty(form, "qkeep=Current&disableRefresh=x",
           "[query.keep] Invalid option: expected \"current\"; "
           "[query.disableRefresh] Invalid input: expected boolean, received string");
}

struct change {
    const char *image;
    bool email;
};
static const struct field change_v[] = {
    {.name = "image", .type = FIELD_NULLABLE, .offset = offsetof(struct change, image)},
    {.name = "email", .type = FIELD_PRESENT, .offset = offsetof(struct change, email)},
};
static struct change changed;

static enum err change(const char *what)
{
    struct form form = {.name = "change", .size = sizeof(struct change), .body = true, .v = change_v, .n = 2};

    enum err e = run(form, what);
    memcpy(&changed, &got, sizeof changed);
    return e;
}

/* Absent, null and the empty text are three things. */
static void test_nullable(void)
{
    CU_ASSERT_EQUAL(change("j{}"), ERR_OK);
    CU_ASSERT_PTR_NULL(changed.image);
    CU_ASSERT_EQUAL(change("j{\"image\":null}"), ERR_OK);
    CU_ASSERT_PTR_EQUAL(changed.image, FIELDS_NULL);
    CU_ASSERT_EQUAL(change("j{\"image\":\"\"}"), ERR_OK);
    CU_ASSERT_PTR_NOT_EQUAL(changed.image, FIELDS_NULL);
    CU_ASSERT_STRING_EQUAL(changed.image, "");
    CU_ASSERT_EQUAL(change("j{\"image\":\"null\"}"), ERR_OK);
    CU_ASSERT_STRING_EQUAL(changed.image, "null");
    CU_ASSERT_EQUAL(change("fimage=&image=x"), ERR_OK);
    CU_ASSERT_PTR_NOT_EQUAL(changed.image, FIELDS_NULL);
    CU_ASSERT_STRING_EQUAL(changed.image, "");
}

static void test_nullable_faults(void)
{
    struct form form = {.name = "change", .size = sizeof(struct change), .body = true, .v = change_v, .n = 2};

    faulty(form, "j{\"image\":1}", "[body.image] Invalid input: expected string, received number");
    faulty(form, "j{\"image\":false}", "[body.image] Invalid input: expected string, received boolean");
    faulty(form, "j{\"image\":[],\"email\":{}}", "[body.image] Invalid input: expected string, received array");
    faulty(form, "j{\"image\":{}}", "[body.image] Invalid input: expected string, received object");
}

static void test_present(void)
{
    static const struct {
        const char *text;
        bool is;
    } row[] = {{"null", false}, {"false", false}, {"\"\"", false}, {"true", true},    {"0", true},        {"1", true},
               {"[]", true},    {"{}", true},     {"\" \"", true}, {"\"a@b\"", true}, {"\"false\"", true}};
    char in[100];

    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        snprintf(in, sizeof in, "j{\"email\":%s}", row[i].text);
        CU_ASSERT_EQUAL(change(in), ERR_OK); /* of no shape that is a fault */
        CU_ASSERT_EQUAL(changed.email, row[i].is);
    }
    CU_ASSERT_EQUAL(change("j{\"Email\":\"a@b\"}"), ERR_OK);
    CU_ASSERT_FALSE(changed.email);
    CU_ASSERT_EQUAL(change("femail="), ERR_OK);
    CU_ASSERT_FALSE(changed.email);
    CU_ASSERT_EQUAL(change("femail=x"), ERR_OK);
    CU_ASSERT_TRUE(changed.email);
}

static void test_query_beside_bad_body(void)
{
    static const struct field v[] = {
        {.name = "name", .type = FIELD_TEXT, .required = true, .offset = AT(name)},
        {.name = "token", .from = FROM_QUERY, .type = FIELD_TEXT, .required = true, .offset = AT(token)},
    };
    struct form form = {.name = "both", .size = sizeof(struct sample), .body = true, .v = v, .n = 2};

    faulty(form, "j[]",
           "[body] Invalid input: expected object, received array; "
           "[query.token] Invalid input: expected string, received undefined");
}

static int setup(void)
{
    return arena_open(&arena, 65536) == ERR_OK ? 0 : 1;
}

static int teardown(void)
{
    arena_close(&arena);
    return 0;
}

static CU_TestInfo tests[] = {
    {"taken", test_taken},
    {"received", test_received},
    {"all faults in order", test_all_faults_in_order},
    {"whole body", test_whole_body},
    {"absent body", test_absent_body},
    {"form booleans", test_form_booleans},
    {"query", test_query},
    {"nullable", test_nullable},
    {"nullable faults", test_nullable_faults},
    {"present", test_present},
    {"query beside bad body", test_query_beside_bad_body},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return suite_run("fields", tests, setup, teardown);
}
