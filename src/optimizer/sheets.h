/** @file src/optimizer/sheets.h
 * What one backtest did, as four sheets: equity, trades, positions, and orders that were not filled; each as CSV or as an
 * array in JSON. The columns are described in the man page.
 *
 * Steps: bp__sheets_init(), a backtest with sheets.ledger, bp__sheets_end(); then the texts are there.
 */
#ifndef BP_OPTIMIZER_SHEETS_H
#define BP_OPTIMIZER_SHEETS_H

#include <stdio.h>

#include "backtest/backtest.h"

typedef enum bp__sheet_kind {
    BP__EQUITY,
    BP__TRADES,
    BP__POSITIONS,
    BP__UNFILLED,
    BP__NUM_SHEETS
} bp__sheet_kind;
typedef enum bp__sheet_form { BP__SHEET_NONE, BP__SHEET_CSV, BP__SHEET_JSON } bp__sheet_form;

/** Its name, which is that of its option too, and the first line of its CSV. */
const char *bp__sheet_name(bp__sheet_kind kind);
const char *bp__sheet_header(bp__sheet_kind kind);

typedef struct bp__sheet {
    bp__sheet_form form;
    FILE *file; /**< into text */
    char *text; /**< [size], owned */
    size_t size;
    uint64_t rows;
} bp__sheet;

typedef struct bp__sheets {
    bp__ledger ledger; /**< for the backtest */
    bp__sheet sheet[BP__NUM_SHEETS];
    uint64_t orders;   /**< that were given */
    uint64_t unfilled; /**< that were not filled, or not in full */
    const bp__scope *scope;
    double last_equity, peak, income;
    int32_t *given; /**< [given_room] session of each order, by its number */
    uint64_t given_room;
    bool failed; /**< there was no memory */
} bp__sheets;

/** @param[in] form   of each sheet
 *  @param[in] scope  of the backtest; borrowed
 *  @param[in] cash   before the first session
 *  @param[out] sheets  bp__sheets_fini(), after a failure too; stays where it is
 *  @retval BP_ENOMEM */
bp_status bp__sheets_init(const bp__sheet_form form[BP__NUM_SHEETS], const bp__scope *scope, double cash,
                          bp__sheets *sheets);
void bp__sheets_fini(bp__sheets *sheets);

/** The backtest is over. @retval BP_ENOMEM  something is missing in the sheets */
bp_status bp__sheets_end(bp__sheets *sheets);

#endif
