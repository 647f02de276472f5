/** @file io/ingest/zipline_tables.h
 * The tables of assets-N.sqlite as they are: exchanges, equities, who had which symbol. One thread.
 */
#ifndef BP_IO_INGEST_ZIPLINE_TABLES_H
#define BP_IO_INGEST_ZIPLINE_TABLES_H

#include "io/ingest/sqlite.h"
#include "io/ingest/zipline_parts.h"

typedef struct bp__zipline_exchange {
    char *id, *name, *country; /**< owned */
} bp__zipline_exchange;

typedef struct bp__zipline_mapping {
    int64_t sid, start, end;
    char *symbol;        /**< owned */
    const char *country; /**< borrowed from the exchanges */
} bp__zipline_mapping;

typedef struct bp__zipline_tables {
    bp__zipline *z;
    bp__db db;
    BP__TABLE(bp__zipline_exchange) exchanges;
    BP__TABLE(bp__draft_asset) assets; /**< by sid, texts owned; without symbols */
    BP__TABLE(bp__zipline_mapping) mappings;
    bool seconds; /**< some times are in seconds: told once */
} bp__zipline_tables;

/** Read them from the newest version that is there. Rows that are not in order go to the report, and futures,
 *  which are named there, to the sids that are known.
 *
 * @param[out] tables  bp__zipline_tables_fini(), whatever the outcome
 * @retval BP_ENOTFOUND  there is no such file
 * @retval BP_EFORMAT    of another version, or a defect that concerns more than a row
 * @retval BP_EIO, BP_ENOMEM */
bp_status bp__zipline_tables_read(bp__zipline *z, bp__zipline_tables *tables);
void bp__zipline_tables_fini(bp__zipline_tables *tables);

/** The exchange that an asset names; NULL: it is not in the table. */
const bp__zipline_exchange *bp__zipline_exchange_of(const bp__zipline_tables *tables, const char *id);

#endif
