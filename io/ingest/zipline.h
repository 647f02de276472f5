/** @file io/ingest/zipline.h
 * Reads the bundles of zipline: a folder of an ingestion, with assets-N.sqlite, adjustments.sqlite,
 * daily_equities.bcolz and minute_equities.bcolz, or the folder that holds some of them, each named by its
 * time. What is taken and how, and what is refused: docs/zipline.md.
 */
#ifndef BP_IO_INGEST_ZIPLINE_H
#define BP_IO_INGEST_ZIPLINE_H

#include "io/ingest/source.h"

/** The row of the table of sources: `bundle import zipline DIR NAME`. */
extern const bp__ingest_source bp__zipline_source;

#endif
