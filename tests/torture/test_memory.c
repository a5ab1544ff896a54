/* S99: whichever allocation fails, a worker answers with an error or ends as arena.c says it does; it never crashes,
 * never takes an answer for right that lacks a part, and what it does next it does right. Each n-th failure has a
 * process of its own. */
#include "memory_case.h"

#include "app/forms.h"
#include "app/view.h"
#include "crypto/kdf.h"
#include "http/request.h"
#include "http/response.h"
#include "transport.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *or_none(const char *s)
{
    return s ? s : "(none)";
}

/* --- what is run ---------------------------------------------------------------------------------------------------- */

static char sample[65536];
static size_t sample_len;

static enum err run_config(void)
{
    struct cfg *c = NULL;

    TRY(config_parse("sample", sample, sample_len, false, NULL, NULL, &c));
    struct buf out = buf_in(c->arena);
    config_print(&out, c);
    say("%s", buf_str(&out));
    config_free(&c);
    return ERR_OK;
}

static char *const env[] = {
    (char[]){"FCGI_ROLE=RESPONDER"},
    (char[]){"REQUEST_METHOD=POST"},
    (char[]){"REQUEST_URI=/auth/sign-up/email?disableRefresh=true&a=%41+b"},
    (char[]){"REMOTE_ADDR=192.0.2.9"},
    (char[]){"HTTP_COOKIE=a=b"},
    (char[]){"HTTP_COOKIE=c=d"},
    (char[]){"HTTP_ORIGIN=https://www.example.org"},
    (char[]){"HTTP_USER_AGENT=agent"},
    (char[]){"HTTP_SEC_FETCH_SITE=same-origin"},
    (char[]){"CONTENT_TYPE=application/json; charset=utf-8"},
    (char[]){"CONTENT_LENGTH=0"},
    NULL,
};

static enum err run_head(void)
{
    struct request r;

    TRY(request_head(&copy_cfg, arena, env, &r));
    say("%d %s cookie=%s origin=%s agent=%s peer=%s type=%s fetch=%d site=%s", (int)r.method, r.path, r.cookie, r.origin,
        r.user_agent, r.peer, r.content_type, r.fetch, r.fetch_site);
    for (size_t i = 0; i < r.query.n; i++)
        say(" %s=%s", r.query.v[i].name, r.query.v[i].value);
    request_end(&r);
    return ERR_OK;
}

static enum err fields_of_body(const char *type, const char *text)
{
    struct request r = {.content_type = type, .length = (int64_t)strlen(text)};
    struct in_sign_up *in = ARENA_NEW(arena, struct in_sign_up);
    const char *detail = NULL;

    transport_set(NULL, text);
    enum err e = request_body(&copy_cfg, arena, NULL, true, &r, &detail);
    if (e == ERR_OK)
        e = fields_parse(&form_sign_up, &r, arena, in, &detail);
    if (e == ERR_OK)
        say("%s|%s|%s|%s|%d", in->name, in->email, in->password, or_none(in->image), in->rememberMe);
    request_end(&r);
    return e;
}

static enum err run_json(void)
{
    /* texts longer than json-c's first buffer, keys enough for its table to grow, numbers after them */
    static const char text[] =
        "{\"a0\":1,\"a1\":[1.5,{\"x\":[true,null]}],\"a2\":2,\"a3\":3,\"a4\":4,\"a5\":5,\"a6\":6,\"a7\":7,\"a8\":8,"
        "\"name\":\"A name that is longer than what fits at first, and then longer again: \\u00e9 \\ud83d\\udd11\","
        "\"email\":\"a.rather.long.address.of.somebody@mail.example.org\",\"password\":\"a password as good as any\","
        "\"image\":\"https://www.example.org/images/0123456789/0123456789/0123456789.png\",\"rememberMe\":false,"
        "\"b0\":10,\"b1\":-11,\"b2\":12,\"b3\":1e3,\"b4\":14}";

    return fields_of_body("application/json", text);
}

static enum err run_form(void)
{
    return fields_of_body("application/x-www-form-urlencoded",
                          "name=A+name&email=a%40example.org&password=a+password+as+good&rememberMe=false&image=%20");
}

/* A cookie's way to a session: values, signature, hash. */
static enum err run_cookie(void)
{
    const char *value[4];
    char signed_[TOKEN_SIGNED_SIZE], token[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];

    TRY(token_sign(scene.keys, scene.both.v[0].token, signed_));
    const char *header = arena_printf(arena, "x=y; name=%%zz; name=%s; name=\"%s\"", signed_, signed_);
    size_t n = cookie_values(arena, header, "name", value, 4);
    for (size_t i = 0; i < n; i++) {
        enum err e = token_verify(scene.keys, value[i], token);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
        say("%zu %s\n", i, e == ERR_OK ? token : "-");
    }
    TRY(token_hash(token, hash));
    say("%s", hash);
    return ERR_OK;
}

static enum err run_response(void)
{
    struct response r = response_in(arena);
    struct buf out = buf_in(arena);
    struct user u = {.id = ALICE, .name = "A <b> \xe2\x80\xa8 \"\xc3\xa9\"", .email = "alice@example.org"};
    struct session s = world_session(&scene.w, ALICE, "id");
    struct json_object *list = json_need(json_object_new_array_ext(1));
    struct json_object *o = json_need(json_object_new_object());

