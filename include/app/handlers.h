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
enum err h_ok(struct ctx *ctx, const void *in);
enum err h_error(struct ctx *ctx, const void *in);

#endif
