/* Notices of new devices, and what their link does: it ends what was opened from there and forgets that the place is
 * known. Whoever got hold of it can do no harm, and the user who follows it is told to change his password. */
#include "auth/notice.h"

#include "auth/journal.h"
#include "auth/link.h"
#include "auth/throttle.h"
#include "auth/ticket.h"

#include "base/agent.h"

#include <string.h>

#define LIFE (7 * CLOCK_DAY) /* mail is not read at once */

enum err notice_new_device(struct auth *au, const struct credential *c, const struct session *s)
{
    char token[RNG_ID_SIZE], device[AGENT_DEVICE_SIZE];
    const char *subject = ticket_subject(au, c->user.id, s->id);
    /* "SESSION PLACE" */
    const char *extra = arena_printf(au->arena, "%s %s", s->id, throttle_block(au->arena, s->ip));
    struct offer o = {TICKET_NOT_ME, c, subject, extra, LIFE};

    /* where no device is ever known, each sign-in would be told of */
    if (!au->cfg->account_new_device_notice || au->cfg->limits_known_device == 0 || !mail_is_on(au->cfg))
        return ERR_OK;
    agent_device(s->agent, device);
    TRY(ticket_offer(au, &o, token));
    struct mail_facts facts = {.name = c->user.name,
                               .link = link_with_query(au, "/not-me", token, NULL),
                               .ip = s->ip,
                               .device = *device ? device : NULL,
                               .at = s->created_at,
                               .expires_at = au->now + LIFE};
    explicit_bzero(token, sizeof token);
    return mail_notice(au, MAIL_NEW_DEVICE, &c->user, &facts);
}

enum err notice_known(struct auth *au, const char *token)
{
    struct grant g;

    enum err e = ticket_good(au, TICKET_NOT_ME, token, &g);
    return e == ERR_NONE ? ERR_RESET_TOKEN : e;
}

/* That session, and those opened from the same place: whoever knows the password may have signed in more than once. */
static enum err end_from(struct auth *au, const char *user_id, const char *id, const char *place)
{
    struct session *list;
    size_t n;

    TRY(sessions_list(au->db, au->arena, user_id, au->now, &list, &n));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].id, id) != 0 && strcmp(throttle_block(au->arena, list[i].ip), place) != 0)
            continue;
        enum err e = ending_own(au, list[i].id, user_id, 0, WHY_NOT_ME);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
    }
    return ERR_OK;
}

/* What the stranger may have begun is void, and he is one again. */
static enum err undo(struct auth *au, const char *user_id)
{
    TRY(devices_forget(au->db, user_id));
    TRY(ticket_void(au, TICKET_CHANGE_EMAIL, user_id));
    return ticket_void(au, TICKET_DELETE, user_id);
}

static enum err not_me_try(struct auth *au, const struct grant *g)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;
    const char *blank = strchr(g->extra, ' ');

    if (!blank)
        return ERR_NONE;
    const char *id = arena_strndup(au->arena, g->extra, (size_t)(blank - g->extra));
    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, g->user_id));
    TRY(ticket_spend(au, g, &c));
    TRY(end_from(au, g->user_id, id, blank + 1));
    db_tell(au->db, g->user_id);
    TRY(undo(au, g->user_id));
    TRY(journal_add(au, EV_NOT_ME, &(struct audit){.user_id = g->user_id, .session_id = id}));
    return act_commit(au, &tx);
}

enum err notice_not_me(struct auth *au, const char *token)
{
    struct grant g;

    enum err e = ticket_read(au, TICKET_NOT_ME, token, &g);
    if (e == ERR_OK)
        DB_RETRY(e, not_me_try(au, &g));
    return e == ERR_NONE ? ERR_RESET_TOKEN : e;
}
