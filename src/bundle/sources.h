/** @file src/bundle/sources.h
 * What a bundle can be made from: one table, a row for each kind of source.
 */
#ifndef BP_BUNDLE_SOURCES_H
#define BP_BUNDLE_SOURCES_H

#include "io/ingest/source.h"

/** HDF5 files: they join what reads HDF5 and drafts, and so live here. */
extern const bp__ingest_source bp__hdf5_source;

/** @param[in] verb  "ingest", "import"
 *  @retval BP_EINVAL  there is no such source for this verb; the text says which there are */
bp_status bp__source_find(const char *verb, const char *name, const bp__ingest_source **source);

#endif
