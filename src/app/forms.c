/* The tables of fields.def. No logic. */
#include "app/forms.h"

#include "auth/auth.h"

#include <stddef.h>

/* clang-format off */
#define FORM_BEGIN(which, body, absent, twice) static const struct field fields_##which[] = {
#define FIELD(which, name, from, type, required, otherwise) \
    {#name, from, FIELD_##type, required, otherwise, offsetof(struct in_##which, name)},
/* the last row has no name and ends the table */
#define FORM_END(which) {NULL, FROM_BODY, FIELD_TEXT, false, false, 0}};
#include "app/fields.def"
#undef FORM_BEGIN
#undef FIELD
#undef FORM_END

#define FORM_BEGIN(which, body, absent, twice)                                        \
    const struct form form_##which = {#which, sizeof(struct in_##which), body, absent, twice, account_email_ok, \
                                      fields_##which, sizeof fields_##which / sizeof fields_##which[0] - 1};
#define FIELD(which, name, from, type, required, otherwise)
#define FORM_END(which)
#include "app/fields.def"
/* clang-format on */
