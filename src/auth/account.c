/* Accounts: sign-up, sign-in, and what an administrator does to them. Passwords are hashed outside transactions and the
 * write is guarded by what was verified. */
#include "auth/auth.h"

#include "base/enc.h"
#include "base/log.h"

#include <string.h>

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 128, NAME_MAX_POINTS = 255, EMAIL_MAX = 255 };

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_alpha(char c)
{
    return is_alnum(c) && !(c >= '0' && c <= '9');
}

/* Letters, digits, _ ' + - and single inner dots; does not end in an apostrophe or dot. */
static bool email_local_ok(const char *s, size_t n)
{
    if (n == 0 || s[0] == '.' || s[n - 1] == '.' || s[n - 1] == '\'')
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_alnum(s[i]) && !strchr("_'+-.", s[i]))
            return false;
        if (s[i] == '.' && s[i + 1] == '.')
            return false;
    }
    return true;
}

/* At least two labels of letters, digits and -, each starting alphanumeric; the last of two or more letters. */
static bool email_domain_ok(const char *s)
{
    size_t labels = 0, len = 0, letters = 0;
    for (;; s++) {
        if (*s == '.' || *s == '\0') {
            if (len == 0)
                return false;
            labels++;
            if (*s == '\0')
                return labels >= 2 && len >= 2 && letters == len;
            len = letters = 0;
            continue;
        }
        if (!is_alnum(*s) && (*s != '-' || len == 0))
            return false;
        len++;
        letters += is_alpha(*s);
    }
}

bool account_email_ok(const char *s)
{
    const char *at = strchr(s, '@');
    return at && email_local_ok(s, (size_t)(at - s)) && email_domain_ok(at + 1);
}

enum err account_password_ok(const char *s)
{
    if (!enc_utf8_valid(s, strlen(s)))
        return ERR_BAD_TEXT; /* by latchkeyctl; nobody could send it as JSON */
    size_t n = enc_utf16_units(s);
    if (n < PASSWORD_MIN)
        return ERR_PASSWORD_SHORT;
    return n > PASSWORD_MAX ? ERR_PASSWORD_LONG : ERR_OK;
}

static enum err password_hash(struct auth *au, const char *password, const char **out)
{
    if (au->gate)
        TRY(kdf_gate_enter(au->gate));
    enum err e = kdf_hash(au->arena, &au->cfg->password_scrypt, password, out);
    if (au->gate)
        kdf_gate_leave(au->gate);
    return e;
}

/* Verifies under one slot; unknown and passwordless accounts cost the same as a wrong password. *fresh: a new hash to
 * store, when the old one is of a weaker kind; else NULL. */
static enum err password_verify(struct auth *au, const char *password, const char *stored, bool *match,
                                const char **fresh)
{
    const struct cfg_scrypt *cost = &au->cfg->password_scrypt;
    bool weaker = false;

    *match = false;
    *fresh = NULL;
    if (au->gate)
        TRY(kdf_gate_enter(au->gate));
    enum err e =
        stored ? kdf_verify(au->arena, cost, password, stored, match, &weaker) : kdf_spend(au->arena, cost, password);
    if (e == ERR_OK && *match && weaker)
        e = kdf_hash(au->arena, cost, password, fresh);
    if (au->gate)
        kdf_gate_leave(au->gate);
    return e;
}

static enum err signup_check(struct auth *au, const struct signup *in, bool by_admin)
{
    if (au->cfg->auth_sign_up == SIGNUP_CLOSED && !by_admin)
        return ERR_SIGN_UP_CLOSED;
    if (!account_email_ok(in->email))
        return ERR_INVALID_EMAIL;
    TRY(account_password_ok(in->password));
    if (!enc_utf8_valid(in->name, strlen(in->name)))
        return ERR_BAD_TEXT;
    if (enc_utf8_points(in->name) > NAME_MAX_POINTS || strlen(in->email) > EMAIL_MAX)
        return ERR_USER_REFUSED;
    return ERR_OK;
}

static enum err signup_store(struct auth *au, const struct user *u, const char *password, bool remember,
                             const struct caller *from, const struct presented *old, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(au->db, &tx));
    enum err e = users_add(au->db, u);
    if (e == ERR_DB_DUPLICATE)
        return ERR_USER_EXISTS;
    TRY(e);
    TRY(accounts_add(au->db, u->id, password, au->now));
    if (from)
        TRY(session_open(au, u, password, remember, from, old, out));
    else
        TRY(users_lock(au->db, u->id));
    return db_commit(&tx);
}

