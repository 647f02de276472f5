/** @file io/ingest/table.h
 * Ingest of one CSV file with a column that names the asset: all assets, all dates.
 *
 * Rows may be sorted by asset, by date, or in any way in which the rows of each asset ascend. They are
 * daily bars, or minute bars if they have a time of day. Sids count from 0 in the order of the symbols, the
 * exchange is CSVDIR; everything else is as in a folder of files (io/ingest/csvdir.h). Memory: some 50 MiB,
 * and what little is known of each asset.
 *
 * With --keep-going an asset is left out whose rows have errors; a row that cannot be said to be of an
 * asset is an error of the whole file.
 */
#ifndef BP_IO_INGEST_TABLE_H
#define BP_IO_INGEST_TABLE_H

#include "io/ingest/source.h"

extern const bp__ingest_source bp__table_source;

#endif
