/** @file mpi/coordinator_private.h
 * State of the coordinator, shared by coordinator.c (what happens to slots) and room.c (who has to go). */
#ifndef BP_MPI_COORDINATOR_PRIVATE_H
#define BP_MPI_COORDINATOR_PRIVATE_H

#include "mpi/coordinator.h"

typedef struct bp__entry {
    bp__fill fill; /**< what the last command made it */
    bool listed;
    uint64_t generation;
    char name[BP_NAME_MAX + 1];
    bp__extent extent;
    bp__identity identity;
    bp__load *load; /**< in FILL */
    bool filled;    /**< in FILL: rank 0's node has ended, load->code tells how */
    bool voted;     /**< in FILL: all other nodes have ended */
} bp__entry;

/** Somebody waits for an answer until a command has been applied everywhere, or for a state. */
typedef struct bp__waiting {
    struct bp__waiting *next;
    bp__address from;
    uint64_t after; /**< number of a command */
} bp__waiting;

/** A name that is wanted while no slot is free. */
typedef struct bp__wanted {
    struct bp__wanted *next;
    char name[BP_NAME_MAX + 1];
} bp__wanted;

typedef struct bp__room {
    bp__load *first, **last;  /**< planned loads in the order in which they came */
    struct timespec deadline; /**< for the pins that the first waits for to go */
    bool has_deadline;
    bool asked; /**< ages are awaited */
    struct timespec next_ask;
    bool may_ask_now; /**< something has changed since the last ages */
    bp__age *ages;    /**< [num_slots] of all nodes together, as last heard */
} bp__room;

struct bp__coordinator {
    bp_config cfg;
    int num_nodes;
    uint32_t num_slots;
    int64_t max_bundles;
    bp__entry *entry; /**< [num_slots] */
    bp__arena *arena;
    bp__loads *loads;
    bp__downlink down;
    bp__room room;
    uint64_t last_command, last_generation, acked;
    int in_flight;         /**< loads and looks that exist */
    double ns_per_byte[2]; /**< of image, from FILL to the last vote: decoded, stored; 0: not tried yet */
    bool one_machine;      /**< all nodes are virtual ones of one machine */
    int filling;           /**< of them, loads that have an extent and are not READY yet */
    int ended;             /**< of those, loads that have ended on rank 0's node */
    bool stopping, stopped, all_done;
    bp__waiting *invalidating, *resizing, *stats_waiting, *stats_asked;
    bp__wanted *wanted;
    bp__report report; /**< loads … load_ns, peak are kept here; the rest is filled in when asked */
};

/** Number, send. */
void bp__coordinator_send(bp__coordinator *c, bp__command *command);

/** listed := 0 */
void bp__coordinator_unlist(bp__coordinator *c, uint32_t slot);

/** End a load that failed: FAIL, and forget it. */
void bp__coordinator_fail(bp__coordinator *c, bp__load *load, bp_status code, const char *text);

/** Listed bundles in FILL or READY. */
int64_t bp__coordinator_listed(const bp__coordinator *c);

/** Queue a planned load for room. */
void bp__room_enter(bp__coordinator *c, bp__load *load);

/** A load has got everywhere, or has failed: remember how long that took. */
void bp__room_filled(bp__coordinator *c, const bp__load *load);

/** The ages of all nodes. */
void bp__room_ages(bp__coordinator *c, const bp__age *ages);

/** Give room to whom it can be given; ask for ages, choose victims. @return whether anything was done */
bool bp__room_step(bp__coordinator *c);

#endif
