/* Whether the settings of pages can be meant. Opens no file: latchkeyctl check does. */
#include "conf/config_internal.h"

#include <string.h>

/* It is written into a Location as it stands, and must not lead to another host. */
static bool home_ok(const char *s)
{
    if (s[0] != '/' || s[1] == '/')
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || *s == '\\')
            return false;
    return true;
}

void config_check_pages(struct cfg_reader *r)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    const struct cfg *cfg = r->cfg;

    if (!home_ok(cfg->pages_home))
        config_fault_key(r, CFG_pages_home,
                         "must be a path of the site: '/', and no second slash or backslash after it");
    if (cfg->pages_language[strspn(cfg->pages_language, letters)] != '\0')
        config_fault_key(r, CFG_pages_language, "must be auto or a language tag, e.g. de or pt-BR");
    if (*cfg->pages_directory && *cfg->pages_directory != '/')
        config_fault_key(r, CFG_pages_directory, "must be an absolute path");
}
