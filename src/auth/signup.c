/* Signing up. Where addresses must be verified, nobody learns here whether one has an account: both get the same answer
 * in the same time, and who owns the address gets a mail. */
#include "auth/journal.h"
#include "auth/link.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/verify.h"

#include "base/enc.h"

#include <string.h>

static enum err signup_check(struct auth *au, const struct signup *in, bool by_admin)
{
    if (au->cfg->auth_sign_up == SIGNUP_CLOSED && !by_admin)
        return ERR_SIGN_UP_CLOSED;
    if (!account_email_ok(in->email))
        return ERR_INVALID_EMAIL;
    TRY(account_new_password_ok(au, in->password, in->email, in->name));
    if (!enc_utf8_valid(in->name, strlen(in->name)))
        return ERR_BAD_TEXT;
    if (enc_utf8_points(in->name) > NAME_MAX_POINTS || strlen(in->email) > EMAIL_MAX)
        return ERR_USER_REFUSED;
    return ERR_OK;
}

/* What is to be stored. */
struct joining {
    const struct signup *in;
    struct user user;
    const char *password; /* hash */
    const struct caller *from;
    const struct presented *old;
    bool by_admin;
};

/* Does he have to show first that the address is his? */
static bool must_verify(const struct auth *au, bool by_admin)
{
    return au->cfg->account_require_verified_email && !by_admin;
}

/* The session, if he gets one at once, and the mail that proves his address, if there are mails. */
static enum err signup_open(struct auth *au, const struct joining *j, struct opened *out)
{
    const struct credential c = {.user = j->user, .password = j->password};

    if (must_verify(au, j->by_admin) || j->by_admin)
        TRY(users_lock(au->db, j->user.id));
    else
        TRY(session_open(au, &j->user, j->password, j->in->remember, j->from, j->old, out));
    if (j->by_admin)
        return ERR_OK;
    TRY(throttle_device_seen(au, j->user.id));
    return mail_is_on(au->cfg) ? verify_offer(au, &c, j->user.id, j->user.email, j->in->back) : ERR_OK;
}

static enum err signup_store(struct auth *au, const struct joining *j, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;
    const struct user *u = &j->user;

    TRY(act_begin(au, &tx));
    enum err e = users_add(au->db, u);
    if (e == ERR_DB_DUPLICATE)
        return ERR_USER_EXISTS;
    TRY(e);
    TRY(accounts_add(au->db, u->id, j->password, au->now));
    TRY(signup_open(au, j, out));
    const char *session = *out->token ? out->session.id : NULL;
    TRY(journal_add(au, j->by_admin ? EV_USER_ADDED : EV_SIGN_UP,
                    &(struct audit){.user_id = u->id, .email = u->email, .session_id = session}));
    return act_commit(au, &tx);
}

/* Looks like signup_store to who asks, and tells who owns the address. row: names a ticket that is nobody's. */
static enum err signup_pretend(struct auth *au, const struct user *owner, const char *row)
{
    static const struct credential nobody = {.password = NULL};
    AUTO(db_tx) struct db *tx = NULL;
    struct mail_facts facts = {.name = owner->name, .ip = au->by.ip};

    TRY(act_begin(au, &tx));
    TRY(verify_offer(au, &nobody, row, NULL, NULL));
    TRY(mail_notice(au, MAIL_EXISTS, owner, &facts));
    TRY(journal_add(au, EV_SIGN_UP_REFUSED,
                    &(struct audit){.email = owner->email, .reason = err_row(ERR_USER_EXISTS)->code}));
    return act_commit(au, &tx);
}

/* The address has an account. hash: of the address. */
static enum err signup_exists(struct auth *au, const struct joining *j, const struct user *owner, const char *hash)
{
    struct tried t = {hash, NULL};
    const char *spent;
    enum err e;

    if (!must_verify(au, j->by_admin)) {
        TRY(throttle_take(au, hash, NULL));
        return ERR_USER_EXISTS;
    }
    TRY(password_hash(au, &t, j->in->password, &spent));
    DB_RETRY(e, signup_pretend(au, owner, arena_strndup(au->arena, hash, RNG_ID_LEN)));
    return e;
}

static enum err signup(struct auth *au, struct joining *j, struct opened *out)
{
    char id[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];
    struct user owner;

    TRY(signup_check(au, j->in, j->by_admin));
    TRY(rng_id(id));
    j->user = (struct user){.id = arena_strdup(au->arena, id),
                            .name = j->in->name,
                            .email = enc_lower(au->arena, j->in->email),
                            .image = j->in->image,
                            .created_at = au->now,
                            .updated_at = au->now};
    *out = (struct opened){.user = j->user};
    TRY(token_hash(j->user.email, hash));
    struct tried t = {arena_strdup(au->arena, hash), NULL};
    enum err e = users_by_email(au->db, au->arena, j->user.email, &owner);
    if (e == ERR_OK)
        return signup_exists(au, j, &owner, t.subject);
    if (e != ERR_NONE)
        return e;
    TRY(password_hash(au, &t, j->in->password, &j->password));
    DB_RETRY(e, signup_store(au, j, out));
    return account_issued(e, out);
}

enum err account_sign_up(struct auth *au, const struct signup *in, const struct caller *from,
                         const struct presented *old, bool by_admin, struct opened *out)
{
    struct joining j = {.in = in, .from = from, .old = old, .by_admin = by_admin};
    enum err e = signup(au, &j, out);

    /* of two at once who take an address, the second is told what one who came later would be */
    if (e == ERR_USER_EXISTS && must_verify(au, by_admin))
        e = signup(au, &j, out);
    struct audit refused = {.email = enc_lower(au->arena, in->email), .reason = err_row(e)->code};
    /* a closed door costs who knocks nothing, and may cost us no row */
    if (e == ERR_SIGN_UP_CLOSED)
        journal_note(au, EV_REQUEST_REFUSED, &(struct audit){.reason = refused.reason});
    if (e == ERR_USER_EXISTS)
        journal_note(au, EV_SIGN_UP_REFUSED, &refused);
    return e;
}
