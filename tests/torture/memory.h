/* Memory that runs out. memory.c replaces malloc, calloc and realloc of the whole process, libraries included, and
 * mmap without a file, which libcrypt takes its memory by. */
#ifndef TORTURE_MEMORY_H
#define TORTURE_MEMORY_H

#include <stdbool.h>

/* From now on calls are counted; the n-th (from 1) fails, and if `lasting` all after it. 0: none. */
void memory_fail(unsigned long n, bool lasting);
/* No call fails any more. How many there were since memory_fail. */
unsigned long memory_mend(void);

#endif
