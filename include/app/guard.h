/* The guards: authority, driven by the row of the route alone. No handler checks anything of the kind. */
#ifndef APP_GUARD_H
#define APP_GUARD_H

#include "app/routes.h"

/* Bytes of an address to go on to, whoever names it. */
enum { CALLBACK_MAX = 1000 };

/* Browsers that go somewhere say so; scripts do not. */
bool guard_wants_page(const struct request *r);
/* Is there room for the address, where the row counts tries? Before anything else is looked at. ERR_LIMITED. */
MUST_USE enum err guard_entry(struct ctx *ctx);
/* Origin rule, cross-site sign-in, callbackURL and form token, for unsafe methods (CONTRACT D5, B §1 step 4, A3). */
MUST_USE enum err guard_origin(struct ctx *ctx);
/* Credentials and session as route->who demands. Notes in ctx who it is and what is to become of the cookie. */
MUST_USE enum err guard_who(struct ctx *ctx);
/* Reads the credentials into ctx->presented, once for a request; guard_who does so too. */
MUST_USE enum err guard_presented(struct ctx *ctx);
/* Adds the CORS header fields where the request comes from a trusted foreign origin (D20). */
MUST_USE enum err guard_cors(struct ctx *ctx);
/* Is this a CORS preflight that is to be answered? Then the answer is in ctx->res. */
bool guard_preflight(struct ctx *ctx, const char *allow);
/* May the method change anything? */
bool guard_unsafe(enum method m);

#endif
