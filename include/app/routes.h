/* Routes: a row says all about an endpoint: who may call it, what it takes, who answers. guard.c enforces the columns.
 */
#ifndef APP_ROUTES_H
#define APP_ROUTES_H

#include "app/app.h"
#include "app/forms.h"

/* No zero value: a row that forgets it fails at start. */
enum who {
    WHO_ANYONE = 1, /* no credentials are looked at; works without the store */
    WHO_STORE,      /* nor here, but the store is needed */
    WHO_PRESENTS,   /* credentials are read but not looked up */
    WHO_MAYBE,      /* the session, if there is one; works without the store for who presents none */
    WHO_EITHER,     /* the session, if there is one, and the store in any case */
    WHO_GATED,      /* 401 without a session, 403 unless the rules for the page hold; 200 for our own paths */
    WHO_SIGNED_IN,  /* 401 without a session */
    WHO_PROVEN, /* and 403 unless the password was given lately, or comes with the request (the handler verifies it) */
    WHO_FRESH   /* and 403 if the password was given too long ago */
};

struct route {
    enum method method;
    const char *path;   /* below auth.base_path; may end in {id} */
    const char *same;   /* path of the row it is another name of; NULL */
    enum cfg_mode from; /* there is no such path unless auth.mode is this one or has all that it has (D14) */
    enum who who;
    const struct form *form; /* NULL: takes nothing */
    bool forms;              /* takes form-encoded bodies as well as JSON */
    bool login;              /* gives a session: cross-site navigations are refused */
    bool hashes;        /* costs a password hash: goes to the second socket, and not on for a client that has left */
    enum trying trying; /* what it is counted as, if it is limited; guard.c and auth/throttle.c */
    bool back;          /* a GET that may send the browser to the callbackURL of its query */
    bool page;          /* a link that people follow: a browser that asks for a page gets one */
    bool spends;        /* takes a one-time token; where that is all it asks for it stands for a form token as well */
    bool next;          /* takes where to go on as `next`, which is no query of pairs (app/h_page.c) */
    bool reads;         /* form is form_reading: disableRefresh makes it passive */
    bool cached;        /* only tells who asks: that may come from the session cache */
    enum err (*handle)(struct ctx *ctx, const void *in);
    const char *then;    /* where a form of a page leads, below the base path; "": pages.home; NULL: its handler answers */
    enum err (*again)(struct ctx *ctx, enum err e); /* shows a form again, with what was wrong; NULL: a page says so */
    const char *text; /* one line for people */
};

extern const struct route routes[];
extern const size_t routes_count;
/* The gate: found by how it is asked, not by a path. */
extern const struct route route_gate;

/* The route for a request in that auth.mode; *id gets what stood for {id}. A HEAD finds the GET route. ERR_NOT_FOUND;
 * ERR_METHOD: the path is known, *allow says for what ("GET, HEAD"). */
MUST_USE enum err route_find(struct arena *a, enum cfg_mode mode, enum method method, const char *path,
                             const struct route **out, const char **id, const char **allow);
/* Checks that each row is whole; logs the first that is not. ERR_INTERNAL. */
MUST_USE enum err routes_check(void);
const char *route_method_name(const struct route *r);
const char *route_who_name(const struct route *r);
/* The mode it takes to be there; NULL: any. */
const char *route_mode_name(const struct route *r);

#endif
