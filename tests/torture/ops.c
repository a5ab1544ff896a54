/* See ops.h. */
#include "ops.h"

#include "auth/group.h"
#include "auth/jwt.h"
#include "auth/leave.h"
#include "ops_mail.h"

#define NEW_PASSWORD "another good password"

struct scene scene;

static enum err op_sign_up(struct auth *au, struct given *out)
{
    const struct signup in = {.name = "Dan", .email = "dan@example.org", .password = PASSWORD, .remember = true};
    return account_sign_up(au, &in, &scene.from, &scene.both, false, &out->opened);
}

static enum err op_add_user(struct auth *au, struct given *out)
{
    const struct signup in = {.name = "Dan", .email = "dan@example.org", .password = PASSWORD};
    return account_sign_up(au, &in, NULL, NULL, true, &out->opened);
}

static enum err op_sign_in(struct auth *au, struct given *out)
{
    return account_sign_in(au, "alice@example.org", PASSWORD, true, &scene.from, &scene.stale, &out->opened);
}

static enum err op_check(struct auth *au, struct given *out)
{
    return session_check(au, &scene.stale, &scene.from, false, &out->checked);
}

static enum err op_check_seen(struct auth *au, struct given *out)
{
    au->now = T0 + CLOCK_HOUR;
    return session_check(au, &scene.stale, &scene.from, false, &out->checked);
}

static enum err op_revoke(struct auth *au, struct given *out)
{
    (void)out;
    return session_revoke(au, ALICE, scene_session(au->arena, ALICE, 2));
}

static enum err op_revoke_all(struct auth *au, struct given *out)
{
    (void)out;
    return session_revoke_all(au, ALICE, NULL, false, NULL);
}

static enum err op_revoke_others(struct auth *au, struct given *out)
{
    (void)out;
    return session_revoke_all(au, ALICE, scene_session(au->arena, ALICE, 1), false, NULL);
}

static enum err op_everybody(struct auth *au, struct given *out)
{
    (void)out;
    return session_revoke_everybody(au, NULL);
}

static enum err op_sign_out(struct auth *au, struct given *out)
{
    (void)out;
    return session_sign_out(au, &scene.both);
}

static enum err op_set_password(struct auth *au, struct given *out)
{
    (void)out;
    return account_set_password(au, ALICE, NEW_PASSWORD, NULL);
}

static enum err op_disable(struct auth *au, struct given *out)
{
    (void)out;
    return account_disable(au, ALICE, NULL);
}

static enum err op_enable(struct auth *au, struct given *out)
{
    (void)out;
    return account_enable(au, CAROL);
}

static enum err op_delete(struct auth *au, struct given *out)
{
    (void)out;
    return account_delete(au, ALICE);
}

/* Bob does it himself. */
static enum err change_password(struct auth *au, struct given *out, bool end_others)
{
    const struct checked who = scene_who(au->arena, BOB);

    return account_change_password(au, &who, PASSWORD, NEW_PASSWORD, end_others, &scene.from, &out->opened);
}

static enum err op_change_password(struct auth *au, struct given *out)
{
    return change_password(au, out, true);
}

static enum err op_change_password_only(struct auth *au, struct given *out)
{
    return change_password(au, out, false);
}

static enum err op_verify(struct auth *au, struct given *out)
{
    const struct checked who = scene_who(au->arena, BOB);

    (void)out;
    return account_reauthenticate(au, &who, PASSWORD);
}

static enum err op_verify_with_new_hash(struct auth *au, struct given *out)
{
    const struct checked who = scene_who(au->arena, ALICE);

    (void)out;
    return account_reauthenticate(au, &who, PASSWORD);
}

/* The hash is of a new kind, and that is all. */
static enum err part_new_hash(struct auth *au, struct given *out)
{
    struct credential c;
    const char *hash;

    (void)out;
    TRY(accounts_of(au->db, au->arena, ALICE, &c));
    TRY(kdf_hash(au->arena, &au->cfg->password_scrypt, PASSWORD, &hash));
    return accounts_rehash(au->db, ALICE, c.password, hash, au->now);
}

static enum err op_update(struct auth *au, struct given *out)
{
    const struct profile p = {.name = "B", .image = "https://x/1", .set_image = true};
    const struct checked who = scene_who(au->arena, BOB);

    (void)out;
    return account_update(au, &who, &p);
}

static enum err leave(struct auth *au, const char *password)
{
    const struct checked who = scene_who(au->arena, BOB);

    return leave_start(au, &who, password, NULL, &(bool){false});
}

static enum err op_leave(struct auth *au, struct given *out)
{
    (void)out;
    return leave(au, NULL);
}

static enum err op_leave_with_password(struct auth *au, struct given *out)
{
    (void)out;
    return leave(au, PASSWORD);
}

static enum err op_reset_offer(struct auth *au, struct given *out)
{
    int64_t expires;

