/* The few pages that links in mails lead to: they ask before they do anything, and need no JavaScript. */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "app/app.h"

/* A question, or a statement if action is NULL. All text is escaped. */
struct page {
    const char *title, *text;
    const char *action;   /* path below the base path that the form goes to */
    const char *token;    /* goes along */
    const char *callback; /* likewise; NULL */
    bool password;        /* asks for a new password too */
    const char *button;
};
MUST_USE enum err page_answer(struct ctx *ctx, int status, const struct page *p);
/* The form to sign in by. wrong: what was wrong with it the last time; next: where to go on, both checked; NULL. */
MUST_USE enum err page_sign_in(struct ctx *ctx, int status, const char *wrong, const char *next);
/* After something was done: {"status":true}; for a form of ours the callbackURL, or a page that says so. */
MUST_USE enum err page_done(struct ctx *ctx, const char *title, const char *text);
/* Sends the browser to url with name=value added to its query; value NULL: as it is. */
MUST_USE enum err page_redirect(struct ctx *ctx, const char *url, const char *name, const char *value);

#endif
