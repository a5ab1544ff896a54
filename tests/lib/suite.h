/* One CUnit suite as a program. SUITE_MAIN("name", tests) runs a CU_TestInfo[] and ends with the line
 * "N passed, N failed"; the exit status tells the same. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include "base/arena.h"

#include <CUnit/CUnit.h>

int suite_run(const char *name, CU_TestInfo *tests, CU_InitializeFunc init, CU_CleanupFunc done);

#define SUITE_MAIN(name, tests)                        \
    int main(void)                                     \
    {                                                  \
        return suite_run((name), (tests), NULL, NULL); \
    }

/* The same with an arena in the variable a while the tests run. */
#define SUITE_MAIN_ARENA(name, tests, a)                     \
    int main(void)                                           \
    {                                                        \
        if (arena_open(&(a), 4096) != ERR_OK)                \
            return 2;                                        \
        int status = suite_run((name), (tests), NULL, NULL); \
        arena_close(&(a));                                   \
        return status;                                       \
    }

#endif
