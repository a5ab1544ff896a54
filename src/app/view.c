/* Sessions and users as JSON. A session's `token` is its public id: the secret is nowhere but in the cookie (D1). */
#include "app/view.h"

#include "base/enc.h"

static void put_text(struct json_object *o, const char *key, const char *s)
{
    json_object_object_add_ex(o, key, s ? json_object_new_string(s) : NULL, JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

static void put_time(struct json_object *o, const char *key, int64_t ms)
{
    char iso[ENC_ISO_SIZE];
    enc_iso(ms, iso);
    put_text(o, key, iso);
}

static void put_flag(struct json_object *o, const char *key, bool value)
{
    json_object_object_add_ex(o, key, json_object_new_boolean(value), JSON_C_OBJECT_ADD_KEY_IS_NEW);
}

struct json_object *view_user(const struct user *u)
{
    struct json_object *o = json_object_new_object();
    put_text(o, "name", u->name);
    put_text(o, "email", u->email);
    put_flag(o, "emailVerified", u->email_verified);
    put_text(o, "image", u->image);
    put_time(o, "createdAt", u->created_at);
    put_time(o, "updatedAt", u->updated_at);
    put_text(o, "id", u->id);
    return o;
}

struct json_object *view_session(const struct session *s, bool current)
{
    struct json_object *o = json_object_new_object();
    put_time(o, "expiresAt", s->expires_at);
    put_text(o, "token", s->id);
    put_time(o, "createdAt", s->created_at);
    put_time(o, "updatedAt", s->updated_at);
    put_text(o, "ipAddress", s->ip);
    put_text(o, "userAgent", s->agent);
    put_text(o, "userId", s->user_id);
    put_text(o, "id", s->id);
    put_flag(o, "current", current);
    put_flag(o, "rememberMe", s->remember);
    put_time(o, "authenticatedAt", s->authenticated_at);
    put_time(o, "diesAt", s->dies_at);
    put_time(o, "lastSeenAt", s->last_seen_at);
    put_text(o, "lastIpAddress", s->last_ip);
    return o;
}

struct json_object *view_flag(const char *key, bool value)
{
    struct json_object *o = json_object_new_object();
    put_flag(o, key, value);
    return o;
}
