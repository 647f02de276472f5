/** @file io/ingest/demo.h
 * A made-up market, for trying things out: the same for the same options, on any machine.
 *
 * Prices are random walks with a market factor, fat tails and a drift per asset; there are splits (2:1, 3:1,
 * and 1:10 for assets that became cheap), quarterly dividends, assets that are listed late or delisted early,
 * and sessions on which an asset did not trade. Sessions are the weekdays from 2010-01-04 on except 1
 * January, 4 July and 25 December, 14:30 to 21:00 UTC.
 */
#ifndef BP_IO_INGEST_DEMO_H
#define BP_IO_INGEST_DEMO_H

#include "io/draft.h"

#define BP__DEMO_MAX_ASSETS 400000
#define BP__DEMO_MAX_DAYS   50000

typedef struct bp__demo_options {
    int64_t assets;      /**< 1..BP__DEMO_MAX_ASSETS */
    int64_t days;        /**< sessions, 1..BP__DEMO_MAX_DAYS */
    int64_t minute_days; /**< minute bars for this many last sessions of each asset; 0: none */
    uint64_t seed;
} bp__demo_options;

/** Fill a draft that was just initialised.
 *  @retval BP_EINVAL  an option is out of range
 *  @retval BP_ENOMEM  the draft holds an unusable part: bp__draft_fini() */
bp_status bp__demo_generate(const bp__demo_options *options, bp__draft *draft);

#endif
