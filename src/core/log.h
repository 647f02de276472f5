/** @file src/core/log.h
 * Lines on stderr, each written by one write(2): "PROGRAM: KIND: text", or with BP_LOG_JSON one JSON object,
 * which has "time" (UTC) and "program", then "level" and "text", or "event" and its fields.
 *
 * Level and format belong to the process: the last pool created, or the program, sets them. Any thread.
 */
#ifndef BP_CORE_LOG_H
#define BP_CORE_LOG_H

#include <stddef.h>

#include <bundlepool/config.h>

void bp__log_setup(const bp_config *cfg);

/** What the library has to say, if the level allows it. */
__attribute__((format(printf, 2, 3))) void bp__log(bp_log_level level, const char *fmt, ...);

/** What a program has to say; control characters become '?'. @param[in] kind  such as "error"; NULL: none */
void bp__log_as(const char *program, const char *kind, const char *text);

typedef struct bp__log_field {
    const char *name;
    const char *text; /**< NULL: it is a number */
    double number;
} bp__log_field;

/** An event with its figures: "PROGRAM: EVENT: name=value name=value". */
void bp__log_event(const char *program, const char *event, const bp__log_field *field, size_t count);

/** Whether lines are JSON. */
bool bp__log_is_json(void);

#endif
