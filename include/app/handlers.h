/* Handlers: each calls policy and fills the answer. Authority was settled by the guards. */
#ifndef APP_HANDLERS_H
#define APP_HANDLERS_H

#include "app/app.h"

enum err h_sign_up(struct ctx *ctx, const void *in);
enum err h_sign_in(struct ctx *ctx, const void *in);
enum err h_sign_out(struct ctx *ctx, const void *in);
enum err h_session_get(struct ctx *ctx, const void *in);
enum err h_session_list(struct ctx *ctx, const void *in);
enum err h_session_delete(struct ctx *ctx, const void *in);
enum err h_session_delete_all(struct ctx *ctx, const void *in);
enum err h_revoke(struct ctx *ctx, const void *in);
enum err h_revoke_all(struct ctx *ctx, const void *in);
enum err h_revoke_others(struct ctx *ctx, const void *in);
enum err h_change_password(struct ctx *ctx, const void *in);
enum err h_verify_password(struct ctx *ctx, const void *in);
enum err h_reset_password(struct ctx *ctx, const void *in);
enum err h_request_reset(struct ctx *ctx, const void *in);
enum err h_reset_link(struct ctx *ctx, const void *in);
enum err h_send_verification(struct ctx *ctx, const void *in);
enum err h_verify_email(struct ctx *ctx, const void *in);
enum err h_change_email(struct ctx *ctx, const void *in);
enum err h_not_me_page(struct ctx *ctx, const void *in);
enum err h_not_me(struct ctx *ctx, const void *in);
enum err h_delete_page(struct ctx *ctx, const void *in);
enum err h_update_user(struct ctx *ctx, const void *in);
enum err h_delete_user(struct ctx *ctx, const void *in);
enum err h_update_session(struct ctx *ctx, const void *in);
enum err h_list_accounts(struct ctx *ctx, const void *in);
enum err h_gate(struct ctx *ctx, const void *in);
enum err h_register(struct ctx *ctx, const void *in);
enum err h_forgot(struct ctx *ctx, const void *in);
enum err h_reset(struct ctx *ctx, const void *in);
enum err h_verify(struct ctx *ctx, const void *in);
enum err h_reauth(struct ctx *ctx, const void *in);
enum err h_devices(struct ctx *ctx, const void *in);
enum err h_account(struct ctx *ctx, const void *in);
enum err h_signed_out(struct ctx *ctx, const void *in);
enum err h_style(struct ctx *ctx, const void *in);
enum err h_login(struct ctx *ctx, const void *in);
enum err h_token(struct ctx *ctx, const void *in);
enum err h_jwks(struct ctx *ctx, const void *in);
enum err h_ok(struct ctx *ctx, const void *in);
enum err h_error(struct ctx *ctx, const void *in);

/* The page whose form was posted, once more, with what was wrong. */
enum err h_sign_in_again(struct ctx *ctx, enum err e);
enum err h_sign_up_again(struct ctx *ctx, enum err e);
enum err h_forgot_again(struct ctx *ctx, enum err e);
enum err h_reset_again(struct ctx *ctx, enum err e);
enum err h_verify_again(struct ctx *ctx, enum err e);
enum err h_account_again(struct ctx *ctx, enum err e);
enum err h_reauth_again(struct ctx *ctx, enum err e);

/* What a handler answers that has nothing to tell but that it is done: {"status":true}. */
enum err answer_status(struct ctx *ctx);
/* Adds the signed token of who is signed in as the header field set-auth-jwt, where auth.mode is jwt. */
enum err answer_jwt(struct ctx *ctx);

#endif
