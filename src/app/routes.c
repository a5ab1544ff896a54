/* The table of routes and the way through it. Nothing else decides what is served. */
#include "app/routes.h"

#include "app/handlers.h"
#include "base/buf.h"
#include "base/log.h"

#include <string.h>

/* clang-format off */
const struct route routes[] = {
    /* asked by far the most often: found first */
    {.method = METHOD_GET, .path = "/session", .who = WHO_MAYBE, .form = &form_reading, .reads = true,
     .cached = true, .handle = h_session_get, .text = "The session and its user, or null."},
    {.method = METHOD_GET, .path = "/get-session", .same = "/session", .who = WHO_MAYBE, .form = &form_reading,
     .reads = true, .cached = true, .handle = h_session_get, .text = "The session and its user, or null."},
    {.method = METHOD_POST, .path = "/sign-up/email", .who = WHO_PRESENTS, .form = &form_sign_up, .forms = true,
     .login = true, .hashes = true, .trying = TRYING_SIGN_UP, .then = "", .again = h_sign_up_again, .handle = h_sign_up, .text = "Make an account and sign in."},
    {.method = METHOD_POST, .path = "/sign-in/email", .who = WHO_PRESENTS, .form = &form_sign_in, .forms = true,
     .login = true, .hashes = true, .trying = TRYING_SIGN_IN, .then = "", .again = h_sign_in_again, .handle = h_sign_in, .text = "Sign in with e-mail and password."},
    {.method = METHOD_GET, .path = "/login", .who = WHO_MAYBE, .page = true, .next = true,
     .handle = h_login, .text = "The page to sign in by."},
    {.method = METHOD_GET, .path = "/register", .who = WHO_MAYBE, .page = true, .next = true,
     .handle = h_register, .text = "The page to sign up by."},
    {.method = METHOD_GET, .path = "/forgot", .who = WHO_MAYBE, .page = true,
     .handle = h_forgot, .text = "The page to ask for a link to set a new password."},
    {.method = METHOD_GET, .path = "/reset", .who = WHO_EITHER, .page = true,
     .handle = h_reset, .text = "The page to set a new password by such a link."},
    {.method = METHOD_GET, .path = "/verify", .who = WHO_MAYBE, .page = true,
     .handle = h_verify, .text = "The page that asks to prove the address, and sends the link again."},
    {.method = METHOD_GET, .path = "/reauth", .who = WHO_SIGNED_IN, .page = true, .next = true,
     .handle = h_reauth, .text = "The page to give the password again."},
    {.method = METHOD_GET, .path = "/devices", .who = WHO_SIGNED_IN, .page = true,
     .handle = h_devices, .text = "The page of the caller's sessions."},
    {.method = METHOD_GET, .path = "/account", .who = WHO_SIGNED_IN, .page = true,
     .handle = h_account, .text = "The page of name, address, password and leaving."},
    {.method = METHOD_GET, .path = "/signed-out", .who = WHO_MAYBE, .page = true,
     .handle = h_signed_out, .text = "The page that tells that and why one is signed out."},
    {.method = METHOD_GET, .path = "/style.css", .who = WHO_ANYONE, .handle = h_style, .text = "The look of the pages."},
    {.method = METHOD_POST, .path = "/sign-out", .who = WHO_PRESENTS, .form = &form_sign_out,
     .then = "/signed-out", .forms = true, .handle = h_sign_out, .text = "End this session."},
    {.method = METHOD_GET, .path = "/sessions", .who = WHO_SIGNED_IN, .form = &form_reading, .reads = true,
     .handle = h_session_list, .text = "The caller's living sessions."},
    {.method = METHOD_GET, .path = "/list-sessions", .same = "/sessions", .who = WHO_SIGNED_IN, .form = &form_reading,
     .reads = true, .handle = h_session_list, .text = "The caller's living sessions."},
    {.method = METHOD_DELETE, .path = "/sessions", .who = WHO_SIGNED_IN, .form = &form_end_all,
     .handle = h_session_delete_all, .text = "End all of the caller's sessions; with keep=current all others."},
    {.method = METHOD_DELETE, .path = "/sessions/{id}", .who = WHO_SIGNED_IN,
     .handle = h_session_delete, .text = "End one of the caller's sessions."},
    {.method = METHOD_POST, .path = "/revoke-session", .who = WHO_SIGNED_IN, .form = &form_revoke,
     .then = "/devices?done=ended", .forms = true, .handle = h_revoke, .text = "End one of the caller's sessions, named by `token` as the list shows it."},
    {.method = METHOD_POST, .path = "/revoke-sessions", .who = WHO_SIGNED_IN,
     .then = "/signed-out", .forms = true, .handle = h_revoke_all, .text = "End all of the caller's sessions."},
    {.method = METHOD_POST, .path = "/revoke-other-sessions", .who = WHO_SIGNED_IN,
     .then = "/devices?done=others", .forms = true, .handle = h_revoke_others, .text = "End all of the caller's sessions but this one."},
    {.method = METHOD_POST, .path = "/change-password", .who = WHO_SIGNED_IN, .form = &form_change_password,
     .hashes = true, .trying = TRYING_PASSWORD, .then = "/account?done=password-changed", .again = h_account_again, .forms = true, .handle = h_change_password, .text = "Change the password; ends the caller's other sessions unless told not to."},
    {.method = METHOD_POST, .path = "/verify-password", .who = WHO_SIGNED_IN, .form = &form_verify_password,
     .hashes = true, .trying = TRYING_PASSWORD, .then = "/account", .again = h_reauth_again, .forms = true, .handle = h_verify_password, .text = "Give the password again: the session is fresh from then on."},
    {.method = METHOD_POST, .path = "/reset-password", .who = WHO_STORE, .form = &form_reset_password, .forms = true, .spends = true,
     .hashes = true, .trying = TRYING_PASSWORD, .then = "/login?done=password", .again = h_reset_again, .handle = h_reset_password, .text = "Set a new password by a one-time token; ends all sessions."},
    {.method = METHOD_POST, .path = "/request-password-reset", .who = WHO_STORE, .form = &form_request_reset,
     .trying = TRYING_MAIL, .then = "/forgot?done=sent", .again = h_forgot_again, .forms = true, .handle = h_request_reset, .text = "Have a mail sent with a link to set a password."},
    {.method = METHOD_GET, .path = "/reset-password/{id}", .who = WHO_EITHER, .page = true, .back = true,
     .handle = h_reset_link, .text = "Where that link leads: on to callbackURL with the token, or to a page."},
    {.method = METHOD_POST, .path = "/send-verification-email", .who = WHO_EITHER, .form = &form_send_verification,
     .trying = TRYING_MAIL, .then = "/verify?done=sent", .again = h_verify_again, .forms = true, .handle = h_send_verification, .text = "Have a mail sent with a link that proves the address."},
    {.method = METHOD_GET, .path = "/verify-email", .who = WHO_EITHER, .page = true, .form = &form_link, .back = true,
     .handle = h_verify_email, .text = "Where that link leads, and that of a new address."},
    {.method = METHOD_POST, .path = "/change-email", .who = WHO_FRESH, .form = &form_change_email,
     .trying = TRYING_MAIL, .then = "/account?done=email", .again = h_account_again, .forms = true, .handle = h_change_email, .text = "Change the address, once a link sent to the new one is followed."},
    {.method = METHOD_GET, .path = "/not-me", .who = WHO_EITHER, .page = true, .form = &form_link,
     .handle = h_not_me_page, .text = "Where the link in the mail of a new device leads: asks whether to end its session."},
    {.method = METHOD_POST, .path = "/not-me", .who = WHO_STORE, .form = &form_not_me, .forms = true, .spends = true,
     .handle = h_not_me, .text = "End the session that such a mail tells of."},
    {.method = METHOD_POST, .path = "/update-user", .who = WHO_SIGNED_IN, .form = &form_update_user,
     .then = "/account?done=saved", .again = h_account_again, .forms = true, .handle = h_update_user, .text = "Change name or picture."},
    {.method = METHOD_POST, .path = "/delete-user", .who = WHO_PROVEN, .form = &form_delete_user, .forms = true, .spends = true,
     .hashes = true, .trying = TRYING_PASSWORD, .again = h_account_again, .handle = h_delete_user, .text = "Delete the caller's account."},
    {.method = METHOD_GET, .path = "/delete-user/callback", .who = WHO_SIGNED_IN, .page = true, .form = &form_link, .back = true,
     .handle = h_delete_page, .text = "Where the link to delete an account leads: asks once more."},
    {.method = METHOD_POST, .path = "/update-session", .who = WHO_SIGNED_IN, .form = &form_update_session,
     .handle = h_update_session, .text = "Change further fields of the session, of which there are none."},
    {.method = METHOD_GET, .path = "/list-accounts", .who = WHO_SIGNED_IN, .handle = h_list_accounts,
     .text = "The caller's ways to sign in."},
    {.method = METHOD_GET, .path = "/token", .from = MODE_JWT, .who = WHO_SIGNED_IN, .handle = h_token,
     .text = "A signed token (JWT) that tells others who the caller is."},
    {.method = METHOD_GET, .path = "/jwks", .from = MODE_JWT, .who = WHO_STORE, .handle = h_jwks,
     .text = "The public keys that such tokens are verified with."},
    {.method = METHOD_GET, .path = "/.well-known/jwks.json", .same = "/jwks", .from = MODE_JWT, .who = WHO_STORE, .handle = h_jwks,
     .text = "The public keys that such tokens are verified with."},
    {.method = METHOD_GET, .path = "/ok", .who = WHO_ANYONE, .handle = h_ok, .text = "Is the program there?"},
    {.method = METHOD_GET, .path = "/error", .who = WHO_MAYBE, .page = true, .handle = h_error, .text = "Page for errors of redirects."},
};
/* clang-format on */
const size_t routes_count = sizeof routes / sizeof routes[0];

