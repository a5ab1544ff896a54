/* latchkeyctl status, sweep, run-jobs, migrate, secret new. */
#include "ctl.h"

#include "app/jobs.h"
#include "app/mailer.h"
#include "auth/journal.h"
#include "auth/jwt.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "db/migrate.h"
#include "store/session_cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SWEEP_BATCH = 500 };

void ctl_share(struct ctl *ctl)
{
    if (session_cache_open(ctl->cfg, true, &ctl->cache) != ERR_OK)
        log_warn("the session cache cannot be reached: processes that serve may take up to %lld ms to see what changes",
                 (long long)ctl->cfg->session_cache_max_age);
    db_share(ctl->au.db, ctl->cache);
}

int ctl_status(struct ctl *ctl)
{
    int64_t users = 0, all = 0, live = 0, mails = 0, tried = 0;
    struct shmcache_stat cache = {.room = 0};
    int version = 0;

    enum err e = users_count(ctl->au.db, ctl->arena, &users);
    if (e == ERR_OK)
        e = sessions_count(ctl->au.db, ctl->arena, ctl->au.now, &all, &live);
    if (e == ERR_OK)
        e = migrate_version(ctl->au.db, ctl->arena, &version);
    if (e == ERR_OK)
        e = mails_count(ctl->au.db, ctl->arena, &mails, &tried);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "status");
    if (ctl->cache)
        shmcache_stat(ctl->cache, &cache);
    struct out *o = out_object(ctl, "version:s baseUrl:s cookie:s store:s schema:i users:i sessions:i expired:i "
                                    "cached:i cacheRoom:i mails:i mailsTried:i");
    out_row(o, PACKAGE_VERSION, arena_printf(ctl->arena, "%s%s", ctl->cfg->origin, ctl->cfg->auth_base_path),
            ctl->cfg->cookie_full, db_version(ctl->au.db), (int64_t)version, users, live, all - live,
            (int64_t)cache.used, (int64_t)cache.room, mails, tried);
    return out_end(o);
}

static enum err sweep_all(struct ctl *ctl, int64_t *total)
{
    struct progress p = progress_for(ctl, "deleted");
    int64_t from = 0, n = 0, gone = 0;
    enum err e;

    do {
        e = sessions_sweep(ctl->au.db, ctl->arena, &from, ctl->au.now, SWEEP_BATCH, &n);
        gone += e == ERR_OK ? n : 0;
        progress_tell(&p, gone);
        arena_reset(ctl->arena);
    } while (e == ERR_OK && n > 0);
    progress_end(&p);
    *total = gone;
    return e;
}

int ctl_sweep(struct ctl *ctl)
{
    int64_t total = 0;

    enum err e = sweep_all(ctl, &total);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "sweep");
    struct out *o = out_object(ctl, "deleted:i");
    out_row(o, total);
    return out_end(o);
}

/* Who has the lock of this host sends its mail. */
static enum err mail_send(struct app *app, struct mailer_tally *n)
{
    bool trouble;

    return app->keys ? mailer_send(app, MAILER_DUE, NULL, NULL, n, &trouble) : ERR_OK;
}

int ctl_run_jobs(struct ctl *ctl)
{
    struct app app = {.cfg = ctl->cfg, .arena = ctl->arena, .db = ctl->au.db};
    struct progress p = progress_for(ctl, "deleted");
    struct mailer_tally n = {.sent = 0};
    struct keys *keys = NULL;
    struct jobs *j = NULL;
    int64_t total = 0;
    bool mine = false;

    if (ctl->cfg->mail_transport != TRANSPORT_NONE && ctl_keys(ctl, &keys) != CTL_OK)
        return CTL_FAILED;
    app.keys = keys;
    ctl->au.db = NULL; /* it is app's now */
    enum err e = jobs_open(ctl->cfg, &j);
    if (e == ERR_OK)
        e = jobs_run_all(j, &app, progress_tell, &p, &total, &mine);
    progress_end(&p);
    if (e == ERR_OK && mine)
        e = mail_send(&app, &n);
    jobs_close(&j);
    db_close(&app.db);
    keys_close(&keys);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "run-jobs");
    struct out *o = out_object(ctl, "deleted:i held:b sent:i later:i");
    out_row(o, total, (int)!mine, n.sent, n.later);
    return out_end(o);
}

int ctl_migrate(struct ctl *ctl)
{
    int from = 0, to = 0;

    enum err e = db_open(ctl->cfg, NULL, &ctl->au.db);
    if (e == ERR_OK) {
        ctl_share(ctl);
        e = migrate_up(ctl->au.db, ctl->arena, &from, &to);
    }
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "migrate");
    struct out *o = out_object(ctl, "from:i to:i");
    out_row(o, (int64_t)from, (int64_t)to);
    return out_end(o);
}

/* The new secret goes into the file beside all the others, then the store learns it and has sealed anew what is sealed
 * under one that goes, and only then old ones are dropped: wherever this is broken off, the file holds the secret that
 * the store knows, and nothing sealed is lost. */
static enum err secret_renew(struct ctl *ctl, size_t keep, struct keys **out)
{
    AUTO(keys) struct keys *old = NULL, *both = NULL;
    int64_t resealed;
    const char *path = ctl->cfg->secret_file;

    if (access(path, F_OK) != 0)
        return keys_add(path, keep); /* which tells: nothing is made here */
    TRY(keys_open(path, &old));
    TRY(db_open_existing(ctl->cfg, NULL, &ctl->au.db));
    TRY(migrate_current(ctl->au.db, ctl->arena));
    TRY(meta_knows_secret(ctl->au.db, ctl->arena, old));
    /* what runs knows the newest of the old ones, the new one only once it is reloaded */
    TRY(jwt_reseal(&ctl->au, old, keep > 1 ? keep - 1 : 1, &resealed));
    TRY(keys_add(path, KEYS_MAX));
    TRY(keys_open(path, &both));
    if (keep == 1)
        TRY(jwt_reseal(&ctl->au, both, 1, &resealed));
    TRY(meta_move_secret(ctl->au.db, ctl->arena, both, both));
    TRY(keys_keep(path, keep));
    return keys_open(path, out);
}

int ctl_secret_new(struct ctl *ctl)
{
    struct keys *keys = NULL;
    long keep = 2;

    if (ctl->keep) {
        char *end;
        errno = 0;
        keep = strtol(ctl->keep, &end, 10);
        if (errno || *end || keep < 1 || keep > KEYS_MAX)
            return ctl_fail(ctl, "--keep takes a number from 1 to %d", KEYS_MAX);
    }
    enum err e = secret_renew(ctl, (size_t)keep, &keys);
    if (e != ERR_OK) {
        keys_close(&keys);
        return ctl_fail_err(ctl, e, ctl->cfg->secret_file);
    }
    ctl->au.now = clock_now();
    journal_note(&ctl->au, EV_SECRET_ADDED, &(struct audit){.user_id = NULL});
    struct out *o = out_object(ctl, "file:s secrets:i");
    out_row(o, ctl->cfg->secret_file, (int64_t)keys_count(keys));
    keys_close(&keys);
    if (!ctl->json)
        puts(keep > 1 ? "Reload latchkey to sign with it. Cookies signed with a secret that is kept stay good."
                      : "Reload latchkey to sign with it. Everybody has to sign in again then.");
    return out_end(o);
}
