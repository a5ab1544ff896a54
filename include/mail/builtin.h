/* The templates that are built in (templates/mail, by build-aux/embed-templates.sh). */
#ifndef MAIL_BUILTIN_H
#define MAIL_BUILTIN_H

#include "base/template.h"

extern const struct builtin mail_builtins[];

#endif
