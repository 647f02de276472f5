/** @file src/core/folder.h
 * The process's working directory, across code of others that may change it: files are those that the user named, from
 * where they were named.
 */
#ifndef BP_CORE_FOLDER_H
#define BP_CORE_FOLDER_H

#include "core/status.h"

/** @return a descriptor to be given to bp__folder_return(); -1: there is nothing to return to */
int bp__folder_hold(void);

/** Make that folder the working directory again, and close the descriptor. @retval BP_ESYS  it cannot be entered */
bp_status bp__folder_return(int folder);

#endif
