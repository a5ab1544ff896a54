/* Resetting a forgotten password by a one-time token. The token is bound to the password it is to replace: once that
 * has changed in any way, it is good for nothing. Only its hash is stored. */
#include "auth/journal.h"
#include "auth/password.h"
#include "auth/throttle.h"

#include <string.h>

enum { TICKET_LIFE_MS = 3600 * 1000 };

/* The credential's state as it was when the token was made; nothing about the password can be learned from it. */
static enum err epoch_of(struct auth *au, const struct credential *c, const char **out)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(token_hash(c->password ? c->password : "", hash));
    *out = arena_printf(au->arena, "%s:%s", c->user.id, hash);
    return ERR_OK;
}

static enum err identifier_of(struct auth *au, const char *token, const char **out)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(token_hash(token, hash));
    *out = arena_printf(au->arena, "reset-password:%s", hash);
    return ERR_OK;
}

/* One at a time: of a user's tokens only the newest has a row. */
static const char *ticket_id(struct auth *au, const char *user_id)
{
    return arena_printf(au->arena, "reset:%s", user_id);
}

static enum err offer_try(struct auth *au, const char *user_id, struct ticket *t)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, user_id));
    TRY(accounts_of(au->db, au->arena, user_id, &c));
    TRY(epoch_of(au, &c, &t->value));
    TRY(journal_add(au, EV_RESET_OFFERED, &(struct audit){.user_id = user_id}));
    TRY(tickets_put(au->db, t, au->now + TICKET_LIFE_MS, au->now));
    return act_commit(au, &tx);
}

enum err reset_offer(struct auth *au, const char *user_id, char token[static RNG_ID_SIZE], int64_t *expires)
{
    struct ticket t = {.id = ticket_id(au, user_id)};
    char made[RNG_ID_SIZE];
    enum err e;

    TRY(token_new(made));
    TRY(identifier_of(au, made, &t.identifier));
    DB_RETRY(e, offer_try(au, user_id, &t));
    if (e == ERR_OK) {
        memcpy(token, made, sizeof made);
        *expires = au->now + TICKET_LIFE_MS;
    }
    explicit_bzero(made, sizeof made);
    return e;
}

enum err reset_forget(struct auth *au, const char *user_id)
{
    return tickets_drop(au->db, ticket_id(au, user_id));
}

static enum err reset_try(struct auth *au, const struct ticket *t, const char *user_id, const char *hash)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct credential c;
    const char *epoch;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, user_id));
    enum err e = tickets_spend(au->db, t, au->now);
    if (e == ERR_OK)
        e = accounts_of(au->db, au->arena, user_id, &c);
    if (e == ERR_OK)
        e = epoch_of(au, &c, &epoch);
    if (e == ERR_OK && strcmp(epoch, t->value) != 0)
        e = ERR_NONE;
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_RESET_TOKEN : e;
    TRY(accounts_set(au->db, user_id, hash, au->now));
    TRY(throttle_devices_renew(au, user_id));
    TRY(journal_add(au, EV_PASSWORD_RESET, &(struct audit){.user_id = user_id}));
    TRY(ending_user(au, user_id, NULL, WHY_PASSWORD, NULL));
    return act_commit(au, &tx);
}

enum err reset_password(struct auth *au, const char *token, const char *new)
{
    const char *identifier, *hash, *colon;
    struct ticket t;
    struct user u;
    enum err e;

    if (!token || !token_wellformed(token))
        return ERR_RESET_TOKEN;
    TRY(account_password_ok(new));
    TRY(identifier_of(au, token, &identifier));
    e = tickets_find(au->db, au->arena, identifier, au->now, &t);
    colon = e == ERR_OK ? strchr(t.value, ':') : NULL;
    if (e == ERR_NONE || (e == ERR_OK && !colon))
        return ERR_RESET_TOKEN;
    TRY(e);
    const char *user_id = arena_strndup(au->arena, t.value, (size_t)(colon - t.value));
    e = users_by_id(au->db, au->arena, user_id, &u);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_RESET_TOKEN : e;
    TRY(account_new_password_ok(au, new, u.email, u.name));
    TRY(password_hash(au, NULL, new, &hash));
    DB_RETRY(e, reset_try(au, &t, user_id, hash));
    return e;
}
