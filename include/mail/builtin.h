/* The templates that are built in (templates/mail, by build-aux/embed-templates.sh). */
#ifndef MAIL_BUILTIN_H
#define MAIL_BUILTIN_H

#include <stddef.h>

struct builtin {
    const char *name, *text; /* name of the file; NULL ends the list */
};
extern const struct builtin builtins[];

#endif
