/* E-mail addresses that are proven by following a link. Links are good until they expire, however often they are
 * followed: programs that look for harm in mails follow them before the user does. */
#include "auth/verify.h"

#include "auth/journal.h"
#include "auth/link.h"
#include "auth/throttle.h"
#include "auth/ticket.h"

#include "base/enc.h"

#include <string.h>

/* --- asking ------------------------------------------------------------------------------------------------------ */

static enum err offer(struct auth *au, const struct offer *o, enum mail_kind kind, const char *to, const char *email,
                      const char *back)
{
    char token[RNG_ID_SIZE];

    TRY(ticket_offer(au, o, token));
    struct mail_facts facts = {.name = o->c->user.name,
                               .link = link_with_query(au, "/verify-email", token, back),
                               .new_email = email,
                               .expires_at = au->now + o->life};
    explicit_bzero(token, sizeof token);
    return mail_queue(au, kind, to, &facts);
}

enum err verify_offer(struct auth *au, const struct credential *c, const char *row, const char *to, const char *back)
{
    struct offer o = {TICKET_VERIFY, c, row, NULL, au->cfg->account_link_life};

    return offer(au, &o, MAIL_VERIFY, to, NULL, back);
}

/* Inside a transaction under the lock: is the session still there on which this was asked for? */
static enum err still_there(struct auth *au, const struct checked *who)
{
    enum err e = who ? sessions_there(au->db, au->arena, &who->session, au->now) : ERR_OK;

    return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
}

static enum err request_try(struct auth *au, const struct checked *who, const struct asked *q, const char *back)
{
    AUTO(db_tx) struct db *tx = NULL;
    const char *id = q->c.user.id;

    TRY(act_begin(au, &tx));
    if (id)
        TRY(users_lock(au->db, id));
    TRY(still_there(au, who));
    TRY(verify_offer(au, &q->c, q->row, asked_to(q), back));
    TRY(journal_add(au, EV_VERIFY_REQUESTED, &(struct audit){.user_id = id, .email = q->email, .reason = q->why}));
    return act_commit(au, &tx);
}

enum err verify_request(struct auth *au, const struct checked *who, const char *email, const char *back)
{
    struct asked q;
    enum err e;

    if (!mail_is_on(au->cfg))
        return ERR_VERIFY_DISABLED;
    if (who && strcmp(enc_lower(au->arena, email), who->user.email) != 0)
        return ERR_EMAIL_MISMATCH;
    if (who && who->user.email_verified)
        return ERR_EMAIL_VERIFIED;
    TRY(asked_for(au, MAIL_VERIFY, email, who ? &who->session : NULL, &q));
    if (!q.why && q.c.user.email_verified)
        q.why = "verified-already";
    DB_RETRY(e, request_try(au, who, &q, back));
    return e;
}

/* Many accounts together must not fill a mailbox that is none of theirs. */
static enum err room_for(struct auth *au, const char *email, bool *room)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(token_hash(email, hash));
    return throttle_mail(au, mail_row(MAIL_CHANGE_EMAIL)->word, arena_strdup(au->arena, hash), room);
}

static enum err change_try(struct auth *au, const struct checked *who, const char *email, const char *back)
{
    AUTO(db_tx) struct db *tx = NULL;
    const struct session *s = &who->session;
    struct credential c;
    struct user other;
    bool room;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, s->user_id));
    TRY(still_there(au, who));
    TRY(accounts_of(au->db, au->arena, s->user_id, &c));
    enum err taken = users_by_email(au->db, au->arena, email, &other);
    if (taken != ERR_OK && taken != ERR_NONE)
        return taken;
    const char *extra = arena_printf(au->arena, "%s %s", s->id, email);
    struct offer o = {TICKET_CHANGE_EMAIL, &c, s->user_id, extra, au->cfg->account_link_life};
    TRY(room_for(au, email, &room));
    TRY(offer(au, &o, MAIL_CHANGE_EMAIL, taken == ERR_OK || !room ? NULL : email, email, back));
    struct audit asked = {.user_id = s->user_id, .session_id = s->id, .email = email};
    TRY(journal_add(au, EV_EMAIL_CHANGE_REQUESTED, &asked));
    return act_commit(au, &tx);
}

enum err change_email_request(struct auth *au, const struct checked *who, const char *email, const char *back)
{
    enum err e;

