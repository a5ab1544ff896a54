/* What becomes of a queued mail: claimed, opened, written, sent, and then deleted, put off or given up. Must not log an
 * address: the streams of the audit log have it, which are made for that. */
#include "app/mailer.h"

#include "app/audit.h"
#include "auth/journal.h"
#include "base/enc.h"
#include "base/log.h"

#include <string.h>
#include <time.h>

enum {
    PAGE = 20,
    CLAIM_MS = 60 * 1000, /* beyond mail.timeout: nobody is still sending then */
    TROUBLE = 20,         /* so many in a row that could not be sent: the others would fare no better */
    LOST_MS = 5 * 1000,   /* nor if so much time was lost with them */
    FORGET_TRIES = 5,     /* to tell the store that a mail is out */
    NAME_MAX_BYTES = 100,
    DEVICE_MAX = 120,
    LINK_MAX = 4096,
};

struct sending {
    struct app *app;
    struct mailer_tally *n;
    int in_a_row;        /* that could not be sent */
    int64_t began, lost; /* clock_steady of the try under way; ms spent on those */
};

/* --- what a template is told -----------------------------------------------------------------------------------------
 */

/* "27 November 2026, 09:00 UTC"; NULL for 0. */
static const char *time_text(struct arena *a, int64_t ms)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    char iso[ENC_ISO_SIZE];

    if (ms <= 0)
        return NULL;
    enc_iso(ms, iso);
    int month = (iso[5] - '0') * 10 + iso[6] - '0';
    return arena_printf(a, "%s%.*s %s %.4s, %.5s UTC", "", iso[8] == '0' ? 1 : 2, iso + 8 + (iso[8] == '0'),
                        months[(month - 1) % 12], iso, iso + 11);
}

/* What a stranger may have typed is one line of a sane length. */
static const char *line(struct arena *a, const char *s, size_t max)
{
    return s ? message_line(a, s, max) : NULL;
}

static enum err compose(const struct cfg *cfg, struct arena *a, enum mail_kind kind, const struct mail_facts *f,
                        struct message *m)
{
    const struct mustache_var vars[] = {
        {"site", line(a, cfg->mail_site, NAME_MAX_BYTES)},
        {"base_url", cfg->origin},
        {"email", m->to},
        {"name", line(a, f->name, NAME_MAX_BYTES)},
        {"link", line(a, f->link, LINK_MAX)},
        {"new_email", line(a, f->new_email, EMAIL_MAX)},
        {"ip", line(a, f->ip, NAME_MAX_BYTES)},
        {"device", line(a, f->device, DEVICE_MAX)},
        {"time", time_text(a, f->at)},
        {"expires", time_text(a, f->expires_at)},
    };
    const struct mustache_data data = {.vars = vars, .n_vars = sizeof vars / sizeof vars[0]};

    return template_fill(cfg, a, mail_row(kind)->word, &data, m);
}

enum delivery mailer_send_one(const struct cfg *cfg, struct arena *a, enum mail_kind kind, const char *to,
                              const char *ref, const struct mail_facts *f, const char **why)
{
    struct message m = {.from = cfg->mail_from, .from_name = cfg->mail_from_name, .to = to, .ref = ref, .date = f->at};
    struct buf bytes = buf_in(a);

    enum err e = compose(cfg, a, kind, f, &m);
    if (e == ERR_OK)
        e = message_write(&m, &bytes);
    if (e != ERR_OK) {
        *why = e == ERR_INVALID_EMAIL ? "it is no address that mail can be sent to" : "it could not be written";
        return e == ERR_INVALID_EMAIL ? DELIVERY_NEVER : DELIVERY_LATER;
    }
    const struct envelope env = {.from = m.from, .to = to, .ref = ref, .bytes = bytes.s, .len = bytes.len};
    return transport_send(cfg, a, &env, why);
}

const char *mailer_templates_fault(const struct cfg *cfg, struct arena *a, size_t *own)
{
    static const char *const names[] = {"site",      "base_url", "email",  "name", "link",
                                        "new_email", "ip",       "device", "time", "expires"};
    struct mustache_var vars[sizeof names / sizeof names[0]];
    const struct mustache_data data = {.vars = vars, .n_vars = sizeof names / sizeof names[0]};
    size_t n;

    *own = 0;
    for (size_t i = 0; i < data.n_vars; i++)
        vars[i] = (struct mustache_var){names[i], names[i]};
    for (enum mail_kind k = 0; k < MAIL_COUNT; k++) {
        const char *fault = template_fault(cfg, a, mail_row(k)->word, &data, &n);
        if (fault)
            return fault;
        *own += n;
    }
    return NULL;
}

/* --- what becomes of one -------------------------------------------------------------------------------------------
 */

static void tell_failed(struct app *app, const struct mail *m)
{
    struct auth au = {.cfg = app->cfg, .db = app->db, .arena = app->arena, .now = clock_now(), .by.actor = "system"};

    journal_note(&au, EV_MAIL_FAILED, &(struct audit){.email = m->recipient, .reason = m->kind});
    audit_write(&au);
}

/* A mail that is out must not go out again because the store is away for a moment. */
static enum err forget(struct app *app, const struct mail *m)
{
    const struct timespec second = {1, 0};
    enum err e = ERR_OK;

    for (int i = 0; i < FORGET_TRIES; i++) {
        if (i > 0)
            nanosleep(&second, NULL);
        e = app_connect(app);
        if (e == ERR_OK)
            e = mails_drop(app->db, m->id);
        app_forget_store(app, e);
        if (e == ERR_OK || e == ERR_NONE)
            return ERR_OK;
    }
    return e;
}

