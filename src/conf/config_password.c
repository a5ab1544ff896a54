/* Whether the rules for new passwords can be kept. Opens no file: that of password.breached is looked at later, by the
 * user who serves, since what root may read tells nothing. */
#include "conf/config_internal.h"

#define STRENGTH_AUTO_LEAST 2

void config_check_password(struct cfg_reader *r)
{
    enum cfg_strength s = r->cfg->password_min_strength;

#ifdef LATCHKEY_WITH_ZXCVBN
    r->cfg->strength_least = s == STRENGTH_AUTO ? STRENGTH_AUTO_LEAST : (int)s - STRENGTH_0;
#else
    if (s > STRENGTH_0)
        config_fault_key(r, CFG_password_min_strength, "this latchkey was built without libzxcvbn: only 0 or auto");
#endif
}
