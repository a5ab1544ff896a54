/* Limits on tries. What is allowed is decided by two pure functions; counting is read, decide, write guarded by what
 * was read, all counters of a try in one transaction: either it is counted everywhere or, refused, nowhere. */
#include "auth/throttle.h"

#include "auth/journal.h"
#include "base/log.h"
#include "base/net.h"

#include <string.h>

/* Of as many at once one is counted with each turn; more than the processes of a site there never are. */
enum { TURNS = 64 };

static const char *const names[] = {
    [TRYING_SIGN_IN] = "sign-in", [TRYING_SIGN_UP] = "sign-up", [TRYING_PASSWORD] = "password", [TRYING_MAIL] = "mail"};

/* --- what is allowed --------------------------------------------------------------------------------------------- */

/* Requests and hosts are of one mind within this what time it is. A counter that is farther ahead was written by a
 * clock that was wrong: it shuts nobody out, and the next try puts it right. */
#define APART CLOCK_MINUTE

/* Rounded up, and room for just n of them: in no time are there more than were asked for. */
static int64_t each_of(const struct cfg_rate *r)
{
    return (r->per + r->n - 1) / r->n;
}

bool throttle_rate(const struct cfg_rate *r, int64_t now, struct limit *l, int64_t *wait)
{
    int64_t each = each_of(r), room = each * r->n, from = l->free_at > now ? l->free_at : now;

    if (from > now + room + APART)
        from = now + room - each;
    int64_t next = from + each;
    *wait = next - room - now;
    if (*wait > 0)
        return false;
    l->tries++;
    l->free_at = next;
    l->expires_at = next;
    *wait = next + each - room - now;
    if (*wait < 0)
        *wait = 0;
    return true;
}

static int64_t pause_after(const struct cfg *cfg, int64_t tries)
{
    int64_t pause = cfg->limits_account_wait, most = cfg->limits_account_wait_max;

    if (tries < cfg->limits_account)
        return 0;
    for (int64_t i = cfg->limits_account; i < tries && pause < most; i++)
        pause *= 2;
    return pause < most ? pause : most;
}

bool throttle_pauses(const struct cfg *cfg, int64_t now, struct limit *l, int64_t *wait)
{
    if (now >= l->free_at + cfg->limits_account_forget)
        l->tries = l->free_at = 0;
    int64_t due = pause_after(cfg, l->tries);
    *wait = l->free_at - now;
    if (due > 0 && *wait > 0 && *wait <= due + APART)
        return false;
    l->tries++;
    *wait = pause_after(cfg, l->tries);
    l->free_at = now + *wait;
    l->expires_at = l->free_at + cfg->limits_account_forget;
    return true;
}

const char *throttle_block(struct arena *a, const char *ip)
{
    enum { PREFIX = 8 };
    struct net_addr x;
    char text[NET_TEXT_SIZE];

    if (!net_parse(ip, &x))
        return "unknown";
    if (!x.v4)
        memset(x.b + PREFIX, 0, sizeof x.b - PREFIX);
    net_text(&x, text);
    return x.v4 ? arena_strdup(a, text) : arena_printf(a, "%s/64", text);
}

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* One counter of a try. rate NULL: with pauses; a mail is no guess that could be right, so mails have a rate. */
struct counter {
    const char *name, *subject, *kind;
    const struct cfg_rate *rate;
};

static const struct cfg_rate *address_rate(const struct auth *au)
{
    switch (au->trying) {
    case TRYING_SIGN_IN:
        return &au->cfg->limits_sign_in;
    case TRYING_SIGN_UP:
        return &au->cfg->limits_sign_up;
    case TRYING_PASSWORD:
        return &au->cfg->limits_password;
    case TRYING_MAIL:
        return &au->cfg->limits_mail;
    case TRYING_NOTHING:
        break;
    }
    static const struct cfg_rate none = {0, 0};
    return &none;
}

static struct counter of_address(struct auth *au)
{
    const char *block = throttle_block(au->arena, au->by.ip ? au->by.ip : "");

    return (struct counter){arena_printf(au->arena, "%s address:%s", names[au->trying], block), block, "address",
                            address_rate(au)};
}

static struct counter of_total(struct auth *au)
{
    return (struct counter){arena_printf(au->arena, "%s total", names[au->trying]), "total", "total",
                            &au->cfg->limits_total};
}

