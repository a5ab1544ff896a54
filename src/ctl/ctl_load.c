/* latchkeyctl load-test-data: sessions by the million, to try out sizes before one has them; and cookies of them. */
#include "ctl.h"

#include "auth/load.h"
#include "base/enc.h"
#include "crypto/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COOKIES "2000"

static bool number(const char *text, int64_t *out)
{
    char *end;

    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > LOAD_MAX)
        return false;
    *out = n;
    return true;
}

static int usage_of(const struct ctl *ctl, const char *what)
{
    return ctl_fail(ctl, "%s takes a number from 1 to %lld", what, (long long)LOAD_MAX), CTL_USAGE;
}

/* --- cookies ----------------------------------------------------------------------------------------------------- */

/* One that is not there would make whoever measures measure refusals. */
static int cookie_write(struct ctl *ctl, const struct load *l, int64_t i, FILE *f)
{
    char token[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE], value[TOKEN_SIGNED_SIZE];
    const char *id, *user;

    enum err e = load_token(ctl->au.keys, l->expired, i, token);
    if (e == ERR_OK)
        e = token_hash(token, hash);
    if (e == ERR_OK)
        e = sessions_id_of(ctl->au.db, ctl->arena, hash, &id, &user);
    if (e == ERR_OK)
        e = token_sign(ctl->au.keys, token, value);
    if (e == ERR_OK)
        fprintf(f, "%s=%s\n", ctl->cfg->cookie_full, enc_percent(ctl->arena, value));
    explicit_bzero(token, sizeof token);
    explicit_bzero(value, sizeof value);
    arena_reset(ctl->arena);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "a session has ended, or was loaded under another secret: load-test-data --remove, then load anew");
    return e == ERR_OK ? CTL_OK : ctl_fail_err(ctl, e, ctl->cookies);
}

/* From all over the n sessions. A cookie lets in: nobody else may read the file, and none that is there is overwritten. */
static int cookies_write(struct ctl *ctl, const struct load *l, int64_t count)
{
    int status = CTL_OK, fd = open(ctl->cookies, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f)
        return ctl_fail(ctl, "%s: %s", ctl->cookies, strerror(errno));
    for (int64_t i = 0; i < count && status == CTL_OK; i++)
        status = cookie_write(ctl, l, i * l->n / count, f);
    bool broken = ferror(f) != 0;
    if ((fclose(f) != 0 || broken) && status == CTL_OK)
        status = ctl_fail(ctl, "%s: %s", ctl->cookies, strerror(errno));
    if (status != CTL_OK)
        unlink(ctl->cookies);
    return status;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

/* Among users of its own a site would rather not have them by mistake. */
static int others_ask(struct ctl *ctl, bool *others)
{
    enum err e = load_others(&ctl->au, others);

    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, "load-test-data");
    return *others && !ctl->yes ? ctl_fail(ctl, "there are other users here: with --yes it is done all the same") : CTL_OK;
}

/* As long again as the step took that began then: others who write shall not wait for all of them. */
static void rest(int64_t began)
{
    int64_t took = clock_steady() - began;
    const struct timespec pause = {took / 1000, took % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static int load_all(struct ctl *ctl, struct load *l, bool others)
{
    struct progress p = progress_for(ctl, "loaded");
    enum err e = ERR_OK;

    while (e == ERR_OK && l->done < l->n) {
        int64_t began = clock_steady();
        e = load_add(&ctl->au, l);
        progress_tell(&p, l->done);
        if (others)
            rest(began);
    }
    progress_end(&p);
    if (e == ERR_DB_DUPLICATE)
        return ctl_fail(ctl, "after %lld: an address load-test-…@example.invalid is another user's", (long long)l->done);
    return e == ERR_OK ? CTL_OK : ctl_fail_err(ctl, e, "load-test-data");
}

static int load(struct ctl *ctl, struct load *l, int64_t cookies)
{
    bool others = false;
    int status = others_ask(ctl, &others);

    if (status == CTL_OK)
        status = load_all(ctl, l, others);
    if (status == CTL_OK && ctl->cookies)
        status = cookies_write(ctl, l, cookies);
    if (status != CTL_OK)
        return status;
    struct out *o = out_object(ctl, "sessions:i added:i cookies:i");
    out_row(o, l->n, l->added, cookies);
    return out_end(o);
}

static int remove_all(struct ctl *ctl)
{
    struct progress p = progress_for(ctl, "deleted");
    struct load_gone gone = {.users = 0};
    enum err e;

    do {
        int64_t began = clock_steady();
        e = load_remove(&ctl->au, ctl->arena, &gone);
        progress_tell(&p, gone.sessions);
        arena_reset(ctl->arena);
        rest(began);
    } while (e == ERR_OK);
    progress_end(&p);
    if (e != ERR_NONE)
        return ctl_fail_err(ctl, e, "load-test-data --remove");
    struct out *o = out_object(ctl, "deletedUsers:i deletedSessions:i");
    out_row(o, gone.users, gone.sessions);
    return out_end(o);
}

int ctl_load(struct ctl *ctl)
{
    AUTO(keys) struct keys *keys = NULL;
    struct load l = {.expired = ctl->expired};
    int64_t cookies = 0;

    if (ctl->remove && (ctl->arg || ctl->cookies || ctl->count || ctl->expired || ctl->yes))
        return ctl_fail(ctl, "--remove takes all away: nothing else goes with it"), CTL_USAGE;
    if (ctl->remove)
        return remove_all(ctl);
    if (!number(ctl->arg, &l.n))
        return usage_of(ctl, "load-test-data");
    if (ctl->cookies && !number(ctl->count ? ctl->count : COOKIES, &cookies))
        return usage_of(ctl, "--count");
    if (ctl->count && !ctl->cookies)
        return ctl_fail(ctl, "--count says how many --cookies FILE shall hold"), CTL_USAGE;
    int status = ctl_keys(ctl, &keys);
    if (status != CTL_OK)
        return status;
    ctl->au.keys = keys;
    enum err e = meta_knows_secret(ctl->au.db, ctl->arena, keys);
    status = e == ERR_OK ? load(ctl, &l, cookies < l.n ? cookies : l.n) : ctl_fail_err(ctl, e, ctl->cfg->secret_file);
    ctl->au.keys = NULL;
    return status;
}
