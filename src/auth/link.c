/* What the flows that go by mail have in common. Must build no link from anything a request says about its host. */
#include "auth/link.h"

#include "auth/throttle.h"

#include "base/enc.h"

#include <string.h>

static const char *link_to(struct auth *au, const char *path, const char *before, const char *token, const char *more,
                           const char *back)
{
    return arena_printf(au->arena, "%s%s%s%s%s%s%s", au->cfg->origin, au->cfg->auth_base_path, path, before, token,
                        back ? more : "", back ? enc_percent(au->arena, back) : "");
}

const char *link_with_path(struct auth *au, const char *path, const char *token, const char *back)
{
    return link_to(au, path, "", token, "?callbackURL=", back);
}

const char *link_with_query(struct auth *au, const char *path, const char *token, const char *back)
{
    return link_to(au, path, "?token=", token, "&callbackURL=", back);
}

enum err asked_for(struct auth *au, enum mail_kind kind, const char *email, const struct session *by, struct asked *out)
{
    char hash[TOKEN_HASH_SIZE];
    const char *device = NULL;
    bool known;

    *out = (struct asked){.email = enc_lower(au->arena, email)};
    TRY(token_hash(out->email, hash));
    enum err e = accounts_find(au->db, au->arena, out->email, &out->c);
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    if (e == ERR_NONE)
        out->c = (struct credential){.password = NULL};
    const char *id = out->c.user.id, *unknown = arena_strdup(au->arena, hash);
    out->row = id ? id : arena_strndup(au->arena, hash, RNG_ID_LEN);
    out->why = !id ? "unknown-user" : out->c.disabled ? "disabled" : NULL;
    au->mailing = mail_row(kind)->word;
    /* strangers who ask for his account do not use up what the user himself may ask for, from where he is known */
    TRY(throttle_device(au, id, NULL, &device, &known));
    if (by)
        device = arena_printf(au->arena, "session %s", by->id);
    return throttle_take(au, id ? id : unknown, known || by ? device : NULL);
}

const char *asked_to(const struct asked *q)
{
    return q->why ? NULL : q->c.user.email;
}

enum err mail_notice(struct auth *au, enum mail_kind kind, const struct user *u, const struct mail_facts *f)
{
    bool room;

    if (!mail_is_on(au->cfg))
        return ERR_OK;
    TRY(throttle_mail(au, mail_row(kind)->word, u->id, &room));
    return room ? mail_queue(au, kind, u->email, f) : ERR_OK;
}

enum err mail_password_changed(struct auth *au, const struct user *u)
{
    struct mail_facts facts = {.name = u->name, .ip = au->by.ip};

    return mail_notice(au, MAIL_PASSWORD_CHANGED, u, &facts);
}
