/* Accounts: sign-up, sign-in, and what an administrator does to them. Passwords are hashed outside transactions and the
 * write is guarded by what was verified. */
#include "auth/journal.h"
#include "auth/password.h"
#include "auth/throttle.h"

#include "base/enc.h"
#include "base/log.h"
#include "crypto/strength.h"

#include <string.h>

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 128 };

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

enum err account_new_password_ok(struct auth *au, const char *password, const char *email, const char *name)
{
    const char *const about[] = {email ? email : "", name ? name : "", NULL};

    TRY(account_password_ok(password));
    return strength_check(au->cfg, au->arena, password, about);
}

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

/* A token is given out once its session is stored for sure, or not at all. */
static enum err issued_only(enum err e, struct opened *out)
{
    if (e != ERR_OK)
        explicit_bzero(out->token, sizeof out->token);
    return e;
}

static enum err signup_store(struct auth *au, const struct user *u, const char *password, bool remember,
                             const struct caller *from, const struct presented *old, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    enum err e = users_add(au->db, u);
    if (e == ERR_DB_DUPLICATE)
        return ERR_USER_EXISTS;
    TRY(e);
    TRY(accounts_add(au->db, u->id, password, au->now));
    if (from)
        TRY(session_open(au, u, password, remember, from, old, out));
    else
        TRY(users_lock(au->db, u->id));
    if (from)
        TRY(throttle_device_seen(au, u->id));
    TRY(journal_add(au, from ? EV_SIGN_UP : EV_USER_ADDED,
                    &(struct audit){.user_id = u->id, .email = u->email, .session_id = from ? out->session.id : NULL}));
    return act_commit(au, &tx);
}

static enum err signup(struct auth *au, const struct signup *in, const struct caller *from, const struct presented *old,
                       bool by_admin, struct opened *out)
{
    struct user u = {.name = in->name,
                     .email = enc_lower(au->arena, in->email),
                     .image = in->image,
                     .created_at = au->now,
                     .updated_at = au->now},
                other;
    const char *password = NULL;
    char id[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];

    TRY(signup_check(au, in, by_admin));
    TRY(token_hash(u.email, hash));
    enum err e = users_by_email(au->db, au->arena, u.email, &other);
    struct tried t = {arena_strdup(au->arena, hash), NULL};
    if (e == ERR_OK) {
        TRY(throttle_take(au, t.subject, NULL));
        return ERR_USER_EXISTS;
    }
    if (e != ERR_NONE)
        return e;
    TRY(password_hash(au, &t, in->password, &password));
    TRY(rng_id(id));
    u.id = arena_strdup(au->arena, id);
    *out = (struct opened){.user = u};
    DB_RETRY(e, signup_store(au, &u, password, in->remember, by_admin ? NULL : from, old, out));
    return issued_only(e, out);
}

enum err account_sign_up(struct auth *au, const struct signup *in, const struct caller *from,
                         const struct presented *old, bool by_admin, struct opened *out)
{
    enum err e = signup(au, in, from, old, by_admin, out);

    struct audit refused = {.email = enc_lower(au->arena, in->email), .reason = err_row(e)->code};

    /* a closed door costs who knocks nothing, and may cost us no row */
    if (e == ERR_SIGN_UP_CLOSED)
        journal_note(au, EV_REQUEST_REFUSED, &(struct audit){.reason = refused.reason});
    if (e == ERR_USER_EXISTS)
        journal_note(au, EV_SIGN_UP_REFUSED, &refused);
    return e;
}

static enum err signin_store(struct auth *au, const struct credential *c, const char *fresh, bool remember,
                             const struct caller *from, const struct presented *old, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(session_open(au, &c->user, c->password, remember, from, old, out));
    TRY(throttle_device_seen(au, c->user.id));
    TRY(throttle_refund(au));
    TRY(journal_add(au, EV_SIGN_IN, &(struct audit){.user_id = c->user.id, .session_id = out->session.id}));
    if (fresh)
        TRY(accounts_rehash(au->db, c->user.id, c->password, fresh, au->now));
    return act_commit(au, &tx);
}

/* Unknown accounts are counted like known ones, by something that tells nothing of what was typed. */
static enum err signin_tried(struct auth *au, const char *email, const struct credential *c,
                             const struct presented *old, struct tried *out)
{
    char hash[TOKEN_HASH_SIZE];
    const char *device = NULL;
    bool known;

    TRY(token_hash(email, hash));
    TRY(throttle_device(au, c->user.id, old, &device, &known));
    *out = (struct tried){c->user.id ? c->user.id : arena_strdup(au->arena, hash), known ? device : NULL};
    return ERR_OK;
}

