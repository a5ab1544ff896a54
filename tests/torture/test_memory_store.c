/* S99: whichever allocation fails during what a worker does with its store, and during whole requests: the answer is
 * right, or an error of the server, or the process ends as arena.c says; rows are as before or as after, and the
 * connection is of use, or given up, afterwards. */
#include "auth/group.h"
#include "auth/leave.h"
#include "memory_case.h"

#include "app/app.h"
#include "db/migrate.h"
#include "fixed.h"
#include "transport.h"

#include <stdio.h>
#include <string.h>

static void arrange_db(void)
{
    scene_need(db_open_existing(&copy_cfg, NULL, &copy) == ERR_OK, "copy");
}

static enum err run_sign_in(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    struct opened o;

    TRY(account_sign_in(&au, "alice@example.org", PASSWORD, true, &scene.from, &scene.stale, &o));
    say("%s %s %s %lld", o.token, o.session.id, o.user.email, (long long)o.session.expires_at);
    return ERR_OK;
}

/* Whether it was extended this time is not compared: that is bookkeeping. */
static enum err run_check(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    struct checked c;

    TRY(session_check(&au, &scene.stale, &scene.from, false, &c));
    say("%s %s %zu", c.session.id, c.user.email, c.which);
    return ERR_OK;
}

/* Never with other groups than there are. */
static enum err run_check_groups(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    struct checked c;

    au.finding = FIND_GATE_GROUPS;
    TRY(session_check(&au, &scene.stale, &scene.from, false, &c));
    say("%s %zu %s", c.user.email, c.groups.n, c.groups.v[0]);
    return ERR_OK;
}

static enum err run_group_add(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    const struct user both[] = {{.id = BOB}, {.id = ALICE}};
    struct group_change g;

    TRY(group_add(&au, "readers", both, 2, &g));
    say("%d", (int)g.changed);
    return ERR_OK;
}

static enum err run_sign_up(void)
{
    const struct signup in = {.name = "Dan", .email = "dan@example.org", .password = PASSWORD, .remember = true};
    struct auth au = scene_auth(&scene, copy, arena);
    struct opened o;

    TRY(account_sign_up(&au, &in, &scene.from, NULL, false, &o));
    say("%s %s %s", o.token, o.session.id, o.user.email);
    return ERR_OK;
}

static enum err run_change(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    const struct checked who = scene_who(arena, BOB);
    struct opened o;

    TRY(account_change_password(&au, &who, PASSWORD, "another good password", true, &scene.from, &o));
    say("%s %s %s", o.token, o.session.id, o.user.email);
    return ERR_OK;
}

static enum err run_verify(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    const struct checked who = scene_who(arena, BOB);

    TRY(account_reauthenticate(&au, &who, PASSWORD));
    say("verified");
    return ERR_OK;
}

static enum err run_leave(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    const struct checked who = scene_who(arena, BOB);

    TRY(leave_start(&au, &who, PASSWORD, NULL, &(bool){false}));
    say("gone");
    return ERR_OK;
}

static enum err run_offer(void)
{
    struct auth au = scene_auth(&scene, copy, arena);
    char token[RNG_ID_SIZE];
    int64_t expires;

    TRY(reset_offer(&au, BOB, token, &expires));
    say("%s %lld", token, (long long)expires);
    return ERR_OK;
}

static enum err run_reset(void)
{
    struct auth au = scene_auth(&scene, copy, arena);

    TRY(reset_password(&au, RESET_TOKEN, "another good password"));
    say("reset");
    return ERR_OK;
}

static enum err run_open(void)
{
    struct db *db = NULL;
    int64_t n;

    TRY(db_open_existing(&copy_cfg, NULL, &db));
    enum err e = migrate_current(db, arena);
    if (e == ERR_OK)
        e = users_count(db, arena, &n);
    if (e == ERR_OK)
        say("%lld", (long long)n);
    db_close(&db);
    return e;
}

/* --- whole requests
 * ---------------------------------------------------------------------------------------------------- */

static struct app app;

static void arrange_app(void)
{
    scene_need(app_open(&copy_cfg, scene.keys, NULL, &app) == ERR_OK, "app");
}

/* What the client sees; an error of the server is one of ours. */
static enum err serve(char *const *with, const char *text)
{
    transport_set(with, text);
    app_serve(&app, NULL);
    copy = app.db; /* to be looked at */
    app.db = NULL;
    app_close(&app);
    if (transport_status() == 200)
        return ERR_OK;
    return transport_status() >= 500 ? ERR_INTERNAL : ERR_BAD_REQUEST;
}