const struct route route_gate = {
    .path = "/(gate)", .who = WHO_GATED, .cached = true, .handle = h_gate, .text = "May this page be shown, and to whom?"};

/* Does the path fit the pattern? {id} stands for one whole segment; *id is set only then. */
static bool path_fits(struct arena *a, const char *pattern, const char *path, const char **id)
{
    const char *hole = strchr(pattern, '{');
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t fixed = (size_t)(hole - pattern);
    const char *rest = path + fixed;
    /* A percent sign can only be meant to look like something else: no id of ours holds one. */
    if (strncmp(pattern, path, fixed) != 0 || *rest == '\0' || strpbrk(rest, "/%"))
        return false;
    *id = arena_strdup(a, rest);
    return true;
}

static bool method_fits(enum method row, enum method m)
{
    return row == m || (row == METHOD_GET && m == METHOD_HEAD);
}

enum err route_find(struct arena *a, enum cfg_mode mode, enum method method, const char *path, const struct route **out,
                    const char **id, const char **allow)
{
    struct buf methods = buf_in(a);

    for (size_t i = 0; path && i < routes_count; i++) {
        const char *hole = NULL;
        if (mode < routes[i].from || !path_fits(a, routes[i].path, path, &hole))
            continue;
        if (method_fits(routes[i].method, method)) {
            *out = &routes[i];
            *id = hole;
            return ERR_OK;
        }
        buf_printf(&methods, "%s%s", methods.len ? ", " : "", route_method_name(&routes[i]));
        if (routes[i].method == METHOD_GET)
            buf_puts(&methods, ", HEAD");
    }
    if (methods.len == 0)
        return ERR_NOT_FOUND;
    *allow = buf_str(&methods);
    return ERR_METHOD;
}

