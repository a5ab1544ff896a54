/* Answers: errors become statuses, fields that every answer has are added. */
#ifndef APP_ANSWER_H
#define APP_ANSWER_H

#include "app/app.h"

/* Makes the answer to a request whole that was served with e. A field that cannot be sent gives a bare 500: nothing of it
 * goes out. */
void answer_make(struct ctx *ctx, enum err e);

#endif
