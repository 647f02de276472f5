/** @file src/core/json.h
 * Writes JSON to a stream: the caller opens and closes brackets; commas and escapes are taken care of here.
 *
 *     bp__json j = {.file = stdout};
 *     bp__json_open(&j, NULL, '{'); bp__json_text(&j, "name", "demo"); bp__json_close(&j, '}');
 *
 * `key` is NULL in an array and for the outermost value. One thread. It is up to the
 * stream's owner to notice that it has failed.
 */
#ifndef BP_CORE_JSON_H
#define BP_CORE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct bp__json { /* all but these two are zero at first */
    FILE *file;           /**< borrowed */
    bool one_line;        /**< no line breaks inside */
    int depth;
    bool behind; /**< a value precedes the next one on this level */
} bp__json;

void bp__json_open(bp__json *j, const char *key, char bracket);
void bp__json_close(bp__json *j, char bracket);
void bp__json_int(bp__json *j, const char *key, int64_t value);
void bp__json_number(bp__json *j, const char *key, double value); /**< null where it is not finite */
void bp__json_bool(bp__json *j, const char *key, bool value);

/** A value that is JSON already. */
void bp__json_raw(bp__json *j, const char *key, const char *json);

/** Bytes that are not UTF-8 become U+FFFD; what bp__is_control() is escaped. */
void bp__json_text(bp__json *j, const char *key, const char *text);

#endif
