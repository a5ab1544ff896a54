/* latchkeyctl status, sweep, migrate, secret new. */
#include "ctl.h"

#include "crypto/keys.h"
#include "db/migrate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SWEEP_BATCH = 500 };

int ctl_status(struct ctl *ctl)
{
    int64_t users = 0, all = 0, live = 0;
    int version = 0;

    enum err e = users_count(ctl->au.db, ctl->arena, &users);
    if (e == ERR_OK)
        e = sessions_count(ctl->au.db, ctl->arena, ctl->au.now, &all, &live);
    if (e == ERR_OK)
        e = migrate_version(ctl->au.db, ctl->arena, &version);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "status");
    struct out *o = out_object(ctl, "version:s baseUrl:s cookie:s store:s schema:i users:i sessions:i expired:i");
    out_row(o, PACKAGE_VERSION, arena_printf(ctl->arena, "%s%s", ctl->cfg->origin, ctl->cfg->auth_base_path),
            ctl->cfg->cookie_full, db_version(ctl->au.db), (int64_t)version, users, live, all - live);
    return out_end(o);
}

int ctl_sweep(struct ctl *ctl)
{
    bool people = isatty(STDERR_FILENO) && !ctl->json;
    int64_t n, total = 0;

    do {
        enum err e = sessions_sweep(ctl->au.db, ctl->arena, ctl->au.now, SWEEP_BATCH, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, "sweep");
        total += n;
        if (people && total >= 10 * SWEEP_BATCH)
            fprintf(stderr, "\r%lld deleted", (long long)total);
        arena_reset(ctl->arena);
    } while (n > 0);
    if (people && total >= 10 * SWEEP_BATCH)
        fputc('\n', stderr);
    struct out *o = out_object(ctl, "deleted:i");
    out_row(o, total);
    return out_end(o);
}

int ctl_migrate(struct ctl *ctl)
{
    int from = 0, to = 0;

    enum err e = db_open(ctl->cfg, &ctl->au.db);
    if (e == ERR_OK)
        e = migrate_up(ctl->au.db, ctl->arena, &from, &to);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "migrate");
    struct out *o = out_object(ctl, "from:i to:i");
    out_row(o, (int64_t)from, (int64_t)to);
    return out_end(o);
}

/* The store knows one of the secrets by its fingerprint; if that one is about to go, the newest takes its place. The
 * store is held for writing before the file changes, so that it cannot refuse afterwards. */
static enum err secret_renew(struct ctl *ctl, size_t keep, struct keys **out)
{
    AUTO(keys) struct keys *old = NULL;
    AUTO(db_tx) struct db *tx = NULL;

    if (access(ctl->cfg->secret_file, F_OK) != 0)
        return keys_add(ctl->cfg->secret_file, keep); /* which tells: nothing is made here */
    TRY(keys_open(ctl->cfg->secret_file, &old));
    TRY(db_open_existing(ctl->cfg, &ctl->au.db));
    TRY(migrate_current(ctl->au.db, ctl->arena));
    TRY(db_begin(ctl->au.db, &tx));
    TRY(meta_knows_secret(ctl->au.db, ctl->arena, old));
    TRY(keys_add(ctl->cfg->secret_file, keep));
    TRY(keys_open(ctl->cfg->secret_file, out));
    TRY(meta_move_secret(ctl->au.db, ctl->arena, old, *out));
    return db_commit(&tx);
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
    struct out *o = out_object(ctl, "file:s secrets:i");
    out_row(o, ctl->cfg->secret_file, (int64_t)keys_count(keys));
    keys_close(&keys);
    if (!ctl->json)
        puts("Restart latchkey to sign with it. Cookies signed with a secret that is kept stay good.");
    return out_end(o);
}