    return reset_offer(au, ALICE, out->opened.token, &expires);
}

static enum err op_reset_offer_again(struct auth *au, struct given *out)
{
    int64_t expires;

    return reset_offer(au, BOB, out->opened.token, &expires);
}

static enum err op_reset(struct auth *au, struct given *out)
{
    (void)out;
    return reset_password(au, RESET_TOKEN, NEW_PASSWORD);
}

static enum err op_sweep(struct auth *au, struct given *out)
{
    int64_t n = 1;

    (void)out;
    while (n > 0)
        TRY(sessions_sweep(au->db, au->arena, &(int64_t){0}, au->now, 2, &n));
    return ERR_OK;
}

static enum err op_secret(struct auth *au, struct given *out)
{
    (void)out;
    return meta_check_secret(au->db, au->arena, au->keys);
}

static void arrange_old_secret(struct auth *au)
{
    scene_need(meta_check_secret(au->db, au->arena, scene.old) == ERR_OK, "secret");
}

static enum err op_revoke_any(struct auth *au, struct given *out)
{
    (void)out;
    return session_revoke_any(au, scene_session(au->arena, BOB, 1));
}

/* Bob has everything there is: an ended session, events, a reset token. */
static enum err op_erase(struct auth *au, struct given *out)
{
    const struct user u = {.id = BOB, .email = "bob@example.org"};

    (void)out;
    return account_erase(au, &u);
}

static void arrange_counter(struct auth *au)
{
    const struct limit none = {.there = false};
    const struct limit tries = {"sign-in account:" BOB, BOB, 3, T0, T0 + 9 * CLOCK_DAY, true};

    scene_need(limits_set(au->db, &none, &tries) == ERR_OK, "counter");
}

static enum err op_sweep_tables(struct auth *au, struct given *out)
{
    (void)out;
    for (enum sweep which = 0; which < SWEEPS; which++)
        for (int64_t n = 1; n > 0;)
            TRY(sweep_table(au->db, au->arena, which, &(int64_t){0}, T0 + 30 * CLOCK_DAY, 1, &n));
    return ERR_OK;
}

/* --- with limits on: the try is counted in a transaction of its own, before the password is looked at --- */

static enum err op_try_sign_up(struct auth *au, struct given *out)
{
    au->trying = TRYING_SIGN_UP;
    return op_sign_up(au, out);
}

static enum err op_try_sign_in(struct auth *au, struct given *out)
{
    au->trying = TRYING_SIGN_IN;
    return op_sign_in(au, out);
}

/* A refusal is what is to happen. */
static enum err op_try_wrong(struct auth *au, struct given *out)
{
    au->trying = TRYING_SIGN_IN;
    enum err e = account_sign_in(au, "bob@example.org", NEW_PASSWORD, true, &scene.from, &scene.both, &out->opened);
    return e == ERR_BAD_CREDENTIALS ? ERR_OK : e;
}

static enum err op_try_change(struct auth *au, struct given *out)
{
    au->trying = TRYING_PASSWORD;
    return op_change_password(au, out);
}

/* --- keys of JWTs --- */

#define JWT_OLD "FIXEDkeyOld000000000000000000000"
#define JWT_NEW "FIXEDkeyNew000000000000000000000"

static void arrange_jwt(struct auth *au)
{
    const struct signing_key old = {JWT_OLD, "{}", "EdDSA", "Ed25519", T0, 0},
                             new = {JWT_NEW, "{}", "EdDSA", "Ed25519", T0 + 1, 0};

    scene_need(jwks_add(au->db, &old, "sealed") == ERR_OK && jwks_add(au->db, &new, "sealed") == ERR_OK, "keys");
}

static enum err op_jwt_first(struct auth *au, struct given *out)
{
    struct signing_key k;

    (void)out;
    return jwt_current(au, true, &k);
}

static enum err op_jwt_rotate(struct auth *au, struct given *out)
{
    struct signing_key k;

    (void)out;
    return jwt_rotate(au, au->now, &k);
}

static enum err op_jwt_withdraw(struct auth *au, struct given *out)
{
    bool signs;

    (void)out;
    return jwt_withdraw(au, JWT_OLD, &signs);
}

/* --- groups: of several users, of whom some are in it already --- */

static const struct user all_three[] = {{.id = CAROL}, {.id = BOB}, {.id = ALICE}};

static enum err op_group_add(struct auth *au, struct given *out)
{
    struct group_change c;

    (void)out;
    return group_add(au, "readers", all_three, 3, &c);
}

static enum err op_group_remove(struct auth *au, struct given *out)
{
    struct group_change c;

    (void)out;
    return group_remove(au, "staff", all_three, 3, &c);
}

const struct op ops[OPS] = {
#define OP(id, text, ...) [OP_##id] = {.name = text, __VA_ARGS__},
#include "ops.def"
#undef OP
};
