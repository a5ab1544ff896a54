/* Settings by the environment: LATCHKEY_SECTION_KEY. A name of ours that is no setting is a fault, like one in the file. */
#include "conf/config_internal.h"

#include <ctype.h>
#include <string.h>

#define ENV_PREFIX "LATCHKEY_"

extern char **environ;

const char *config_env_name(struct arena *a, const struct cfg_row *row)
{
    char *name = arena_printf(a, ENV_PREFIX "%s_%s", row->section, row->key);

    for (char *p = name; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return name;
}

static bool env_ours(const char *entry, size_t len)
{
    static const char conf[] = ENV_PREFIX "CONF", test[] = ENV_PREFIX "TEST_";
    static const char *const cgi[] = {ENV_PREFIX "OP", ENV_PREFIX "PATH"}; /* parameters of a request to the gate */

    if (strncmp(entry, ENV_PREFIX, sizeof(ENV_PREFIX) - 1) != 0)
        return false;
    if (len == sizeof(conf) - 1 && memcmp(entry, conf, len) == 0)
        return false;
    for (size_t i = 0; i < sizeof cgi / sizeof cgi[0]; i++)
        if (len == strlen(cgi[i]) && memcmp(entry, cgi[i], len) == 0)
            return false;
    return strncmp(entry, test, sizeof(test) - 1) != 0;
}

static void env_take(struct cfg_reader *r, const char *name, const char *value)
{
    for (size_t i = 0; i < CFG_COUNT; i++) {
        enum cfg_id id = (enum cfg_id)i;
        if (strcmp(config_env_name(r->cfg->arena, config_row(id)), name) != 0)
            continue;
        if (r->source[id].from == CFG_FROM_ENV)
            config_fault_key(r, id, "is there twice");
        r->source[id] = (struct cfg_source){.from = CFG_FROM_ENV};
        config_value_take(r, id, value);
        return;
    }
    r->faults++;
    if (r->fault)
        r->fault(r->arg, arena_printf(r->cfg->arena, "environment: %s: there is no such key", name));
}

void config_env_read(struct cfg_reader *r)
{
    for (char **e = environ; e && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (equals && env_ours(*e, (size_t)(equals - *e)))
            env_take(r, arena_strndup(r->cfg->arena, *e, (size_t)(equals - *e)), equals + 1);
    }
}
