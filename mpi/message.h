/** @file mpi/message.h
 * What the coordinator and the agents tell each other. Plain data: within a node it travels through memory,
 * between nodes in messages.
 *
 * Commands go from the coordinator to every agent in one total order and are numbered; answers go to the
 * agent of one node; notes go from agents to the coordinator.
 */
#ifndef BP_MPI_MESSAGE_H
#define BP_MPI_MESSAGE_H

#include "core/directory.h"

typedef enum bp__command_kind {
    BP__CMD_OPEN,    /**< slot, generation, name */
    BP__CMD_FILL,    /**< slot, extent, stage, stored */
    BP__CMD_READY,   /**< slot, identity, checked */
    BP__CMD_FAIL,    /**< slot, code, text */
    BP__CMD_UNLIST,  /**< slot */
    BP__CMD_RECLAIM, /**< slot; extent.bytes > 0: its pages are to be given back */
    BP__CMD_TRIM,    /**< extent: free pages to be given back */
    BP__CMD_AGES,    /**< every agent sends BP__NOTE_AGES */
    BP__CMD_COUNTS,  /**< every agent sends BP__NOTE_COUNTS */
    BP__CMD_SYNC,    /**< every agent sends BP__NOTE_ACK: it has applied all commands before this one */
    BP__CMD_STOP,    /**< no command follows */
} bp__command_kind;

typedef struct bp__command {
    uint64_t number; /**< 1, 2, … */
    bp__command_kind kind;
    uint32_t slot;
    uint64_t generation;
    bp__extent extent;
    bp__extent stage; /**< BP__CMD_FILL: where the chunks to be decoded lie; empty: there is none */
    bool stored;      /**< BP__CMD_FILL: the stage travels and every node decodes; else the image does */
    bp__identity identity;
    uint64_t checked; /**< ticks of rank 0's node just before the file was last checked */
    bp_status code;
    char name[BP_NAME_MAX + 1];
    char text[BP_ERROR_TEXT_MAX];
} bp__command;

/** Which request of which rank an answer is for. */
typedef struct bp__address {
    int32_t node;
    uint32_t rank; /**< in its node */
    uint32_t box;
    uint32_t number;
} bp__address;

typedef enum bp__note_kind {
    BP__NOTE_MISS,       /**< name: a rank wants it */
    BP__NOTE_CHECK,      /**< name, from, check: is the listed version still the one on disk? */
    BP__NOTE_INVALIDATE, /**< from, name or "" for all */
    BP__NOTE_RESIZE,     /**< from, value */
    BP__NOTE_STATS,      /**< from */
    BP__NOTE_ACK,        /**< value = number of a SYNC that has been applied */
    BP__NOTE_VOTE,       /**< slot, generation, code, damaged, text: whether this node has every byte of it */
    BP__NOTE_DRAINED,    /**< slot, generation */
    BP__NOTE_AGES,       /**< ages[num_slots] */
    BP__NOTE_COUNTS,     /**< counts */
    BP__NOTE_DONE,       /**< after STOP: no note follows */
} bp__note_kind;

/** When a slot was last used on a node, and who pins it there. */
typedef struct bp__age {
    uint64_t age_ns;
    uint32_t pins;
    int32_t pinned_by; /**< world rank of one of those who pin it; -1: nobody does */
} bp__age;

typedef struct bp__note {
    bp__note_kind kind;
    bp__address from;
    uint32_t slot;
    uint64_t generation;
    uint64_t check; /**< its number, as counted by the node that asks */
    int64_t value;
    bp_status code;
    bool damaged; /**< the bytes came, but not as they were sent */
    bp__report counts;
    const bp__age *ages; /**< [num_slots]; borrowed until the sender's next note */
    char name[BP_NAME_MAX + 1];
    char text[BP_ERROR_TEXT_MAX];
} bp__note;

typedef enum bp__answer_kind {
    BP__ANSWER_REQUEST, /**< to one box: code, text, report */
    BP__ANSWER_CHECK,   /**< to the node that asked for the check: current, or start over, or an error */
} bp__answer_kind;

typedef struct bp__answer {
    bp__answer_kind kind;
    bp__address to; /**< node always; the rest for BP__ANSWER_REQUEST */
    uint64_t check;
    bool current;
    uint32_t slot; /**< if current: where the version is */
    uint64_t generation;
    bp_status code;
    bp__report report;
    char text[BP_ERROR_TEXT_MAX];
} bp__answer;

#endif
