/** @file src/bundle/tables.h
 * The tables of `bundle`: its subcommands, and the options that they take.
 */
#ifndef BP_BUNDLE_TABLES_H
#define BP_BUNDLE_TABLES_H

#include "cli/program.h"

/** Each subcommand has a bit by which options say which of them take them. */
enum {
    BP__USE_DEMO = 1,
    BP__USE_INGEST = 2,
    BP__USE_INFO = 4,
    BP__USE_VERSION = 8,
    BP__USE_VERIFY = 16,
    BP__USE_LIST = 32,
    BP__USE_IMPORT = 64,
    BP__USE_EXPORT = 128,
    BP__USE_SYNC = 256,
    BP__USE_DIFF = 512,
    BP__USE_DOCTOR = 1024,
    BP__USE_ALL = 2047,
};

extern const bp__command bp__bundle_commands[];
extern const size_t bp__num_bundle_commands;

extern const bp__option bp__bundle_options[];
extern const size_t bp__num_bundle_options;

#endif
