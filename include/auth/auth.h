/* Policy: who gets a session, how long it lives, who may end it. Knows neither HTTP nor SQL. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "crypto/kdf.h"
#include "crypto/token.h"
#include "store/store.h"

/* What every decision is taken with; made once for each request (or command). All borrowed. */
struct auth {
    const struct cfg *cfg;
    struct db *db;
    struct arena *arena;
    const struct keys *keys;
    struct kdf_gate *gate; /* NULL: hashing is not bounded (latchkeyctl) */
    int64_t now;
};

/* From where a session is opened or used. */
struct caller {
    const char *ip, *agent; /* "" when unknown */
};

/* A session just opened: the only place where a token is in the clear. */
struct opened {
    struct session session;
    struct user user;
    char token[RNG_ID_SIZE];
};

/* Tokens that came with a request and whose signature held; the first that lives counts. */
#define PRESENTED_MAX 4
struct presented {
    size_t n;
    struct {
        char token[RNG_ID_SIZE], hash[TOKEN_HASH_SIZE];
    } v[PRESENTED_MAX];
};

/* What session_check found. */
struct checked {
    struct session session;
    struct user user;
    size_t which; /* index into the presented tokens */
    bool moved;   /* its expiry moved: the cookie is to be sent again */
};

/* --- account (auth/account.c) --- */
struct signup {
    const char *name, *email, *password, *image; /* image may be NULL */
    bool remember;
};
/* Makes a user with a password; e-mail lower-cased. open: with a session, ending the presented ones. out->token is ""
 * if not. ERR_SIGN_UP_CLOSED unless by_admin, ERR_INVALID_EMAIL, ERR_PASSWORD_SHORT, ERR_PASSWORD_LONG,
 * ERR_USER_EXISTS, ERR_USER_REFUSED (name or e-mail too long), ERR_HASH_BUSY. */
MUST_USE enum err account_sign_up(struct auth *au, const struct signup *in, const struct caller *from,
                                  const struct presented *old, bool by_admin, struct opened *out);
/* Opens a session for a password. ERR_INVALID_EMAIL, ERR_PASSWORD_LONG, ERR_BAD_CREDENTIALS (unknown, wrong, disabled:
 * alike, also in time), ERR_TOO_MANY_SESSIONS, ERR_HASH_BUSY. */
MUST_USE enum err account_sign_in(struct auth *au, const char *email, const char *password, bool remember,
                                  const struct caller *from, const struct presented *old, struct opened *out);
/* By an administrator: new password, all sessions ended, in one transaction. ERR_NONE: no such user. */
MUST_USE enum err account_set_password(struct auth *au, const char *user_id, const char *password, int64_t *ended);
/* Disabling ends all sessions in the same transaction. ERR_NONE: no such user, or already so. */
MUST_USE enum err account_disable(struct auth *au, const char *user_id, int64_t *ended);
MUST_USE enum err account_enable(struct auth *au, const char *user_id);
MUST_USE enum err account_delete(struct auth *au, const char *user_id);

/* Is s an e-mail address as CONTRACT.md B §3 accepts it (ASCII, no trimming)? */
bool account_email_ok(const char *s);
/* 8 to 128 UTF-16 code units. ERR_PASSWORD_SHORT, ERR_PASSWORD_LONG, ERR_BAD_TEXT. */
MUST_USE enum err account_password_ok(const char *s);

/* --- session (auth/session.c) --- */
/* The living session of the first presented token that has one. Slides it and notes its use where that is due and
 * `passive` is not set. ERR_NONE: none of them lives. */
MUST_USE enum err session_check(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                                struct checked *out);
/* Inside a transaction that holds no lock yet: takes the user's lock, ends `old`, keeps the ceiling, adds the session.
 * password: the hash that was verified. ERR_BAD_CREDENTIALS: it changed meanwhile, or the user was disabled or deleted.
 * ERR_TOO_MANY_SESSIONS. */
MUST_USE enum err session_open(struct auth *au, const struct user *u, const char *password, bool remember,
                               const struct caller *from, const struct presented *old, struct opened *out);
/* Ends whatever the presented tokens name. No session at all is fine. */
MUST_USE enum err session_sign_out(struct auth *au, const struct presented *p);
/* Ends one of the user's own living sessions. ERR_NO_SESSION. */
MUST_USE enum err session_revoke(struct auth *au, const char *user_id, const char *id);
/* Ends all of the user's sessions but `keep` (NULL: none is kept), those being opened at this instant included. */
MUST_USE enum err session_revoke_all(struct auth *au, const char *user_id, const char *keep, int64_t *n);
/* The same for all users. */
MUST_USE enum err session_revoke_everybody(struct auth *au, int64_t *n);
/* Is it alive at now? */
bool session_alive(const struct session *s, int64_t now);
/* Was the password given lately enough (session.fresh_age) for sensitive acts? */
bool session_fresh(const struct cfg *cfg, const struct session *s, int64_t now);
/* Pure: moves expiry and last use of s as the rules of life say; tells which of them changed. */
struct slide {
    bool extend, seen;
};
struct slide session_slide(const struct cfg *cfg, const struct caller *from, int64_t now, struct session *s);
/* Max-Age of the cookie in seconds (CONTRACT D19, cookie.max_age); 0: a session cookie, without Max-Age. */
int64_t session_cookie_age(const struct cfg *cfg, const struct session *s, int64_t now);

/* --- origin (auth/origin.c): pure --- */
/* Headers of one request as far as the origin rule looks at them; NULL: absent. */
struct origin_facts {
    const char *origin, *referer, *fetch_site, *fetch_mode;
    bool cookie, fetch; /* any Cookie, any Sec-Fetch-* header is there, even empty */
    bool login;         /* sign-in or sign-up */
};
/* CONTRACT D5. ERR_INVALID_ORIGIN, ERR_MISSING_ORIGIN, ERR_CROSS_SITE_LOGIN. */
MUST_USE enum err origin_check(const struct cfg *cfg, struct arena *a, const struct origin_facts *f);
/* Is url's origin ours or trusted? */
bool origin_trusted(const struct cfg *cfg, struct arena *a, const char *url);
/* Is it trusted and not our own (CORS, D20)? */
bool origin_foreign_trusted(const struct cfg *cfg, struct arena *a, const char *origin);
/* A callbackURL: a path on the own origin, or an absolute URL of a trusted one. */
bool origin_callback_ok(const struct cfg *cfg, struct arena *a, const char *url);

/* --- address (auth/address.c): pure --- */
/* CONTRACT D8. peer: REMOTE_ADDR; forwarded: X-Forwarded-For or NULL. Gives the client address in canonical text
 * (RFC 5952; IPv4-mapped as IPv4); "" if even the peer is none. */
const char *address_client(const struct cfg *cfg, struct arena *a, const char *peer, const char *forwarded);

#endif
