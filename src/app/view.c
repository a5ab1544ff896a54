/* Sessions and users as JSON. A session's `token` is its public id: the secret is nowhere but in the cookie (D1). */
#include "app/view.h"

#include "base/agent.h"
#include "base/enc.h"
#include "http/response.h"

#include <stddef.h>
#include <string.h>

/* DEVICE: the name of what the agent text at its place tells of. */
enum kind { TEXT, TIME, FLAG, DEVICE };

struct member {
    const char *key;
    char before[20];   /* what stands before its value: ,"key": */
    unsigned char len; /* of that */
    enum kind kind;
    size_t offset;
};

struct session_shown {
    struct session of;
    bool current;
};

/* clang-format off */
#define MEMBER(key, kind, of, member) {key, ",\"" key "\":", sizeof ",\"\":" key - 1, kind, offsetof(of, member)}
#define OF_USER(key, kind, member) MEMBER(key, kind, struct user, member)
static const struct member user_members[] = {
    OF_USER("name",          TEXT, name),
    OF_USER("email",         TEXT, email),
    OF_USER("emailVerified", FLAG, email_verified),
    OF_USER("image",         TEXT, image),
    OF_USER("createdAt",     TIME, created_at),
    OF_USER("updatedAt",     TIME, updated_at),
    OF_USER("id",            TEXT, id),
};
#define OF_SESSION(key, kind, member) MEMBER(key, kind, struct session_shown, member)
static const struct member session_members[] = {
    OF_SESSION("expiresAt",       TIME,   of.expires_at),
    OF_SESSION("token",           TEXT,   of.id),
    OF_SESSION("createdAt",       TIME,   of.created_at),
    OF_SESSION("updatedAt",       TIME,   of.updated_at),
    OF_SESSION("ipAddress",       TEXT,   of.ip),
    OF_SESSION("userAgent",       TEXT,   of.agent),
    OF_SESSION("userId",          TEXT,   of.user_id),
    OF_SESSION("id",              TEXT,   of.id),
    OF_SESSION("current",         FLAG,   current),
    OF_SESSION("rememberMe",      FLAG,   of.remember),
    OF_SESSION("authenticatedAt", TIME,   of.authenticated_at),
    OF_SESSION("diesAt",          TIME,   of.dies_at),
    OF_SESSION("lastSeenAt",      TIME,   of.last_seen_at),
    OF_SESSION("lastIpAddress",   TEXT,   of.last_ip),
    OF_SESSION("device",          DEVICE, of.agent),
};
#define OF_ACCOUNT(key, kind, member) MEMBER(key, kind, struct account, member)
static const struct member account_members[] = {
    OF_ACCOUNT("accountId",  TEXT, account_id),
    OF_ACCOUNT("providerId", TEXT, provider),
    OF_ACCOUNT("userId",     TEXT, user_id),
    OF_ACCOUNT("createdAt",  TIME, created_at),
    OF_ACCOUNT("updatedAt",  TIME, updated_at),
    OF_ACCOUNT("id",         TEXT, id),
};
/* clang-format on */
#define COUNT(members) (sizeof(members) / sizeof(members)[0])

static const char *text_at(const void *at)
{
    return *(const char *const *)at;
}

static bool flag_at(const void *at)
{
    return *(const bool *)at;
}

static void time_at(const void *at, char out[static ENC_ISO_SIZE])
{
    enc_iso(*(const int64_t *)at, out);
}

/* --- as text: what is asked for most --------------------------------------------------------------------------- */

static void time_write(struct buf *b, const void *at)
{
    buf_reserve(b, ENC_ISO_SIZE + 1);
    b->s[b->len] = '"';
    time_at(at, b->s + b->len + 1);
    b->len += ENC_ISO_SIZE;
    buf_add(b, "\"", 1);
}

static void value_write(struct buf *b, enum kind kind, const void *at)
{
    char device[AGENT_DEVICE_SIZE];

    switch (kind) {
    case TEXT:
        json_write_text(b, text_at(at));
        return;
    case TIME:
        time_write(b, at);
        return;
    case FLAG:
        buf_add(b, flag_at(at) ? "true" : "false", flag_at(at) ? 4 : 5);
        return;
    case DEVICE:
        agent_device(text_at(at), device);
        json_write_text(b, device);
        return;
    }
}

static void members_write(struct buf *b, const struct member *m, size_t n, const void *of)
{
    for (size_t i = 0; i < n; i++) {
        buf_reserve(b, sizeof m[i].before);
        memcpy(b->s + b->len, m[i].before, sizeof m[i].before); /* all of it costs less than what is used */
        if (i == 0)
            b->s[b->len] = '{';
        b->len += m[i].len;
        value_write(b, m[i].kind, (const char *)of + m[i].offset);
    }
    buf_add(b, "}", 1);
}

void view_user_text(struct buf *b, const struct user *u)
{
    members_write(b, user_members, COUNT(user_members), u);
}

void view_session_text(struct buf *b, const struct session *s, bool current)
{
    const struct session_shown shown = {*s, current};

    members_write(b, session_members, COUNT(session_members), &shown);
}

/* --- as objects, to stand in others ---------------------------------------------------------------------------- */

static struct json_object *value_object(enum kind kind, const void *at)
{
    char iso[ENC_ISO_SIZE], device[AGENT_DEVICE_SIZE];

    switch (kind) {
    case TEXT:
        return json_of_text(text_at(at));
    case TIME:
        time_at(at, iso);
        return json_of_text(iso);
    case FLAG:
        return json_need(json_object_new_boolean(flag_at(at)));
    case DEVICE:
        break;
    }
    agent_device(text_at(at), device);
    return json_of_text(device);
}

static void members_put(struct json_object *o, const struct member *m, size_t n, const void *of)
{
    for (size_t i = 0; i < n; i++)
        json_put(o, m[i].key, value_object(m[i].kind, (const char *)of + m[i].offset));
}

void view_user_into(struct json_object *o, const struct user *u)
{
    members_put(o, user_members, COUNT(user_members), u);
}

struct json_object *view_user(const struct user *u)
{
    struct json_object *o = json_need(json_object_new_object());

    view_user_into(o, u);
    return o;
}

struct json_object *view_session(const struct session *s, bool current)
{
    const struct session_shown shown = {*s, current};
    struct json_object *o = json_need(json_object_new_object());

    members_put(o, session_members, COUNT(session_members), &shown);
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
    members_put(o, account_members, COUNT(account_members), a);
    json_put(o, "scopes", scopes(a->scope));
    return o;
}

struct json_object *view_flag(const char *key, bool value)
{
    struct json_object *o = json_need(json_object_new_object());
    json_put(o, key, json_need(json_object_new_boolean(value)));
    return o;
}
