/* Inside http/: which path and query of ours a request means. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/request.h"

/* What web servers say about the target; NULL where they do not. */
struct target {
    const char *uri, *script_name, *path_info, *query_string, *redirect_status;
};

/* Sets path (NULL if it is not below auth.base_path) and, if it is, query. ERR_BAD_REQUEST: nothing to take a path
 * from, or a query that is not text. */
MUST_USE enum err target_read(const struct cfg *cfg, struct arena *a, const struct target *t, struct request *r);

#endif
