/* The gate's policy. In doubt about a path the stricter reading counts. */
#include "auth/gate.h"

#include "base/enc.h"
#include "base/path.h"

#include <string.h>

enum { LINE_MAX_BYTES = 1024 };

/* --- which rules ------------------------------------------------------------------------------------------------- */

/* The longest rule that holds the place. No prefix is longer and equal in place: config refuses two for one. */
static const struct cfg_rule *rule_find(const struct cfg_rules *rules, const char *place, bool loosely)
{
    const struct cfg_rule *found = NULL;

    for (size_t i = 0; i < rules->n; i++) {
        const struct cfg_rule *r = &rules->v[i];
        if (path_below(place, loosely ? r->loose : r->path) && (!found || strlen(r->path) > strlen(found->path)))
            found = r;
    }
    return found;
}

static void need_add(struct gate_need *need, const struct cfg_rule *rule)
{
    for (size_t i = 0; i < need->n; i++)
        if (need->rule[i] == rule)
            return;
    if (rule)
        need->rule[need->n++] = rule;
}

/* As a server reads it that decodes what was decoded already; NULL: there is nothing more to decode. */
static const char *decoded_again(struct arena *a, const char *place)
{
    const char *again = strchr(place, '%') ? enc_unpercent(a, place, strlen(place), false) : NULL;

    return again ? path_resolve_loosely(a, again) : NULL;
}

void gate_need(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *out)
{
    const char *loose = path_resolve_loosely(a, place), *again = decoded_again(a, place);
    const char *base = cfg->auth_base_path;

    *out = (struct gate_need){.own = path_below(place, base) && path_below(loose, base) &&
                                     (!again || path_below(again, base))};
    need_add(out, rule_find(&cfg->rules, place, false));
    need_add(out, rule_find(&cfg->rules, loose, true));
    if (again)
        need_add(out, rule_find(&cfg->rules, again, true));
}

/* --- whether they hold --------------------------------------------------------------------------------------------- */

bool gate_needs_groups(const struct gate_need *need)
{
    for (size_t i = 0; i < need->n; i++)
        if (need->rule[i]->groups.n > 0)
            return true;
    return false;
}

static bool in_group(const struct groups *groups, const char *name)
{
    for (size_t i = 0; i < groups->n; i++)
        if (strcmp(groups->v[i], name) == 0)
            return true;
    return false;
}

static bool in_one_of(const struct groups *groups, const struct cfg_list *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (in_group(groups, names->v[i]))
            return true;
    return names->n == 0;
}

enum err gate_pass(const struct gate_need *need, const struct user *u, const struct groups *groups)
{
    for (size_t i = 0; i < need->n; i++) {
        if (need->rule[i]->verified && !u->email_verified)
            return ERR_EMAIL_NOT_VERIFIED;
        if (!in_one_of(groups, &need->rule[i]->groups))
            return ERR_NOT_IN_GROUP;
    }
    return ERR_OK;
}

/* --- what a page is told ------------------------------------------------------------------------------------------- */

const char *gate_line(struct arena *a, const char *s)
{
    char *out = enc_utf8_clean(a, s, LINE_MAX_BYTES), *to = out;

    for (const char *p = out; *p;) {
        size_t steering = *p >= ' ' && *p <= '~' ? 0 : enc_utf8_steering(p);
        if (steering > 0)
            *to++ = ' ';
        else
            *to++ = *p;
        p += steering > 0 ? steering : 1;
    }
    while (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
    return out + strspn(out, " ");
}
