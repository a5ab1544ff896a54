/* See ops_mail.h. */
#include "ops_mail.h"

#include "auth/journal.h"
#include "auth/leave.h"
#include "auth/mail.h"
#include "auth/notice.h"
#include "auth/verify.h"

#define NEW_PASSWORD "another good password"
#define BACK "/there"

/* --- arranging ---------------------------------------------------------------------------------------------------- */

void ops_begin(const struct op *op)
{
    scene.w.cfg->mail_transport = op->mail ? TRANSPORT_FILE : TRANSPORT_NONE;
    scene.w.cfg->auth_delete_user = DELETEUSER_ON;
    scene.w.cfg->account_require_verified_email = false;
}

void arrange_leave_by_mail(struct auth *au)
{
    (void)au;
    scene.w.cfg->auth_delete_user = DELETEUSER_MAIL;
}

void arrange_must_verify(struct auth *au)
{
    (void)au;
    scene.w.cfg->account_require_verified_email = true;
}

void arrange_mails(struct auth *au)
{
    static const char *const to[][2] = {{"verify-email", "bob@example.org"},
                                        {"change-email", "bobby@example.org"},
                                        {"email-changed", "rob@example.org"}};

    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        const struct mail m = {.ref = to[i][1],
                               .kind = to[i][0],
                               .recipient = to[i][1],
                               .data = "sealed",
                               .created_at = T0,
                               .due_at = T0,
                               .expires_at = T0 + CLOCK_DAY};
        const struct audit e = {.at = T0, .event = "email-changed", .user_id = BOB, .actor = "user", .email = to[i][1]};
        scene_need(mails_add(au->db, &m) == ERR_OK && audits_add(au->db, &e) == ERR_OK, "mails");
    }
}

/* --- passwords ---------------------------------------------------------------------------------------------------- */

MAIL_OP(reset_request)
{
    (void)out;
    return reset_request(au, "Alice@example.org", BACK);
}

MAIL_OP(reset_request_nobody)
{
    (void)out;
    return reset_request(au, "nobody@example.org", NULL);
}

MAIL_OP(try_reset_request)
{
    au->trying = TRYING_MAIL;
    return op_reset_request(au, out);
}

MAIL_OP(try_reset_request_nobody)
{
    au->trying = TRYING_MAIL;
    return op_reset_request_nobody(au, out);
}

MAIL_OP(reset_told)
{
    (void)out;
    return reset_password(au, RESET_TOKEN, NEW_PASSWORD);
}

MAIL_OP(set_password_told)
{
    (void)out;
    return account_set_password(au, ALICE, NEW_PASSWORD, NULL);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

MAIL_OP(verify_request)
{
    (void)out;
    return verify_request(au, NULL, "alice@example.org", BACK);
}

MAIL_OP(verify_request_own)
{
    const struct checked who = scene_who(au->arena, ALICE);

    (void)out;
    return verify_request(au, &who, "alice@example.org", BACK);
}

MAIL_OP(verify_email)
{
    (void)out;
    return verify_email(au, VERIFY_TOKEN);
}

MAIL_OP(change_email_request)
{
    const struct checked who = scene_who(au->arena, ALICE);

    (void)out;
    return change_email_request(au, &who, "new@example.org", BACK);
}

MAIL_OP(change_email_request_taken)
{
    const struct checked who = scene_who(au->arena, ALICE);

    (void)out;
    return change_email_request(au, &who, "bob@example.org", BACK);
}

MAIL_OP(change_email)
{
    (void)out;
    return verify_email(au, CHANGE_EMAIL_TOKEN);
}

/* --- leaving ------------------------------------------------------------------------------------------------------ */

static enum err leave(struct auth *au, const char *password)
{
    const struct checked who = scene_who(au->arena, BOB);
    bool mailed = false;

    enum err e = leave_start(au, &who, password, BACK, &mailed);
    scene_need(mailed, "leaving by mail");
    return e;
}

MAIL_OP(leave_by_mail)
{
    (void)out;
    return leave(au, NULL);
}

MAIL_OP(leave_by_mail_with_password)
{
    (void)out;
    return leave(au, PASSWORD);
}

MAIL_OP(leave_by_token)
{
    const struct checked who = scene_who(au->arena, BOB);

    (void)out;
    return leave_by_token(au, &who, DELETE_TOKEN);
}

MAIL_OP(erase_told)
{
    const struct user u = {.id = BOB, .email = "bob@example.org"};

    (void)out;
    return account_erase(au, &u);
}

/* --- sign-ins ----------------------------------------------------------------------------------------------------- */

MAIL_OP(not_me)
{
    (void)out;
    return notice_not_me(au, NOT_ME_TOKEN);
}

static enum err sign_up(struct auth *au, const char *email, struct given *out)
{
    const struct signup in = {.name = "Dan", .email = email, .password = PASSWORD, .remember = true, .back = BACK};

    return account_sign_up(au, &in, &scene.from, &scene.both, false, &out->opened);
}

MAIL_OP(sign_up_told)
{
    return sign_up(au, "dan@example.org", out);
}

MAIL_OP(sign_up_to_verify)
{
    return sign_up(au, "dan@example.org", out);
}

MAIL_OP(sign_up_to_verify_exists)
{
    return sign_up(au, "alice@example.org", out);
}

static enum err sign_in(struct auth *au, struct given *out)
{
    return account_sign_in(au, "alice@example.org", PASSWORD, true, &scene.from, NULL, &out->opened);
}

/* From a device that is not known. */
MAIL_OP(sign_in_told)
{
    return sign_in(au, out);
}

/* A refusal is what is to happen. */
MAIL_OP(sign_in_unverified)
{
    enum err e = sign_in(au, out);

    return e == ERR_EMAIL_NOT_VERIFIED ? ERR_OK : e;
}
