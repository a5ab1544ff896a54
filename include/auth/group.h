/* Groups of users, as an administrator keeps them. */
#ifndef AUTH_GROUP_H
#define AUTH_GROUP_H

#include "auth/auth.h"

/* Groups one user may be in: all of them are read with each page that asks for one. */
enum { GROUPS_MAX = 100 };

/* What became of a change. */
struct group_change {
    int64_t changed;         /* how many were not in it before, or were */
    const struct user *whom; /* whom an error is about; NULL: nobody */
};

/* Puts n users into the group, or takes them out of it: all or, on an error, none. ERR_NONE: the user is gone by now.
 * ERR_TOO_MANY_GROUPS. */
MUST_USE enum err group_add(struct auth *au, const char *name, const struct user *users, size_t n,
                            struct group_change *out);
MUST_USE enum err group_remove(struct auth *au, const char *name, const struct user *users, size_t n,
                               struct group_change *out);

#endif
