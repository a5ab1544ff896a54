/* Password hashes. New ones are scrypt (RFC 7914) in a PHC string: $scrypt$ln=15,r=8,p=3$SALT$KEY, salt of 16 and key
 * of 32 bytes, base64 without padding. Verified too: Better Auth's hex:hex and what libcrypt knows. Passwords are
 * hashed in Unicode NFKC form. */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "base/arena.h"
#include "conf/config.h"

/* The form in which a password is hashed: NFKC, in arena; what is no UTF-8 as it is. ERR_NO_MEMORY. */
MUST_USE enum err kdf_normal(struct arena *a, const char *password, const char **out);
/* Hash of a new password, in arena. ERR_RANDOM, ERR_NO_MEMORY, ERR_INTERNAL. */
MUST_USE enum err kdf_hash(struct arena *a, const struct cfg_scrypt *cost, const char *password, const char **out);
/* Does password give `stored`? An unreadable `stored` is no match (logged once, without its text). Constant-time in the
 * comparison. *weaker (may be NULL): it matched, but is not of form and cost `cost`, so it should be hashed anew. */
MUST_USE enum err kdf_verify(struct arena *a, const struct cfg_scrypt *cost, const char *password, const char *stored,
                             bool *match, bool *weaker);
/* Spends the time of one verification at `cost`, for accounts that do not exist. */
MUST_USE enum err kdf_spend(struct arena *a, const struct cfg_scrypt *cost, const char *password);

/* Bound on hashing for the whole host: byte locks in one file of the state directory, freed by the kernel when a
 * process dies. Seats are for those who hash or wait, slots for those who hash. Opened after fork. */
struct kdf_gate;
/* apart: of a worker on the second socket, where all but one may hash or wait; on the first half of them may. ERR_IO,
 * ERR_NO_MEMORY. */
MUST_USE enum err kdf_gate_open(const struct cfg *cfg, bool apart, struct kdf_gate **out);
void kdf_gate_close(struct kdf_gate **g);
/* How many hashes cfg lets run at once on this host: password.slots, or what 0 stands for. */
int64_t kdf_gate_slots(const struct cfg *cfg);
/* Takes a seat (or fails at once) and a slot (waiting up to password.wait). ERR_HASH_BUSY, ERR_IO. */
MUST_USE enum err kdf_gate_enter(struct kdf_gate *g);
void kdf_gate_leave(struct kdf_gate *g);

#endif
