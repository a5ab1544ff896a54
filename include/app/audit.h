/* The streams of the audit log: what the journal noted, as one line of JSON for each event, to a file and to syslog. */
#ifndef APP_AUDIT_H
#define APP_AUDIT_H

#include "auth/journal.h"
#include "base/buf.h"

#include <json-c/json_object.h>

/* Writes what happened and forgets it. Never fails: what could not be written is logged. */
void audit_write(struct auth *au);
/* An event as JSON; keys without a value are left out. The caller owns it. */
struct json_object *audit_view(const struct audit *e);
/* Appends o as JSON that is one line and steers no terminal. */
void audit_json(struct buf *out, struct arena *a, struct json_object *o);
/* Can the file be appended to? ERR_IO (logged). */
MUST_USE enum err audit_check(const struct cfg *cfg);

#endif
