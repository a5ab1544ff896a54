/* Inside http/: one request by CGI (RFC 3875), behind the same functions as FastCGI's (http/fcgi.h). */
#ifndef HTTP_CGI_H
#define HTTP_CGI_H

#include "base/err.h"
#include <stddef.h>

/* Ends the process when its time is over: nobody but its one client waits for it, and the store undoes what was begun. */
void cgi_deadline(long long ms);
char *const *cgi_env(void);
/* As fcgi_read and fcgi_write, on descriptors 0 and 1. */
MUST_USE enum err cgi_read(char *to, size_t n, size_t *got);
MUST_USE enum err cgi_write(const char *s, size_t n);

#endif