const char *route_method_name(const struct route *r)
{
    switch (r->method) {
    case METHOD_GET:
        return "GET";
    case METHOD_POST:
        return "POST";
    case METHOD_DELETE:
        return "DELETE";
    default:
        return "?";
    }
}

const char *route_who_name(const struct route *r)
{
    static const char *const names[] = {"?",      "anyone",    "store",  "presents", "maybe",
                                        "either", "gated",  "signed-in", "proven", "fresh"};
    return names[r->who];
}

const char *route_mode_name(const struct route *r)
{
    static const char *const names[] = {[MODE_SESSION] = NULL, [MODE_BEARER] = "bearer", [MODE_JWT] = "jwt"};
    return names[r->from];
}

static bool row_whole(const struct route *r)
{
    return r->path && r->path[0] == '/' && r->who >= WHO_ANYONE && r->who <= WHO_FRESH && r->handle && r->text &&
           *route_method_name(r) != '?' && (!r->hashes || r->trying != TRYING_NOTHING) &&
           ((!r->back && !r->page) || r->method == METHOD_GET) && (!r->spends || r->forms) &&
           (!r->reads || r->form == &form_reading) && (!r->cached || r->who == WHO_MAYBE || r->who == WHO_GATED);
}

enum err routes_check(void)
{
    if (!row_whole(&route_gate))
        return ERR_INTERNAL;
    for (size_t i = 0; i < routes_count; i++) {
        if (!row_whole(&routes[i])) {
            log_error("route %zu (%s) is not whole", i, routes[i].path ? routes[i].path : "?");
            return ERR_INTERNAL;
        }
    }
    return ERR_OK;
}
