/* The place of http/fcgi.c: one request from memory, its answer to say(). Needs memory_case.c. */
#ifndef TORTURE_TRANSPORT_H
#define TORTURE_TRANSPORT_H

/* The next request; both borrowed. */
void transport_set(char *const *env, const char *body);
/* Status of the answer to it; 0: there was none. */
int transport_status(void);

#endif
