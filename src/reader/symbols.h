/** @file src/reader/symbols.h
 * Who had which symbol, and when.
 *
 * Spellings. A symbol is a company, and perhaps a share class behind the first of . / - _ in it; case does
 * not matter. The strict spelling keeps the two apart, the fuzzy one joins them: BRK.A and brk_a are one
 * symbol strictly, and BRKA is fuzzily a third way to write it.
 *
 * Periods of one strict spelling stand together, by start; a period ends where the next begins, and the last
 * never does, as zipline has it.
 */
#ifndef BP_READER_SYMBOLS_H
#define BP_READER_SYMBOLS_H

#include <bundlepool/bundle.h>

#include "core/status.h"
#include "reader/sorted.h"

typedef struct bp__owner {
    int64_t sid, start, end; /**< as in the bundle; BP_TIME_MISSING: not known */
    int64_t contested;       /**< until then somebody else says so too; BP_TIME_MISSING: never */
    uint32_t symbol;         /**< text */
    uint32_t group;          /**< strict spelling */
} bp__owner;

/** A strict spelling: periods begin … begin + count - 1. */
typedef struct bp__spelling {
    uint32_t begin, count;
    bool several; /**< owners, in the course of time */
} bp__spelling;

typedef struct bp__symbols {
    const bp_bundle *bundle;
    size_t num;       /**< periods */
    bp__owner *owner; /**< [num] by group, start, end, sid */
    size_t num_groups;
    bp__spelling *group;        /**< [num_groups] by hash of the strict spelling */
    int64_t *hash, *fuzzy_hash; /**< [num_groups] ascending */
    uint32_t *fuzzy_group;      /**< [num_groups] by fuzzy_hash */
    bp__sorted strict, fuzzy;
    int64_t *sid;     /**< [num] ascending */
    uint32_t *of_sid; /**< [num] periods by sid, start, end */
    bp__sorted by_sid;
} bp__symbols;

/** An order of symbols in which those of one spelling, strict or fuzzy, are equal. */
int bp__symbols_compare(const char *a, const char *b, bool fuzzy);

/** @param[in] owner  [num] copied; what has an empty symbol is left out
 *  @param[out] symbols  bp__symbols_fini(), after a failure too
 *  @retval BP_ENOMEM  (without a text) @retval BP_ERANGE */
bp_status bp__symbols_init(bp__symbols *symbols, const bp_bundle *bundle, const bp__owner *owner, size_t num);
void bp__symbols_fini(bp__symbols *symbols);

/** The periods of a strict spelling; false: nobody ever had it. */
bool bp__symbols_strict(const bp__symbols *symbols, const char *symbol, bp__spelling *spelling);

/** Walk the strict spellings that are fuzzily as `symbol`: `*at` is 0 at first. @return false: no more */
bool bp__symbols_fuzzy(const bp__symbols *symbols, const char *symbol, size_t *at, bp__spelling *spelling);

/** The period of a spelling in which a day lies; NULL: before the first. */
const bp__owner *bp__symbols_on(const bp__symbols *symbols, bp__spelling spelling, int64_t day);

#endif
