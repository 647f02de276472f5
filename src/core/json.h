/** @file src/core/json.h
 * Writes JSON to a stream: the caller opens and closes, commas and escapes are made here.
 *
 *     bp__json j = {.file = stdout};
 *     bp__json_open(&j, NULL, '{'); bp__json_text(&j, "name", "demo"); bp__json_close(&j, '}');
 *
 * `key` is NULL in an array and for the outermost value. One thread. Its owner has to notice that a
 * stream has failed.
 */
#ifndef BP_CORE_JSON_H
#define BP_CORE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct bp__json { /* all but these two zeroed to begin with */
    FILE *file;           /**< borrowed */
    bool one_line;        /**< no line breaks inside */
    int depth;
    bool behind; /**< something stands before the next value on this level */
} bp__json;

void bp__json_open(bp__json *j, const char *key, char bracket);
void bp__json_close(bp__json *j, char bracket);
void bp__json_int(bp__json *j, const char *key, int64_t value);
void bp__json_number(bp__json *j, const char *key, double value); /**< null where it is not finite */
void bp__json_bool(bp__json *j, const char *key, bool value);

/** Bytes that are not UTF-8 become U+FFFD. */
void bp__json_text(bp__json *j, const char *key, const char *text);

#endif
