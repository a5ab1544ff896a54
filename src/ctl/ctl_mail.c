/* latchkeyctl mail …: what waits to be sent, and whether mail arrives. */
#include "ctl.h"

#include "app/jobs.h"
#include "app/mailer.h"
#include "crypto/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500 };

int ctl_mail_list(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "id:i kind:s recipient:s created:t tries:i next:t expires:t error:w");
    int64_t after = 0;
    size_t n;

    do {
        struct mail *page;
        enum err e = mails_page(ctl->au.db, ctl->arena, after, PAGE, &page, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, "mail list");
        for (size_t i = 0; i < n; i++) {
            const struct mail *m = &page[i];
            out_row(o, m->id, m->kind, m->recipient, m->created_at, m->tries, m->due_at, m->expires_at, m->error);
            after = m->id;
        }
    } while (n == PAGE);
    return out_end(o);
}

static int transport_needed(struct ctl *ctl)
{
    if (ctl->cfg->mail_transport != TRANSPORT_NONE)
        return CTL_OK;
    return ctl_fail(ctl, "mail.transport is none");
}

int ctl_mail_send(struct ctl *ctl)
{
    struct app app = {.cfg = ctl->cfg, .db = ctl->au.db};
    struct mailer_tally n = {.sent = 0};
    struct keys *keys = NULL;
    bool trouble = false;

    int status = transport_needed(ctl);
    if (status == CTL_OK)
        status = ctl_keys(ctl, &keys);
    if (status != CTL_OK)
        return status;
    app.keys = keys;
    ctl->au.db = NULL; /* it is app's now */
    enum err e = arena_open(&app.arena, PAGE * 1024);
    if (e == ERR_OK)
        e = mailer_send(&app, MAILER_WAITING, NULL, NULL, &n, &trouble);
    db_close(&app.db);
    arena_close(&app.arena);
    keys_close(&keys);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "mail send");
    struct out *o = out_object(ctl, "sent:i later:i dropped:i");
    out_row(o, n.sent, n.later, n.dropped);
    status = out_end(o);
    return n.later > 0 || n.dropped > 0 ? CTL_FAILED : status;
}

int ctl_mail_drop(struct ctl *ctl)
{
    char *end;

    errno = 0;
    long long id = strtoll(ctl->arg, &end, 10);
    if (errno || end == ctl->arg || *end || id < 1)
        return ctl_fail(ctl, "no mail: %s", ctl->arg);
    enum err e = mails_drop(ctl->au.db, id);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "no mail: %s", ctl->arg);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, ctl->arg);
    struct out *o = out_object(ctl, "id:i dropped:b");
    out_row(o, (int64_t)id, 1);
    return out_end(o);
}

/* Past the queue: what is asked is whether the way is open, and the answer is wanted now. */
int ctl_mail_test(struct ctl *ctl)
{
    const struct mail_facts f = {.at = ctl->au.now};
    char ref[RNG_ID_SIZE];
    const char *why = "";

    int status = transport_needed(ctl);
    if (status != CTL_OK)
        return status;
    if (rng_id(ref) != ERR_OK)
        return ctl_fail(ctl, "no random bytes");
    if (mailer_send_one(ctl->cfg, ctl->arena, MAIL_TEST, ctl->arg, ref, &f, &why) != DELIVERY_DONE)
        return ctl_fail(ctl, "it could not be sent: %s", why);
    struct out *o = out_object(ctl, "recipient:s sent:b answer:s");
    out_row(o, ctl->arg, 1, why);
    return out_end(o);
}
