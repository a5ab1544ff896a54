/* A database with people in it for the torture tests, its rows as one comparable text, and the way back to how it was.
 * Needs fixed.c. */
#ifndef TORTURE_SCENE_H
#define TORTURE_SCENE_H

#include "world.h"

#include "auth/auth.h"
#include "crypto/keys.h"

#define RESET_TOKEN "FIXEDresetBob0000000000000000000"
#define DELETE_TOKEN "FIXEDdeleteBob000000000000000000"
#define CHANGE_EMAIL_TOKEN "FIXEDchangeBob000000000000000000" /* to bobby@example.org */
#define VERIFY_TOKEN "FIXEDverifyBob000000000000000000"
#define NOT_ME_TOKEN "FIXEDnotMeAlice00000000000000000" /* Alice's session 2 */
/* Ids are of the form of real ones, or nothing could be ended by them. */
#define ALICE "FIXEDuserAlice000000000000000000"
#define BOB "FIXEDuserBob00000000000000000000"
#define CAROL "FIXEDuserCarol000000000000000000" /* disabled */
#define PASSWORD "correct horse battery"
#define SCENE_NOW (T0 + 2 * CLOCK_DAY) /* a session of T0 is due to be extended */

enum { SCENE_TABLES = 13 };

struct scene {
    struct world w;
    struct db *plain;        /* what looks on; nothing of it ever fails */
    struct keys *keys, *old; /* two secrets; the older one alone */
    struct caller from;
    struct presented both, stale; /* tokens of Alice's sessions 1 and 2; of 1 and of none */
    struct presented bobs;        /* of Bob's session 1 */
    bool but_tries;               /* scene_dump leaves the counters out: a try stays counted whatever becomes of it */
    struct db *ready_on;          /* whose these statements are: */
    void *reset[2 * SCENE_TABLES], *dump[SCENE_TABLES];
};

/* Sessions of Alice 1 to 4, of Bob 1 and 2, five expired ones; Alice's hash is of another cost than new ones, Bob's is
 * of the same. Bob has been given a token for each thing that goes by mail. */
void scene_open(struct scene *s);
void scene_close(struct scene *s);
/* Everything as after scene_open. */
void scene_reset(struct scene *s);
/* All rows of all tables, sorted. What was drawn by chance is shown as its kind, what was fixed as it is. */
const char *scene_dump(struct scene *s, struct arena *a);
/* The counters of tries, and the most tries that one of them has. There are none after scene_open. */
const char *scene_counters(struct scene *s, struct arena *a, int64_t *most);
/* What the policy is called with. */
struct auth scene_auth(struct scene *s, struct db *db, struct arena *a);
/* Id of the n-th session of a user, as scene_open makes it. */
const char *scene_session(struct arena *a, const char *user, int n);
/* The first of them, as session_check finds it. */
struct checked scene_who(struct arena *a, const char *user);
/* Ends the program where something that must not fail does. */
void scene_need(bool ok, const char *what);

#endif
