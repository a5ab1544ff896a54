/* Configuration: config.def turned into a struct, filled from an INI file, overridden by LATCHKEY_SECTION_KEY
 * environment variables. Whatever is unknown, double, out of range or unsafe refuses to start, with file:line. */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "base/arena.h"
#include "base/clock.h"
#include <stdbool.h>
#include <stdint.h>

/* Each has all that the ones before it have. */
enum cfg_mode { MODE_SESSION, MODE_BEARER, MODE_JWT };
enum cfg_signup { SIGNUP_OPEN, SIGNUP_CLOSED };
enum cfg_deleteuser { DELETEUSER_OFF, DELETEUSER_ON, DELETEUSER_MAIL };
enum cfg_atmax { ATMAX_REFUSE, ATMAX_END_OLDEST };
enum cfg_switch { SWITCH_AUTO, SWITCH_ON, SWITCH_OFF };
enum cfg_samesite { SAMESITE_LAX, SAMESITE_STRICT, SAMESITE_NONE };
enum cfg_maxage { MAXAGE_IDLE, MAXAGE_ABSOLUTE };
enum cfg_strength { STRENGTH_AUTO, STRENGTH_0, STRENGTH_1, STRENGTH_2, STRENGTH_3, STRENGTH_4 };
enum cfg_transport { TRANSPORT_NONE, TRANSPORT_FILE, TRANSPORT_SENDMAIL, TRANSPORT_SMTP };
enum cfg_smtptls { SMTPTLS_STARTTLS, SMTPTLS_TLS, SMTPTLS_OFF };
enum cfg_remoteuser { REMOTEUSER_EMAIL, REMOTEUSER_ID, REMOTEUSER_NAME };
enum cfg_driver { DRIVER_SQLITE, DRIVER_MYSQL };

struct cfg_list {
    size_t n;
    const char **v;
};
/* So many of something in so much time. n 0: any number. */
struct cfg_rate {
    int64_t n, per;
};
/* Who may pass the gate below a path: a section [gate PATH]. */
struct cfg_rule {
    const char *path, *loose; /* as base/path.h resolves them */
    bool verified;            /* only with a proven address */
    struct cfg_list groups;   /* only members of one of these; none: everybody who is signed in */
    int line;
};
struct cfg_rules {
    size_t n;
    struct cfg_rule *v;
};
struct cfg_scrypt {
    int log2n, r, p;
};

#define CFG_C_STR const char *
#define CFG_C_SECRET const char *
#define CFG_C_LIST struct cfg_list
#define CFG_C_BOOL bool
#define CFG_C_INT int64_t
#define CFG_C_SIZE int64_t
#define CFG_C_TIME int64_t
#define CFG_C_RATE struct cfg_rate
#define CFG_C_SCRYPT struct cfg_scrypt
#define CFG_C_MODE enum cfg_mode
#define CFG_C_SIGNUP enum cfg_signup
#define CFG_C_DELETEUSER enum cfg_deleteuser
#define CFG_C_ATMAX enum cfg_atmax
#define CFG_C_SWITCH enum cfg_switch
#define CFG_C_SAMESITE enum cfg_samesite
#define CFG_C_MAXAGE enum cfg_maxage
#define CFG_C_STRENGTH enum cfg_strength
#define CFG_C_TRANSPORT enum cfg_transport
#define CFG_C_SMTPTLS enum cfg_smtptls
#define CFG_C_REMOTEUSER enum cfg_remoteuser
#define CFG_C_DRIVER enum cfg_driver
#define CFG_C_LEVEL enum log_level

struct cfg {
#define CFG(section, key, type, def, min, max, text) CFG_C_##type section##_##key;
#include "conf/config.def"
#undef CFG
    struct cfg_rules rules; /* of the sections [gate PATH] */
    /* derived by config_load, never set by hand */
    const char *origin;      /* scheme://host[:port] of auth.base_url, lower-case, default port left out */
    bool https;              /* the scheme of origin */
    bool cookie_is_secure;   /* cookie.secure with auto resolved */
    const char *cookie_full; /* cookie.name with auto resolved */
    const char *cookie_form; /* name of the cookie that forms are bound to */
    int strength_least;      /* password.min_strength with auto resolved */
    const char *mail_site;   /* mail.from_name, or the host of origin */
    struct arena *arena;     /* owns all strings */
};

/* May the token come as a bearer's and is it given out? */
static inline bool config_bearer(const struct cfg *cfg)
{
    return cfg->auth_mode >= MODE_BEARER;
}

/* Reads path, then the environment, then checks all of it. Every fault is told through `fault` (one line each, as
 * "file:line: section.key: what"; environment faults as "environment: …", faults without a line as "file: …"), so that
 * a person mends all at once. On success *out is the caller's: config_free. ERR_CONFIG, ERR_IO. */
typedef void (*config_fault_fn)(void *arg, const char *line);
MUST_USE enum err config_load(const char *path, config_fault_fn fault, void *arg, struct cfg **out);
/* The same from text already in memory, `path` being the name used in messages; environment only if env. */
MUST_USE enum err config_parse(const char *path, const char *text, size_t len, bool env, config_fault_fn fault,
                               void *arg, struct cfg **out);
void config_free(struct cfg **cfg);

/* Settings that work but are worth a second look (e.g. cookie.http_only off): one line each. For latchkeyctl check. */
void config_warn(const struct cfg *cfg, config_fault_fn warn, void *arg);

/* Writes the documented sample configuration (what conf/latchkey.conf is), or with cfg its effective values. */
struct buf;
void config_print(struct buf *out, const struct cfg *cfg);

/* One setting after another, as text, for --json and the docs check: name "section.key". False at the end. */
struct config_item {
    const char *section, *key, *type, *def, *text;
    const char *value; /* effective, if cfg was given */
};
bool config_item(const struct cfg *cfg, struct arena *a, size_t i, struct config_item *out);

/* The i-th rule of the gate as it stands in a file: "verified-email group:staff". */
const char *config_rule_text(struct arena *a, const struct cfg_rule *rule);
/* May a group of users be called so: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter, a digit or _? */
bool config_group_ok(const char *name);

/* The origin (scheme://host[:port]) of an absolute http(s) URL, in lower case, default port left out (RFC 6454 §4).
 * NULL if the URL has no such origin, or holds user info, blanks, control bytes, backslashes or a non-ASCII host. */
const char *config_origin_of(struct arena *a, const char *url);

#endif