    json_put(o, "session", view_session(&s, true));
    json_put(o, "user", view_user(&u));
    for (int i = 0; i < 40; i++)
        json_append(list, view_flag("flag", i % 2));
    json_put(o, "list", list);
    response_json_take(&r, 200, o);
    TRY(cookie_set(&r, &copy_cfg, "a value", 100));
    TRY(response_header(&r, "Cache-Control", "no-store"));
    response_write(&r, false, &out);
    response_reset(&r);
    response_error(&r, 503, "SERVICE_UNAVAILABLE", "Service unavailable. Please try again later.");
    TRY(cookie_clear(&r, &copy_cfg));
    response_write(&r, false, &out);
    say("%s", buf_str(&out));
    return ERR_OK;
}

static char made_path[96], secret_path[96];

static enum err keys_say(const char *path)
{
    struct keys *k = NULL;
    char print[KEYS_PRINT_SIZE];

    TRY(keys_open(path, &k));
    enum err e = keys_print(k, 0, print);
    if (e == ERR_OK)
        say("%zu %s", keys_count(k), print);
    keys_close(&k);
    return e;
}

static void arrange_secret(void)
{
    unlink(made_path);
}

static enum err run_keys_make(void)
{
    return keys_say(made_path);
}

static enum err run_keys_read(void)
{
    return keys_say(secret_path);
}

static enum err run_token(void)
{
    char token[RNG_ID_SIZE], signed_[TOKEN_SIGNED_SIZE], hash[TOKEN_HASH_SIZE];

    TRY(token_new(token));
    TRY(token_sign(scene.keys, token, signed_));
    TRY(token_hash(token, hash));
    say("%s %s", signed_, hash);
    return ERR_OK;
}

static const struct cfg_scrypt cheap = {.log2n = 4, .r = 8, .p = 1};

static enum err run_hash(void)
{
    const char *hash;

    TRY(kdf_hash(arena, &cheap, "caf\xc3\xa9 au lait", &hash));
    say("%s", hash);
    return kdf_spend(arena, &cheap, PASSWORD);
}

static enum err verify_say(const char *password, const char *stored)
{
    bool match, weaker;

    TRY(kdf_verify(arena, &cheap, password, stored, &match, &weaker));
    say("%d %d\n", match, weaker);
    return ERR_OK;
}

static enum err run_verify(void)
{
    TRY(verify_say("pleaseletmein", "$scrypt$ln=4,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$"
                                    "tFm7I7Z7WV7ogdxUgXpuGIy6C9svNTyuUrrSmDrRYGE"));
    TRY(verify_say("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    TRY(verify_say("secret", "$y$j9T$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe."));
    return verify_say("pleaseletmein", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D");
}

TORTURE(config, NULL, false)
TORTURE(head, NULL, false)
TORTURE(json, NULL, false)
TORTURE(form, NULL, false)
TORTURE(cookie, NULL, false)
TORTURE(response, NULL, false)
TORTURE(keys_make, arrange_secret, false)
TORTURE(keys_read, NULL, false)
TORTURE(token, NULL, false)
TORTURE(hash, NULL, false)
TORTURE(verify, NULL, false)

static CU_TestInfo tests[] = {
    {"failing memory: configuration", test_config},
    {"failing memory: request head", test_head},
    {"failing memory: JSON body", test_json},
    {"failing memory: form body", test_form},
    {"failing memory: cookie", test_cookie},
    {"failing memory: answer", test_response},
    {"failing memory: making the secret", test_keys_make},
    {"failing memory: reading the secret", test_keys_read},
    {"failing memory: token", test_token},
    {"failing memory: new hash", test_hash},
    {"failing memory: verifying a hash", test_verify},
    CU_TEST_INFO_NULL,
};

/* --- the whole ----------------------------------------------------------------------------------------------------------- */

/* The sample, with the one setting that it leaves to the administrator. */
static void sample_read(void)
{
    static const char first[] = "[auth]\nbase_url = https://www.example.org\n";
    static char text[sizeof sample];
    const char *top = getenv("top_srcdir");

    AUTO(fd) int fd = open(arena_printf(scene.w.arena, "%s/conf/latchkey.conf", top ? top : "."), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - sizeof first);
    const char *section = n > 0 ? strstr(text, "[auth]\n") : NULL;
    scene_need(section != NULL, "conf/latchkey.conf");
    int len = snprintf(sample, sizeof sample, "%.*s%s%s", (int)(section - text), text, first,
                       section + strlen("[auth]\n"));
    scene_need(len > n && (size_t)len < sizeof sample, "conf/latchkey.conf");
    sample_len = (size_t)len;
}

static int open_all(void)
{
    struct keys *k = NULL;

    if (case_open() != 0)
        return 1;
    sample_read();
    snprintf(made_path, sizeof made_path, "%s/made", scene.w.dir);
    snprintf(secret_path, sizeof secret_path, "%s/secret", scene.w.dir);
    scene_need(keys_open(secret_path, &k) == ERR_OK, "secret");
    keys_close(&k);
    return 0;
}

static int close_all(void)
{
    unlink(made_path);
    unlink(secret_path);
    return case_close();
}

int main(void)
{
    return suite_run("memory", tests, open_all, close_all);
}
