/* Sessions and users as JSON, in the key order of the contract. */
#ifndef APP_VIEW_H
#define APP_VIEW_H

#include "base/buf.h"
#include "store/store.h"

#include <json-c/json_object.h>

/* Room that such a text mostly needs, beside what users choose: name, image and agent. */
enum { VIEW_TEXT = 512 };

/* Appends the value as JSON text, as json_write would. */
void view_user_text(struct buf *b, const struct user *u);
void view_session_text(struct buf *b, const struct session *s, bool current);
/* The same as a value of json-c. The caller owns it (json_object_put, or response_json_take). */
struct json_object *view_user(const struct user *u);
/* The same keys into an object that is there already. */
void view_user_into(struct json_object *o, const struct user *u);
struct json_object *view_session(const struct session *s, bool current);
struct json_object *view_account(const struct account *a);
/* {"key": value}, for the short answers. */
struct json_object *view_flag(const char *key, bool value);

#endif
