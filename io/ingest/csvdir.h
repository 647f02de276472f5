/** @file io/ingest/csvdir.h
 * Ingest of a folder of CSV files, one per symbol:
 *
 *     DIR/daily/SYMBOL.csv     daily bars, dividends, splits
 *     DIR/minute/SYMBOL.csv    minute bars, dividends, splits
 *     DIR/SYMBOL.csv           daily bars, if neither folder is there
 *     DIR/assets.csv, ...      what an exported bundle has beside its bars: io/ingest/sidefile.h
 *
 * Files may be compressed, and are read by several threads, the largest first. As in zipline's own csvdir
 * bundle, sids count from 0 in the order of the symbols over both folders (unless assets.csv says them),
 * the exchange is CSVDIR, an asset lives from its first to its last bar and closes a day later, a split
 * column of k is a split of ratio 1/k, and a dividend has an ex-date only and gets its price ratio from the
 * close before. A sid does not depend on which other files are bad, or left out by --symbols. What is taken
 * in a file: docs/ingest.md.
 */
#ifndef BP_IO_INGEST_CSVDIR_H
#define BP_IO_INGEST_CSVDIR_H

#include "io/ingest/source.h"

extern const bp__ingest_source bp__csvdir_source;

/** As bp__ingest_source.read.
 *
 * @retval BP_ENOTFOUND  no such folder, or no CSV file there
 * @retval BP_EINVAL     an option that makes no sense
 * @retval BP_EIO, BP_ENOMEM
 */
bp_status bp__csvdir_read(bp__ingest *in, const char *dir);

#endif
