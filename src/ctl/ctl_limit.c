/* latchkeyctl limit …: whose tries are counted, and forgetting them. */
#include "ctl.h"

#include "auth/journal.h"
#include "auth/throttle.h"
#include "base/enc.h"

#include <string.h>

enum { PAGE = 500 };

/* The name of a counter is "KIND WHAT:SUBJECT…"; for people a user's id becomes his e-mail address. */
static const char *whom(struct ctl *ctl, const struct limit *l)
{
    struct user u;

    if (!strstr(l->name, " account:"))
        return l->subject;
    if (strlen(l->subject) == TOKEN_HASH_SIZE - 1)
        return "(an e-mail address)"; /* only its hash is kept: nobody's, or one that signed up */
    return users_by_id(ctl->au.db, ctl->arena, l->subject, &u) == ERR_OK ? u.email : l->subject;
}

static const char *kind(struct ctl *ctl, const struct limit *l)
{
    const char *colon = strchr(l->name, ':');

    return colon ? arena_strndup(ctl->arena, l->name, (size_t)(colon - l->name)) : l->name;
}

int ctl_limit_list(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "limit:s whom:s tries:i until:t");
    const char *after = "";
    size_t n;

    do {
        struct limit *page;
        enum err e = limits_page(ctl->au.db, ctl->arena, ctl->au.now, after, PAGE, &page, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, "limit list");
        for (size_t i = 0; i < n; i++) {
            const struct limit *l = &page[i];
            out_row(o, kind(ctl, l), whom(ctl, l), l->tries, l->free_at > ctl->au.now ? l->free_at : 0);
            after = l->name;
        }
    } while (n == PAGE);
    return out_end(o);
}

/* Whose counters are meant: a user's lie under his id, and where he is not known yet (sign-up, or nobody has that
 * e-mail address) under the hash of it. NULL, NULL: everybody's. */
struct whose {
    const char *user_id, *subject;
};

static enum err whose_user(struct ctl *ctl, struct whose *out)
{
    const char *email = enc_lower(ctl->arena, ctl->user);
    bool by_email = strchr(ctl->user, '@') != NULL;
    char hash[TOKEN_HASH_SIZE];
    struct user u;

    enum err e = by_email ? users_by_email(ctl->au.db, ctl->arena, email, &u)
                          : users_by_id(ctl->au.db, ctl->arena, ctl->user, &u);
    if (e != ERR_OK && (e != ERR_NONE || !by_email))
        return e;
    out->user_id = e == ERR_OK ? u.id : NULL;
    TRY(token_hash(e == ERR_OK ? u.email : email, hash));
    out->subject = arena_strdup(ctl->arena, hash);
    return ERR_OK;
}

static int clear(struct ctl *ctl, const struct whose *w)
{
    int64_t n = 0, more = 0;

    enum err e = limits_clear(ctl->au.db, w->subject, &n);
    if (e == ERR_OK && w->user_id)
        e = limits_clear(ctl->au.db, w->user_id, &more);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "limit clear");
    const char *what = ctl->everybody ? "everybody" : ctl->address ? "address" : "user";
    journal_note(&ctl->au, EV_LIMIT_CLEARED, &(struct audit){.user_id = w->user_id, .reason = what});
    struct out *o = out_object(ctl, "cleared:i");
    out_row(o, n + more);
    return out_end(o);
}

int ctl_limit_clear(struct ctl *ctl)
{
    struct whose w = {NULL, NULL};

    if (!ctl->user + !ctl->address + !ctl->everybody != 2)
        return ctl_fail(ctl, "say of whom: --user USER, --address ADDR or --everybody"), CTL_USAGE;
    if (ctl->address) {
        w.subject = throttle_block(ctl->arena, ctl->address);
        if (strcmp(w.subject, "unknown") == 0)
            return ctl_fail(ctl, "no address: %s", ctl->address), CTL_USAGE;
    }
    enum err e = ctl->user ? whose_user(ctl, &w) : ERR_OK;
    if (e == ERR_NONE)
        return ctl_fail(ctl, "no such user: %s", ctl->user);
    return e == ERR_OK ? clear(ctl, &w) : ctl_fail_err(ctl, e, ctl->user);
}
