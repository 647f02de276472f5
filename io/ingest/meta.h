/** @file io/ingest/meta.h
 * JSON files that say how others are to be read: every defect is an error that names the file and the key.
 */
#ifndef BP_IO_INGEST_META_H
#define BP_IO_INGEST_META_H

#include <jansson.h>

#include "io/ingest/sealed.h"

/** More than any real one: the rows of a million assets, or the minutes of a century of sessions. */
#define BP__META_MOST (UINT64_C(64) << 20)

typedef struct bp__meta {
    const char *root; /**< for errors; borrowed from the folder */
    char *name;       /**< owned */
    json_t *object;   /**< owned */
} bp__meta;

/** Read a file that holds one JSON object. Each of its keys is there once.
 *  @retval BP_ENOTFOUND, BP_EFORMAT, BP_EIO, BP_ENOMEM */
bp_status bp__meta_load(bp__sealed *sealed, const char *name, bp__meta *meta);

/** A zeroed one is allowed. */
void bp__meta_free(bp__meta *meta);

/** A value that must be there. @param[in] type  JSON_INTEGER, …
 *  @retval BP_EFORMAT  it is not, or is something else; the text names file and key */
bp_status bp__meta_get(const bp__meta *meta, const char *key, json_type type, const json_t **value);

/** A whole number that must be there, within bounds. */
bp_status bp__meta_integer(const bp__meta *meta, const char *key, int64_t min, int64_t max, int64_t *value);

/** Items of a list that must be whole numbers. @param[out] number  owned, [*n] */
bp_status bp__meta_integers(const bp__meta *meta, const char *key, int64_t **number, size_t *n);

/** A whole number from 0 on, written in decimal without anything else. @return false if it is none */
bool bp__meta_sid(const char *text, int64_t *sid);

#endif
