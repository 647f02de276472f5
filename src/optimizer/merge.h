/** @file src/optimizer/merge.h
 * Joins the journals of the slices of one search: the same file as one job would have written, or an error
 * that names what is missing or doubled. Needs no MPI.
 */
#ifndef BP_OPTIMIZER_MERGE_H
#define BP_OPTIMIZER_MERGE_H

#include "optimizer/options.h"

/** Read, check, write options->out, and print the best.
 *
 * @param[in,out] options  gets what the journals say of the search
 * @param[out]    failed   combinations that had failed
 * @retval BP_EINVAL   the journals are not of one search or of one version of its bundles, or a combination
 * is missing or in two of them
 * @retval BP_EFORMAT, BP_EIO, BP_EBUSY  as bp__journal_read(), bp__results_write()
 * @retval BP_ENOMEM */
bp_status bp__merge(bp__options *options, uint64_t *failed);

#endif
