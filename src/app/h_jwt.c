/* Handlers of JWTs: the token of who is signed in, and the public keys. */
#include "app/handlers.h"

#include "app/view.h"
#include "auth/jwt.h"
#include "base/log.h"

#include <string.h>

/* A header field that a web server's usual buffer for an answer's head (4 KiB) has room for beside the others. */
enum { HEADER_MAX = 2800 };

static void put_number(struct json_object *o, const char *key, int64_t value)
{
    json_put(o, key, json_need(json_object_new_int64(value)));
}

/* In the order of the contract (B §10), and `sid`, by which others can ask whether the session still lives. */
static struct json_object *claims(const struct ctx *ctx)
{
    struct json_object *o = json_need(json_object_new_object());
    const char *site = ctx->au.cfg->auth_base_url;
    int64_t issued, expires;

    jwt_times(&ctx->au, &issued, &expires);
    put_number(o, "iat", issued);
    view_user_into(o, &ctx->who.user);
    json_put(o, "sub", json_of_text(ctx->who.user.id));
    json_put(o, "sid", json_of_text(ctx->who.session.id));
    put_number(o, "exp", expires);
    json_put(o, "iss", json_of_text(site));
    json_put(o, "aud", json_of_text(site));
    return o;
}

static enum err token_make(struct ctx *ctx, char **out)
{
    struct buf text = buf_in(ctx->au.arena);
    struct json_object *o = claims(ctx);

    json_write(&text, o);
    json_object_put(o);
    return jwt_issue(&ctx->au, buf_str(&text), text.len, out);
}

enum err h_token(struct ctx *ctx, const void *in)
{
    char *token;

    (void)in;
    TRY(token_make(ctx, &token));
    struct json_object *o = json_need(json_object_new_object());
    json_put(o, "token", json_of_text(token));
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}

/* A key that cannot be used ends no session: who needs a token asks for one and is told. The same goes for a token that
 * is too long for a header field, on account of a picture that is all in its address. */
enum err answer_jwt(struct ctx *ctx)
{
    char *token;

    if (ctx->au.cfg->auth_mode != MODE_JWT)
        return ERR_OK;
    enum err e = token_make(ctx, &token);
    if (e == ERR_SECRET || (e == ERR_OK && strlen(token) > HEADER_MAX))
        return ERR_OK;
    TRY(e);
    TRY(response_header(&ctx->res, "set-auth-jwt", token));
    app_expose(ctx, "set-auth-jwt");
    return ERR_OK;
}

/* One key as it is published; NULL (logged): what is stored is none. */
static struct json_object *key_view(const struct signing_key *k)
{
    static const char *const members[] = {"x", "kty"};
    struct json_object *stored = NULL, *o = json_need(json_object_new_object()), *v = NULL;
    bool whole = json_parse(k->public_key, strlen(k->public_key), &stored) == ERR_OK &&
                 json_object_is_type(stored, json_type_object);

    json_put(o, "alg", json_of_text(k->alg));
    json_put(o, "crv", json_of_text(k->crv));
    for (size_t i = 0; whole && i < sizeof members / sizeof members[0]; i++) {
        whole = json_object_object_get_ex(stored, members[i], &v) && json_object_is_type(v, json_type_string);
        if (whole)
            json_put(o, members[i], json_of_text(json_object_get_string(v)));
    }
    json_put(o, "kid", json_of_text(k->id));
    json_object_put(stored);
    if (whole)
        return o;
    log_error("jwt: the public key %s is no JSON Web Key", k->id);
    json_object_put(o);
    return NULL;
}

enum err h_jwks(struct ctx *ctx, const void *in)
{
    struct signing_key *list;
    size_t n;

    (void)in;
    TRY(jwt_published(&ctx->au, &list, &n));
    struct json_object *keys = json_need(json_object_new_array_ext((int)n)), *o;
    for (size_t i = 0; i < n; i++) {
        struct json_object *k = key_view(&list[i]);
        if (k)
            json_append(keys, k);
    }
    o = json_need(json_object_new_object());
    json_put(o, "keys", keys);
    response_json_take(&ctx->res, 200, o);
    return ERR_OK;
}