static struct counter of_account(struct auth *au, const char *subject, const char *device)
{
    bool mail = au->trying == TRYING_MAIL;
    const char *what = mail ? arena_printf(au->arena, "mail %s", au->mailing) : names[au->trying];

    return (struct counter){
        arena_printf(au->arena, "%s account:%s%s%s", what, subject, device ? " device:" : "", device ? device : ""),
        subject, "account", mail ? &au->cfg->limits_mail_account : NULL};
}

static bool is_on(const struct auth *au, const struct counter *c)
{
    return c->rate ? c->rate->n > 0 : au->cfg->limits_account > 0;
}

static bool decide(const struct auth *au, const struct counter *c, struct limit *l, int64_t *wait)
{
    return c->rate ? throttle_rate(c->rate, au->now, l, wait) : throttle_pauses(au->cfg, au->now, l, wait);
}

static enum err refuse(struct auth *au, int64_t wait)
{
    au->retry_after = (wait + CLOCK_SECOND - 1) / CLOCK_SECOND;
    return ERR_LIMITED;
}

/* ERR_NONE: another one counted meanwhile. ERR_DB_CONFLICT: another one added the counter meanwhile; begun anew, since
 * the lock that is left of adding it would keep both from counting in it. */
static enum err turn(struct auth *au, const struct counter *c, int64_t *wait)
{
    struct limit was, is;

    TRY(limits_get(au->db, au->arena, c->name, &was));
    is = was;
    is.subject = c->subject;
    if (!decide(au, c, &is, wait))
        return refuse(au, *wait);
    enum err e = limits_set(au->db, &was, &is);
    return e == ERR_NONE && !was.there ? ERR_DB_CONFLICT : e;
}

/* What uses up the last of what is allowed is an event; what is refused afterwards is none, or strangers could fill the
 * log. */
static enum err count(struct auth *au, const struct counter *c, const char *user_id, const char **name)
{
    enum err e = ERR_NONE;
    int64_t wait = 0;

    *name = NULL;
    if (!is_on(au, c))
        return ERR_OK;
    for (int i = 0; e == ERR_NONE && i < TURNS; i++)
        e = turn(au, c, &wait);
    if (e != ERR_OK)
        return e == ERR_NONE ? ERR_DB_BUSY : e;
    *name = c->name;
    if (wait == 0)
        return ERR_OK;
    const char *reason = arena_printf(au->arena, "%s %s", names[au->trying], c->kind);
    return journal_add(au, EV_LIMIT_REACHED, &(struct audit){.user_id = user_id, .reason = reason});
}

/* Always in this order, so that two never wait for each other. */
static enum err take_try(struct auth *au, const char *subject, const char *device, struct attempt *out)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct counter account = of_account(au, subject, device), address = of_address(au), total = of_total(au);

    /* what stands for an unknown account is a hash */
    const char *user_id = strlen(subject) < TOKEN_HASH_SIZE - 1 ? subject : NULL;

    TRY(act_begin(au, &tx));
    TRY(count(au, &account, user_id, &out->account));
    TRY(count(au, &address, NULL, &out->address));
    out->total = NULL;
    if (!device)
        TRY(count(au, &total, NULL, &out->total));
    return act_commit(au, &tx);
}

static bool is_limited(const struct auth *au)
{
    const struct cfg *cfg = au->cfg;
    bool account = au->trying == TRYING_MAIL ? cfg->limits_mail_account.n > 0 : cfg->limits_account > 0;

    return au->trying != TRYING_NOTHING && (account || address_rate(au)->n > 0 || cfg->limits_total.n > 0);
}

bool throttle_address_counts(const struct auth *au)
{
    return address_rate(au)->n > 0;
}

static enum err look(struct auth *au, const struct counter *c)
{
    struct limit l;
    int64_t wait;

    TRY(limits_get(au->db, au->arena, c->name, &l));
    return decide(au, c, &l, &wait) ? ERR_OK : refuse(au, wait);
}

enum err throttle_look(struct auth *au)
{
    if (!throttle_address_counts(au))
        return ERR_OK;
    struct counter c = of_address(au);
    return look(au, &c);
}

enum err throttle_look_account(struct auth *au, const char *subject, const char *device)
{
    if (au->trying == TRYING_NOTHING || au->cfg->limits_account == 0)
        return ERR_OK;
    struct counter c = of_account(au, subject, device);
    return look(au, &c);
}

