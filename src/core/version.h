/** @file src/core/version.h
 * What the programs print about their build.
 */
#ifndef BP_CORE_VERSION_H
#define BP_CORE_VERSION_H

#include <stdio.h>

#include <bundlepool/version.h>

/** Print the facts of bp_build_info() and the program's name as one JSON object, as `PROGRAM --version
 *  --json` does. It is up to the stream's owner to notice that it has failed. */
void bp__print_build_info(FILE *file, const char *program);

#endif
