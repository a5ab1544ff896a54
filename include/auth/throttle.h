/* Limits on tries with a password: for each account, each address (IPv6: each /64) and in total. The counters lie in
 * the store, so that they hold for all processes and hosts. Who is refused writes nothing. */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "auth/auth.h"

/* A try that was counted, so that it can be given back once it turns out well. */
struct attempt {
    const char *account, *address, *total; /* names of the counters; NULL: it was not counted there */
};

/* --- pure --- */
/* N in a time: as many at once, then one after each Nth part of it (GCRA, ITU-T I.371). Counts one in *l if it is
 * allowed. *wait: ms until the next one is; 0: it is now. */
bool throttle_rate(const struct cfg_rate *r, int64_t now, struct limit *l, int64_t *wait);
/* So many at once, then one after a pause that doubles each time. The same. */
bool throttle_pauses(const struct cfg *cfg, int64_t now, struct limit *l, int64_t *wait);
/* What an address counts as: itself, or its /64. */
const char *throttle_block(struct arena *a, const char *ip);

/* --- counting; with au->trying == TRYING_NOTHING they allow everything --- */
/* Does the configuration limit addresses for what is tried? */
bool throttle_address_counts(const struct auth *au);
/* Before anything is known of the request: is there room for its address? ERR_LIMITED. */
MUST_USE enum err throttle_look(struct auth *au);
/* Is there room for a try on account `subject`? Looks, and counts nothing. ERR_LIMITED. */
MUST_USE enum err throttle_look_account(struct auth *au, const char *subject, const char *device);
/* Counts a try on account `subject` (a user id, or what stands for an unknown one), before any hashing. device: where
 * the user is known from, with tries of its own; NULL: a stranger. ERR_LIMITED: nothing was written. */
MUST_USE enum err throttle_take(struct auth *au, const char *subject, const char *device);
/* Counts a request that failed before it came to that, for its address. */
void throttle_count(struct auth *au);
/* Counts a mail of this kind (the word of mails.def) to a user, inside the caller's transaction, whatever the request
 * is counted as. *room false: there were enough of late (limits.mail_account), and none may be sent. */
MUST_USE enum err throttle_mail(struct auth *au, const char *word, const char *user_id, bool *room);
/* The try turned out well: it counts as none, and the account's pauses are over. */
MUST_USE enum err throttle_refund(struct auth *au);

/* Where a user signs in from, as a name; *known: he did so before, or presents a session of his. user_id NULL: an
 * unknown user, looked up all the same. */
MUST_USE enum err throttle_device(struct auth *au, const char *user_id, const struct presented *p, const char **device,
                                  bool *known);
/* After a new password: whoever knew the old one is a stranger; where it was set is known (if it is by a user). */
MUST_USE enum err throttle_devices_renew(struct auth *au, const char *user_id);
/* Notes that the user signed in from here. Caller holds the user's lock. */
MUST_USE enum err throttle_device_seen(struct auth *au, const char *user_id);

#endif
