/** @file io/ingest/csvtext.h
 * CSV as rows of fields, whatever the separator: a stream with a bounded buffer.
 *
 *  - Fields are separated by one character, chosen by the caller; blanks around a field are no part of it.
 *  - A field that begins with '"' ends with one; "" within it is one, and separators and line breaks lose
 *    their meaning.
 *  - Lines end in LF or CRLF. Blank lines, and lines of nothing but separators, are passed over and counted.
 *  - UTF-8, with or without its byte order mark. NUL bytes, UTF-16 and lines that end in CR alone are
 *    refused by name.
 *
 * Line numbers count from 1, in the text as it is unpacked. One thread per text.
 */
#ifndef BP_IO_INGEST_CSVTEXT_H
#define BP_IO_INGEST_CSVTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/ingest/input.h"

#define BP__CSV_FIELDS     128        /**< at most, in a row */
#define BP__CSV_ROW_BYTES  (1u << 16) /**< at most, of a row */
#define BP__CSV_HEAD_BYTES (1u << 16) /**< of the file's beginning that can be read again: bp__csv_rewind() */

/** Bytes of a field, in the buffer: good until the next row is asked for. Behind them stands at least one
 * more byte that is no digit. */
typedef struct bp__csv_field {
    const char *text;
    uint32_t size;
    bool quoted;
} bp__csv_field;

typedef struct bp__csv_text {
    uint64_t line;  /**< of the row at hand; where it begins */
    uint64_t blank; /**< lines that were passed over */
    size_t n;       /**< fields of the row at hand */
    bp__csv_field field[BP__CSV_FIELDS];
    char separator; /**< the caller may set it before each row */
    bool head_only; /**< the caller may set it: end within BP__CSV_HEAD_BYTES, as if there were no more */

    /* private to csvtext.c */
    bp__input *input;
    const char *path;
    char *buffer;
    char *spare; /* fields that had "" in them; the buffer stays as it is, to be read again */
    size_t spare_used;
    size_t begin, end, head; /* of what is in the buffer; head: where the text begins, behind its mark */
    uint64_t next_line;
    bool moved;  /* the beginning is gone */
    bool all;    /* nothing follows what is in the buffer */
    bool quotes; /* there may be one in the buffer */
    size_t zero; /* of the first NUL byte in the buffer; SIZE_MAX */
} bp__csv_text;

/** @param[in] path, input  borrowed; input: just opened */
bp_status bp__csv_text_init(bp__csv_text *text, const char *path, bp__input *input);
void bp__csv_text_fini(bp__csv_text *text);

/** The next row. @param[out] more  false at the end of the file
 *  @retval BP_EFORMAT  the text names file and line; no further row can be read
 *  @retval BP_EIO, BP_ENOMEM */
bp_status bp__csv_next(bp__csv_text *text, bool *more);

/** Back to the first row. @return false if what was read is gone; not so while head_only is set since the
 * beginning */
bool bp__csv_rewind(bp__csv_text *text);

/** What is in the buffer from the beginning of the next row on, for who reads a row on his own. It ends at `end`, behind
 *  which stand a line feed and more bytes of no digit.
 *  @return false: it is empty, or there are quotes or NUL bytes in it */
bool bp__csv_peek(const bp__csv_text *text, const char **from, const char **end);

/** A row of one line was read so: it is the row at hand, without its fields.
 *  @param[in] next  behind its line feed; n: how many fields it has
 *  @return false: it is longer than a row may be, and still the next one */
bool bp__csv_pass(bp__csv_text *text, const char *next, size_t n);

/** Whether a field holds these bytes. */
bool bp__csv_is(const bp__csv_field *field, const char *text);

#endif
