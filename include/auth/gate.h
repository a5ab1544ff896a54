/* Policy of the gate: what the rules demand of who wants a page. Pure; asks no store. */
#ifndef AUTH_GATE_H
#define AUTH_GATE_H

#include "auth/auth.h"

/* A path can be read in more than one way; the rule of each reading must hold. */
enum { GATE_DECODINGS = 8, GATE_READINGS = 32 };
struct gate_need {
    bool own; /* one of our own endpoints, which look for themselves: needs nothing */
    bool odd; /* escaped over and over, or with a NUL, like no page: nobody may see it */
    size_t n;
    const struct cfg_rule *rule[GATE_READINGS];
};

/* What place (decoded and resolved) demands: the rule of the longest path that it lies below; and those of what a server
 * behind the gate might take it for (case, "\", ";…", trailing dots, escapes decoded again and again), so that no
 * spelling finds a weaker rule. */
void gate_need(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *out);
/* Adds what another place demands that the same request may mean. What is our own stays it. */
void gate_need_also(const struct cfg *cfg, struct arena *a, const char *place, struct gate_need *need);
/* Does it depend on groups? */
bool gate_needs_groups(const struct gate_need *need);
/* May this user, who is signed in, pass? ERR_EMAIL_NOT_VERIFIED, ERR_NOT_IN_GROUP. */
MUST_USE enum err gate_pass(const struct gate_need *need, const struct user *u, const struct groups *groups);
/* s as one line for a page: what would end a line or steer a terminal becomes a blank, invalid UTF-8 U+FFFD; blanks
 * around it go. */
const char *gate_line(struct arena *a, const char *s);

#endif
