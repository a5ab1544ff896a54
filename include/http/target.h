/* Inside http/: which path and query of ours a request means. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/request.h"

/* What web servers say about the target; NULL where they do not. */
struct target {
    const char *uri, *script_name, *path_info, *query_string, *redirect_status;
    const char *redirect_uri; /* lighttpd: the target as it stands after rewriting and normalising */
    const char *place;        /* LATCHKEY_PATH: the path of a page at the gate, decoded by the web server */
};

/* Sets path (NULL if it is not below auth.base_path) and, if it is, query; on an error page, refused and page too.
 * ERR_BAD_REQUEST: nothing to take a path from. */
MUST_USE enum err target_read(const struct cfg *cfg, struct arena *a, const struct target *t, struct request *r);

/* At the gate: sets page, place and also. ERR_BAD_REQUEST: there is neither, or an escape in the path is broken or a NUL. */
MUST_USE enum err target_read_gate(struct arena *a, const struct target *t, struct request *r);

#endif
