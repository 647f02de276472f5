/** @file src/optimizer/files.h
 * Every file that a command line names, whether to read or to write it: none is both, and none is written twice.
 *
 * Written are --out and what stands beside it, the journal and its lock, and the sheets of a run. Read are the bundles,
 * earlier results, the journals of a merge, the files of a strategy and of parameters, and the administrator's file. An
 * option that names a file adds it here.
 */
#ifndef BP_OPTIMIZER_FILES_H
#define BP_OPTIMIZER_FILES_H

#include "optimizer/options.h"

/** Compare the files by device and inode (cli/same.h); nothing is opened.
 *  @param[in] options  complete: bundles and journal are known
 *  @retval BP_EINVAL  the text names option and file @retval BP_ENOMEM */
bp_status bp__check_files(const bp__options *options);

#endif
