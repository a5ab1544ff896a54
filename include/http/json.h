/* Inside http/: json-c's handle for AUTO(). */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "base/auto.h"

#include <json-c/json.h>

AUTO_KIND(json, struct json_object *, json_object_put);

#endif
