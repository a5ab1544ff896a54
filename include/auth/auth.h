/* Policy: who gets a session, how long it lives, who may end it. Knows neither HTTP nor SQL. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "crypto/kdf.h"
#include "crypto/token.h"
#include "store/store.h"

struct attempt;
struct signer;

/* Who acts, for the audit log. NULL: not known. */
struct act {
    const char *actor; /* "visitor" (also NULL), "user", "administrator NAME", "system" */
    const char *ip, *agent, *request;
};

/* Events for the streams of the audit log: the first `done` happened, the others are of a transaction under way. */
struct notes {
    struct audit *v;
    size_t n, cap, done;
};

/* What a request tries that is limited: a password, or to have a mail sent. Each kind is counted apart. */
enum trying { TRYING_NOTHING, TRYING_SIGN_IN, TRYING_SIGN_UP, TRYING_PASSWORD, TRYING_MAIL };

/* All of a session and its user; what the gate needs; and the user's groups (store.h, sessions_find_gate). */
enum finding { FIND_WHOLE, FIND_GATE, FIND_GATE_GROUPS };

/* What every decision is taken with; made once for each request (or command). All borrowed. */
struct auth {
    const struct cfg *cfg;
    struct db *db;
    struct arena *arena;
    const struct keys *keys;
    struct kdf_gate *gate; /* NULL: hashing is not bounded (latchkeyctl) */
    struct signer *signer; /* auth/jwt.h; NULL: no JWT is signed (latchkeyctl) */
    int64_t now;
    struct act by;
    struct notes notes;
    enum trying trying;
    const char *mailing;     /* with TRYING_MAIL: the word of the mail; each kind is counted apart for an account */
    struct attempt *attempt; /* the try that was counted (auth/throttle.h); NULL: none */
    int64_t retry_after;     /* with ERR_LIMITED: seconds */
    enum finding finding;    /* how much of it session_check shall find */
    struct shmcache *cache;  /* where sessions may come from and be kept; NULL: from the store only */
    uint64_t ring;           /* with a cache: session_cache_ring */
    bool mail_queued;        /* whoever sends is to be told, once the transaction is over */
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
        char signature[TOKEN_SIGNATURE_SIZE]; /* that it came with; "": with none */
    } v[PRESENTED_MAX];
};

/* What session_check found. */
struct checked {
    struct groups groups; /* of the user, with FIND_GATE_GROUPS */
    struct session session;
    struct user user;
    size_t which; /* index into the presented tokens */
    bool moved;   /* its expiry moved: the cookie is to be sent again */
};

/* --- account (auth/account.c) --- */
/* What columns hold on every database: a name in code points, an e-mail address in bytes. */
enum { NAME_MAX_POINTS = 255, EMAIL_MAX = 255 };
struct signup {
    const char *name, *email, *password, *image; /* image may be NULL */
    bool remember;
    const char *back; /* where the link that proves the address leads; NULL */
};
/* Makes a user with a password; e-mail lower-cased. He gets a session, which ends the presented ones; out->token is ""
 * where he gets none: by_admin, and with account.require_verified_email, where *out looks alike whether the address had
 * an account or not. ERR_SIGN_UP_CLOSED unless by_admin, ERR_INVALID_EMAIL, ERR_USER_EXISTS, ERR_USER_REFUSED (name or
 * e-mail too long), ERR_HASH_BUSY, what account_new_password_ok says. */
MUST_USE enum err account_sign_up(struct auth *au, const struct signup *in, const struct caller *from,
                                  const struct presented *old, bool by_admin, struct opened *out);
/* A token is given out once its session is stored for sure, or not at all: passes e on. For auth/ only. */
MUST_USE enum err account_issued(enum err e, struct opened *out);
/* Notes in the session, inside a transaction, that it is as of now proven by this password hash. ERR_INVALID_PASSWORD:
 * it is another by now; ERR_UNAUTHORIZED: the session ended. For auth/ only. */
MUST_USE enum err credential_renew(struct auth *au, const struct session *s, const char *password);
/* Opens a session for a password. ERR_EMAIL_NOT_VERIFIED (a mail was sent), ERR_INVALID_EMAIL, ERR_PASSWORD_LONG,
 * ERR_BAD_CREDENTIALS (unknown, wrong, disabled: alike, also in time), ERR_TOO_MANY_SESSIONS, ERR_HASH_BUSY. */
MUST_USE enum err account_sign_in(struct auth *au, const char *email, const char *password, bool remember,
                                  const struct caller *from, const struct presented *old, struct opened *out);
/* By the user himself, signed in as `who`. Ends all other sessions and replaces this one (out->token; it stays
 * remembered or not), or with end_others false leaves all of them (out->token is ""). The new password is judged before
 * the current one. ERR_PASSWORD_SHORT, ERR_PASSWORD_LONG, ERR_INVALID_PASSWORD, ERR_NO_CREDENTIAL, ERR_UNAUTHORIZED
 * (the session ended meanwhile), ERR_HASH_BUSY. */
MUST_USE enum err account_change_password(struct auth *au, const struct checked *who, const char *current,
                                          const char *new, bool end_others, const struct caller *from,
                                          struct opened *out);
