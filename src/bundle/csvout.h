/** @file src/bundle/csvout.h
 * A CSV file that is being written: fields with commas between them, quoted where they have to be (RFC 4180),
 * numbers in the shortest form that reads back as the same double, times in ISO 8601, UTC.
 *
 * Errors wait until bp__csvout_close(): nothing else has to be checked. One thread.
 */
#ifndef BP_BUNDLE_CSVOUT_H
#define BP_BUNDLE_CSVOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct bp__csvout {
    const char *label; /**< borrowed: how errors name the file */
    int fd, err;       /**< err: of the first write that failed */
    bool begun;        /**< the line has a field */
    int64_t day;       /**< since the epoch: whose text is `day_text` */
    char day_text[10];
    uint64_t bytes; /**< what the file holds after bp__csvout_close(), */
    uint32_t crc;   /**< and the CRC-32 of that */
    size_t used;
    char buffer[1 << 16];
} bp__csvout;

/** Create a file in an open folder, where there must be none of that name, and write its first line.
 *  @param[in] label   borrowed until close
 *  @param[in] header  the first line, without its end
 *  @retval BP_EIO  it cannot be created; then there is nothing to close */
bp_status bp__csvout_open(int folder, const char *name, const char *label, const char *header,
                          bp__csvout *out);

/* Each adds a field. */
void bp__csvout_text(bp__csvout *out, const char *text);
void bp__csvout_i64(bp__csvout *out, int64_t x);
void bp__csvout_f64(bp__csvout *out, double x);
/** A day, or a time where it is no midnight; empty for BP_TIME_MISSING. */
void bp__csvout_time(bp__csvout *out, int64_t ns);
/** A time, midnights too. */
void bp__csvout_full_time(bp__csvout *out, int64_t ns);
/** stored / factor; exact, if the factor is 10^k: `exponent`. */
void bp__csvout_scaled(bp__csvout *out, uint32_t stored, int exponent);

void bp__csvout_end_line(bp__csvout *out);

/** @retval BP_EIO  something could not be written: no space, …; the text names the file */
bp_status bp__csvout_close(bp__csvout *out);

#endif
