/* The gate's policy. In doubt about a path the stricter reading counts. */
#include "auth/gate.h"

#include "base/enc.h"
#include "base/path.h"

#include <string.h>

enum { LINE_MAX_BYTES = 1024 };

/* --- which rules ------------------------------------------------------------------------------------------------- */

static void need_add(struct gate_need *need, const struct cfg_rule *rule)
{
    for (size_t i = 0; i < need->n; i++)
        if (need->rule[i] == rule)
            return;
    if (rule && need->n < GATE_READINGS)
        need->rule[need->n++] = rule;
    else if (rule)
        need->odd = true;
}

/* The longest rule that holds the place. No two are of one length and place, read exactly or loosely: config refuses
 * them. */
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

static void reading_add(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *need)
{
    const char *loose = path_resolve_loosely(a, place);

    need->own &= path_below(loose, cfg->auth_base_path);
    need_add(need, rule_find(&cfg->rules, loose, true));
}

/* Rules of the place and of all that may be made of it. */
static void place_add(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *need)
{
    const char *again = place;

    need_add(need, rule_find(&cfg->rules, place, false));
    for (int i = 0; again && i <= GATE_DECODINGS; i++) {
        reading_add(cfg, a, again, need);
        need->odd |= strstr(again, "%00") != NULL;
        again = path_decode_again(a, again);
    }
    need->odd |= again != NULL;
    need->own &= !need->odd;
}

void gate_need(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *out)
{
    *out = (struct gate_need){.own = path_below(place, cfg->auth_base_path)};
    place_add(cfg, a, place, out);
}

void gate_need_also(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *need)
{
    if (!need->own)
        place_add(cfg, a, place, need);
}

/* --- whether they hold ---------------------------------------------------------------------------------------------
 */

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
    if (need->odd)
        return ERR_NOT_IN_GROUP;
    for (size_t i = 0; i < need->n; i++) {
        if (need->rule[i]->verified && !u->email_verified)
            return ERR_EMAIL_NOT_VERIFIED;
        if (!in_one_of(groups, &need->rule[i]->groups))
            return ERR_NOT_IN_GROUP;
    }
    return ERR_OK;
}

/* --- what a page is told -------------------------------------------------------------------------------------------
 */

/* Nearly all of them are as they are to be. */
static bool is_line(const char *s)
{
    size_t n = 0;

    while (n < LINE_MAX_BYTES && s[n] >= ' ' && s[n] <= '~')
        n++;
    return s[n] == '\0' && *s != ' ' && (n == 0 || s[n - 1] != ' ');
}

const char *gate_line(struct arena *a, const char *s)
{
    if (is_line(s))
        return s;
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
