/** @file io/parser/place.h
 * Which parser a process uses.
 */
#ifndef BP_IO_PARSER_PLACE_H
#define BP_IO_PARSER_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

/** The environment variable: `inline` parses in this process, anything else is the path of a parser. */
#define BP__PARSER_VARIABLE "BUNDLEPOOL_PARSER"
#define BP__PARSER_PROGRAM  "bundle-parser"

/** Whether files are to be parsed in this process.
 *
 * This and the functions below look at the environment once, at the first call of any of them: a later one may come from a
 * thread of the library's own, while the host program changes its environment. */
bool bp__parser_is_inline(void);

/** The environment of that time, for the parser: its libraries may be where a variable says. @return static */
char *const *bp__parser_environment(void);

/** Open the parser's program: the one that is named by the environment; else the one beside the library or program that
 *  this code is in; else the one where it was to be installed. What is opened stays the same program, whatever is
 *  installed later.
 *  @param[out] fd  owned: close()
 *  @retval BP_ENOTFOUND  the text says where it was looked for, and what to do */
bp_status bp__parser_open(int *fd);

/** Start this process's parser (ask.h), unless it is running, and hear of which build it is.
 *  @param[out] path  its program; "": none was found
 *  @retval BP_ENOTFOUND, BP_ESYS, BP_ENOMEM  what the first question would come to */
bp_status bp__parser_try(char *path, size_t size);

#endif