static char cookie_env[256], bobs_env[256];

static enum err run_get_session(void)
{
    char *const with[] = {(char[]){"REQUEST_METHOD=GET"}, (char[]){"REQUEST_URI=/auth/get-session"},
                          (char[]){"REMOTE_ADDR=192.0.2.9"}, cookie_env, NULL};

    fixed_now = T0 + CLOCK_MINUTE; /* nothing is to be extended or noted */
    return serve(with, "");
}

/* cookie NULL: none */
static enum err post(const char *path, const char *text, char *cookie)
{
    char length[40], uri[64];
    char *const with[] = {(char[]){"REQUEST_METHOD=POST"},
                          uri,
                          (char[]){"REMOTE_ADDR=192.0.2.9"},
                          (char[]){"HTTP_ORIGIN=http://localhost"},
                          (char[]){"CONTENT_TYPE=application/json"},
                          length,
                          cookie,
                          NULL};

    snprintf(uri, sizeof uri, "REQUEST_URI=/auth%s", path);
    snprintf(length, sizeof length, "CONTENT_LENGTH=%zu", strlen(text));
    return serve(with, text);
}

static enum err run_post_sign_in(void)
{
    return post("/sign-in/email", "{\"email\":\"alice@example.org\",\"password\":\"" PASSWORD "\"}", NULL);
}

static enum err run_post_change(void)
{
    fixed_now = T0 + CLOCK_MINUTE;
    return post("/change-password", "{\"newPassword\":\"another good password\",\"currentPassword\":\"" PASSWORD "\"}",
                bobs_env);
}

static enum err run_post_delete(void)
{
    fixed_now = T0 + CLOCK_MINUTE;
    return post("/delete-user", "{\"password\":\"" PASSWORD "\"}", bobs_env);
}

static enum err run_post_reset(void)
{
    return post("/reset-password", "{\"newPassword\":\"another good password\",\"token\":\"" RESET_TOKEN "\"}", NULL);
}

TORTURE(open, NULL, true)
TORTURE(check, arrange_db, true)
TORTURE(check_groups, arrange_db, true)
TORTURE(group_add, arrange_db, true)
TORTURE(sign_in, arrange_db, true)
TORTURE(sign_up, arrange_db, true)
TORTURE(get_session, arrange_app, true)
TORTURE(post_sign_in, arrange_app, true)
TORTURE(change, arrange_db, true)
TORTURE(verify, arrange_db, true)
TORTURE(leave, arrange_db, true)
TORTURE(offer, arrange_db, true)
TORTURE(reset, arrange_db, true)
TORTURE(post_change, arrange_app, true)
TORTURE(post_delete, arrange_app, true)
TORTURE(post_reset, arrange_app, true)

static CU_TestInfo tests[] = {
    {"failing memory: opening the database", test_open},
    {"failing memory: session check", test_check},
    {"failing memory: session check with groups", test_check_groups},
    {"failing memory: putting users into a group", test_group_add},
    {"failing memory: sign-in", test_sign_in},
    {"failing memory: sign-up", test_sign_up},
    {"failing memory: a request for the session, answered", test_get_session},
    {"failing memory: a request to sign in, answered", test_post_sign_in},
    {"failing memory: changing the password", test_change},
    {"failing memory: verifying the password", test_verify},
    {"failing memory: leaving", test_leave},
    {"failing memory: giving out a reset token", test_offer},
    {"failing memory: resetting the password", test_reset},
    {"failing memory: a request to change the password, answered", test_post_change},
    {"failing memory: a request to leave, answered", test_post_delete},
    {"failing memory: a request to reset the password, answered", test_post_reset},
    CU_TEST_INFO_NULL,
};

static int open_all(void)
{
    char signed_[TOKEN_SIGNED_SIZE];

    if (case_open() != 0)
        return 1;
    scene.but_tries = true;
    scene_need(token_sign(scene.keys, scene.both.v[0].token, signed_) == ERR_OK, "cookie");
    snprintf(cookie_env, sizeof cookie_env, "HTTP_COOKIE=%s=%s", copy_cfg.cookie_full, signed_);
    scene_need(token_sign(scene.keys, scene.bobs.v[0].token, signed_) == ERR_OK, "cookie");
    snprintf(bobs_env, sizeof bobs_env, "HTTP_COOKIE=%s=%s", copy_cfg.cookie_full, signed_);
    return 0;
}

int main(void)
{
    return suite_run("memory_store", tests, open_all, case_close);
}
