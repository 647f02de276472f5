/** @file src/optimizer/alike.h
 * Whether all ranks have loaded the same plug-in: a file of the same name may be another one on another node.
 */
#ifndef BP_OPTIMIZER_ALIKE_H
#define BP_OPTIMIZER_ALIKE_H

#include "optimizer/options.h"

/** Compare what the ranks have loaded. Collective over MPI_COMM_WORLD, whatever the options are.
 *
 * @param[in] s  what reading the options has come to on this rank
 * @return `s`, where that is a failure; its text names the node if there is none on other ranks
 * @retval BP_ECHANGED  this rank has another content than rank 0; the text names both nodes
 * @retval BP_EMPI */
bp_status bp__plugin_alike(const bp__options *options, bp_status s);

#endif
