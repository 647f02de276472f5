/** @file io/ingest/source.h
 * What a bundle can be made from: each kind of source is described by a bp__ingest_source, and `bundle` has a
 * table of them (src/bundle/sources.c).
 */
#ifndef BP_IO_INGEST_SOURCE_H
#define BP_IO_INGEST_SOURCE_H

#include "io/draft.h"
#include "io/progress.h"
#include "io/report.h"

typedef struct bp__ingest_options {
    const char *date_format; /**< such as "DD/MM/YYYY"; NULL: what is unambiguous */
    const char *timezone;    /**< of times without one, "America/New_York"; NULL: UTC */
    const char *calendar;    /**< "XNYS", "24/7", …; NULL or "none": not known, so not stated */
    char decimal;            /**< '.' or ',': the decimal mark; 0: as the numbers show it */
    const char *currency;    /**< ISO 4217; NULL: not known */
    const char *sessions;    /**< a file with one day per line, for sources that count sessions; NULL: none */
    const char *symbols;     /**< only these, separated by commas; NULL: all */
    const char *country;     /**< only this one, of an input that may hold several; NULL: all */
    bool adjusted;           /**< work out dividends and splits from pairs of close and adjusted close */
    bool ignore_splits;      /**< --splits ignore: the prices are adjusted for them already */
    bool ignore_dividends;   /**< --dividends ignore: likewise for cash dividends */
    bool keep_going;         /**< leave out bad files, instead of making no bundle */
    unsigned threads;        /**< 0: as many as there are processors */
} bp__ingest_options;

/** An ingest at work. */
typedef struct bp__ingest {
    const bp__ingest_options *options; /**< borrowed */
    bp__report *report; /**< borrowed: errors with file and line, what was skipped, what was assumed */
    bp__progress progress;
    bp__draft *draft; /**< borrowed; just initialised, with its name */
    size_t left_out;  /**< set by sources that leave out assets of a file, not files: how many */
} bp__ingest;

#define BP__INGEST_MAX_PARTS 256

/** Countries of an input, by name. */
typedef struct bp__ingest_parts {
    size_t n;
    char name[BP__INGEST_MAX_PARTS][32];
} bp__ingest_parts;

typedef struct bp__ingest_source {
    const char *verb; /**< "ingest", "import" */
    const char *name; /**< as users type it: "csvdir" */
    const char *help; /**< what it reads, in one line */

    /** Read all of it into the draft, and say in its origin what the source held (bp__origin.content; whoever
     *  called tells the rest of the origin). Does not finish the draft.
     *
     * @param[in] path  of the folder or file to read
     * @retval BP_OK  there may be errors in the report
     * @retval any    it went no further than this; the text names the file and says what is wrong with it
     */
    bp_status (*read)(bp__ingest *in, const char *path);

    /** List the countries of the input. Where there are several, each becomes a bundle of its own, NAME_COUNTRY: read()
     *  is called for each, with options->country. NULL: inputs of this kind have one. */
    bp_status (*parts)(const char *path, bp__ingest_parts *parts);
} bp__ingest_source;

#endif
