/* The floor: programs that do the least that answers who is signed in. A prefork responder over libfcgi, and kinds of
 * it that differ in where they look. None verifies a signature, slides an expiry, escapes, connects again or has a
 * deadline. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stddef.h>

enum { TOKEN = 32, HASH = 32, BODY = 2048 };

struct kind {
    const char *name;
    void (*share)(void); /* before the workers are forked; or NULL */
    void *(*open)(
        char *const *where); /* once in each worker: what find works on. NULL: the answer does not depend on who asks */
    /* Writes the answer for the session with that hash of its token into body, at most BODY bytes. Returns its length;
     * 0: there is none. */
    size_t (*find)(void *state, const unsigned char hash[HASH], char *body);
};

extern const struct kind kind_null, kind_narrow, kind_cache, kind_own, kind_sqlite;

/* Ends the program. */
_Noreturn void die(const char *what, const char *why);

/* A row of the narrow tables (binary hashes, numbers for ids and times), as all kinds that read them ask for it. */
#define NARROW_QUERY                                                                                 \
    "SELECT u.id, u.email, u.name, u.emailVerified, u.image, s.createdAt, s.expiresAt, s.userAgent " \
    "FROM bench_session s JOIN bench_user u ON u.id = s.userId WHERE s.token = ? AND s.expiresAt > ?"
enum { ID, EMAIL, NAME, VERIFIED, IMAGE, CREATED, EXPIRES, AGENT, NARROW_COLUMNS };
#define NARROW_KINDS "issisiis" /* numbers, strings */

struct narrow_row {
    long long number[NARROW_COLUMNS];
    const char *text[NARROW_COLUMNS];
    int length[NARROW_COLUMNS];
};

/* Writes it as JSON into body; returns the length. */
size_t narrow_json(const struct narrow_row *row, char *body);

#endif
