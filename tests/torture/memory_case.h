/* One failing allocation in one process: what a run says, the runs, and the judgement. A program of tests lists
 * scenarios; memory_case.c runs each as often as it allocates. Needs fixed.c and memory.c. */
#ifndef TORTURE_MEMORY_CASE_H
#define TORTURE_MEMORY_CASE_H

#include "suite.h"

#include "scene.h"

/* Shared by all scenarios of a program. */
extern struct arena *arena;
extern struct scene scene;
extern struct db *copy;     /* opened by a scenario, looked at after it; NULL: none */
extern struct cfg copy_cfg; /* names a copy of the scene's database, of this process alone */

/* What a run says is compared with what one says in which nothing fails. */
void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

struct scenario {
    const char *name;
    enum err (*run)(void);
    void (*arrange)(void); /* in the process, before anything fails; may be NULL */
    bool on_db;            /* the rows of the copy are compared as well; it is not run again */
};
void torture(const struct scenario *s);

/* A function test_<which> that runs run_<which>. */
#define TORTURE(which, ...)                                           \
    static void test_##which(void)                                    \
    {                                                                 \
        const struct scenario s = {#which, run_##which, __VA_ARGS__}; \
        torture(&s);                                                  \
    }

/* For suite_run: makes and removes all of the above. */
int case_open(void);
int case_close(void);

#endif
