/* The log: one event, one line, whatever bytes are in it (control bytes, ESC, CR, LF, invalid UTF-8 and the backslash
 * are escaped; a quote is not, so a stranger's text belongs at the end of a line). Sink is stderr or a file. Never give
 * it a password, token, cookie or secret. The sink is one of the program's two globals. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"
#include <stdbool.h>

/* Opens the sink: path NULL or "" is stderr; else appended to, made 0640. ERR_IO, told on stderr. */
MUST_USE enum err log_open(const char *path, enum log_level level);
/* Opens the same file again, after a rotation. */
void log_reopen(void);
/* The sink; borrowed. For who closes all others. */
int log_descriptor(void);
/* Name of this process in each line, e.g. "worker 3". Borrowed: a string that stays. */
void log_name(const char *name);
/* Request id in each line until set again; NULL for none. Borrowed. */
void log_request(const char *id);
bool log_wants(enum log_level level);
/* One line: "2026-11-23T08:53:00.123Z warn  [worker 3] [id] text". Line cut at 4 KiB. */
void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_at(LVL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LVL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LVL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LVL_DEBUG, __VA_ARGS__)

#endif
