#include "io/ingest/csvplain.h"

#include <math.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "core/day.h"
#include "io/ingest/cell.h"

#define PASSED_OVER (-1)

/* All of them are in the range of times; others get a second look. */
#define FIRST_YEAR 1700
#define LAST_YEAR  2200

void bp__csv_plain_init(bp__csv_plain *plain, const bp__columns *columns)
{
    memset(plain, 0, sizeof *plain);
    memset(plain->what, PASSED_OVER, sizeof plain->what);
    for (int c = 0; c <= BP__COL_DATE; c++)
        if (columns->at[c] != BP__COL_NONE) plain->what[columns->at[c]] = (signed char)c;
    plain->columns = columns->num_fields;
}

/* Dates ----------------------------------------------------------------------------------------- */

static unsigned digit(char c)
{
    return (unsigned char)(c - '0');
}

static bool take_digits(const char *p, int n, int *x)
{
    for (*x = 0; n > 0; n--, p++) {
        if (digit(*p) > 9) return false;
        *x = 10 * *x + (int)digit(*p);
    }
    return true;
}

static bool turn_to_month(bp__csv_plain *plain, const char *p)
{
    int year, month, last = 31;
    if (!take_digits(p, 4, &year) || p[4] != '-' || !take_digits(p + 5, 2, &month) || p[7] != '-')
        return false;
    if (year < FIRST_YEAR || year > LAST_YEAR || !bp__is_date(year, month, 1)) return false;
    while (!bp__is_date(year, month, last)) last--;
    plain->day0 = bp__days_from_civil(year, month, 1) - 1;
    plain->length = (unsigned)last;
    memcpy(plain->month, p, sizeof plain->month);
    return true;
}

/* Behind the text stand more bytes than a date has, none of which is a digit. */
static bool read_date(bp__csv_plain *plain, const char *p, int64_t *day)
{
    if (memcmp(p, plain->month, sizeof plain->month) != 0 && !turn_to_month(plain, p)) return false;
    const unsigned tens = digit(p[8]), ones = digit(p[9]), of_month = 10 * tens + ones;
    if (tens > 9 || ones > 9 || of_month < 1 || of_month > plain->length) return false;
    *day = (plain->day0 + of_month) * BP_NS_PER_DAY;
    return true;
}

/* Rows ------------------------------------------------------------------------------------------ */

/* Where the field ends that begins at `p`; NULL if it is not plain. */
static const char *read_field(bp__csv_plain *plain, const char *p, int what, char separator, char point,
                              bp__csv_plain_row *row)
{
    int decimals;
    if (what == BP__COL_DATE) {
        row->date = p;
        return read_date(plain, p, &row->day) ? p + BP__CSV_DATE_BYTES : NULL;
    }
    if (what == PASSED_OVER) {
        while (*p != separator && *p != '\n') p++;
        return p;
    }
    return bp__cell_plain(p, point, &row->value[what], &decimals);
}

/* Prices of 0, and a high below the low, are remarked on. */
static bool is_usual(const double value[BP__NUM_FIELDS])
{
    return value[BP__OPEN] > 0 && value[BP__HIGH] > 0 && value[BP__LOW] > 0 && value[BP__CLOSE] > 0 &&
           value[BP__HIGH] >= value[BP__LOW];
}

bool bp__csv_plain_next(bp__csv_plain *plain, bp__csv_text *text, char point, bp__csv_plain_row *row)
{
    const char separator = text->separator, *p, *end;
    if (plain->columns == 0 || !point || point == separator || !bp__csv_peek(text, &p, &end)) return false;
    row->value[BP__VOLUME] = NAN;
    for (size_t i = 0; i < plain->columns; i++) {
        if (i > 0 && *p++ != separator) return false;
        p = read_field(plain, p, plain->what[i], separator, point, row);
        if (!p) return false;
    }
    if (*p == '\r') p++;
    if (*p != '\n' || p >= end || !is_usual(row->value)) return false;
    return bp__csv_pass(text, p + 1, plain->columns);
}
