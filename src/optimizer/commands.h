/** @file src/optimizer/commands.h
 * The commands of the program, as they are described.
 */
#ifndef BP_OPTIMIZER_COMMANDS_H
#define BP_OPTIMIZER_COMMANDS_H

#include "cli/program.h"

#define BP__NUM_COMMANDS 5

extern const bp__command bp__commands[BP__NUM_COMMANDS];

#endif
