/* Resetting a forgotten password by a one-time token: asked for by an administrator, who passes it on, or by whoever
 * knows the address, then it goes there by mail. The token is bound to the password it is to replace and to the
 * address: once either has changed in any way, it is good for nothing. */
#include "auth/journal.h"
#include "auth/link.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/ticket.h"
#include "auth/verify.h"

#include "base/enc.h"

#include <string.h>

/* What a token knows that went to the user's own mailbox, in difference to one that an administrator passes on. */
#define BY_MAIL "mail"

/* --- by an administrator ----------------------------------------------------------------------------------------- */

static enum err offer_try(struct auth *au, const char *user_id, char token[static RNG_ID_SIZE])
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, user_id));
    TRY(accounts_of(au->db, au->arena, user_id, &c));
    struct offer o = {TICKET_RESET, &c, user_id, NULL, au->cfg->account_link_life};
    TRY(ticket_offer(au, &o, token));
    TRY(journal_add(au, EV_RESET_OFFERED, &(struct audit){.user_id = user_id}));
    return act_commit(au, &tx);
}

enum err reset_offer(struct auth *au, const char *user_id, char token[static RNG_ID_SIZE], int64_t *expires)
{
    char made[RNG_ID_SIZE];
    enum err e;

    DB_RETRY(e, offer_try(au, user_id, made));
    if (e == ERR_OK) {
        memcpy(token, made, sizeof made);
        *expires = au->now + au->cfg->account_link_life;
    }
    explicit_bzero(made, sizeof made);
    return e;
}

/* --- by mail ----------------------------------------------------------------------------------------------------- */

/* Writes as much for an address that is nobody's as for one that is somebody's: neither the answer nor its time tells.
 */
static enum err request_try(struct auth *au, const struct asked *q, const char *back)
{
    AUTO(db_tx) struct db *tx = NULL;
    int64_t life = au->cfg->account_link_life;
    const struct user *u = &q->c.user;
    char token[RNG_ID_SIZE];

    TRY(act_begin(au, &tx));
    if (u->id)
        TRY(users_lock(au->db, u->id));
    struct offer o = {TICKET_RESET, &q->c, q->row, BY_MAIL, life};
    TRY(ticket_offer(au, &o, token));
    const char *link = link_with_path(au, "/reset-password/", token, back);
    explicit_bzero(token, sizeof token);
    struct mail_facts facts = {.name = u->name, .link = link, .expires_at = au->now + life};
    TRY(mail_queue(au, MAIL_RESET, asked_to(q), &facts));
    TRY(journal_add(au, EV_RESET_REQUESTED, &(struct audit){.user_id = u->id, .email = q->email, .reason = q->why}));
    return act_commit(au, &tx);
}

enum err reset_request(struct auth *au, const char *email, const char *back)
{
    struct asked q;
    enum err e;

    if (!mail_is_on(au->cfg))
        return ERR_RESET_DISABLED;
    TRY(asked_for(au, MAIL_RESET, email, NULL, &q));
    DB_RETRY(e, request_try(au, &q, back));
    return e;
}

/* --- the new password --------------------------------------------------------------------------------------------- */

static enum err reset_try(struct auth *au, const struct grant *g, const char *hash)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, g->user_id));
    TRY(ticket_spend(au, g, &c));
    TRY(accounts_set(au->db, g->user_id, hash, au->now));
    TRY(throttle_devices_renew(au, g->user_id));
    TRY(journal_add(au, EV_PASSWORD_RESET, &(struct audit){.user_id = g->user_id}));
    TRY(ending_user(au, g->user_id, NULL, WHY_PASSWORD, NULL));
    if (strcmp(g->extra, BY_MAIL) == 0)
        TRY(verify_proven(au, &c.user));
    TRY(mail_password_changed(au, &c.user));
    return act_commit(au, &tx);
}

static enum err reset_by(struct auth *au, const struct grant *g, const char *new)
{
    const char *hash;
    struct user u;
    enum err e;

    TRY(users_by_id(au->db, au->arena, g->user_id, &u));
    TRY(account_new_password_ok(au, new, u.email, u.name));
    TRY(password_hash(au, NULL, new, &hash));
    DB_RETRY(e, reset_try(au, g, hash));
    return e;
}

enum err reset_password(struct auth *au, const char *token, const char *new)
{
    struct grant g;

    if (!token || !token_wellformed(token))
        return ERR_RESET_TOKEN;
    TRY(account_password_ok(new));
    enum err e = ticket_read(au, TICKET_RESET, token, &g);
    if (e == ERR_OK)
        e = reset_by(au, &g, new);
    return e == ERR_NONE ? ERR_RESET_TOKEN : e;
}

enum err reset_known(struct auth *au, const char *token)
{
    struct grant g;

    enum err e = ticket_good(au, TICKET_RESET, token, &g);
    return e == ERR_NONE ? ERR_RESET_TOKEN : e;
}
