/* Rows of the error table. Holds texts and numbers only; who answers what is decided in app/. */
#include "base/err.h"

#include <stddef.h>

static const struct err_row rows[ERR_COUNT] = {
#define ERR(name, status, code, level, text) [ERR_##name] = {#name, status, code, level, text},
#include "base/errors.def"
#undef ERR
};

const struct err_row *err_row(enum err e)
{
    if ((size_t)e >= ERR_COUNT)
        return &rows[ERR_INTERNAL];
    return &rows[e];
}
