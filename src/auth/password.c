/* Passwords: hashing and comparing within the bound of the host, and proving that a signed-in user knows his own. */
#include "auth/password.h"

#include "auth/journal.h"
#include "auth/throttle.h"

static enum err gate_enter(struct auth *au)
{
    return au->gate ? kdf_gate_enter(au->gate) : ERR_OK;
}

static void gate_leave(struct auth *au)
{
    if (au->gate)
        kdf_gate_leave(au->gate);
}

/* Whoever is limited is told so before he waits for a slot, and whoever gets no slot has not tried anything: 503 must
 * not use up what a school class may try. */
static enum err try_begin(struct auth *au, const struct tried *t)
{
    if (t && !au->attempt)
        TRY(throttle_look_account(au, t->subject, t->device));
    TRY(gate_enter(au));
    enum err e = t && !au->attempt ? throttle_take(au, t->subject, t->device) : ERR_OK;
    if (e != ERR_OK)
        gate_leave(au);
    return e;
}

enum err password_hash(struct auth *au, const struct tried *t, const char *password, const char **out)
{
    TRY(try_begin(au, t));
    enum err e = kdf_hash(au->arena, &au->cfg->password_scrypt, password, out);
    gate_leave(au);
    return e;
}

static enum err compare(struct auth *au, const char *password, const char *stored, bool *match, const char **fresh)
{
    const struct cfg_scrypt *cost = &au->cfg->password_scrypt;
    bool weaker = false;

    if (!stored)
        return kdf_spend(au->arena, cost, password);
    TRY(kdf_verify(au->arena, cost, password, stored, match, &weaker));
    return *match && weaker ? kdf_hash(au->arena, cost, password, fresh) : ERR_OK;
}

enum err password_try(struct auth *au, const struct tried *t, const char *password, const char *stored, bool *match,
                      const char **fresh)
{
    *match = false;
    *fresh = NULL;
    TRY(try_begin(au, t));
    enum err e = compare(au, password, stored, match, fresh);
    gate_leave(au);
    return e;
}

/* What a hash of a weaker kind is renewed to is what the caller's guard then has to name. ERR_NONE: it changed while we
 * computed. */
static enum err prove_try(struct auth *au, const struct checked *who, const char *password, struct credential *c)
{
    const char *user_id = who->user.id, *session_id = who->session.id, *fresh;
    bool match;

    enum err e = accounts_of(au->db, au->arena, user_id, c);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
    if (!c->password)
        return ERR_NO_CREDENTIAL;
    /* strangers who try this account elsewhere do not use up what its signed-in user may try */
    struct tried t = {user_id, arena_printf(au->arena, "session %s", session_id)};
    TRY(password_try(au, &t, password, c->password, &match, &fresh));
    if (!match) {
        struct audit refused = {.user_id = user_id, .session_id = session_id, .reason = "wrong-password"};
        journal_note(au, EV_PASSWORD_REFUSED, &refused);
        return ERR_INVALID_PASSWORD;
    }
    if (!fresh)
        return ERR_OK;
    TRY(accounts_rehash(au->db, user_id, c->password, fresh, au->now));
    c->password = fresh;
    return ERR_OK;
}

enum err password_prove(struct auth *au, const struct checked *who, const char *password, struct credential *out)
{
    if (account_password_ok(password) == ERR_PASSWORD_LONG)
        return ERR_PASSWORD_LONG;
    enum err e = prove_try(au, who, password, out);
    /* Renewed by another who proved it, or the password changed: which of the two, the password itself tells. */
    if (e == ERR_NONE)
        e = prove_try(au, who, password, out);
    TRY(e == ERR_NONE ? ERR_INVALID_PASSWORD : e);
    return throttle_refund(au);
}
