/** @file src/optimizer/plugins.h
 * Plug-ins as the command line names them.
 */
#ifndef BP_OPTIMIZER_PLUGINS_H
#define BP_OPTIMIZER_PLUGINS_H

#include "optimizer/options.h"

/** Find a strategy by what the command line calls it: the name of one that is built in, or a file.
 *
 * @param[out] plugin    of the file: bp__plugin_close(); NULL: it is built in
 * @param[out] strategy  NULL: the file has several, and none was named
 * @retval as bp__builtin_find() and bp__plugin_open(); a crash while the file is loaded ends the process */
bp_status bp__strategy_named(const char *name, bp__plugin **plugin, const bp_strategy **strategy);

/** Whether all ranks have loaded the same plug-in: a file of the same name may be another one on another node.
 * Collective over MPI_COMM_WORLD, whatever the options are.
 *
 * @param[in] s  what reading the options has come to on this rank
 * @return `s`, where that is a failure; its text names the node if there is none on other ranks
 * @retval BP_ECHANGED  this rank has another content than rank 0; the text names both nodes
 * @retval BP_EMPI */
bp_status bp__plugin_alike(const bp__options *options, bp_status s);

#endif
