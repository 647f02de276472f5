/** @file version.h
 * Which release these headers are of, and which build of the library a program runs with.
 *
 * The macros say what a program was compiled against, the functions what it is running with: the two differ
 * after the shared library was replaced. Not collective; any thread; nothing here fails.
 */
#ifndef BUNDLEPOOL_VERSION_H
#define BUNDLEPOOL_VERSION_H

#include <stdbool.h>

#include <bundlepool/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The only place where the release is written: CMake reads it here. */
#define BP_VERSION_MAJOR 0
#define BP_VERSION_MINOR 1
#define BP_VERSION_PATCH 0

#define BP_VERSION_QUOTE_(x)          #x
#define BP_VERSION_JOIN_(a, b, c)     BP_VERSION_QUOTE_(a) "." BP_VERSION_QUOTE_(b) "." BP_VERSION_QUOTE_(c)
#define BP_VERSION_NUMBER_OF(a, b, c) ((a)*10000 + (b)*100 + (c))

/** Such as "0.1.0". */
#define BP_VERSION_STRING BP_VERSION_JOIN_(BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH)

/** For comparisons in #if: BP_VERSION_NUMBER >= BP_VERSION_NUMBER_OF(0, 2, 0). */
#define BP_VERSION_NUMBER BP_VERSION_NUMBER_OF(BP_VERSION_MAJOR, BP_VERSION_MINOR, BP_VERSION_PATCH)

/** Version of the library that is running, such as "0.1.0". Static. */
BP_API const char *bp_version_string(void);

/** The i-th fact about the build that is running, for bug reports: version, commit, compiler, build_type,
 *  sanitizers, mpi, hdf5, openssl. What the build does without is "none", and what it could not find out is
 *  "unknown"; a commit that ends in "-dirty" had changes on top. The versions of mpi, hdf5 and openssl are
 *  those that the library was compiled with. More facts may follow.
 *
 * @param[out] name, value  static
 * @return false past the last fact */
BP_API bool bp_build_info(unsigned i, const char **name, const char **value);

#ifdef __cplusplus
}
#endif
#endif
