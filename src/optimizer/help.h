/** @file src/optimizer/help.h
 * What the program tells of itself, on stdout.
 */
#ifndef BP_OPTIMIZER_HELP_H
#define BP_OPTIMIZER_HELP_H

#include <stdbool.h>

void bp__print_help(void);

/** Each strategy, what it does, and what it takes. */
void bp__print_strategies(bool json);

#endif