enum err throttle_mail(struct auth *au, const char *word, const char *user_id, bool *room)
{
    enum trying was = au->trying;
    const char *name, *what = au->mailing;

    au->trying = TRYING_MAIL;
    au->mailing = word;
    struct counter c = of_account(au, user_id, NULL);
    enum err e = count(au, &c, user_id, &name);
    au->trying = was;
    au->mailing = what;
    *room = e == ERR_OK;
    return e == ERR_LIMITED ? ERR_OK : e;
}

/* Everybody who tries one account at once counts in one row, which comes and goes: that clashes oftener than other
 * things do, and must be nobody's outage. */
enum { CLASHES = 10 };

enum err throttle_take(struct auth *au, const char *subject, const char *device)
{
    struct attempt *made = ARENA_NEW(au->arena, struct attempt);
    enum err e = is_limited(au) ? ERR_DB_CONFLICT : ERR_OK;

    for (int i = 0; i < CLASHES && e == ERR_DB_CONFLICT; i++)
        DB_RETRY(e, take_try(au, subject, device, made));
    if (e == ERR_OK)
        au->attempt = made;
    return e;
}

static enum err count_try(struct auth *au)
{
    AUTO(db_tx) struct db *tx = NULL;
    struct counter c = of_address(au);
    const char *name;

    TRY(act_begin(au, &tx));
    TRY(count(au, &c, NULL, &name));
    return act_commit(au, &tx);
}

void throttle_count(struct auth *au)
{
    enum err e = ERR_DB_CONFLICT;

    if (!au->db || !throttle_address_counts(au))
        return;
    for (int i = 0; i < CLASHES && e == ERR_DB_CONFLICT; i++)
        DB_RETRY(e, count_try(au));
    /* the request is answered all the same; where there is no room any more, others were quicker */
    if (e != ERR_OK && e != ERR_LIMITED)
        log_warn("a try was not counted: %s", err_row(e)->text);
}

static enum err refund_rate(struct auth *au, const char *name, const struct cfg_rate *r)
{
    return name ? limits_refund(au->db, name, each_of(r)) : ERR_OK;
}

enum err throttle_refund(struct auth *au)
{
    const struct attempt *t = au->attempt;

    if (!t)
        return ERR_OK;
    if (t->account)
        TRY(limits_drop(au->db, t->account));
    TRY(refund_rate(au, t->address, address_rate(au)));
    return refund_rate(au, t->total, &au->cfg->limits_total);
}

/* --- devices ----------------------------------------------------------------------------------------------------- */

/* A session that is presented is a device, whatever its address. */
static enum err presented_of(struct auth *au, const char *user_id, const struct presented *p, const char **device)
{
    for (size_t i = 0; p && i < p->n; i++) {
        const char *id, *owner;
        enum err e = sessions_id_of(au->db, au->arena, p->v[i].hash, &id, &owner);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
        if (e == ERR_OK && strcmp(owner, user_id) == 0) {
            *device = arena_printf(au->arena, "session %s", id);
            return ERR_OK;
        }
    }
    return ERR_NONE;
}

enum err throttle_device(struct auth *au, const char *user_id, const struct presented *p, const char **device,
                         bool *known)
{
    int64_t seen;

    *known = false;
    if (au->cfg->limits_known_device == 0)
        return ERR_OK;
    const char *id = user_id ? user_id : "";
    enum err e = presented_of(au, id, p, device);
    if (e == ERR_NONE) {
        *device = throttle_block(au->arena, au->by.ip ? au->by.ip : "");
        e = devices_find(au->db, au->arena, id, *device, au->now, &seen);
    }
    *known = e == ERR_OK;
    return e == ERR_NONE ? ERR_OK : e;
}

enum err throttle_device_seen(struct auth *au, const char *user_id)
{
    int64_t kept = au->cfg->limits_known_device;

    if (kept == 0 || !au->by.ip || !*au->by.ip)
        return ERR_OK;
    return devices_seen(au->db, user_id, throttle_block(au->arena, au->by.ip), au->now, au->now + kept);
}

enum err throttle_devices_renew(struct auth *au, const char *user_id)
{
    TRY(devices_forget(au->db, user_id));
    return throttle_device_seen(au, user_id);
}
