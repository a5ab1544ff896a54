/* One-time tokens. The row's value is "user:epoch:extra"; the epoch is a hash of what the token is bound to, of which
 * nothing can be learned. Must not be given out twice, nor be found in the store. */
#include "auth/ticket.h"

#include <string.h>

enum { SUBJECT_PART = 16 }; /* 95 bits of an id; with 36 characters of a user's id the row's has room in 64 */

static const struct {
    const char *word;
    enum ticket_bound bound;
} kinds[] = {
#define TICKET(name, word, bound) [TICKET_##name] = {word, bound},
#include "auth/tickets.def"
#undef TICKET
};

static enum err epoch_of(struct auth *au, enum ticket_kind kind, const struct credential *c, const char **out)
{
    const char *email = c->user.id ? c->user.email : "", *password = c->password ? c->password : "";
    enum ticket_bound bound = kinds[kind].bound;
    char hash[TOKEN_HASH_SIZE];

    /* neither holds a newline: two states never look like one */
    TRY(token_hash(
        arena_printf(au->arena, "%s\n%s", bound != BOUND_NOTHING ? email : "", bound == BOUND_BOTH ? password : ""),
        hash));
    *out = arena_strdup(au->arena, hash);
    return ERR_OK;
}

static enum err identifier_of(struct auth *au, enum ticket_kind kind, const char *token, const char **out)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(token_hash(token, hash));
    *out = arena_printf(au->arena, "%s:%s", kinds[kind].word, hash);
    return ERR_OK;
}

static const char *row_id(struct auth *au, enum ticket_kind kind, const char *subject)
{
    return arena_printf(au->arena, "%s:%s", kinds[kind].word, subject);
}

enum err ticket_offer(struct auth *au, const struct offer *o, char token[static RNG_ID_SIZE])
{
    const char *epoch, *extra = o->extra ? o->extra : "", *user_id = o->c->user.id ? o->c->user.id : "";
    struct ticket t = {.id = row_id(au, o->kind, o->subject)};

    TRY(token_new(token));
    TRY(identifier_of(au, o->kind, token, &t.identifier));
    TRY(epoch_of(au, o->kind, o->c, &epoch));
    t.value = arena_printf(au->arena, "%s:%s:%s", user_id, epoch, extra);
    return tickets_put(au->db, &t, au->now + o->life, au->now);
}

static bool grant_read(struct auth *au, const char *value, struct grant *out)
{
    const char *one = strchr(value, ':'), *two = one ? strchr(one + 1, ':') : NULL;

    if (!two || one == value)
        return false;
    out->user_id = arena_strndup(au->arena, value, (size_t)(one - value));
    out->epoch = arena_strndup(au->arena, one + 1, (size_t)(two - one - 1));
    out->extra = two + 1;
    return true;
}

static enum err read_at(struct auth *au, enum ticket_kind kind, const char *token, int64_t now, struct grant *out)
{
    const char *identifier;

    if (!token || !token_wellformed(token))
        return ERR_NONE;
    *out = (struct grant){.kind = kind};
    TRY(identifier_of(au, kind, token, &identifier));
    TRY(tickets_find(au->db, au->arena, identifier, now, &out->row));
    return grant_read(au, out->row.value, out) ? ERR_OK : ERR_NONE;
}

enum err ticket_read(struct auth *au, enum ticket_kind kind, const char *token, struct grant *out)
{
    return read_at(au, kind, token, au->now, out);
}

enum err ticket_expired(struct auth *au, enum ticket_kind kind, const char *token)
{
    struct grant g;

    enum err e = read_at(au, kind, token, au->now, &g);
    if (e != ERR_NONE)
        return e == ERR_OK ? ERR_NONE : e;
    return read_at(au, kind, token, 0, &g);
}

enum err ticket_holds(struct auth *au, const struct grant *g, struct credential *c)
{
    const char *epoch;

    TRY(accounts_of(au->db, au->arena, g->user_id, c));
    TRY(epoch_of(au, g->kind, c, &epoch));
    return strcmp(epoch, g->epoch) == 0 ? ERR_OK : ERR_NONE;
}

enum err ticket_good(struct auth *au, enum ticket_kind kind, const char *token, struct grant *out)
{
    struct credential c;

    TRY(ticket_read(au, kind, token, out));
    return ticket_holds(au, out, &c);
}

enum err ticket_spend(struct auth *au, const struct grant *g, struct credential *c)
{
    TRY(tickets_spend(au->db, &g->row, au->now));
    return ticket_holds(au, g, c);
}

const char *ticket_subject(struct auth *au, const char *user_id, const char *of)
{
    return arena_printf(au->arena, "%s:%.*s", user_id, SUBJECT_PART, of);
}

enum err ticket_void(struct auth *au, enum ticket_kind kind, const char *user_id)
{
    return tickets_drop(au->db, row_id(au, kind, user_id));
}

/* Where he has one of a kind at a time its id ends with his; of the others it goes on behind a colon. */
enum err ticket_forget(struct auth *au, const char *user_id)
{
    for (enum ticket_kind k = 0; k < TICKET_KINDS; k++) {
        TRY(tickets_drop(au->db, row_id(au, k, user_id)));
        TRY(tickets_drop_below(au->db, au->arena, row_id(au, k, user_id)));
    }
    return ERR_OK;
}
