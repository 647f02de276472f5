/** @file tests/history/history.h
 * What happened in a run: one record per call, kept in memory by the thread that made the call, and brought
 * together at rank 0 when all is over.
 *
 * Times are ns of CLOCK_MONOTONIC, which all processes of a machine share. What a call did, it did at some
 * moment between its begin and its end.
 */
#ifndef TESTS_HISTORY_HISTORY_H
#define TESTS_HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum event_kind { EVENT_GET, EVENT_INVALIDATE, EVENT_REWRITE, EVENT_SAMPLE, EVENT_AGES } event_kind;

#define EVERY_BUNDLE 255 /**< EVENT_INVALIDATE: all of them */

typedef struct event {
    uint64_t begin, end;
    union {
        struct {
            uint64_t held_until; /**< just before it was released */
            uint64_t generation;
            uint32_t version;       /**< as the values say; 0: they do not agree, or are another bundle's */
            uint32_t version_later; /**< the same, checked again just before release */
        } get;
        struct {
            uint32_t version; /**< the file held it from some moment between begin and end */
        } rewrite;
        struct {
            uint64_t number; /**< of the coordinator's question; a node told its ages between begin and end */
        } ages;
        struct {
            uint64_t bytes_resident, bytes_peak;
            uint32_t pool_size, loads, evictions;
        } sample;
    };
    int32_t code; /**< bp_status of the call */
    uint16_t rank;
    uint8_t kind; /**< event_kind */
    uint8_t bundle;
} event;

/** A log; all zero is an empty one. Used by one thread at a time. */
typedef struct history {
    event *event;
    size_t used, room;
    bool lost; /**< there was no memory for an event */
} history;

/** Make room for `more` events beyond those in use, so that adding them costs no time. */
void history_reserve(history *h, size_t more);

void history_add(history *h, const event *e);

/** Add what is in `from`, and empty it. */
void history_take(history *h, history *from);

void history_fini(history *h);

/** Collective over MPI_COMM_WORLD: everything at the end of rank 0's log, the others' empty.
 *  @return false on every rank if a log has lost an event */
bool history_gather(history *h);

#endif
