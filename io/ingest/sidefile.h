/** @file io/ingest/sidefile.h
 * What a folder of CSV files cannot say with bars alone, and `bundle export csvdir` writes beside them:
 * sids, names, symbols over time, lifetimes, adjustments with all their dates, sessions. Each file may be
 * missing.
 *
 *     assets.csv
 *     sid,symbol[,name,exchange,currency,start_date,end_date,first_traded,auto_close_date,file,
 *                      price_factor,volume_factor,minute_price_factor,minute_volume_factor]
 *     symbols.csv      sid,symbol,start_date,end_date
 *     adjustments.csv
 *     kind,sid[,effective_date,ex_date,declared_date,record_date,pay_date,payment_sid,ratio,amount]
 *     sessions.csv     session[,market_open,market_close,daily]
 *     bundle.csv       key,value
 *
 * daily: 0 or empty: a session of the calendar; 1: of the daily bars as well; 2: of the daily bars alone; 3: of minute
 * bars alone.
 *
 * One thread.
 */
#ifndef BP_IO_INGEST_SIDEFILE_H
#define BP_IO_INGEST_SIDEFILE_H

#include "io/ingest/csvwork.h"

typedef struct bp__side_asset {
    bp__draft_asset asset; /**< texts owned */
    char *file;            /**< stem of its CSV files; owned */
    uint64_t line;         /**< of assets.csv */
    double factor[BP__NUM_FRAMES][BP__NUM_SCALES];
} bp__side_asset;

typedef struct bp__side {
    bool has_assets, has_adjustments;
    bool incomplete;                  /**< rows of assets.csv have errors */
    BP__TABLE(bp__side_asset) assets; /**< in the order of the file, one of each sid */
    size_t num_files;                 /**< without assets.csv: sids are 0 .. num_files - 1 */
    size_t own_mappings;              /**< of the draft that are not from symbols.csv, and come first */
    BP__TABLE(uint64_t) lines;        /**< of symbols.csv: of the mappings that are from there */
} bp__side;

/** Read assets.csv, and see whether there is adjustments.csv. Errors of rows go to the report. */
bp_status bp__side_read(bp__csv_work *work, const char *dir, bp__side *side);
void bp__side_fini(bp__side *side);

/** Put what the other files say into the draft, for assets that are in it already. An adjustment of a sid that
 *  the folder does not have is an error.
 *  @param[out] symbols, sessions  whether they said something about these */
bp_status bp__side_add(bp__csv_work *work, const char *dir, bp__side *side, bool *symbols, bool *sessions);

/** Errors for two assets that have one symbol at one time. They are warnings where the assets are of two exchanges: a
 *  bundle that was imported may hold those of several countries. When the draft has all mappings and bars. */
bp_status bp__side_check_symbols(bp__csv_work *work, const char *dir, const bp__side *side);

#endif
