/* What a signed-in user does to his own account: password, name, picture. Each is one transaction under the user's
 * lock (but for name and picture), in which the session that asks must still live and the password that was given must
 * still be the one. */
#include "auth/journal.h"
#include "auth/link.h"
#include "auth/password.h"
#include "auth/throttle.h"

#include "base/enc.h"

#include <string.h>

/* Where its guard does not hold the session has ended, or the password is another by now. */
enum err credential_renew(struct auth *au, const struct session *s, const char *password)
{
    enum err e = sessions_renew(au->db, s, password, au->now);

    if (e != ERR_NONE)
        return e;
    e = sessions_there(au->db, au->arena, s, au->now);
    if (e == ERR_OK)
        return ERR_INVALID_PASSWORD;
    return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
}

/* --- the password ------------------------------------------------------------------------------------------------- */

struct change {
    const struct checked *who;
    const struct credential *was; /* as it was verified */
    const char *hash;             /* of the new password */
    bool end_others;
    const struct caller *from;
};

static enum err change_try(struct auth *au, const struct change *ch, struct opened *out)
{
    static const struct presented none = {.n = 0};
    AUTO(db_tx) struct db *tx = NULL;
    const struct session *s = &ch->who->session;

    TRY(act_begin(au, &tx));
    TRY(users_lock(au->db, s->user_id));
    enum err e = accounts_rehash(au->db, s->user_id, ch->was->password, ch->hash, au->now);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_INVALID_PASSWORD : e;
    TRY(credential_renew(au, s, ch->hash));
    TRY(journal_add(au, EV_PASSWORD_CHANGED, &(struct audit){.user_id = s->user_id, .session_id = s->id}));
    TRY(mail_password_changed(au, &ch->was->user));
    if (ch->end_others) {
        TRY(throttle_devices_renew(au, s->user_id));
        TRY(ending_user(au, s->user_id, NULL, WHY_PASSWORD, NULL));
        e = session_open(au, &ch->was->user, ch->hash, s->remember, ch->from, &none, out);
        if (e != ERR_OK)
            return e == ERR_BAD_CREDENTIALS ? ERR_UNAUTHORIZED : e; /* disabled */
    }
    return act_commit(au, &tx);
}

enum err account_change_password(struct auth *au, const struct checked *who, const char *current, const char *new,
                                 bool end_others, const struct caller *from, struct opened *out)
{
    struct credential was;
    const char *hash;
    enum err e;

    TRY(account_new_password_ok(au, new, who->user.email, who->user.name));
    TRY(password_prove(au, who, current, &was));
    TRY(password_hash(au, NULL, new, &hash));
    struct change ch = {who, &was, hash, end_others, from};
    *out = (struct opened){.user = was.user};
    DB_RETRY(e, change_try(au, &ch, out));
    if (e != ERR_OK)
        explicit_bzero(out->token, sizeof out->token);
    return e;
}

static enum err renew_try(struct auth *au, const struct session *s, const char *hash)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    TRY(credential_renew(au, s, hash));
    TRY(journal_add(au, EV_REAUTHENTICATED, &(struct audit){.user_id = s->user_id, .session_id = s->id}));
    return act_commit(au, &tx);
}

enum err account_reauthenticate(struct auth *au, const struct checked *who, const char *password)
{
    struct credential c;
    enum err e;

    TRY(password_prove(au, who, password, &c));
    DB_RETRY(e, renew_try(au, &who->session, c.password));
    return e;
}

/* --- name and picture -----------------------------------------------------------------------------------------------
 */

static enum err update_try(struct auth *au, const struct session *s, const struct profile *p)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(act_begin(au, &tx));
    enum err e = sessions_there(au->db, au->arena, s, au->now);
    if (e == ERR_OK)
        e = users_update(au->db, s->user_id, p->name, p->set_image, p->image, au->now);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_UNAUTHORIZED : e;
    TRY(journal_add(au, EV_USER_UPDATED, &(struct audit){.user_id = s->user_id, .session_id = s->id}));
    return act_commit(au, &tx);
}

enum err account_update(struct auth *au, const struct checked *who, const struct profile *p)
{
    enum err e;

    if (!p->name && !p->set_image)
        return ERR_NO_FIELDS;
    if (p->name && enc_utf8_points(p->name) > NAME_MAX_POINTS)
        return ERR_NAME_LONG;
    DB_RETRY(e, update_try(au, &who->session, p));
    return e;
}
