/* Runs one CUnit suite and prints every failure with its place. */
#include "suite.h"

#include <CUnit/TestRun.h>
#include <stdio.h>

static void failures_print(void)
{
    for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
        printf("FAIL %s: %s:%u: %s\n", f->pTest ? f->pTest->pName : "(suite)", f->strFileName, f->uiLineNumber,
               f->strCondition);
}

int suite_run(const char *name, CU_TestInfo *tests, CU_InitializeFunc init, CU_CleanupFunc done)
{
    CU_SuiteInfo suites[] = {{name, init, done, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

    if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
        fprintf(stderr, "%s: %s\n", name, CU_get_error_msg());
        return 2;
    }
    CU_run_all_tests();
    failures_print();
    unsigned run = CU_get_number_of_tests_run(), failed = CU_get_number_of_tests_failed();
    failed += CU_get_number_of_suites_failed();
    if (run == 0 || CU_get_number_of_asserts() == 0)
        failed++; /* a suite that asserts nothing proves nothing */
    printf("%s: %u asserts\n%u passed, %u failed\n", name, CU_get_number_of_asserts(), run > failed ? run - failed : 0,
           failed);
    CU_cleanup_registry();
    return failed == 0 ? 0 : 1;
}
