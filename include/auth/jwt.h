/* JWTs (auth.mode jwt): which key signs, until when, and who may see what of it. The newest key that has not expired
 * signs; others stay published, so that what they signed can be verified. */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include "auth/auth.h"

/* A key that another takes over from can be found live for so long from then on: longer than any JWT lives (15
 * minutes), clocks that differ and signers that have not heard of it yet included. */
#define JWT_GOING CLOCK_HOUR
/* And is published for so long after that. */
#define JWT_PUBLISHED (30 * CLOCK_DAY)
/* A process asks so often which key signs. */
#define JWT_KNOWN (5 * CLOCK_SECOND)

enum jwt_state {
    JWT_SIGNS,
    JWT_NEXT,    /* published already, signs later */
    JWT_GOES,    /* another signs; what it signed may still be good */
    JWT_EXPIRED, /* nothing it signed is good any more */
};

/* --- signing (auth/jwt.c) --- */
/* The key a process signs with, kept between requests. The caller owns *out: signer_close. ERR_NO_MEMORY. */
MUST_USE enum err signer_open(struct signer **out);
void signer_close(struct signer **s);
/* A JWT of these claims (JSON) by the key that signs now, which is made if there is none. ERR_SECRET (logged): none of
 * our secrets opens it. */
MUST_USE enum err jwt_issue(struct auth *au, const char *claims, size_t n, char **out);
/* When a JWT that is made now was made and expires, in seconds. */
void jwt_times(const struct auth *au, int64_t *issued, int64_t *expires);

/* --- keys (auth/jwt_keys.c) --- */
/* Pure: the key of the list (in any order) that signs at now; NULL: none. That of a host whose clock is ahead is
 * rather used a moment too early than replaced. */
const struct signing_key *jwt_choose(const struct signing_key *list, size_t n, int64_t now);
/* Pure: what k, of that list, is good for at now. */
enum jwt_state jwt_state(const struct signing_key *list, size_t n, const struct signing_key *k, int64_t now);
/* The key that signs now. make: if there is none it is made, once, however many ask; else ERR_NONE. */
MUST_USE enum err jwt_current(struct auth *au, bool make, struct signing_key *out);
/* All that are published, the first one made if there is none. */
MUST_USE enum err jwt_published(struct auth *au, struct signing_key **out, size_t *n);
/* The private half of k. ERR_SECRET (logged): none of our secrets opens it. ERR_NONE: it is gone. */
MUST_USE enum err jwt_unseal(struct auth *au, const struct signing_key *k, uint8_t seed[static 32]);
/* A new key that signs from `from` on (not before now), and an end to those before it. */
MUST_USE enum err jwt_rotate(struct auth *au, int64_t from, struct signing_key *out);
/* Takes a key back: what it signed can no longer be verified. *signs: it is the one that signs, and stays. ERR_NONE: no
 * such key. */
MUST_USE enum err jwt_withdraw(struct auth *au, const char *id, bool *signs);
/* Before secrets are dropped: what is sealed under the `first`-th secret of k or an older one is sealed under the
 * newest. What none of them opens is passed over (logged). *n: how many. */
MUST_USE enum err jwt_reseal(struct auth *au, const struct keys *k, size_t first, int64_t *n);

#endif
