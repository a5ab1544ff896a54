/* The gate's rules: sections [gate PATH]. A rule that is not understood refuses to start: left out, it would be a door
 * left open. */
#include "conf/config_internal.h"

#include "base/buf.h"
#include "base/path.h"

#include <string.h>

enum { RULES_MAX = 200, RULE_PATH_MAX = 150, GROUP_NAME_MAX = 64 };

static const char group_word[] = "group:";

bool config_group_ok(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_",
                      further[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t n = strspn(name, further);

    return n > 0 && n <= GROUP_NAME_MAX && name[n] == '\0' && strchr(first, *name);
}

/* --- sections ---------------------------------------------------------------------------------------------------- */

static const char *path_fault(struct arena *a, const char *path)
{
    if (*path != '/')
        return "the path must begin with a slash";
    if (strlen(path) > RULE_PATH_MAX)
        return arena_printf(a, "the path has more than %d bytes", RULE_PATH_MAX);
    if (strpbrk(path, "*?#%;\\"))
        return "the path is none of a place: * ? # % ; and \\ have no meaning in it";
    for (const unsigned char *p = (const unsigned char *)path; *p; p++)
        if (*p < ' ' || *p == 0x7f)
            return "the path holds a control character";
    if (strcmp(path_resolve(a, path), path) != 0)
        return arena_printf(a, "the path leads to %s: write that", path_resolve(a, path));
    return NULL;
}

static const struct cfg_rule *rule_same(const struct cfg_rules *rules, const struct cfg_rule *other)
{
    for (size_t i = 0; i < rules->n; i++)
        if (path_below(rules->v[i].loose, other->loose) && path_below(other->loose, rules->v[i].loose))
            return &rules->v[i];
    return NULL;
}

bool config_rule_begin(struct cfg_reader *r, int line, const char *path)
{
    struct arena *a = r->cfg->arena;
    struct cfg_rules *rules = &r->cfg->rules;
    size_t skip = strspn(path, " \t"), len = strlen(path + skip);

    while (len > 0 && strchr(" \t", path[skip + len - 1]))
        len--;
    path = arena_strndup(a, path + skip, len);
    const char *why = path_fault(a, path);
    if (!why && rules->n == RULES_MAX)
        why = arena_printf(a, "there are more than %d rules", RULES_MAX);
    if (why) {
        config_fault_line(r, line, "[gate %s]: %s", path, why);
        return false;
    }
    struct cfg_rule rule = {.path = path, .loose = path_resolve_loosely(a, path), .line = line};
    const struct cfg_rule *same = rule_same(rules, &rule);
    if (same) {
        config_fault_line(r, line, "[gate %s]: the same place as in line %d", path, same->line);
        return false;
    }
    if (!rules->v)
        rules->v = ARENA_ARRAY(a, struct cfg_rule, RULES_MAX);
    rules->v[rules->n++] = rule;
    return true;
}

/* --- require ----------------------------------------------------------------------------------------------------- */

static const char *word_take(struct arena *a, struct cfg_rule *rule, const char *word)
{
    if (strcmp(word, "signed-in") == 0)
        return NULL;
    if (strcmp(word, "verified-email") == 0) {
        rule->verified = true;
        return NULL;
    }
    if (strncmp(word, group_word, sizeof group_word - 1) != 0)
        return arena_printf(a, "'%s' is none of signed-in, verified-email and group:NAME", word);
    word += sizeof group_word - 1;
    if (!config_group_ok(word))
        return arena_printf(a, "'%s' is no name of a group", word);
    rule->groups.v[rule->groups.n++] = word;
    return NULL;
}

static const char *words_take(struct arena *a, struct cfg_rule *rule, const char *text)
{
    rule->groups.v = ARENA_ARRAY(a, const char *, strlen(text) / 2 + 1);
    for (const char *p = text; *p;) {
        size_t skip = strspn(p, " \t,"), len = strcspn(p + skip, " \t,");
        const char *why = len > 0 ? word_take(a, rule, arena_strndup(a, p + skip, len)) : NULL;
        if (why)
            return why;
        p += skip + len;
    }
    return NULL;
}

void config_rule_take(struct cfg_reader *r, int line, const char *key, const char *value)
{
    struct cfg_rule *rule = &r->cfg->rules.v[r->cfg->rules.n - 1];
    const char *why;

    if (strcmp(key, "require") != 0)
        why = "there is no such key";
    else if (rule->groups.v)
        why = "already set";
    else if (!*value)
        why = "must not be empty";
    else
        why = words_take(r->cfg->arena, rule, value);
    if (why)
        config_fault_line(r, line, "[gate %s] %s: %s", rule->path, key, why);
}

const char *config_rule_text(struct arena *a, const struct cfg_rule *rule)
{
    struct buf b = buf_in(a);

    if (rule->verified)
        buf_puts(&b, "verified-email");
    for (size_t i = 0; i < rule->groups.n; i++)
        buf_printf(&b, "%s%s%s", b.len ? " " : "", group_word, rule->groups.v[i]);
    return b.len ? buf_str(&b) : "signed-in";
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static bool sign_in_ok(struct arena *a, const char *page)
{
    if (*page == '/')
        return page[1] != '/' && !strpbrk(page, "\\#?");
    return config_origin_of(a, page) && !strpbrk(page, "#?");
}

void config_check_gate(struct cfg_reader *r)
{
    const struct cfg *cfg = r->cfg;

    for (size_t i = 0; i < cfg->rules.n; i++)
        if (!cfg->rules.v[i].groups.v)
            config_fault_line(r, cfg->rules.v[i].line, "[gate %s]: lacks 'require = …'", cfg->rules.v[i].path);
    if (*cfg->gate_sign_in && !sign_in_ok(cfg->arena, cfg->gate_sign_in))
        config_fault_key(r, CFG_gate_sign_in, "must be a path or an http(s) URL, without query");
}

static bool names_file(const struct cfg_rule *r)
{
    const char *last = strrchr(r->path, '/');

    return last && strchr(last, '.');
}

static bool any_rule(const struct cfg *cfg, bool (*is)(const struct cfg_rule *r))
{
    for (size_t i = 0; i < cfg->rules.n; i++)
        if (is(&cfg->rules.v[i]))
            return true;
    return false;
}

static bool wants_verified(const struct cfg_rule *r)
{
    return r->verified;
}

static void warn_rules(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    if (any_rule(cfg, names_file))
        warn(arg,
             "gate: a rule for a single file holds where the file is asked for by its name, not where the web server "
             "finds it by itself (an index, an include, a rewrite); that of a folder always holds");
    if (any_rule(cfg, wants_verified) && cfg->mail_transport == TRANSPORT_NONE)
        warn(arg, "gate: require = verified-email lets nobody pass who signs up, since mail.transport is none");
}

void config_warn_gate(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    if (cfg->rules.n > 0 && cfg->cookie_max_age == MAXAGE_IDLE)
        warn(arg,
             "cookie.max_age: idle signs out who visits pages behind the gate only, since the gate sends no cookie "
             "anew; absolute does not");
    if (cfg->rules.n > 0 && cfg->gate_remote_user == REMOTEUSER_EMAIL && cfg->auth_sign_up == SIGNUP_OPEN &&
        !cfg->account_require_verified_email)
        warn(arg, "gate.remote_user: email need not be proven where everybody may sign up; id is safe, or set "
                  "account.require_verified_email, or require = verified-email");
    if (cfg->gate_remote_user == REMOTEUSER_NAME)
        warn(arg, "gate.remote_user: name can be chosen by whoever signs up, also that of somebody else");
    warn_rules(cfg, warn, arg);
}
