#include "core/version.h"

#include <stddef.h>

#include "core/json.h"

#include <build_info.h> /* written by cmake/build_info.cmake */
#include <commit.h>     /* written by each build: cmake/commit.cmake */

static const struct fact {
    const char *name, *value;
} facts[] = {
    {"version", BP_VERSION_STRING}, {"commit", BP__COMMIT},           {"compiler", BP__COMPILER},
    {"build_type", BP__BUILD_TYPE}, {"sanitizers", BP__SANITIZERS},   {"mpi", BP__MPI_VERSION},
    {"hdf5", BP__HDF5_VERSION},     {"openssl", BP__OPENSSL_VERSION},
};

const char *bp_version_string(void)
{
    return BP_VERSION_STRING;
}

bool bp_build_info(unsigned i, const char **name, const char **value)
{
    if (i >= sizeof facts / sizeof *facts) return false;
    *name = facts[i].name;
    *value = facts[i].value;
    return true;
}

void bp__print_build_info(FILE *file, const char *program)
{
    bp__json json = {.file = file};
    const char *name, *value;
    bp__json_open(&json, NULL, '{');
    bp__json_text(&json, "program", program);
    for (unsigned i = 0; bp_build_info(i, &name, &value); i++) bp__json_text(&json, name, value);
    bp__json_close(&json, '}');
}
