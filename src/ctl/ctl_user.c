/* latchkeyctl user …: passwords come from a prompt or standard input, never from the command line. */
#include "ctl.h"

#include "auth/mail.h"
#include "base/enc.h"
#include "crypto/keys.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSWORD_LINE_MAX = 1024, PAGE = 500 };

int ctl_user_find(struct ctl *ctl, const char *who, struct user *out)
{
    enum err e = strchr(who, '@') ? users_by_email(ctl->au.db, ctl->arena, enc_lower(ctl->arena, who), out)
                                  : users_by_id(ctl->au.db, ctl->arena, who, out);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "no such user: %s", who);
    return e == ERR_OK ? CTL_OK : ctl_fail_err(ctl, e, who);
}

/* One line, without echo on a terminal. False at end of input or when it is too long. */
static bool line_read(const char *prompt, char *line, size_t size)
{
    struct termios was, quiet;
    bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    sigset_t all, kept;

    if (tty) {
        /* who presses ^C here must not be left with a terminal that shows nothing */
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, &kept);
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool got = fgets(line, (int)size, stdin) != NULL;
    if (tty) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fputc('\n', stderr);
        sigprocmask(SIG_SETMASK, &kept, NULL);
    }
    size_t n = got ? strcspn(line, "\n") : 0;
    got = got && (line[n] == '\n' || feof(stdin));
    if (got && n > 0 && line[n - 1] == '\r')
        n--; /* a file written on another system */
    if (got)
        line[n] = '\0';
    return got;
}

/* The new password; a person types it twice. In the arena, which is cleansed. */
static int password_read(struct ctl *ctl, const char **out)
{
    char *first = arena_alloc(ctl->arena, PASSWORD_LINE_MAX), *again = arena_alloc(ctl->arena, PASSWORD_LINE_MAX);

    setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the password in a buffer of stdio */
    if (!line_read("Password: ", first, PASSWORD_LINE_MAX))
        return ctl_fail(ctl, "no password, or one that is too long");
    if (isatty(STDIN_FILENO)) {
        if (!line_read("Again: ", again, PASSWORD_LINE_MAX) || strcmp(first, again) != 0)
            return ctl_fail(ctl, "the two passwords differ");
    }
    *out = first;
    return CTL_OK;
}

int ctl_user_add(struct ctl *ctl)
{
    struct signup s = {.name = ctl->name ? ctl->name : "", .email = ctl->arg};
    struct opened made;

    if (!account_email_ok(ctl->arg))
        return ctl_fail(ctl, "not an e-mail address: %s", ctl->arg);
    int status = password_read(ctl, &s.password);
    if (status != CTL_OK)
        return status;
    enum err e = account_sign_up(&ctl->au, &s, NULL, NULL, true, &made);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, ctl->arg);
    struct out *o = out_object(ctl, "id:s email:s name:s");
    out_row(o, made.user.id, made.user.email, made.user.name);
    return out_end(o);
}

int ctl_user_list(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "id:s email:s name:s created:t disabled:t sessions:i");
    const char *after = "";
    size_t n;

    do {
        struct user_summary *page;
        enum err e = users_page(ctl->au.db, ctl->arena, after, PAGE, &page, &n);
        if (e != ERR_OK)
            return ctl_fail_err(ctl, e, "user list");
        for (size_t i = 0; i < n; i++) {
            const struct user *u = &page[i].user;
            out_row(o, u->id, u->email, u->name, u->created_at, page[i].disabled_at, page[i].sessions);
            after = u->id;
        }
    } while (n == PAGE);
    return out_end(o);
}

static int ended(struct ctl *ctl, const struct user *u, int64_t n)
{
    struct out *o = out_object(ctl, "id:s email:s endedSessions:i");
    out_row(o, u->id, u->email, n);
    return out_end(o);
}

int ctl_user_disable(struct ctl *ctl)
{
    struct user u;
    int64_t n = 0;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = account_disable(&ctl->au, u.id, &n);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "%s is disabled already", u.email);
    return e == ERR_OK ? ended(ctl, &u, n) : ctl_fail_err(ctl, e, u.email);
}

int ctl_user_enable(struct ctl *ctl)
{
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = account_enable(&ctl->au, u.id);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "%s is not disabled", u.email);
    return e == ERR_OK ? ended(ctl, &u, 0) : ctl_fail_err(ctl, e, u.email);
}

/* For users who cannot get mail, or who were added by hand where addresses must be proven. */
int ctl_user_verify(struct ctl *ctl)
{
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = account_verify(&ctl->au, &u);
    if (e == ERR_NONE)
        return ctl_fail(ctl, "the address of %s is proven already", u.email);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, u.email);
    struct out *o = out_object(ctl, "id:s email:s");
    out_row(o, u.id, u.email);
    return out_end(o);
}

int ctl_user_delete(struct ctl *ctl)
{
    struct user u;
    int64_t all = 0;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = sessions_count_live(ctl->au.db, ctl->arena, u.id, ctl->au.now, &all);
    if (e == ERR_OK)
        e = account_delete(&ctl->au, u.id);
    return e == ERR_OK ? ended(ctl, &u, all) : ctl_fail_err(ctl, e, u.email);
}

/* The user is told by mail, where there is mail; what it says is sealed in the queue. */
static int mail_keys(struct ctl *ctl, struct keys **keys)
{
    int status = mail_is_on(ctl->cfg) ? ctl_keys(ctl, keys) : CTL_OK;

    ctl->au.keys = *keys;
    return status;
}

int ctl_user_set_password(struct ctl *ctl)
{
    AUTO(keys) struct keys *keys = NULL;
    const char *password;
    struct user u;
    int64_t n = 0;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status == CTL_OK)
        status = password_read(ctl, &password);
    if (status == CTL_OK)
        status = mail_keys(ctl, &keys);
    if (status != CTL_OK)
        return status;
    enum err e = account_set_password(&ctl->au, u.id, password, &n);
    ctl->au.keys = NULL;
    return e == ERR_OK ? ended(ctl, &u, n) : ctl_fail_err(ctl, e, u.email);
}

/* The password itself is nothing an administrator needs to know: the user sets it. */
int ctl_user_reset(struct ctl *ctl)
{
    char token[RNG_ID_SIZE];
    int64_t expires = 0;
    struct user u;

    int status = ctl_user_find(ctl, ctl->arg, &u);
    if (status != CTL_OK)
        return status;
    enum err e = reset_offer(&ctl->au, u.id, token, &expires);
    if (e != ERR_OK)
        return ctl_fail_err(ctl, e, u.email);
    struct out *o = out_object(ctl, "id:s email:s token:w expires:t");
    out_row(o, u.id, u.email, arena_strdup(ctl->arena, token), expires);
    explicit_bzero(token, sizeof token);
    return out_end(o);
}
