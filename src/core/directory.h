/** @file src/core/directory.h
 * The shared memory by which the processes of one node agree on what is resident: slots, pins, requests.
 *
 * DESIGN
 *
 *     header | buckets | slots | replies [rank][box]      written by the agent only
 *     common: doorbell, claims, turns [slot]              written by every rank
 *     lines [rank]: pins, last uses, request boxes        written by that rank only
 *
 * A slot is one version of one bundle, from the moment somebody asks for it until nobody can see it any
 * more. Its word {generation, fill, listed} says everything that a rank must know at once:
 *
 *     FREE ─► OPEN ─► FILL ─► READY        listed goes to 0 at any time after OPEN, and stays
 *               `───────┴──► FAILED
 *
 * Pinning: (1) find the slot by name, (2) add a pin on one's own line, (3) load the word again: same
 * generation and still listed, or the pin is withdrawn. Unlisting: (1) store the word without `listed`,
 * (2) only then scan the pins of all ranks. All of these are seq_cst: either the pinner sees the
 * slot unlisted, or the scan sees the pin. So a scan that began after the unlist store and found no pin is
 * final ("drained"): the extent may be used again.
 *
 * Decoding: while a slot is in FILL, ranks that wait for it take tasks off its stage (mpi/decoding.h).
 *
 * The agent applies commands, so everything under "agent" is called by one thread of one process.
 * Everything else may be called by any thread of any process of the node. Neither locks nor MPI.
 */
#ifndef BP_CORE_DIRECTORY_H
#define BP_CORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <bundlepool/bundle.h>

#include "core/arena.h"
#include "core/identity.h"
#include "core/status.h"

#define BP__BOXES   4u /**< requests that one rank can have under way at once */
#define BP__NO_SLOT UINT32_MAX
/** Pins of one rank on one slot: half of what can be counted, as several threads may add before a check. */
#define BP__MAX_PINS (UINT64_C(1) << 23)

typedef enum bp__fill {
    BP__SLOT_FREE,
    BP__SLOT_OPEN,
    BP__SLOT_FILL,
    BP__SLOT_READY,
    BP__SLOT_FAILED
} bp__fill;

/* The word of a slot: generation << 8 | fill << 1 | listed. Its low half is a futex. */
static inline uint64_t bp__word(uint64_t generation, bp__fill fill, bool listed)
{
    return generation << 8 | (uint64_t)fill << 1 | (uint64_t)listed;
}
static inline uint64_t bp__word_generation(uint64_t word)
{
    return word >> 8;
}
static inline bp__fill bp__word_fill(uint64_t word)
{
    return (bp__fill)(word >> 1 & 7);
}
static inline bool bp__word_listed(uint64_t word)
{
    return word & 1;
}

/** A bundle's name, ready to be compared and hashed: padded with NULs. */
typedef struct bp__key {
    uint64_t part[(BP_NAME_MAX + 1) / 8];
    uint64_t hash;
} bp__key;

/** @return false if the name is empty or too long (its characters are not checked) */
static inline bool bp__key_from(const char *name, bp__key *key);

typedef struct bp__slot {
    _Atomic uint64_t word;    /**< agent stores (seq_cst), ranks load; pairs with the pins */
    _Atomic uint32_t next;    /**< agent; next slot of the same bucket, BP__NO_SLOT: none */
    _Atomic uint64_t checked; /**< agent; ticks: the file was known to be this version then */
    _Atomic uint64_t name[(BP_NAME_MAX + 1) / 8]; /**< agent at OPEN; a stale read is caught by the word */
    /* Plain: written by the agent before the word says READY or FAILED (release), read by whoever has pinned
     * the slot and seen that word (acquire). */
    bp__extent extent;
    bp__identity identity;
    bp_status code;
    char text[BP_ERROR_TEXT_MAX];
    /* In FILL, for whoever decodes. */
    bp__extent stage; /**< plain, as above; written before the word says FILL; empty: nothing to take */
    _Atomic uint32_t num_tasks; /**< agent's process; 0: not known yet. Stored before `available` */
    _Atomic uint32_t available; /**< agent's process; tasks [0, available) may be taken; a futex */
} bp__slot;

/** The decoding of a slot's stage: written by the agent at FILL, then by the thread in charge and by every
 *  rank that decodes. Ranks are trusted with it. */
typedef struct bp__turns {
    _Atomic uint32_t next;     /**< task to be taken next; BP__NO_TURNS: no more are taken */
    _Atomic uint32_t progress; /**< a futex; counts the rings of bp__dir_ring_decoding() */
    _Atomic uint32_t ranks;    /**< how many decode */
    _Atomic uint32_t failed;   /**< 1: a task could not be decoded by the rank that took it */
    /** The thread in charge; 1: it waits for nobody any more, and decodes again what is not known to be done. */
    _Atomic uint32_t overtaken;
} bp__turns;

