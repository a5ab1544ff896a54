/* Errors: one enum for the whole program, generated from errors.def. The layer that detects an error logs its detail
 * once; only app/ turns an error into an answer. Adding one is adding a row. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
#define ERR(name, status, code, level, text) ERR_##name,
#include "base/errors.def"
#undef ERR
    ERR_COUNT
};

enum log_level { LVL_ERROR, LVL_WARN, LVL_INFO, LVL_DEBUG };

struct err_row {
    const char *name;     /* as in the enum, without ERR_ */
    int status;           /* HTTP status of the answer; 0: never answered */
    const char *code;     /* wire code; NULL: the body has no code */
    enum log_level level; /* at which the access log mentions it */
    const char *text;     /* public message */
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Returns early with the error of `call`, if it has one. For places that hold nothing foreign. */
#define TRY(call)                   \
    do {                            \
        enum err try_err_ = (call); \
        if (try_err_ != ERR_OK)     \
            return try_err_;        \
    } while (0)

/* The row of e; never NULL: an unknown value gives the row of ERR_INTERNAL. */
const struct err_row *err_row(enum err e);

#endif
