/** @file src/optimizer/plugins.h
 * Strategies as the command line names them: built in, in a shared object, or a provider's.
 */
#ifndef BP_OPTIMIZER_PLUGINS_H
#define BP_OPTIMIZER_PLUGINS_H

#include <mpi.h>

#include "optimizer/options.h"

/** Find a strategy by what the command line calls it: the name of one that is built in, or of what the options' provider
 * has, or a file.
 *
 * @param[in,out] options   where it is from is entered (provided_by, provided): bp__strategy_let_go()
 * @param[out]    strategy  NULL: there are several of that name, and none was chosen
 * @retval as bp__builtin_find(), bp__plugin_open(), and the provider's open()
 * @retval BP_EFORMAT  what the provider has is described wrongly
 *         A crash while the file is loaded ends the process. */
bp_status bp__strategy_named(bp__options *options, const char *name, const bp_strategy **strategy);

/** Let go of what it is from. Allowed where it is built in. */
void bp__strategy_let_go(bp__options *options);

/** Say which strategies there are, where none was chosen. @retval BP_EINVAL  always; the text lists them */
bp_status bp__strategy_not_chosen(const bp__options *options, const char *name);

/** Whether all ranks have loaded the same strategy: a file of the same name may be another one on another node.
 * Collective over comm, whatever the options are.
 *
 * @param[in] s  what reading the options has come to on this rank
 * @return `s`, where that is a failure; its text names the node if there is none on other ranks
 * @retval BP_ECHANGED  this rank has another content than rank 0; the text names both nodes
 * @retval BP_EMPI */
bp_status bp__plugin_alike(MPI_Comm comm, const bp__options *options, bp_status s);

#endif
