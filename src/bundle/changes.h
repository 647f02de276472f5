/** @file src/bundle/changes.h
 * What `bundle diff` has found: printed as it is found, for people or as JSON, the first of each kind in words and the others
 * counted.
 */
#ifndef BP_BUNDLE_CHANGES_H
#define BP_BUNDLE_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/json.h"

/* Identifier, name in JSON, words for people. */
#define BP__CHANGE_MAP(X)                                                                                    \
    X(ASSET_ADDED, "asset-added", "asset added")                                                             \
    X(ASSET_REMOVED, "asset-removed", "asset removed")                                                       \
    X(ASSET_RENAMED, "asset-renamed", "asset renamed")                                                       \
    X(ASSET_CHANGED, "asset-changed", "asset changed")                                                       \
    X(SESSION_ADDED, "session-added", "session added")                                                       \
    X(SESSION_REMOVED, "session-removed", "session removed")                                                 \
    X(VALUE, "value-changed", "value changed")                                                               \
    X(MINUTE_ADDED, "minute-bar-added", "minute bar added")                                                  \
    X(MINUTE_REMOVED, "minute-bar-removed", "minute bar removed")                                            \
    X(MINUTE_VALUE, "minute-value-changed", "minute value changed")                                          \
    X(EVENT_ADDED, "event-added", "added")                                                                   \
    X(EVENT_REMOVED, "event-removed", "removed")                                                             \
    X(EVENT_CHANGED, "event-changed", "changed")                                                             \
    X(CALENDAR, "calendar-changed", "calendar changed")                                                      \
    X(OTHER, "other", "changed")

typedef enum bp__change_kind {
#define X(id, name, words) BP__CHANGE_##id,
    BP__CHANGE_MAP(X)
#undef X
        BP__NUM_CHANGES
} bp__change_kind;

typedef struct bp__change {
    bp__change_kind kind;
    const char *symbol;         /**< NULL: about no asset */
    int64_t sid;                /**< with a symbol */
    int64_t date;               /**< BP_TIME_MISSING: none */
    const char *field;          /**< "close", "split", "end_date", ...; NULL: none */
    const char *before, *after; /**< NULL: there is none, or it was not there */
    bool numbers;               /**< that is what the two are */
} bp__change;

typedef struct bp__changes {
    uint64_t most;  /**< of each kind that are told in words */
    bp__json *json; /**< an array that is open; NULL: text on stdout */
    uint64_t count[BP__NUM_CHANGES];
} bp__changes;

void bp__changes_add(bp__changes *changes, const bp__change *change);

/** Add one whose values are numbers; NaN is missing. */
void bp__changes_add_numbers(bp__changes *changes, bp__change change, double before, double after);

uint64_t bp__changes_total(const bp__changes *changes);

extern const char *const bp__change_name[BP__NUM_CHANGES];
extern const char *const bp__change_words[BP__NUM_CHANGES];

#endif
