/* Configuration as text: the sample file, the effective values, one setting after another, and settings that deserve a
 * second look. Must not change anything. */
#include "conf/config_internal.h"
#include "base/buf.h"
#include "base/net.h"

#include <string.h>

#define PRINT_COLUMNS 100
#define PRINT_BASE_URL "https://www.example.org"

static const char head[] =
    "# Configuration of latchkey. A line is a [section], 'key = value' or a comment; nothing continues\n"
    "# on the next line. A comment after a value begins with a blank and ';'. Each key stands here with\n"
    "# its default. Times take ms, s, m, h or d, sizes k or m. An environment variable LATCHKEY_SECTION_KEY\n"
    "# wins over this file.\n";

/* --- the sample and the effective values ------------------------------------------------------------------------- */

static void comment_print(struct buf *out, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > PRINT_COLUMNS) {
            buf_putc(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_putc(out, '#');
            column = 1;
        }
        buf_putc(out, ' ');
        buf_add(out, text, len);
        column += 1 + len;
        text += len + strspn(text + len, " ");
    }
    buf_putc(out, '\n');
}

static void line_print(struct buf *out, const char *mark, const char *key, const char *value)
{
    buf_printf(out, "%s%s =%s%s\n", mark, key, *value ? " " : "", value);
}

static void row_print(struct buf *out, const struct cfg *cfg, enum cfg_id id)
{
    const struct cfg_row *row = config_row(id);

    if (cfg) {
        line_print(out, "", row->key, config_value_text(out->arena, row, cfg));
        return;
    }
    buf_putc(out, '\n');
    comment_print(out, row->text);
    if (id == CFG_auth_base_url)
        line_print(out, "# ", row->key, PRINT_BASE_URL); /* it must be set, and by a person */
    else
        line_print(out, "# ", row->key, row->def);
}

/* The sample's only lines that stand for no row: how a rule looks. */
static const char rule_sample[] =
    "\n# A section [gate /admin/] with the one line \"require = verified-email group:staff\" says who may pass\n"
    "# below that path; of several paths the longest one counts. Words: signed-in, verified-email,\n"
    "# group:NAME. All must hold, of several groups one. Without a rule whoever is signed in may pass.\n";

static void rules_print(struct buf *out, const struct cfg *cfg)
{
    for (size_t i = 0; i < cfg->rules.n; i++) {
        buf_printf(out, "\n[gate %s]\n", cfg->rules.v[i].path);
        line_print(out, "", "require", config_rule_text(out->arena, &cfg->rules.v[i]));
    }
}

void config_print(struct buf *out, const struct cfg *cfg)
{
    const char *section = "";

    if (!cfg)
        buf_puts(out, head);
    for (size_t i = 0; i < CFG_COUNT; i++) {
        const struct cfg_row *row = config_row((enum cfg_id)i);
        if (strcmp(section, row->section) != 0)
            buf_printf(out, "%s[%s]\n", cfg && i == 0 ? "" : "\n", row->section);
        section = row->section;
        row_print(out, cfg, (enum cfg_id)i);
        if (!cfg && i == CFG_gate_sign_in)
            buf_puts(out, rule_sample);
    }
    if (cfg)
        rules_print(out, cfg);
}

bool config_item(const struct cfg *cfg, struct arena *a, size_t i, struct config_item *out)
{
    if (i >= CFG_COUNT)
        return false;
    const struct cfg_row *row = config_row((enum cfg_id)i);
    *out = (struct config_item){
        .section = row->section,
        .key = row->key,
        .type = config_type_text(row->type),
        .def = row->def,
        .text = row->text,
        .value = cfg ? config_value_text(a, row, cfg) : NULL,
    };
    return true;
}

/* --- second looks ------------------------------------------------------------------------------------------------ */

/* RFC 6265 §5.1.4 */
static bool cookie_reaches(const char *cookie_path, const char *path)
{
    size_t len = strlen(cookie_path);

    if (strncmp(cookie_path, path, len) != 0)
        return false;
    return cookie_path[len - 1] == '/' || path[len] == '\0' || path[len] == '/';
}

static void warn_cookie(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    if (!cfg->https)
        warn(arg, "auth.base_url: is http; good for trials on this host only");
    if (!cfg->cookie_http_only)
        warn(arg, "cookie.http_only: off lets every script of the site read the session cookie");
    if (!cookie_reaches(cfg->cookie_path, cfg->auth_base_path))
        warn(arg, "cookie.path: does not hold auth.base_path, so browsers never send the cookie to the endpoints");
    if (cfg->cookie_same_site == SAMESITE_NONE)
        warn(arg, "cookie.same_site: none sends the cookie with requests that other sites cause");
}

static void warn_session(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    if (cfg->session_absolute < cfg->session_expires_in)
        warn(arg, "session.absolute: is less than session.expires_in, so sessions end before that");
    if (cfg->session_max_per_user == 0)
        warn(arg, "session.max_per_user: 0 lets one user fill the session table");
    const struct cfg_scrypt *s = &cfg->password_scrypt;
    if ((INT64_C(1) << s->log2n) * s->r * s->p < (INT64_C(1) << 15) * 8 * 3)
        warn(arg, "password.scrypt: is weaker than 15,8,3");
    if (cfg->password_min_strength == STRENGTH_0)
        warn(arg, "password.min_strength: 0 takes the passwords that are guessed first");
    if (cfg->password_slots * 2 > cfg->pool_workers && cfg->password_slots > 1 && !*cfg->pool_sign_in_socket)
        warn(arg, "password.slots: more than half of pool.workers, so sign-ins can keep session checks waiting");
}

static void warn_trust(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    const struct cfg_list *origins = &cfg->auth_trusted_origins, *proxies = &cfg->auth_trusted_proxies;

    for (size_t i = 0; i < origins->n; i++) {
        const char *host = strstr(origins->v[i], "://");
        host = host ? host + 3 : origins->v[i];
        if (*host == '*' && host[1] && host[1] != '.')
            warn(arg, arena_printf(cfg->arena,
                                   "auth.trusted_origins: %s also matches hosts of others that end so; "
                                   "write *. in front of a domain",
                                   origins->v[i]));
    }
    for (size_t i = 0; i < proxies->n; i++) {
        const char *slash = strchr(proxies->v[i], '/');
        if (slash && strcmp(slash, "/0") == 0)
            warn(arg, arena_printf(cfg->arena, "auth.trusted_proxies: %s lets every client choose its address",
                                   proxies->v[i]));
    }
}

static void warn_database(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    const struct cfg_list *hosts = &cfg->database_hosts;
    struct net_host host;

    if (cfg->database_driver != DRIVER_MYSQL || cfg->database_tls != SWITCH_OFF)
        return;
    for (size_t i = 0; i < hosts->n; i++) {
        if (net_host_parse(hosts->v[i], &host) && !net_host_local(host.name))
            warn(arg, arena_printf(cfg->arena,
                                   "database.tls: off lets everybody on the way to %s read password hashes, and pass "
                                   "themselves off as the server",
                                   hosts->v[i]));
    }
}

void config_warn(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    warn_database(cfg, warn, arg);
    warn_cookie(cfg, warn, arg);
    warn_session(cfg, warn, arg);
    warn_trust(cfg, warn, arg);
    config_warn_mail(cfg, warn, arg);
    config_warn_gate(cfg, warn, arg);
}