enum err account_sign_up(struct auth *au, const struct signup *in, const struct caller *from,
                         const struct presented *old, bool by_admin, struct opened *out)
{
    struct user u = {.name = in->name,
                     .email = enc_lower(au->arena, in->email),
                     .image = in->image,
                     .created_at = au->now,
                     .updated_at = au->now},
                other;
    const char *password = NULL;
    char id[RNG_ID_SIZE];

    TRY(signup_check(au, in, by_admin));
    enum err e = users_by_email(au->db, au->arena, u.email, &other);
    if (e != ERR_NONE)
        return e == ERR_OK ? ERR_USER_EXISTS : e;
    TRY(password_hash(au, in->password, &password));
    TRY(rng_id(id));
    u.id = arena_strdup(au->arena, id);
    *out = (struct opened){.user = u};
    return signup_store(au, &u, password, in->remember, by_admin ? NULL : from, old, out);
}

static enum err signin_store(struct auth *au, const struct credential *c, const char *fresh, bool remember,
                             const struct caller *from, const struct presented *old, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(au->db, &tx));
    TRY(session_open(au, &c->user, c->password, remember, from, old, out));
    if (fresh)
        TRY(accounts_rehash(au->db, c->user.id, c->password, fresh, au->now));
    return db_commit(&tx);
}

/* One try: the password against what is stored now, then the session, guarded by just that. */
static enum err signin_try(struct auth *au, const char *email, const char *password, bool remember,
                           const struct caller *from, const struct presented *old, struct credential *c,
                           struct opened *out)
{
    const char *fresh;
    bool match;

    *c = (struct credential){.password = NULL};
    enum err e = accounts_find(au->db, au->arena, email, c);
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    TRY(password_verify(au, password, c->password, &match, &fresh));
    if (!match || c->disabled)
        return ERR_BAD_CREDENTIALS;
    e = signin_store(au, c, fresh, remember, from, old, out);
    return e == ERR_BAD_CREDENTIALS ? ERR_NONE : e;
}

enum err account_sign_in(struct auth *au, const char *email, const char *password, bool remember,
                         const struct caller *from, const struct presented *old, struct opened *out)
{
    struct credential c;

    if (!account_email_ok(email))
        return ERR_INVALID_EMAIL;
    if (account_password_ok(password) == ERR_PASSWORD_LONG)
        return ERR_PASSWORD_LONG;
    email = enc_lower(au->arena, email);
    enum err e = signin_try(au, email, password, remember, from, old, &c, out);
    /* The hash changed while we computed: by another sign-in that renewed it, or by a change of the password. Which of
     * the two, the password itself tells. */
    if (e == ERR_NONE)
        e = signin_try(au, email, password, remember, from, old, &c, out);
    return e == ERR_NONE ? ERR_BAD_CREDENTIALS : e;
}

/* Begins what an administrator does to one user: transaction, lock, and the user must be there. */
static enum err admin_begin(struct auth *au, const char *user_id, struct db **tx)
{
    struct user u;

    TRY(db_begin(au->db, tx));
    TRY(users_by_id(au->db, au->arena, user_id, &u));
    return users_lock(au->db, user_id);
}

enum err account_set_password(struct auth *au, const char *user_id, const char *password, int64_t *ended)
{
    AUTO(db_tx) struct db *tx = NULL;
    const char *hash = NULL;

    TRY(account_password_ok(password));
    TRY(password_hash(au, password, &hash));
    TRY(admin_begin(au, user_id, &tx));
    TRY(accounts_set(au->db, user_id, hash, au->now));
    TRY(sessions_end_user(au->db, user_id, NULL, ended));
    return db_commit(&tx);
}

enum err account_disable(struct auth *au, const char *user_id, int64_t *ended)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(users_disable(au->db, user_id, au->now));
    TRY(sessions_end_user(au->db, user_id, NULL, ended));
    return db_commit(&tx);
}

enum err account_enable(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(users_enable(au->db, user_id));
    return db_commit(&tx);
}

enum err account_delete(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(users_delete(au->db, user_id));
    return db_commit(&tx);
}
