/* The gate's answers (app/h_gate.c). A 200 holds Variable-* fields and nothing else: what else it held, Apache would put
 * into the page's answer. */
#ifndef APP_GATE_H
#define APP_GATE_H

#include "app/app.h"

/* Answers that the page is not to be shown, in words that the web server that asks can pass on. */
MUST_USE enum err gate_denied(struct ctx *ctx, enum err e);
/* The same as a page of ours. */
MUST_USE enum err gate_denied_page(struct ctx *ctx, enum err e);
/* Does a browser go somewhere, rather than a script fetch something? */
bool gate_navigates(const struct request *r);

#endif
