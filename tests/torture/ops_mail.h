/* Operations that have a mail sent, or that a link in one leads to; for ops.c. */
#ifndef TORTURE_OPS_MAIL_H
#define TORTURE_OPS_MAIL_H

#include "ops.h"

#define MAIL_OP(name) enum err op_##name(struct auth *au, struct given *out)
MAIL_OP(reset_request);
MAIL_OP(reset_request_nobody);
MAIL_OP(reset_told);
MAIL_OP(try_reset_request);
MAIL_OP(try_reset_request_nobody);
MAIL_OP(verify_request);
MAIL_OP(verify_request_own);
MAIL_OP(verify_email);
MAIL_OP(change_email_request);
MAIL_OP(change_email_request_taken);
MAIL_OP(change_email);
MAIL_OP(leave_by_mail);
MAIL_OP(leave_by_mail_with_password);
MAIL_OP(leave_by_token);
MAIL_OP(not_me);
MAIL_OP(sign_up_told);
MAIL_OP(sign_up_to_verify);
MAIL_OP(sign_up_to_verify_exists);
MAIL_OP(sign_in_told);
MAIL_OP(sign_in_unverified);
MAIL_OP(set_password_told);
MAIL_OP(erase_told);

/* For .arrange: who leaves does so by mail; addresses must be verified. Undone by ops_begin. */
void arrange_leave_by_mail(struct auth *au);
void arrange_must_verify(struct auth *au);
/* Mails wait for Bob and tell of him. */
void arrange_mails(struct auth *au);

#endif
