/** @file tests/core/suite.h
 * What the unit tests of the core share: a main() in one line, short checks, reproducible random numbers.
 *
 * The checks of CUnit are not thread-safe: threads count what went wrong, and the test checks the count.
 */
#ifndef TESTS_CORE_SUITE_H
#define TESTS_CORE_SUITE_H

#include <CUnit/Basic.h>
#include <stdint.h>
#include <string.h>

#include "core/status.h"

/** The expression succeeds, or the test ends. */
#define MUST(expr) CU_ASSERT_EQUAL_FATAL(expr, BP_OK)

/** The expression fails with `code`, and the text of the failure contains `words`. */
#define FAILS(expr, code, words)                                                                             \
    do {                                                                                                     \
        CU_ASSERT_EQUAL(expr, code);                                                                         \
        CU_ASSERT(strstr(bp_error_text(), words) != NULL);                                                   \
    } while (0)

/** Run every test of a list that ends in CU_TEST_INFO_NULL. @return the exit code of the program */
static inline int suite_main(const char *name, CU_TestInfo *tests)
{
    CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};
    if (CU_initialize_registry() != CUE_SUCCESS) return 1;
    unsigned failures = 1;
    if (CU_register_suites(suites) == CUE_SUCCESS) {
        CU_basic_set_mode(CU_BRM_VERBOSE);
        CU_ErrorCode ran = CU_basic_run_tests();
        failures = CU_get_number_of_failures() + (ran != CUE_SUCCESS);
    }
    CU_cleanup_registry();
    return failures != 0;
}

/** The next number of a sequence, 0 .. below - 1 (xorshift64*; the state is never 0). */
static inline uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

#endif
