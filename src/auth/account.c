/* What e-mail addresses and passwords are taken, and signing in. Passwords are hashed outside transactions and the
 * write is guarded by what was verified. */
#include "auth/journal.h"
#include "auth/mail.h"
#include "auth/notice.h"
#include "auth/password.h"
#include "auth/throttle.h"
#include "auth/verify.h"

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

enum err account_issued(enum err e, struct opened *out)
{
    if (e != ERR_OK)
        explicit_bzero(out->token, sizeof out->token);
    return e;
}

/* fresh: a new hash to store; NULL. known: the device is. */
static enum err signin_store(struct auth *au, const struct credential *c, const char *fresh, bool known, bool remember,
                             const struct caller *from, const struct presented *old, struct opened *out)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(session_open(au, &c->user, c->password, remember, from, old, out));
    if (!known)
        TRY(notice_new_device(au, c, &out->session));
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

static enum err unverified_try(struct auth *au, const struct credential *c)
{
    AUTO(db_tx) struct db *tx = NULL;
    bool room;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, c->user.id));
    TRY(throttle_mail(au, mail_row(MAIL_VERIFY)->word, c->user.id, &room));
    if (room)
        TRY(verify_offer(au, c, c->user.id, c->user.email, NULL));
    TRY(journal_add(au, EV_SIGN_IN_REFUSED,
                    &(struct audit){.user_id = c->user.id, .email = c->user.email, .reason = "email-not-verified"}));
    return act_commit(au, &tx);
}

/* The first mail may have been lost. Only who knows the password is told, and the limits of sign-ins bound the mails.
 */
static enum err signin_unverified(struct auth *au, const struct credential *c)
{
    enum err e;

    DB_RETRY(e, unverified_try(au, c));
    return e == ERR_OK ? ERR_EMAIL_NOT_VERIFIED : e;
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
    if (au->cfg->account_require_verified_email && !c->user.email_verified)
        return signin_unverified(au, c);
    DB_RETRY(e, signin_store(au, c, fresh, t.device, remember, from, old, out));
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
    return account_issued(e == ERR_NONE ? ERR_BAD_CREDENTIALS : e, out);
}