#define BP__NO_TURNS UINT32_MAX

/** How much of the machine's free memory the processes of a node may take until one of them looks again how
 *  much there is (mpi/window.c). Written by every rank; a number that cannot be only makes somebody look. */
typedef struct bp__claims {
    _Atomic uint64_t granted;   /**< number of the last look, then bytes that may be taken: 32 bits each */
    _Atomic uint64_t in_flight; /**< bytes of claims under way: granted, perhaps not taken yet */
} bp__claims;

/* What a rank says of its own decoding: slot + 1 in the upper half; in the lower half the task that it has
 * taken, or BP__NO_TURNS if none, though it may still write to the image. 0: it decodes nothing. */
static inline uint64_t bp__mark(uint32_t slot, uint32_t task)
{
    return (uint64_t)(slot + 1) << 32 | task;
}

typedef enum bp__request { BP__MISS, BP__CHECK, BP__INVALIDATE, BP__RESIZE, BP__STATS } bp__request;

/** A rank's request. The rank writes what it wants, then `posted` (release). `closed` == the request's
 *  number: the rank has what it wanted or has given up, and the agent drops its pin. */
typedef struct bp__box {
    _Atomic uint32_t posted; /**< number of the newest request */
    _Atomic uint32_t closed;
    uint32_t kind;  /**< bp__request */
    bool all;       /**< BP__INVALIDATE: every bundle */
    int64_t number; /**< BP__RESIZE: bundles */
    char name[BP_NAME_MAX + 1];
} bp__box;

/** What the cluster's coordinator knows; the payload of BP__STATS. */
typedef struct bp__report {
    uint64_t listed, versions, max_bundles, claimed, peak, budget;
    uint64_t loads, failures, evictions, invalidations, checks;
    uint64_t hits, misses, rank_checks, wait_ns; /**< summed over all ranks of all nodes */
    uint64_t load_ns;
} bp__report;

/** The agent's answer to a box. It writes the answer, then `answered` (release), a futex. */
typedef struct bp__reply {
    _Atomic uint32_t answered; /**< number of the request that this answers */
    bp_status code;
    uint32_t slot; /**< BP__MISS: pinned by the agent until the box is closed */
    uint64_t word; /**< BP__MISS: its generation; BP__CHECK: the current generation, or 0: start over */
    bp__report report;
    char text[BP_ERROR_TEXT_MAX];
} bp__reply;

/** What only its rank writes; each rank's is on pages of its own. */
typedef struct bp__lines {
    _Atomic uint64_t late_hits; /**< hits that went through the slow path */
    _Atomic uint64_t misses;
    _Atomic uint64_t checks; /**< this rank's own checks of a file's identity */
    _Atomic uint64_t wait_ns;
    _Atomic uint64_t decoding; /**< bp__mark() */
    bp__box box[BP__BOXES];
    /* use[slot]: gets in the upper 40 bits, pins in the lower 24, so that one addition on the hit path
     * counts both. Then the ticks of the last use of each slot. */
    _Atomic uint64_t use[];
} bp__lines;

#define BP__ONE_PIN   UINT64_C(1)
#define BP__ONE_GET   (UINT64_C(1) << 24)
#define BP__PINS(use) ((use) & (BP__ONE_GET - 1))
#define BP__GETS(use) ((use) >> 24)

typedef struct bp__dir_header {
    uint64_t magic, layout_id;
    uint32_t num_slots, num_buckets, num_ranks;
    uint32_t max_decoders; /**< processors that this node may use; set by the agent before it serves */
    uint64_t ticks_per_ms;
    _Atomic uint64_t applied; /**< agent; number of the last command */
    _Atomic uint32_t broken;  /**< agent; 1: no request is served any more. Stored (release) after the text */
    char broken_text[BP_ERROR_TEXT_MAX]; /**< why; plain, for whoever has loaded `broken` as 1 (acquire) */
} bp__dir_header;

/** A process' view of its node's control window. */
typedef struct bp__directory {
    bp__dir_header *header;
    _Atomic uint32_t *bucket;
    bp__slot *slot;
    bp__reply *reply; /**< [rank * BP__BOXES + box] */
    _Atomic uint32_t *doorbell;
    bp__claims *claims;
    bp__turns *turns; /**< [num_slots] */
    char *lines;      /**< use bp__dir_lines() */
    size_t lines_stride;
    uint32_t num_slots, bucket_mask, num_ranks;
    uint64_t agent_bytes;  /**< from the start: the part that only the agent writes */
    uint64_t common_bytes; /**< after it: the part that all ranks write */
} bp__directory;

/** Bytes of a control window; every part begins on a page. */
size_t bp__dir_bytes(uint32_t num_slots, uint32_t num_ranks, size_t page);

