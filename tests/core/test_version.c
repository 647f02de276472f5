/* Version and build: macros, functions and JSON say the same. */
#include "tests/core/suite.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/version.h"

static void test_macros(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH);
    CU_ASSERT_STRING_EQUAL(BP_VERSION_STRING, text);
    CU_ASSERT_STRING_EQUAL(bp_version_string(), BP_VERSION_STRING);
    CU_ASSERT_EQUAL(BP_VERSION_NUMBER,
                    BP_VERSION_NUMBER_OF(BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH));
    CU_ASSERT(BP_VERSION_NUMBER_OF(1, 0, 0) > BP_VERSION_NUMBER_OF(0, 99, 99));
    CU_ASSERT(BP_VERSION_NUMBER_OF(1, 2, 0) > BP_VERSION_NUMBER_OF(1, 1, 99));
}

static const char *const names[] = {"version",    "commit", "compiler", "build_type",
                                    "sanitizers", "mpi",    "hdf5",     "openssl"};
enum { NUM_NAMES = sizeof names / sizeof *names };

static void test_facts(void)
{
    const char *name, *value;
    for (unsigned i = 0; i < NUM_NAMES; i++) { /* scripts rely on the names: more may follow, none may go */
        CU_ASSERT_TRUE_FATAL(bp_build_info(i, &name, &value));
        CU_ASSERT_STRING_EQUAL(name, names[i]);
        CU_ASSERT(value[0] != '\0');
    }
    CU_ASSERT_FALSE(bp_build_info(NUM_NAMES, &name, &value));
    CU_ASSERT_FALSE(bp_build_info(UINT32_MAX, &name, &value));
    CU_ASSERT_TRUE(bp_build_info(0, &name, &value));
    CU_ASSERT_STRING_EQUAL(value, bp_version_string());
}

static void test_json(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    bp__print_build_info(file, "bundle");
    fclose(file);
    CU_ASSERT(strncmp(text, "{\n  \"program\": \"bundle\",\n", 25) == 0);
    for (unsigned i = 0; i < NUM_NAMES; i++) {
        char line[256];
        const char *name, *value;
        CU_ASSERT_TRUE_FATAL(bp_build_info(i, &name, &value));
        snprintf(line, sizeof line, "\n  \"%s\": \"%s\"", name, value);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    }
    CU_ASSERT(length > 2 && strcmp(text + length - 3, "\n}\n") == 0);
    free(text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"macros", test_macros},
        {"facts of the build", test_facts},
        {"as JSON", test_json},
        CU_TEST_INFO_NULL,
    };
    return suite_main("version", tests);
}