static enum err signin_refused(struct auth *au, const char *email, const struct credential *c, const char *why)
{
    journal_note(au, EV_SIGN_IN_REFUSED, &(struct audit){.user_id = c->user.id, .email = email, .reason = why});
    return ERR_BAD_CREDENTIALS;
}

/* One try: the password against what is stored now, then the session, guarded by just that. */
static enum err signin_try(struct auth *au, const char *email, const char *password, bool remember,
                           const struct caller *from, const struct presented *old, struct credential *c,
                           struct opened *out)
{
    const char *fresh;
    struct tried t;
    bool match;

    *c = (struct credential){.password = NULL};
    enum err e = accounts_find(au->db, au->arena, email, c);
    if (e != ERR_OK && e != ERR_NONE)
        return e;
    TRY(signin_tried(au, email, c, old, &t));
    TRY(password_try(au, &t, password, c->password, &match, &fresh));
    if (!match || c->disabled)
        return signin_refused(au, email, c, !c->user.id ? "unknown-user" : match ? "disabled" : "wrong-password");
    DB_RETRY(e, signin_store(au, c, fresh, remember, from, old, out));
    if (e == ERR_TOO_MANY_SESSIONS)
        journal_note(au, EV_SIGN_IN_REFUSED, &(struct audit){.user_id = c->user.id, .reason = "too-many-sessions"});
    return e == ERR_BAD_CREDENTIALS ? ERR_NONE : e;
}

enum err account_sign_in(struct auth *au, const char *email, const char *password, bool remember,
                         const struct caller *from, const struct presented *old, struct opened *out)
{
    struct credential c;

    if (!account_email_ok(email) || strlen(email) > EMAIL_MAX)
        return ERR_INVALID_EMAIL;
    if (account_password_ok(password) == ERR_PASSWORD_LONG)
        return ERR_PASSWORD_LONG;
    email = enc_lower(au->arena, email);
    enum err e = signin_try(au, email, password, remember, from, old, &c, out);
    /* The hash changed while we computed: by another sign-in that renewed it, or by a change of the password. Which of
     * the two, the password itself tells. */
    if (e == ERR_NONE)
        e = signin_try(au, email, password, remember, from, old, &c, out);
    return issued_only(e == ERR_NONE ? ERR_BAD_CREDENTIALS : e, out);
}

/* Begins what an administrator does to one user: transaction, lock, and the user must be there. */
static enum err admin_begin(struct auth *au, const char *user_id, struct db **tx)
{
    struct user u;

    TRY(act_begin(au, tx));
    TRY(users_by_id(au->db, au->arena, user_id, &u));
    return users_lock(au->db, user_id);
}

static enum err set_password_try(struct auth *au, const char *user_id, const char *hash, int64_t *ended)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(accounts_set(au->db, user_id, hash, au->now));
    TRY(throttle_devices_renew(au, user_id));
    TRY(journal_add(au, EV_PASSWORD_CHANGED, &(struct audit){.user_id = user_id}));
    TRY(ending_user(au, user_id, NULL, WHY_PASSWORD, ended));
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
    DB_RETRY(e, set_password_try(au, user_id, hash, ended));
    return e;
}

static enum err disable_try(struct auth *au, const char *user_id, int64_t *ended)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(users_disable(au->db, user_id, au->now));
    TRY(journal_add(au, EV_USER_DISABLED, &(struct audit){.user_id = user_id}));
    TRY(ending_user(au, user_id, NULL, WHY_DISABLED, ended));
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

    TRY(admin_begin(au, user_id, &tx));
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

static enum err delete_try(struct auth *au, const char *user_id)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, user_id, &tx));
    TRY(ending_user(au, user_id, NULL, WHY_DELETED, NULL));
    TRY(journal_add(au, EV_USER_DELETED, &(struct audit){.user_id = user_id}));
    TRY(reset_forget(au, user_id));
    TRY(users_delete(au->db, user_id));
    return act_commit(au, &tx);
}

enum err account_delete(struct auth *au, const char *user_id)
{
    enum err e;

    DB_RETRY(e, delete_try(au, user_id));
    return e;
}

static enum err erase_try(struct auth *au, const struct user *u)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(admin_begin(au, u->id, &tx));
    TRY(ending_user(au, u->id, NULL, WHY_DELETED, NULL));
    TRY(reset_forget(au, u->id));
    TRY(users_delete(au->db, u->id));
    TRY(audits_forget(au->db, u->id, u->email));
    TRY(journal_add(au, EV_USER_ERASED, &(struct audit){.user_id = NULL}));
    return act_commit(au, &tx);
}

enum err account_erase(struct auth *au, const struct user *u)
{
    enum err e;

    DB_RETRY(e, erase_try(au, u));
    return e;
}
