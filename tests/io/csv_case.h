/* A folder of CSV files for a test, and what an ingest makes of it. */
#ifndef TESTS_IO_CSV_CASE_H
#define TESTS_IO_CSV_CASE_H

#include <CUnit/Basic.h>

#include "io/draft.h"
#include "io/ingest/csvdir.h"
#include "io/ingest/table.h"

#define CSV_HEADER "date,open,high,low,close,volume\n"
#define CSV_LINE   "2020-01-02,1,1,1,1,1\n"

/* The folder of this test; it is made by the first call. */
const char *csv_folder(void);
const char *csv_path(const char *name); /* good until the next call but seven */

/* Write a file; folders on the way are made. */
void csv_put_bytes(const char *name, const void *bytes, size_t size);
void csv_put(const char *name, const char *text);
void csv_put_gzip(const char *name, const char *text);
void csv_empty(void);  /* the folder */
void csv_remove(void); /* and the folder itself */

/* Run the tests of a program, and remove the folder. @return what main() returns */
int csv_main(const char *name, CU_TestInfo *tests);

typedef struct csv_case {
    bp_status status;
    bp__draft draft; /* finished, if the status is BP_OK and there are no errors, or --keep-going was given */
    bp__report *report;
    size_t errors;
    char *told; /* all of the report, then the text of the status */
} csv_case;

/* Read a folder or a table of the folder; "" is the folder itself. options: NULL: none. */
csv_case csv_read(const bp__ingest_source *source, const char *name, const bp__ingest_options *options);
csv_case csv_read_folder(const bp__ingest_options *options);
void csv_end(csv_case *c);

/* Whether the report has a text, with the folder's path as "DIR"; prints what is there if not. */
bool csv_told(const csv_case *c, const char *text);
size_t csv_count(const csv_case *c, const char *text); /* how often */

/* One file daily/X.csv (minute/X.csv) is read; the report must have the text. */
void csv_expect(int frame, const char *file, const char *text, const bp__ingest_options *options);

/* All bars of a series; freed by the caller. @return how many */
size_t csv_bars(const csv_case *c, int frame, int64_t sid, bp__bar **bars);

/* A value of a series; NaN if there is no such bar. */
double csv_value(const csv_case *c, int frame, int64_t sid, size_t bar, int field);

/* "2020-01-02" or "2020-01-02T14:31:00" in ns. */
int64_t csv_ns(const char *text);

#endif
