/* Sessions and users as JSON. A session's `token` is its public id: the secret is nowhere but in the cookie (D1). */
#include "app/view.h"

#include "base/agent.h"
#include "base/enc.h"
#include "http/response.h"

#include <string.h>

static void put_text(struct json_object *o, const char *key, const char *s)
{
    json_put(o, key, json_of_text(s));
}

static void put_time(struct json_object *o, const char *key, int64_t ms)
{
    char iso[ENC_ISO_SIZE];
    enc_iso(ms, iso);
    put_text(o, key, iso);
}

static void put_flag(struct json_object *o, const char *key, bool value)
{
    json_put(o, key, json_need(json_object_new_boolean(value)));
}

void view_user_into(struct json_object *o, const struct user *u)
{
    put_text(o, "name", u->name);
    put_text(o, "email", u->email);
    put_flag(o, "emailVerified", u->email_verified);
    put_text(o, "image", u->image);
    put_time(o, "createdAt", u->created_at);
    put_time(o, "updatedAt", u->updated_at);
    put_text(o, "id", u->id);
}

struct json_object *view_user(const struct user *u)
{
    struct json_object *o = json_need(json_object_new_object());
    view_user_into(o, u);
    return o;
}

struct json_object *view_session(const struct session *s, bool current)
{
    char device[AGENT_DEVICE_SIZE];
    struct json_object *o = json_need(json_object_new_object());
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
    agent_device(s->agent, device);
    put_text(o, "device", device);
    return o;
}

static struct json_object *scopes(const char *scope)
{
    struct json_object *list = json_need(json_object_new_array());

    for (const char *p = scope; p && *p;) {
        size_t n = strcspn(p, ",");
        json_append(list, json_need(json_object_new_string_len(p, (int)n)));
        p += n + (p[n] == ',');
    }
    return list;
}

struct json_object *view_account(const struct account *a)
{
    struct json_object *o = json_need(json_object_new_object());
    put_text(o, "accountId", a->account_id);
    put_text(o, "providerId", a->provider);
    put_text(o, "userId", a->user_id);
    put_time(o, "createdAt", a->created_at);
    put_time(o, "updatedAt", a->updated_at);
    put_text(o, "id", a->id);
    json_put(o, "scopes", scopes(a->scope));
    return o;
}

struct json_object *view_flag(const char *key, bool value)
{
    struct json_object *o = json_need(json_object_new_object());
    put_flag(o, key, value);
    return o;
}
