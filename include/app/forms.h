/* fields.def as structs (struct in_sign_up, …) and tables (form_sign_up, …). */
#ifndef APP_FORMS_H
#define APP_FORMS_H

#include "http/fields.h"

#define FIELD_C_TEXT const char *
#define FIELD_C_EMAIL const char *
#define FIELD_C_NONEMPTY const char *
#define FIELD_C_BOOL bool
#define FIELD_C_NULLABLE const char *
#define FIELD_C_PRESENT bool
#define FIELD_C_KEEP bool

/* clang-format off */
/* reserved: a struct may not be empty, and a form may have no fields */
#define FORM_BEGIN(which, body, absent, twice) struct in_##which { char reserved;
#define FIELD(which, name, from, type, required, otherwise) FIELD_C_##type name;
#define FORM_END(which) };
#include "app/fields.def"
#undef FORM_BEGIN
#undef FIELD
#undef FORM_END

#define FORM_BEGIN(which, body, absent, twice) extern const struct form form_##which;
#define FIELD(which, name, from, type, required, otherwise)
#define FORM_END(which)
#include "app/fields.def"
#undef FORM_BEGIN
#undef FIELD
#undef FORM_END

/* clang-format on */

#endif
