/** @file src/backtest/panel_shelf.h
 * What a cache of panels keeps, in order of use: for panel_cache.c, which holds its lock around every call.
 *
 * DESIGN
 *
 * A search goes through a grid: with a fast and a slow mean, each fast one meets all slow ones, one after the other, and
 * then the next fast one does. A shelf that has no room for all slow ones, and evicts what was used least recently, has
 * always just evicted the one that is needed next: it keeps much and finds nothing. So what has been found again is worth
 * more than what has been used once. The entry to go is
 *  - the least recently used one, if it is stale: since its last use there were more than STALE times as many misses as
 *    there are entries, so that the search has moved on;
 *  - else the newest of those that nobody has found again;
 *  - else the least recently used one.
 * The first rule lets a new grid in, the second one lets a part of a round survive until the next round.
 */
#ifndef BP_BACKTEST_PANEL_SHELF_H
#define BP_BACKTEST_PANEL_SHELF_H

#include <stdatomic.h>

#include "backtest/panel_cache.h"

#define BP__RECIPE_STEPS 8

/** How a panel was made: the column it came from, and each helper since. */
typedef struct bp__recipe {
    uint32_t steps; /**< 0: nobody knows */
    uint64_t step[BP__RECIPE_STEPS];
} bp__recipe;

typedef enum bp__kept_state { BP__KEPT_PENDING, BP__KEPT_READY, BP__KEPT_FAILED } bp__kept_state;

struct bp__kept {
    atomic_size_t holders; /**< whoever takes the last one away frees it */
    bp__panel panel;
    double *own;       /**< its numbers; NULL: they are borrowed */
    bp__kept *part_of; /**< held: what they are borrowed from; NULL: the bundle, or the scope */
    bp__recipe recipe;
    /* the shelf's, under its cache's lock */
    bp__kept_state state;
    bool listed;             /**< in the order of use, and so in `bytes` */
    bool found;              /**< again, since it was made */
    uint64_t used;           /**< misses of the shelf at its last use */
    size_t bytes;            /**< that it counts for */
    bp__kept *newer, *older; /**< in order of use */
    bp__kept *next;          /**< in its bucket; among what is to be let go */
};

/** Entries under their recipes, each held once by the shelf. */
typedef struct bp__shelf {
    bp__kept **bucket;
    size_t num_buckets; /**< a power of two */
    size_t num_known;   /**< in the buckets: those that are pending as well */
    bp__kept *newest, *oldest;
    bp__shelf_stats stats;
} bp__shelf;

/** @param[out] shelf  bp__shelf_fini(), after a failure too @retval BP_ENOMEM  (without a text) */
bp_status bp__shelf_init(bp__shelf *shelf, size_t bound);
void bp__shelf_fini(bp__shelf *shelf);

/** A new entry, held once, pending. @return NULL: no memory */
bp__kept *bp__kept_create(void);

/** The entry of a recipe, pending or ready; NULL: there is none. */
bp__kept *bp__shelf_find(const bp__shelf *shelf, const bp__recipe *recipe);

/** An entry has been found: it is the newest now. */
void bp__shelf_use(bp__shelf *shelf, bp__kept *kept);

/** Make an entry known that is pending, and hold it. */
void bp__shelf_announce(bp__shelf *shelf, bp__kept *kept);

/** Keep an announced entry that is ready, and evict others for it; or give it up, if it does not fit at all.
 *  @return what the shelf does not hold any more, by `next`: to be released without the lock, for it may be large */
bp__kept *bp__shelf_keep(bp__shelf *shelf, bp__kept *kept);

/** Give an announced entry up that could not be made. @return as bp__shelf_keep() */
bp__kept *bp__shelf_forget(bp__shelf *shelf, bp__kept *kept);

/** Let go of a list of entries. */
void bp__kept_release_all(bp__kept *list);

bool bp__shelf_selfcheck(const bp__shelf *shelf);

#endif
