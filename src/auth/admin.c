/* What an administrator does to users. Each is one transaction under the user's lock. */
#include "auth/journal.h"
#include "auth/link.h"
#include "auth/mail.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/ticket.h"

/* Begins what an administrator does to one user: transaction, lock, and the user must be there. */
static enum err admin_begin(struct auth *au, const char *user_id, struct db **tx, struct user *u)
{
    TRY(act_begin(au, tx));
    TRY(users_lock(au->db, user_id));
    return users_by_id(au->db, au->arena, user_id, u);
}

static enum err set_password_try(struct auth *au, const struct user *u, const char *hash, int64_t *ended)
{
    const char *user_id = u->id;
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx, &(struct user){0}));
    TRY(accounts_set(au->db, user_id, hash, au->now));
    TRY(throttle_devices_renew(au, user_id));
    TRY(journal_add(au, EV_PASSWORD_CHANGED, &(struct audit){.user_id = user_id}));
    TRY(ending_user(au, user_id, NULL, WHY_PASSWORD, ended));
    TRY(mail_password_changed(au, u));
    return act_commit(au, &tx);
}

enum err account_set_password(struct auth *au, const char *user_id, const char *password, int64_t *ended)
{
    const char *hash = NULL;
    struct user u;
    enum err e;

    TRY(users_by_id(au->db, au->arena, user_id, &u));
    TRY(account_new_password_ok(au, password, u.email, u.name));
    TRY(password_hash(au, NULL, password, &hash));
    DB_RETRY(e, set_password_try(au, &u, hash, ended));
    return e;
}

static enum err disable_try(struct auth *au, const char *user_id, int64_t *ended)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx, &(struct user){0}));
    TRY(users_disable(au->db, user_id, au->now));
    TRY(journal_add(au, EV_USER_DISABLED, &(struct audit){.user_id = user_id}));
    TRY(ending_user(au, user_id, NULL, WHY_DISABLED, ended));
    TRY(ticket_forget(au, user_id));
    return act_commit(au, &tx);
}

enum err account_disable(struct auth *au, const char *user_id, int64_t *ended)
{
    enum err e;

    DB_RETRY(e, disable_try(au, user_id, ended));
    return e;
}

static enum err enable_try(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx, &(struct user){0}));
    TRY(users_enable(au->db, user_id));
    TRY(journal_add(au, EV_USER_ENABLED, &(struct audit){.user_id = user_id}));
    return act_commit(au, &tx);
}

enum err account_enable(struct auth *au, const char *user_id)
{
    enum err e;

    DB_RETRY(e, enable_try(au, user_id));
    return e;
}

static enum err verify_try(struct auth *au, const struct user *u)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, u->id, &tx, &(struct user){0}));
    TRY(users_verify(au->db, u->id, u->email, au->now));
    TRY(journal_add(au, EV_EMAIL_VERIFIED, &(struct audit){.user_id = u->id, .email = u->email}));
    return act_commit(au, &tx);
}

enum err account_verify(struct auth *au, const struct user *u)
{
    enum err e;

    DB_RETRY(e, verify_try(au, u));
    return e;
}

static enum err delete_try(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u;

    TRY(admin_begin(au, user_id, &tx, &u));
    TRY(ending_user(au, user_id, NULL, WHY_DELETED, NULL));
    TRY(journal_add(au, EV_USER_DELETED, &(struct audit){.user_id = user_id}));
    TRY(ticket_forget(au, user_id));
    TRY(mails_forget(au->db, u.email));
    TRY(users_delete(au->db, user_id));
    return act_commit(au, &tx);
}

enum err account_delete(struct auth *au, const char *user_id)
{
    enum err e;

    DB_RETRY(e, delete_try(au, user_id));
    return e;
}

/* Mails name him whose address is another by now, or is to be another. What counted for his address before he had an
 * account, and what was given out then to nobody, is named by the address's hash, which can be guessed. */
static enum err forget_address(struct auth *au, const struct user *u)
{
    char hash[TOKEN_HASH_SIZE];

    TRY(mails_forget(au->db, u->email));
    TRY(mails_forget_of(au->db, mail_row(MAIL_CHANGE_EMAIL)->word, mail_row(MAIL_EMAIL_CHANGED)->word, u->id));
    TRY(token_hash(u->email, hash));
    TRY(limits_clear(au->db, arena_strdup(au->arena, hash), NULL));
    return ticket_forget(au, arena_strndup(au->arena, hash, RNG_ID_LEN));
}

static enum err erase_try(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct user u;

    TRY(admin_begin(au, user_id, &tx, &u));
    TRY(ending_user(au, user_id, NULL, WHY_DELETED, NULL));
    TRY(ticket_forget(au, user_id));
    TRY(users_delete(au->db, user_id));
    TRY(forget_address(au, &u)); /* by events that still tell of him */
    TRY(audits_forget(au->db, user_id, u.email));
    TRY(journal_add(au, EV_USER_ERASED, &(struct audit){.user_id = NULL}));
    return act_commit(au, &tx);
}

enum err account_erase(struct auth *au, const struct user *u)
{
    enum err e;

    DB_RETRY(e, erase_try(au, u->id));
    return e;
}
