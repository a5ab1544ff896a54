/* latchkeyctl jwt …: keys that sign JWTs, while latchkey runs. Must never print a private half. */
#include "ctl.h"

#include "auth/jwt.h"
#include "crypto/keys.h"

#include <stdio.h>
#include <unistd.h>

#define IN_MAX (30 * CLOCK_DAY)

static const char *state_name(enum jwt_state s)
{
    static const char *const names[] = {
        [JWT_SIGNS] = "signs", [JWT_NEXT] = "next", [JWT_GOES] = "verifies", [JWT_EXPIRED] = "expired"};
    return names[s];
}

/* The secrets that what runs has, or will have once it is reloaded; none is made here. */
static enum err secrets_open(struct ctl *ctl, struct keys **out)
{
    const char *path = ctl->cfg->secret_file;

    if (access(path, F_OK) != 0) {
        ctl_fail(ctl, "%s is not there: start latchkey first", path);
        return ERR_SECRET;
    }
    TRY(keys_open(path, out));
    return meta_knows_secret(ctl->au.db, ctl->arena, *out);
}

static void advise(const struct ctl *ctl)
{
    if (ctl->json)
        return;
    if (ctl->cfg->auth_mode != MODE_JWT)
        puts("auth.mode is not jwt: nothing is signed with it.");
    puts(ctl->in ? "It is published at once. The one before signs until then, and what it signed stays good."
                 : "What the one before signed stays good.");
}

int ctl_jwt_new_key(struct ctl *ctl)
{
    AUTO(keys) struct keys *keys = NULL;
    struct signing_key k;
    int64_t in = 0;

    if (ctl->in && (!ctl_span(ctl->in, &in) || in > IN_MAX))
        return ctl_fail(ctl, "--in takes a time up to 30d, e.g. 30m or 2h"), CTL_USAGE;
    enum err e = secrets_open(ctl, &keys);
    ctl->au.keys = keys;
    if (e == ERR_OK)
        e = jwt_rotate(&ctl->au, ctl->au.now + in, &k);
    ctl->au.keys = NULL;
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "jwt new-key");
    struct out *o = out_object(ctl, "kid:s alg:s signsFrom:t");
    out_row(o, k.id, k.alg, k.created_at);
    advise(ctl);
    return out_end(o);
}

int ctl_jwt_list(struct ctl *ctl)
{
    int64_t now = ctl->au.now;
    struct signing_key *list;
    size_t n;

    enum err e = jwks_list(ctl->au.db, ctl->arena, now - JWT_PUBLISHED, &list, &n);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "jwt list");
    struct out *o = out_begin(ctl, "kid:s alg:s state:s signsFrom:t expires:t unlisted:t");
    for (size_t i = 0; i < n; i++) {
        const struct signing_key *k = &list[i];
        out_row(o, k->id, k->alg, state_name(jwt_state(list, n, k, now)), k->created_at, k->expires_at,
                k->expires_at ? k->expires_at + JWT_PUBLISHED : INT64_C(0));
    }
    return out_end(o);
}

int ctl_jwt_delete_key(struct ctl *ctl)
{
    bool signs = false;

    enum err e = jwt_withdraw(&ctl->au, ctl->arg, &signs);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "no such key: %s", ctl->arg);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, ctl->arg);
    if (signs)
        return ctl_fail(ctl, "%s signs: make a new one first, by latchkeyctl jwt new-key", ctl->arg);
    struct out *o = out_object(ctl, "deleted:s");
    out_row(o, ctl->arg);
    return out_end(o);
}
