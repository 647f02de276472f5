/** @file mpi/room.h
 * Which load gets memory, when, and which bundles have to go for it.
 *
 * Room only decides: the coordinator carries its decisions out, one after the other, until there are none.
 * Room knows what it is given, the time included, and the books of the arena; it calls neither MPI nor files.
 */
#ifndef BP_MPI_ROOM_H
#define BP_MPI_ROOM_H

#include <bundlepool/config.h>

#include "core/arena.h"
#include "core/lru.h"
#include "mpi/entry.h"
#include "mpi/message.h"

typedef struct bp__room_setup {
    uint32_t num_slots;
    int64_t max_bundles;
    int64_t timeout_ms; /**< how long a load waits for pins alone */
    bp_transfer transfer;
    bool travels;     /**< there are other nodes */
    bool one_machine; /**< all nodes are virtual ones of one machine */
    /* For messages, in words where not in bytes; borrowed. */
    uint64_t most_memory;    /**< the largest pool_memory that the nodes have */
    const char *memory_from; /**< where the pool's memory comes from */
    const char *remedy;      /**< what to do for more than most_memory */
} bp__room_setup;

/** What a planned load needs. */
typedef struct bp__need {
    uint64_t image_bytes;
    uint64_t tables;     /**< bytes of the stage before its chunks; 0: a stage is of no use to it */
    uint64_t chunks;     /**< all of them at once */
    uint64_t least_ring; /**< of the chunks */
    uint64_t decoders;   /**< what those hold that decode from the stage, each in memory of its own */
} bp__need;

typedef struct bp__room {
    bp__room_setup setup; /**< max_bundles is the coordinator's to change */
    bp__arena *arena;     /**< borrowed */
    /* Planned loads by slot, in the order in which they came: a ring of num_slots places. */
    uint32_t *queue;
    uint32_t first, num_waiting;
    bp__need *need; /**< [num_slots] */
    /* Since when only pins have kept the first load in the queue from its memory. */
    bool blocked;
    uint64_t blocked_since_ns;
    /* Ages: [num_slots], of all nodes together, as last heard. */
    bp__age *ages;
    bool asked;       /**< they are awaited */
    bool outdated;    /**< they were asked for on behalf of an earlier first load */
    bool may_ask_now; /**< something has changed since they were last heard */
    uint64_t next_ask_ns;
    /* Victims that were chosen but not named in a decision yet: candidate[next_victim .. num_victims) */
    bp__candidate *candidate; /**< [num_slots] */
    size_t next_victim, num_victims;
    /* Time per byte of image, in ns from FILL to the last vote: decoded, stored; 0: not tried yet. */
    double ns_per_byte[2];
    uint64_t num_starts;
} bp__room;

typedef enum bp__decision_kind {
    BP__ROOM_NOTHING, /**< nothing can be done now */
    BP__ROOM_START,   /**< slot gets extent and stage: FILL */
    BP__ROOM_FAIL,    /**< slot, code, text */
    BP__ROOM_EVICT,   /**< slot: UNLIST */
    BP__ROOM_ASK,     /**< AGES */
} bp__decision_kind;

typedef struct bp__decision {
    bp__decision_kind kind;
    uint32_t slot;
    bp__extent extent;
    bp__extent stage; /**< empty: the loader does without */
    uint64_t
        decoders; /**< bytes at the end of `stage` that are not the stage's: they stand for what decoders hold */
    bool stored; /**< the stage travels, not the image */
    bp_status code;
    char text[BP_ERROR_TEXT_MAX];
} bp__decision;

/** On failure nothing is left. @param[in] arena  borrowed @retval BP_ENOMEM */
bp_status bp__room_init(bp__room *room, const bp__room_setup *setup, bp__arena *arena);
void bp__room_fini(bp__room *room);

/** Queue a planned load, at most one per slot. */
void bp__room_enter(bp__room *room, uint32_t slot, const bp__need *need);

/** Take the first load out of the queue: the pool is shutting down.
 *  @return its slot; BP__NO_SLOT: none waits */
uint32_t bp__room_leave(bp__room *room);

/** Memory was released, or a load has ended: ages are worth asking for at once. */
void bp__room_changed(bp__room *room);

/** The ages of all nodes have come: choose victims, which the next decisions name. */
void bp__room_heard_ages(bp__room *room, const bp__entry *entry, const bp__age *ages);

/** A load with a stage has reached every node, `ns` after its FILL. */
void bp__room_measured(bp__room *room, bool stored, uint64_t image_bytes, uint64_t ns);

/** What to do next; to be carried out before the next call. What START names is reserved in the arena; the
 *  load of START or FAIL has left the queue.
 *  @param[in]  entry     [num_slots]
 *  @param[out] decision  BP__ROOM_NOTHING: call again when something has changed, or a few ms later */
void bp__room_decide(bp__room *room, const bp__entry *entry, uint64_t now_ns, bp__decision *decision);

/** Listed bundles in FILL or READY. */
int64_t bp__room_listed(const bp__entry *entry, uint32_t num_slots);

#endif
