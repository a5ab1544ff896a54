/* Pages: HTML from templates (base/template.h), in the words of a language (app/words.h). They work without JavaScript;
 * all that is loaded is the stylesheet. */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "app/app.h"
#include "base/template.h"

/* One page. Beside what it holds itself, every template may name what page.c's common_vars has, and all words. */
struct page {
    const char *name;                /* of the template, without .html */
    const char *title;               /* key of words */
    bool form;                       /* has a form for who is not signed in: needs a token for it */
    const char *next;                /* where its form may lead; NULL */
    const char *notice;              /* key of words; NULL */
    enum err wrong;                  /* what was wrong with its form; ERR_OK */
    const struct mustache_data *own; /* further names; NULL */
};
MUST_USE enum err page_answer(struct ctx *ctx, int status, const struct page *p);

/* A page that says something, and may ask for one thing to be done. */
struct page_text {
    const char *title, *text; /* keys of words, or the words */
    const char *code;         /* of an error; NULL */
    const char *link;         /* where to go on, below the base path; "": pages.home; NULL */
    const char *link_text;    /* key of words */
    const char *action;       /* path below the base path that the form goes to; NULL: none */
    const char *token;        /* goes along: it came by mail */
    const char *callback;     /* likewise; NULL */
    const char *button;       /* key of words */
    bool danger;
};
MUST_USE enum err page_message(struct ctx *ctx, int status, const struct page_text *m);
/* Says that something is done: {"status":true}; for a form or link of ours the callbackURL, or a message. */
MUST_USE enum err page_done(struct ctx *ctx, const struct page_text *m);
/* Says what was wrong where there is no form to show it in. */
MUST_USE enum err page_error(struct ctx *ctx, enum err e);
/* Sends the browser to url with name=value added to its query; value NULL: as it is. */
MUST_USE enum err page_redirect(struct ctx *ctx, const char *url, const char *name, const char *value);
/* For who is not signed in any more: why. */
MUST_USE enum err page_signed_out(struct ctx *ctx, int status, const char *why, const char *next);
/* For who asks for a page, or posts a form, for those who are signed in: why he is not, or the page to sign in by. */
MUST_USE enum err page_unauthorized(struct ctx *ctx);
/* Where to go on, as the query or Apache's error page has it, if that is a place of the site or a listed one; NULL. */
const char *page_next(struct ctx *ctx);
/* Key of words of what was just done, as the query has it; NULL. */
const char *page_notice(const struct ctx *ctx);
/* What e is called in the words of the page's language. */
const char *page_wrong(const struct ctx *ctx, enum err e);
const char *page_word(const struct ctx *ctx, const char *key);
/* The first fault in a file of the site, for latchkeyctl check; NULL: none. *own: there is one. */
const char *page_templates_fault(const struct cfg *cfg, struct arena *a, bool *own);

#endif
