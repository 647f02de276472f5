/* CSV files of bars, read row by row: what is read on the fast way is what is read on the usual one, with the same remarks,
 * and every value of a good row is one that a bar may have.
 *
 * An input is a file. Its first line may be "!" and a digit, which say how it is read.
 */
#include <math.h>

#include "file.h"
#include "io/ingest/csvfile.h"

#define MOST_ROWS 500

enum { ADJUSTED = 1, NO_EVENTS = 2, UTC = 4, COMMA = 8 };

typedef struct reading {
    bp__report *report;
    bp__remarks *remarks;
    bp_status status;
    char *told; /* owned */
    size_t n;
    bp__csv_row row[MOST_ROWS];
} reading;

static void look_at(const bp__csv_file *file, const bp__csv_row *row)
{
    FUZZ_HOLDS(row->line > 0);
    if (!row->good) return;
    for (int c = 0; c < BP__NUM_FIELDS; c++)
        FUZZ_HOLDS(isnan(row->value[c]) || (isfinite(row->value[c]) && row->value[c] >= 0));
    FUZZ_HOLDS(row->dividend >= 0 && isfinite(row->dividend) && row->split > 0 && isfinite(row->split));
    if (!file->rules->options->date_format) FUZZ_HOLDS(row->when.day % (INT64_C(86400) * 1000000000) == 0);
}

static bp_status read_rows(bp__csv_file *file, reading *r)
{
    bp__input_stamp stamp;
    for (bool more = true; r->n < MOST_ROWS; r->n++) {
        bp__csv_row *row = &r->row[r->n];
        memset(row, 0, sizeof *row);
        BP_TRY(bp__csv_row_next(file, row, &more));
        if (!more) return bp__csv_finish(file, &stamp);
        look_at(file, row);
    }
    return BP_OK;
}

/* @param[in] plain  whether plain rows may be read on their own way */
static void read_file(const char *path, int frame, bp__csv_rules *rules, bool plain, reading *r)
{
    static bp__csv_file file;
    size_t size;
    r->n = 0;
    FUZZ_HOLDS(bp__report_create(100, &r->report) == BP_OK && bp__remarks_create(&r->remarks) == BP_OK);
    rules->report = r->report;
    rules->remarks = r->remarks;
    r->status = bp__csv_open(path, frame, rules, &file);
    if (r->status == BP_OK) {
        if (!plain) memset(&file.plain, 0, sizeof file.plain);
        r->status = read_rows(&file, r);
        bp__csv_check_symbol(&file, "ABC");
        bp__csv_close(&file);
    }
    FUZZ_HOLDS(r->status == BP_OK || strstr(bp_error_text(), path) || r->status == BP_ENOMEM);
    bp__remarks_tell(r->remarks, r->report);
    FILE *out = open_memstream(&r->told, &size);
    FUZZ_HOLDS(out != NULL);
    bp__report_print(r->report, out);
    FUZZ_HOLDS(fclose(out) == 0);
    bp__remarks_destroy(&r->remarks);
    bp__report_destroy(&r->report);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void compare(const reading *a, const reading *b)
{
    FUZZ_HOLDS(a->status == b->status && a->n == b->n && strcmp(a->told, b->told) == 0);
    for (size_t i = 0; i < a->n; i++) {
        const bp__csv_row *x = &a->row[i], *y = &b->row[i];
        FUZZ_HOLDS(x->line == y->line && x->good == y->good);
        if (!x->good) continue;
        FUZZ_HOLDS(x->when.day == y->when.day);
        for (int c = 0; c < BP__NUM_FIELDS; c++) FUZZ_HOLDS(same_number(x->value[c], y->value[c]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static reading fast, usual;
    static bp__zone *utc;
    unsigned how = 0;
    if (!utc) FUZZ_HOLDS(bp__zone_load("UTC", &utc) == BP_OK);
    if (size >= 3 && bytes[0] == '!' && bytes[2] == '\n') {
        how = bytes[1];
        bytes += 3;
        size -= 3;
    }
    const bp__ingest_options options = {.adjusted = (how & ADJUSTED) != 0,
                                        .decimal = how & COMMA ? ',' : 0,
                                        .timezone = how & UTC ? "UTC" : NULL};
    bp__csv_rules rules = {.options = &options,
                           .zone = how & UTC ? utc : NULL,
                           .no_events = (how & NO_EVENTS) != 0,
                           .may_be_empty = true};
    const char *path = fuzz_file(bytes, size);
    const int frame = (int)(how / 16 % 3); /* BP__DAILY, BP__MINUTE, and a table */
    read_file(path, frame, &rules, true, &fast);
    read_file(path, frame, &rules, false, &usual);
    compare(&fast, &usual);
    free(fast.told);
    free(usual.told);
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const char *const files[] = {
        "date,open,high,low,close,volume\n2020-01-30,10.25,11.5,9.75,10.1,123456\n2020-01-31,10.25,11,9.75,10,1e3\r\n"
        "2020-02-01,0,1,2,1,0\n",
        "!1\nDate,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits\n"
        "2020-01-02,1,2,1,1.5,1.4,100,0.5,0\n2020-01-03,1,2,1,1.5,1.5,100,,2:1\n",
        "!0\nDatum;Open;High;Low;Close;Volume\n2020-01-02;1.234,5;1.300,25;1.200;1.250,75;1.000.000\n",
        "!8\n\"date\"\t\"open\"\t\"high\"\t\"low\"\t\"close\"\n20200102\t1,5\t2,5\t\"1\"\t1,75\n\n\t\t\t\t\n",
        "!D\nsome title\ntime,open,high,low,close,volume\n2020-10-25 09:31:00-0500,1,2,1,1.5,7\n"
        "1603623060,1,2,1,1.5,7\n1603623120000,1,2,1,1.5,7\n",
        "!P\nsymbol,date,time,open,high,low,close,volume\nABC,2020-01-02,09:31,1,2,1,1.5,100\nX.Y,\"Jan 2, "
        "2020\",9:32 PM,1,2,1,1.5,1.5M\n",
        "!0\nPrice,Close,High,Low,Open,Volume\nTicker,ABC,ABC,ABC,ABC,ABC\nDate,,,,,\n2020-01-02,1,2,1,1.5,null\n",
        "\xef\xbb\xbf"
        "date,open,high,low,close,volume,note\n2020-01-01,1,1,1,1,1,\"a\n\"\"b\"\n31 Jan 2020,$1,1,1,1,--,\n"};
    return FUZZ_TEXTS(files, number, bytes);
}
