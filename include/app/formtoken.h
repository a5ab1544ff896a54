/* Form tokens (CONTRACT A3): the hidden field formToken of every form of ours. */
#ifndef APP_FORMTOKEN_H
#define APP_FORMTOKEN_H

#include "app/app.h"

/* One for a form in the answer to this request; sets the browser's cookie if it lacks one. ERR_INTERNAL, ERR_RANDOM. */
MUST_USE enum err formtoken_give(struct ctx *ctx, const char **out);
/* Was the form that was posted shown to this browser, in this session? ERR_FORM_TOKEN. */
MUST_USE enum err formtoken_check(struct ctx *ctx);
/* A browser may hold more than one session cookie, and not all need be its own: does the form belong to the session that
 * it turned out to act for? */
bool formtoken_fits(const struct ctx *ctx);

#endif
