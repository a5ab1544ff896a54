/* Deleting one's own account: at once, or where the site wants it so by a link that goes to the account's address. */
#include "auth/leave.h"

#include "auth/journal.h"
#include "auth/link.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/ticket.h"

#include <string.h>

/* All that goes with him. Caller holds the transaction and the lock. */
static enum err gone(struct auth *au, const struct user *u, const struct session *s)
{
    TRY(ending_user(au, s->user_id, NULL, WHY_DELETED, NULL));
    TRY(journal_add(au, EV_USER_DELETED, &(struct audit){.user_id = s->user_id, .session_id = s->id}));
    TRY(ticket_forget(au, s->user_id));
    TRY(mails_forget(au->db, u->email));
    return users_delete(au->db, s->user_id);
}

/* Inside a transaction: the lock, and what the request rests on still holds. password: the hash that was verified;
 * NULL: none was asked for. */
static enum err leave_begin(struct auth *au, const struct session *s, const char *password, struct db **tx)
{
    TRY(act_begin(au, tx));
    TRY(users_lock(au->db, s->user_id));
    enum err e = password ? credential_renew(au, s, password) : sessions_there(au->db, au->arena, s, au->now);
    return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
}

static enum err leave_try(struct auth *au, const struct checked *who, const char *password)
{
    AUTO(db_tx) struct db *tx = NULL;
    const struct session *s = &who->session;

    TRY(leave_begin(au, s, password, &tx));
    TRY(gone(au, &who->user, s));
    return act_commit(au, &tx);
}

static enum err offer_try(struct auth *au, const struct session *s, const char *password, const char *back)
{
    AUTO(db_tx) struct db *tx = NULL;
    char token[RNG_ID_SIZE];
    struct credential c;
    bool room;

    TRY(leave_begin(au, s, password, &tx));
    TRY(throttle_mail(au, mail_row(MAIL_DELETE)->word, s->user_id, &room));
    if (!room)
        return ERR_LIMITED;
    TRY(accounts_of(au->db, au->arena, s->user_id, &c));
    struct offer o = {TICKET_DELETE, &c, s->user_id, NULL, au->cfg->account_link_life};
    TRY(ticket_offer(au, &o, token));
    struct mail_facts facts = {.name = c.user.name,
                               .link = link_with_query(au, "/delete-user/callback", token, back),
                               .expires_at = au->now + o.life};
    explicit_bzero(token, sizeof token);
    TRY(mail_queue(au, MAIL_DELETE, c.user.email, &facts));
    TRY(journal_add(au, EV_DELETE_REQUESTED, &(struct audit){.user_id = s->user_id, .session_id = s->id}));
    return act_commit(au, &tx);
}

enum err leave_start(struct auth *au, const struct checked *who, const char *password, const char *back, bool *mailed)
{
    struct credential c = {.password = NULL};
    enum err e;

    *mailed = au->cfg->auth_delete_user == DELETEUSER_MAIL;
    if (au->cfg->auth_delete_user == DELETEUSER_OFF)
        return ERR_NOT_FOUND;
    if (password)
        TRY(password_prove(au, who, password, &c));
    if (*mailed)
        DB_RETRY(e, offer_try(au, &who->session, c.password, back));
    else
        DB_RETRY(e, leave_try(au, who, c.password));
    return e;
}

/* --- by the link ------------------------------------------------------------------------------------------------- */

static enum err spend_try(struct auth *au, const struct checked *who, const struct grant *g)
{
    AUTO(db_tx) struct db *tx = NULL;
    const struct session *s = &who->session;
    struct credential c;

    TRY(leave_begin(au, s, NULL, &tx));
    TRY(ticket_spend(au, g, &c));
    TRY(gone(au, &who->user, s));
    return act_commit(au, &tx);
}

static enum err grant_of(struct auth *au, const struct checked *who, const char *token, struct grant *g)
{
    enum err e = ticket_good(au, TICKET_DELETE, token, g);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_DELETE_TOKEN : e;
    bool his = strcmp(g->user_id, who->user.id) == 0;
    return his && au->cfg->auth_delete_user != DELETEUSER_OFF ? ERR_OK : ERR_DELETE_TOKEN;
}

enum err leave_known(struct auth *au, const struct checked *who, const char *token)
{
    struct grant g;

    return grant_of(au, who, token, &g);
}

enum err leave_by_token(struct auth *au, const struct checked *who, const char *token)
{
    struct grant g;
    enum err e;

    TRY(grant_of(au, who, token, &g));
    DB_RETRY(e, spend_try(au, who, &g));
    return e == ERR_NONE ? ERR_DELETE_TOKEN : e;
}
