/** @file src/bundle/json.h
 * Prints JSON to stdout: the caller opens and closes, commas and escapes are made here.
 *
 *     bp__json_open(&j, NULL, '{'); bp__json_text(&j, "name", "demo"); bp__json_close(&j, '}');
 *
 * `key` is NULL in an array and for the outermost value. One thread.
 */
#ifndef BP_BUNDLE_JSON_H
#define BP_BUNDLE_JSON_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bp__json { /* zeroed to begin with */
    int depth;
    bool behind; /**< something stands before the next value on this level */
} bp__json;

void bp__json_open(bp__json *j, const char *key, char bracket);
void bp__json_close(bp__json *j, char bracket);
void bp__json_int(bp__json *j, const char *key, int64_t value);
void bp__json_bool(bp__json *j, const char *key, bool value);

/** Bytes that are not UTF-8 become U+FFFD. */
void bp__json_text(bp__json *j, const char *key, const char *text);

#endif
