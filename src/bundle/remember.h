/** @file src/bundle/remember.h
 * The options with which a bundle was made, as a bundle keeps them: a line each,
 * "--timezone=America/New_York".
 */
#ifndef BP_BUNDLE_REMEMBER_H
#define BP_BUNDLE_REMEMBER_H

#include "bundle/command.h"

/** Put what decides about the content of a bundle, or how it is stored, into words; paths become absolute.
 *  @param[out] text  owned (free)
 *  @retval BP_EINVAL  a value is longer than a bundle can keep, or has a line break */
bp_status bp__remember_options(const bp__command_line *line, char **text);

/** The other way round.
 *
 * @param[in]     use   bit of the command that took them
 * @param[in,out] text  cut into pieces, which `line` borrows
 * @retval BP_EINVAL  this version of the program has no such option
 */
bp_status bp__recall_options(char *text, unsigned use, bp__command_line *line);

#endif
