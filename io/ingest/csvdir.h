/** @file io/ingest/csvdir.h
 * Ingest of zipline's csvdir layout:
 *
 *     DIR/daily/SYMBOL.csv or SYMBOL.csv.gz     daily bars, dividends, splits
 *     DIR/minute/SYMBOL.csv or SYMBOL.csv.gz    minute bars (dividends and splits here are ignored)
 *
 * One of the folders may be missing, and a symbol may be in only one of them. Other files are ignored. As in
 * zipline's own csvdir bundle, sids count from 0 in the order of the symbols over both folders, the exchange
 * is CSVDIR, an asset lives from its first to its last row and closes a day later, a split column of k is a
 * split of ratio 1/k, a dividend has an ex-date only and gets its price ratio from the close before.
 *
 * A csvdir carries no calendar: the dates of all rows are the sessions, and their hours are not known.
 */
#ifndef BP_IO_INGEST_CSVDIR_H
#define BP_IO_INGEST_CSVDIR_H

#include "io/ingest/source.h"

/** Read a whole csvdir into a draft that was just initialised.
 *
 * @retval BP_ENOTFOUND  no such folder, neither daily nor minute in it, or no CSV file there
 * @retval BP_EFORMAT    a bad line; the text is "DIR/daily/SYMBOL.csv:LINE: what is wrong"
 * @retval BP_ERANGE     a price or volume that a bundle file cannot hold; the text as above
 * @retval BP_EIO, BP_ENOMEM
 * On failure the draft holds an unusable part: bp__draft_fini().
 */
bp_status bp__csvdir_read(bp__ingest *in, const char *dir);

extern const bp__ingest_source bp__csvdir_source;

#endif
