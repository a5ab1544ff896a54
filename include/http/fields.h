/* Input fields: what a route takes from body and query, as a table; parsed into a struct, all faults in one answer. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "http/request.h"

enum field_type {
    FIELD_TEXT,     /* const char * */
    FIELD_EMAIL,    /* const char *, must pass the form's email check */
    FIELD_NONEMPTY, /* const char *, at least one character */
    FIELD_BOOL,     /* bool; in forms and queries as text: true/on/1, false/0/"" (D7: queries take no "on") */
    FIELD_NULLABLE, /* const char *; null is FIELDS_NULL, absent is NULL */
    FIELD_PRESENT,  /* bool: is it there, whatever it is? null, false and "" are not */
    FIELD_KEEP      /* bool; the query's keep=current, nothing else */
};
enum field_from { FROM_BODY, FROM_QUERY };

/* The value of a FIELD_NULLABLE that is null: this very pointer. */
extern const char FIELDS_NULL[];

struct field {
    const char *name;
    enum field_from from;
    enum field_type type;
    bool required;
    bool otherwise; /* value of an absent FIELD_BOOL */
    size_t offset;
};

struct form {
    const char *name;
    size_t size; /* of the struct it fills */
    bool body;   /* a body of another shape than an object is a fault */
    bool absent; /* no body at all is fine */
    bool twice;  /* a body of another shape is told twice, as object and as record (sign-up's schema is of two parts) */
    bool (*email_ok)(const char *s);
    const struct field *v;
    size_t n;
};

/* Fills *out (form->size bytes, from the arena). ERR_VALIDATION: *detail holds all faults, joined by "; ", each
 * "[body.FIELD] TEXT" or "[query.FIELD] TEXT". Unknown fields are ignored. */
MUST_USE enum err fields_parse(const struct form *form, const struct request *r, struct arena *a, void *out,
                               const char **detail);

#endif
