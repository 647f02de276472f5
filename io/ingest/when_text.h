/** @file io/ingest/when_text.h
 * The text of dates and times, before time zones: what is written, in numbers. Forms: io/ingest/when.h.
 * Pure; any thread.
 */
#ifndef BP_IO_INGEST_WHEN_TEXT_H
#define BP_IO_INGEST_WHEN_TEXT_H

#include "io/ingest/csvtext.h"

enum {
    BP__WRITTEN_LOCAL,  /**< without an offset */
    BP__WRITTEN_OFFSET, /**< "+01:00", "Z" */
    BP__WRITTEN_ZONE,   /**< "America/New_York" */
    BP__WRITTEN_EPOCH   /**< a count: `days` are seconds */
};

typedef struct bp__written {
    int64_t days;   /**< since the epoch; with BP__WRITTEN_EPOCH seconds */
    int32_t second; /**< of the day */
    int32_t ns;     /**< of the second */
    bool has_time;
    int kind;
    int32_t offset; /**< seconds east of UTC */
    const char *zone;
    size_t zone_size;
} bp__written;

/** A date with or without a time. @return NULL; else what is wrong, "" for nothing in particular:
 *  borrowed until this thread reads the next one */
const char *bp__written_from(const bp__csv_field *field, bp__written *written);
const char *bp__written_by_format(const char *format, const bp__csv_field *field, bp__written *written);

/** A time of day on its own: also 0931 and 093100. */
bool bp__written_time(const bp__csv_field *field, bp__written *written);

bool bp__written_format_ok(const char *format);

#endif