/* Notes in the session that the password was given just now. Errors as above. */
MUST_USE enum err account_reauthenticate(struct auth *au, const struct checked *who, const char *password);
/* What a user may change of himself. name NULL: it stays; image counts only with set_image, NULL: none. */
struct profile {
    const char *name, *image;
    bool set_image;
};
/* ERR_NO_FIELDS, ERR_NAME_LONG, ERR_UNAUTHORIZED (he is gone, or his session is). */
MUST_USE enum err account_update(struct auth *au, const struct checked *who, const struct profile *p);
/* By an administrator: new password, all sessions ended, in one transaction. ERR_NONE: no such user; what
 * account_new_password_ok says. */
MUST_USE enum err account_set_password(struct auth *au, const char *user_id, const char *password, int64_t *ended);
/* Disabling ends all sessions in the same transaction. ERR_NONE: no such user, or already so. */
MUST_USE enum err account_disable(struct auth *au, const char *user_id, int64_t *ended);
MUST_USE enum err account_enable(struct auth *au, const char *user_id);
/* Takes the address u has for proven. ERR_NONE: it is so already, or he has another by now. */
MUST_USE enum err account_verify(struct auth *au, const struct user *u);
MUST_USE enum err account_delete(struct auth *au, const char *user_id);

/* Deletes him, and takes out of earlier events who and from where he was. ERR_NONE: no such user. */
MUST_USE enum err account_erase(struct auth *au, const struct user *u);

/* Is s an e-mail address as CONTRACT.md B §3 accepts it (ASCII, no trimming)? */
bool account_email_ok(const char *s);
/* 8 to 128 UTF-16 code units. ERR_PASSWORD_SHORT, ERR_PASSWORD_LONG, ERR_BAD_TEXT. */
MUST_USE enum err account_password_ok(const char *s);
/* Wherever a password is set, never at sign-in: its length, then whether it is too easy to guess for who has this
 * e-mail address and name (either may be NULL). What account_password_ok says, ERR_PASSWORD_WEAK, ERR_NO_MEMORY,
 * ERR_INTERNAL. */
MUST_USE enum err account_new_password_ok(struct auth *au, const char *password, const char *email, const char *name);

/* --- reset (auth/reset.c) --- */
/* By an administrator: a one-time token to set a new password with, in place of an older one; lives account.link_life.
 * ERR_NONE: no such user. */
MUST_USE enum err reset_offer(struct auth *au, const char *user_id, char token[static RNG_ID_SIZE], int64_t *expires);
/* By whoever knows an address: sends such a token there, as a link, if it is somebody's; nothing tells whether it is.
 * back: where the browser takes the token; may be NULL. ERR_RESET_DISABLED (there is no mail), ERR_LIMITED. */
MUST_USE enum err reset_request(struct auth *au, const char *email, const char *back);
/* Spends it: new password, all sessions ended. token may be NULL. ERR_RESET_TOKEN (unknown, spent, expired, or the
 * password or address changed since), ERR_PASSWORD_SHORT, ERR_PASSWORD_LONG, ERR_HASH_BUSY. */
MUST_USE enum err reset_password(struct auth *au, const char *token, const char *new);
/* Is token one? Spends nothing. ERR_RESET_TOKEN. */
MUST_USE enum err reset_known(struct auth *au, const char *token);

/* --- session (auth/session.c) --- */
/* The living session of the first presented token that has one. Slides it and notes its use where that is due and
 * `passive` is not set. ERR_NONE: none of them lives. */
MUST_USE enum err session_check(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                                struct checked *out);
/* The same without asking the store: the session of the one token presented, if it is cached, lives, and nothing of it is
 * due to be written. Its signature has not been verified, and need not be: it is the one that held when the session was
 * looked up, or the answer is ERR_NONE: ask session_check. */
MUST_USE enum err session_known(struct auth *au, const struct presented *p, const struct caller *from, bool passive,
                                struct checked *out);
/* Inside a transaction that holds no lock yet: takes the user's lock, ends `old`, keeps the ceiling, adds the session.
 * password: the hash that was verified. ERR_BAD_CREDENTIALS: it changed meanwhile, or the user was disabled or deleted.
 * ERR_TOO_MANY_SESSIONS. */
MUST_USE enum err session_open(struct auth *au, const struct user *u, const char *password, bool remember,
                               const struct caller *from, const struct presented *old, struct opened *out);
/* Ends whatever the presented tokens name; for the audit log the user does it. No session at all is fine. */
MUST_USE enum err session_sign_out(struct auth *au, const struct presented *p);
/* Ends one of the user's own living sessions. ERR_NO_SESSION. */
MUST_USE enum err session_revoke(struct auth *au, const char *user_id, const char *id);
/* Ends all of the user's sessions but `keep` (NULL: none is kept), those being opened at this instant included. */
MUST_USE enum err session_revoke_all(struct auth *au, const char *user_id, const char *keep, bool by_admin, int64_t *n);
/* Why the first presented session that is known to have ended did: a word of reasons.def. ERR_NONE: not known, or not
 * to be told (audit.reason_kept). */
MUST_USE enum err session_why_ended(struct auth *au, const struct presented *p, const char **word);
/* By an administrator: ends one session, whosever it is. ERR_NO_SESSION. */
MUST_USE enum err session_revoke_any(struct auth *au, const char *id);
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
 * (RFC 5952; IPv4-mapped as IPv4), which may be peer itself; "" if even the peer is none. */
const char *address_client(const struct cfg *cfg, struct arena *a, const char *peer, const char *forwarded);

#endif