static enum err drop(struct sending *s, const struct mail *m)
{
    s->n->dropped++;
    return forget(s->app, m);
}

/* 30 s, 1 m, 2 m, 5 m, … */
static int64_t pause_after(int64_t tries)
{
    static const int64_t pauses[] = {30, 60, 120, 300, 600, 1200, 1800, 3600};
    enum { PAUSES = sizeof pauses / sizeof pauses[0] };

    return pauses[tries < 1 ? 0 : tries > PAUSES ? PAUSES - 1 : tries - 1] * CLOCK_SECOND;
}

static enum err give_up(struct sending *s, const struct mail *m, const char *why)
{
    log_error("mail %lld (%s) is given up after %lld tries: %s", (long long)m->id, m->kind, (long long)m->tries, why);
    tell_failed(s->app, m);
    return drop(s, m);
}

static enum err put_off(struct sending *s, const struct mail *m, const char *why)
{
    int64_t pause = pause_after(m->tries), next = clock_now() + pause;

    s->in_a_row++;
    s->lost += clock_steady() - s->began;
    if (next >= m->expires_at)
        return give_up(s, m, why);
    s->n->later++;
    log_warn("mail %lld (%s) could not be sent, next try in %lld s: %s", (long long)m->id, m->kind,
             (long long)(pause / CLOCK_SECOND), why);
    TRY(app_connect(s->app));
    enum err e = mails_later(s->app->db, m, next, *why ? why : "no reason was given");
    return e == ERR_NONE ? ERR_OK : e;
}

static enum err settle(struct sending *s, const struct mail *m, enum delivery d, const char *why)
{
    switch (d) {
    case DELIVERY_LATER:
        return put_off(s, m, why);
    case DELIVERY_NEVER:
        s->in_a_row = 0;
        s->lost = 0;
        return give_up(s, m, why);
    case DELIVERY_DONE:
        break;
    }
    s->in_a_row = 0;
    s->lost = 0;
    s->n->sent++;
    log_info("mail %lld (%s) is out", (long long)m->id, m->kind);
    enum err e = forget(s->app, m);
    if (e != ERR_OK)
        log_error("mail %lld is out, and the store could not be told: it may go out again", (long long)m->id);
    return e;
}

static enum err send_claimed(struct sending *s, const struct mail *m)
{
    struct app *app = s->app;
    struct mail_facts f;
    enum mail_kind kind;
    const char *why = "";

    /* to nobody: it was queued so that asking for a mail takes as long for an address that is nobody's */
    if (!m->recipient || !*m->recipient)
        return forget(s->app, m);
    if (m->expires_at <= clock_now())
        return give_up(s, m, "its time is over");
    enum err e = mail_read(app->keys, app->arena, m, &kind, &f);
    if (e == ERR_NONE)
        return give_up(s, m, "none of our secrets opens it, or it was altered");
    TRY(e);
    s->began = clock_steady();
    enum delivery d = mailer_send_one(app->cfg, app->arena, kind, m->recipient, m->ref, &f, &why);
    return settle(s, m, d, why);
}

/* ERR_NONE: another has it. */
static enum err claim(struct sending *s, struct mail *m)
{
    TRY(app_connect(s->app));
    return mails_claim(s->app->db, m, clock_now() + s->app->cfg->mail_timeout + CLAIM_MS);
}

/* --- all of them -----------------------------------------------------------------------------------------------------
 */

/* The next page of those asked for; *after: id behind which to go on, where the due time does not tell. */
static enum err page(struct app *app, enum mailer_which which, int64_t after, struct mail **v, size_t *n)
{
    TRY(app_connect(app));
    if (which == MAILER_DUE)
        return mails_due(app->db, app->arena, clock_now(), PAGE, v, n);
    return mails_page(app->db, app->arena, after, PAGE, v, n);
}

/* One that was claimed has no error, and is not due before who has claimed it must have ended. */
static bool wanted(enum mailer_which which, const struct mail *m)
{
    return which == MAILER_DUE || m->error || m->due_at <= clock_now();
}

static enum err send_page(struct sending *s, enum mailer_which which, struct mail *v, size_t n, mailer_go_on_fn go_on,
                          void *arg, bool *stop)
{
    for (size_t i = 0; i < n && !*stop; i++) {
        if (go_on && !go_on(arg, s->n)) {
            *stop = true;
            break;
        }
        enum err e = wanted(which, &v[i]) ? claim(s, &v[i]) : ERR_NONE;
        if (e == ERR_OK)
            e = send_claimed(s, &v[i]);
        if (e != ERR_OK && e != ERR_NONE)
            return e;
        *stop = s->in_a_row >= TROUBLE || s->lost >= LOST_MS;
    }
    return ERR_OK;
}

enum err mailer_send(struct app *app, enum mailer_which which, mailer_go_on_fn go_on, void *arg, struct mailer_tally *n,
                     bool *trouble)
{
    struct sending s = {.app = app, .n = n};
    int64_t after = 0;
    bool stop = false;
    size_t got = 0;
    enum err e;

    do {
        struct mail *v;
        e = page(app, which, after, &v, &got);
        if (e == ERR_OK && got > 0) {
            after = v[got - 1].id;
            e = send_page(&s, which, v, got, go_on, arg, &stop);
        }
        app_forget_store(app, e);
        arena_reset(app->arena);
    } while (e == ERR_OK && got > 0 && !stop);
    *trouble = s.in_a_row > 0 || e != ERR_OK;
    return e;
}