/** Lay out a view over `memory` (page-aligned); nothing is written. */
void bp__dir_attach(bp__directory *dir, void *memory, uint32_t num_slots, uint32_t num_ranks, size_t page);

/** Agent: set up zeroed memory, once, before any other process reads it. */
void bp__dir_init(bp__directory *dir, uint64_t ticks_per_ms);

/** Any process, after bp__dir_init(). @retval BP_EINVAL  made by another build of this program */
bp_status bp__dir_check(const bp__directory *dir);

static inline bp__lines *bp__dir_lines(const bp__directory *dir, uint32_t rank)
{
    return (bp__lines *)(void *)(dir->lines + rank * dir->lines_stride);
}

static inline _Atomic uint64_t *bp__dir_used(const bp__directory *dir, bp__lines *lines)
{
    return &lines->use[dir->num_slots];
}

/* Ranks ------------------------------------------------------------------------------------------ */

/** Pin the listed slot of a name.
 *  @param[in]  add   BP__ONE_PIN, or BP__ONE_PIN + BP__ONE_GET to count a get as well
 *  @param[out] word  of the slot, as it was when it was pinned while listed
 *  @return the slot; BP__NO_SLOT: none is listed, or it has BP__MAX_PINS of this rank; nothing is pinned */
static inline uint32_t bp__dir_pin(const bp__directory *dir, bp__lines *own, const bp__key *key, uint64_t add,
                                   uint64_t *word);

/** Take back what was added. */
static inline void bp__dir_unpin(bp__lines *own, uint32_t slot, uint64_t add);

/** Take one pin back for a caller that says it has one.
 *  @return false: this rank has none on the slot, so somebody has released twice; nothing has changed */
static inline bool bp__dir_release(bp__lines *own, uint32_t slot);

/** Ring for the agent. */
void bp__dir_ring(const bp__directory *dir);

/** Ring for the thread that is in charge of decoding a slot's stage: a task is done, a rank has left, or
 *  bytes have arrived. */
void bp__dir_ring_decoding(const bp__directory *dir, uint32_t slot);

/** Whether the pool is broken: local, and waits for nothing. @retval BP_EMPI  it is; the text says why */
bp_status bp__dir_whole(const bp__directory *dir);

/** Sleep on a word of the directory like bp__futex_wait(), but hardly longer than the pool is whole: the caller
 *  looks at bp__dir_whole() whenever this returns. @return false if the deadline has passed */
bool bp__dir_wait(const _Atomic uint32_t *word, uint32_t expected, const struct timespec *deadline);

/* Agent ------------------------------------------------------------------------------------------ */

/** The pool is broken: from now on a get finds nothing listed, and whoever waits for a slot finds it FAILED, with
 *  BP_EMPI and this text. What is pinned stays as it is. The first reason stays; no other change may follow. */
void bp__dir_break(bp__directory *dir, const char *text);

/** FREE → OPEN, listed under `name`, which must not be listed yet. */
void bp__dir_open(bp__directory *dir, uint32_t slot, uint64_t generation, const char *name);

/** OPEN → FILL. If there is a stage (stage.bytes > 0), wakes as many waiting ranks as may decode. */
void bp__dir_fill(bp__directory *dir, uint32_t slot, bp__extent extent, bp__extent stage);

/** FILL → READY; `checked` in ticks. Wakes whoever waits. */
void bp__dir_ready(bp__directory *dir, uint32_t slot, const bp__identity *identity, uint64_t checked);

/** OPEN or FILL → FAILED, unlisted. Wakes whoever waits. */
void bp__dir_fail(bp__directory *dir, uint32_t slot, bp_status code, const char *text);

/** listed := 0 */
void bp__dir_unlist(bp__directory *dir, uint32_t slot);

/** READY or FAILED, unlisted and drained → FREE */
void bp__dir_reclaim(bp__directory *dir, uint32_t slot);

/** The name that a slot was last opened under; empty: it never was. */
void bp__dir_name(const bp__directory *dir, uint32_t slot, char name[BP_NAME_MAX + 1]);

/** Slot listed under a name, or BP__NO_SLOT. */
uint32_t bp__dir_find(const bp__directory *dir, const bp__key *key);

/** Pins of all ranks on a slot, without the agent's own. */
uint64_t bp__dir_pins(const bp__directory *dir, uint32_t slot);

/** Ticks of the last use by any rank. */
uint64_t bp__dir_last_use(const bp__directory *dir, uint32_t slot);

/** Add what a rank has counted to hits, misses, rank_checks and wait_ns. Any process. */
void bp__dir_count(const bp__directory *dir, uint32_t rank, bp__report *counts);

/** Check every invariant of the agent's part. @retval BP_EINVAL  the text says which is broken */
bp_status bp__dir_selfcheck(const bp__directory *dir);

#include "core/directory_inline.h"

#endif
