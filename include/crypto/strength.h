/* How hard a new password is to guess. Never asked at sign-in: a rule made stricter must not lock out who has a
 * password already. */
#ifndef CRYPTO_STRENGTH_H
#define CRYPTO_STRENGTH_H

#include "base/arena.h"
#include "conf/config.h"

/* The two rules for a new password that is valid UTF-8: password.min_strength, then password.breached. about: what
 * somebody who guesses would try first (e-mail, name), ending with NULL. Judged is the password's normal form, which is
 * what is hashed. ERR_PASSWORD_WEAK, ERR_NO_MEMORY, ERR_INTERNAL: the file of breached passwords cannot be read, which
 * is told in the log; then no new password is taken, since a rule that is set is in force. */
MUST_USE enum err strength_check(const struct cfg *cfg, struct arena *a, const char *password,
                                 const char *const *about);
/* Pure: from bits of entropy to 0 (too easy) … 4 (very hard). */
int strength_score(double bits);

#endif