    if (!mail_is_on(au->cfg))
        return ERR_CHANGE_EMAIL_DISABLED;
    email = enc_lower(au->arena, email);
    if (strlen(email) > EMAIL_MAX)
        return ERR_INVALID_EMAIL;
    if (strcmp(email, who->user.email) == 0)
        return ERR_EMAIL_SAME;
    au->mailing = mail_row(MAIL_CHANGE_EMAIL)->word;
    TRY(throttle_take(au, who->user.id, arena_printf(au->arena, "session %s", who->session.id)));
    DB_RETRY(e, change_try(au, who, email, back));
    return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
}

/* --- following --------------------------------------------------------------------------------------------------- */

enum err verify_proven(struct auth *au, const struct user *u)
{
    enum err e = users_verify(au->db, u->id, u->email, au->now);

    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_OK : e; /* it was already */
    return journal_add(au, EV_EMAIL_VERIFIED, &(struct audit){.user_id = u->id, .email = u->email});
}

static enum err verify_try(struct auth *au, const struct grant *g)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, g->user_id));
    TRY(ticket_holds(au, g, &c));
    TRY(verify_proven(au, &c.user));
    return act_commit(au, &tx);
}

/* The old address is told, for whom it is too late to stop it but not too late to know. */
static enum err replaced(struct auth *au, const struct user *u, const char *email)
{
    struct mail_facts facts = {.name = u->name, .new_email = email, .ip = au->by.ip};

    enum err e = users_set_email(au->db, u->id, u->email, email, au->now);
    if (e != ERR_OK)
        return e == ERR_DB_DUPLICATE ? ERR_NONE : e; /* another user has it meanwhile */
    TRY(journal_add(au, EV_EMAIL_CHANGED, &(struct audit){.user_id = u->id, .email = email}));
    return mail_queue(au, MAIL_EMAIL_CHANGED, u->email, &facts);
}

/* What a change rests on: "SESSION ADDRESS". Whoever was put out of the account since has no say any more. */
struct change {
    const char *session, *email;
};

static bool change_read(struct auth *au, const struct grant *g, struct change *out)
{
    const char *blank = strchr(g->extra, ' ');

    if (!blank)
        return false;
    *out = (struct change){arena_strndup(au->arena, g->extra, (size_t)(blank - g->extra)), blank + 1};
    return true;
}

static enum err asker_there(struct auth *au, const struct grant *g, const struct change *ch)
{
    const struct session s = {.id = ch->session, .user_id = g->user_id};

    return sessions_there(au->db, au->arena, &s, au->now);
}

static enum err change_email_try(struct auth *au, const struct grant *g)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c = {.password = NULL};
    struct change ch;

    if (!change_read(au, g, &ch))
        return ERR_NONE;
    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, g->user_id));
    enum err e = ticket_holds(au, g, &c);
    if (e == ERR_NONE && c.user.id && strcmp(c.user.email, ch.email) == 0)
        return ERR_OK; /* done already, by this very link or a later one of the same address */
    TRY(e);
    TRY(asker_there(au, g, &ch));
    TRY(replaced(au, &c.user, ch.email));
    return act_commit(au, &tx);
}

static enum err followed(struct auth *au, enum ticket_kind kind, const char *token,
                         enum err (*attempt)(struct auth *, const struct grant *))
{
    struct grant g;
    enum err e;

    TRY(ticket_read(au, kind, token, &g));
    DB_RETRY(e, attempt(au, &g));
    return e;
}

/* What to say of a link that neither proves an address nor changes one. */
static enum err refused(struct auth *au, const char *token)
{
    enum err e = ticket_expired(au, TICKET_VERIFY, token);

    if (e == ERR_NONE)
        e = ticket_expired(au, TICKET_CHANGE_EMAIL, token);
    if (e == ERR_NONE)
        return ERR_VERIFY_TOKEN;
    return e == ERR_OK ? ERR_VERIFY_EXPIRED : e;
}

enum err verify_email(struct auth *au, const char *token)
{
    enum err e = followed(au, TICKET_VERIFY, token, verify_try);

    if (e == ERR_NONE)
        e = followed(au, TICKET_CHANGE_EMAIL, token, change_email_try);
    return e == ERR_NONE ? refused(au, token) : e;
}

enum err verify_known(struct auth *au, const char *token)
{
    struct grant g;
    enum err e = ticket_good(au, TICKET_VERIFY, token, &g);

    if (e == ERR_NONE)
        e = ticket_read(au, TICKET_CHANGE_EMAIL, token, &g);
    return e == ERR_NONE ? refused(au, token) : e;
}
