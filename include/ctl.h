/* latchkeyctl: commands as a table, output as tables for people or JSON for programs. */
#ifndef CTL_H
#define CTL_H

#include "auth/auth.h"

/* What a command is run with. Options that a command does not take are refused before it starts. */
struct ctl {
    struct shmcache *cache; /* told of what changes; NULL: there is none */
    const char *conf_path;
    struct cfg *cfg;
    struct arena *arena;
    struct auth au; /* db is open if the command needs it */
    bool json;
    const char *user, *name, *keep; /* --user, --name, --keep */
    const char *since, *address;    /* --since, --address */
    const char *in;                 /* --in */
    bool everybody, effective;      /* --everybody, --effective */
    const char *cookies, *count;    /* --cookies, --count */
    bool remove, expired, yes;      /* --remove, --expired, --yes */
    const char *last_user[2];       /* of ctl_audit: id and what is shown for it */
    const char *arg;                /* the positional argument; NULL */
    char **more;                    /* those after it, of commands that take them */
    size_t n_more;
};

/* NEEDS_STORE: that is there; MAKES_STORE: makes an empty one where there is none; CHANGES_STORE: opens it by itself,
 * with the rights of whoever runs it where it is a server, which may know its administrator by them. */
enum ctl_needs { NEEDS_NOTHING, NEEDS_CONFIG, NEEDS_STORE, MAKES_STORE, CHANGES_STORE };
/* The secrets as well; the caller owns *out. Tells and gives CTL_FAILED where there are none: nothing is made here. */
struct keys;
int ctl_keys(struct ctl *ctl, struct keys **out);

/* Run by root, files must still belong to whom the program runs as: acts on as the owner of pool.state. ERR_IO. */
MUST_USE enum err ctl_become_owner(const struct cfg *cfg);
/* What is changed by the open store is seen at once by all processes of this host. Warns where it is not. */
void ctl_share(struct ctl *ctl);

/* Exit statuses. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

struct ctl_command {
    const char *noun, *verb; /* verb NULL: the noun is the whole command */
    const char *arg;         /* name of the positional argument; NULL: none; "X Y ...": and at least one more */
    const char *options;     /* letters: u --user, n --name, k --keep, e --everybody, f --effective, s --since,
                              * a --address, i --in, c --cookies, m --count, r --remove, x --expired, y --yes */
    enum ctl_needs needs;
    int (*run)(struct ctl *ctl);
    const char *text;
};

/* Tells an error of a command and gives CTL_FAILED. */
int ctl_fail(const struct ctl *ctl, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What an error of the layers below means to an administrator. */
const char *ctl_err_text(enum err e);
/* The same for an enum err of the layers below. */
int ctl_fail_err(const struct ctl *ctl, enum err e, const char *what);

/* --- ctl_out.c --- */
/* A table: columns "name:type" separated by blanks, type s text, w text that is never cut, i integer, b boolean, t time
 * in ms (0: none). For people aligned, one header; with --json an array of objects. Rows are printed page by page. */
struct out;
struct out *out_begin(struct ctl *ctl, const char *columns);
/* Values in the order of the columns: const char *, int64_t, int, int64_t. */
void out_row(struct out *o, ...);
/* Prints what is left. Returns CTL_OK, or CTL_FAILED if standard output is broken. */
int out_end(struct out *o);
/* One object: {"key": …} or aligned lines "key  value". */
struct out *out_object(struct ctl *ctl, const char *columns);

/* What takes long is shown on a terminal while it goes on, to people only: "N what". */
struct progress {
    const char *what;
    bool people, shown;
};
struct progress progress_for(const struct ctl *ctl, const char *what);
/* arg: a struct progress. n: so many by now. */
void progress_tell(void *arg, int64_t n);
void progress_end(const struct progress *p);

/* --- commands --- */
int ctl_user_add(struct ctl *ctl);
int ctl_user_list(struct ctl *ctl);
int ctl_user_disable(struct ctl *ctl);
int ctl_user_enable(struct ctl *ctl);
int ctl_user_verify(struct ctl *ctl);
int ctl_user_delete(struct ctl *ctl);
int ctl_user_set_password(struct ctl *ctl);
int ctl_user_reset(struct ctl *ctl);
int ctl_user_export(struct ctl *ctl);
int ctl_user_erase(struct ctl *ctl);
int ctl_audit(struct ctl *ctl);
int ctl_limit_list(struct ctl *ctl);
int ctl_limit_clear(struct ctl *ctl);
int ctl_group_list(struct ctl *ctl);
int ctl_group_members(struct ctl *ctl);
int ctl_group_of(struct ctl *ctl);
int ctl_group_add(struct ctl *ctl);
int ctl_group_remove(struct ctl *ctl);
int ctl_mail_list(struct ctl *ctl);
int ctl_mail_send(struct ctl *ctl);
int ctl_mail_drop(struct ctl *ctl);
int ctl_mail_test(struct ctl *ctl);
int ctl_session_list(struct ctl *ctl);
int ctl_session_revoke(struct ctl *ctl);
int ctl_session_revoke_all(struct ctl *ctl);
int ctl_status(struct ctl *ctl);
int ctl_sweep(struct ctl *ctl);
int ctl_run_jobs(struct ctl *ctl);
int ctl_load(struct ctl *ctl);
int ctl_migrate(struct ctl *ctl);
int ctl_secret_new(struct ctl *ctl);
int ctl_jwt_new_key(struct ctl *ctl);
int ctl_jwt_list(struct ctl *ctl);
int ctl_jwt_delete_key(struct ctl *ctl);
int ctl_check(struct ctl *ctl);
int ctl_print_config(struct ctl *ctl);
int ctl_print_routes(struct ctl *ctl);
int ctl_print_schema(struct ctl *ctl);
int ctl_print_cookie_name(struct ctl *ctl);

/* A length of time as people write it: 90s, 30m, 2h, 30d. */
bool ctl_span(const char *text, int64_t *ms);
/* Finds a user by id or e-mail. Tells and gives CTL_FAILED if there is none. */
int ctl_user_find(struct ctl *ctl, const char *who, struct user *out);

#endif
