/* Dates, times and numbers in cells, as vendors write them, and as options have them: what is read is a time or a number that
 * there is, and reads back as the same from the way it is shown.
 *
 * An input is lines: a format, or none; then a cell in each.
 */
#include <math.h>

#include "core/day.h"
#include "core/number.h"
#include "fuzz.h"
#include "io/ingest/cell.h"
#include "io/ingest/when.h"

#define DAY (INT64_C(86400) * 1000000000)

/* A cell is followed by one more byte that is no digit. */
static char *cell_of(const char *text, bp__csv_field *field)
{
    char *cell = fuzz_copy(text, strlen(text) + 1);
    cell[strlen(text)] = '\n';
    *field = (bp__csv_field){.text = cell, .size = (uint32_t)strlen(text)};
    return cell;
}

static void look_at(const bp__moment *m)
{
    char text[32];
    int64_t again;
    FUZZ_HOLDS(m->day % DAY == 0);
    FUZZ_HOLDS(bp__day_from(bp__day_text(m->day, text), &again) == BP_OK && again == m->day);
    FUZZ_HOLDS(!m->is_midnight || m->has_time || m->ns == m->day || !m->has_time);
    (void)bp__time_text(m->ns, text);
    (void)bp__iso_text(m->ns, text);
}

static void try_when(const char *format, const bp__zone *zone, const bp__csv_field *date,
                     const bp__csv_field *time)
{
    bp__when how = {.format = format, .zone = zone, .has_zone = zone != NULL};
    bp__moment m, again;
    const char *wrong = bp__when_read(&how, date, time, &m);
    if (!wrong) {
        look_at(&m);
        FUZZ_HOLDS(!bp__when_read(&how, date, time, &again)); /* also when its zone is known by then */
        FUZZ_HOLDS(m.day == again.day && m.ns == again.ns && m.later == again.later);
    } else {
        FUZZ_HOLDS(*wrong != '\0');
    }
    bp__when_fini(&how);
}

static void try_day(const char *text)
{
    char shown[32];
    int64_t ns;
    if (bp__day_from(text, &ns) == BP_OK)
        FUZZ_HOLDS(strcmp(bp__day_text(ns, shown), text) == 0 && bp__day_of(ns) == ns);
    else
        FUZZ_HOLDS(*bp_error_text() != '\0');
}

static void try_number(const char *text, const bp__csv_field *field)
{
    double x, again;
    char shown[32], mark;
    int decimals;
    if (bp__number_from(text, strlen(text), &x)) {
        FUZZ_HOLDS(isfinite(x) && !(x == 0 && signbit(x)));
        bp__number_text(x, shown);
        FUZZ_HOLDS(bp__number_from(shown, strlen(shown), &again) && again == x);
    }
    (void)bp__cell_grouping(field, &mark);
    (void)bp__cell_is_missing(field);
    for (int way = 0; way < 6; way++) {
        bp__numbers how = {.commas = way % 2 == 0, .point = way < 2 ? 0 : way < 4 ? '.' : ','};
        const bp__cell kind = bp__cell_number(&how, field, way == 1, 7, &x, &decimals);
        FUZZ_HOLDS(kind != BP__CELL_NUMBER || isfinite(x));
        FUZZ_HOLDS(kind != BP__CELL_MISSING || isnan(x));
        const bp__cell ratio = bp__cell_ratio(&how, field, 8, &x);
        FUZZ_HOLDS(ratio != BP__CELL_NUMBER || isfinite(x));
    }
}

static void try_cell(const char *format, const bp__zone *zone, const char *text, const bp__csv_field *before)
{
    bp__csv_field field;
    char *cell = cell_of(text, &field);
    try_when(NULL, NULL, &field, NULL);
    try_when(format, zone, &field, NULL);
    try_when(format, zone, &field, before);
    (void)bp__when_is_date(&field);
    try_day(text);
    try_number(text, &field);
    free(cell);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static bp__zone *zone;
    fuzz_tape tape = {bytes, size};
    bp__csv_field before;
    if (!zone && bp__zone_load("America/New_York", &zone) != BP_OK) /* the system may have no zones */
        FUZZ_HOLDS(bp__zone_load("UTC", &zone) == BP_OK);
    char *format = fuzz_take_line(&tape), *line, *kept = cell_of("09:31", &before);
    const bool has_format = format && *format && bp__when_check_format(format) == BP_OK;
    for (int n = 0; n < 20 && (line = fuzz_take_line(&tape)); n++) {
        try_cell(has_format ? format : NULL, zone, line, &before);
        free(kept);
        kept = cell_of(line, &before);
        free(line);
    }
    free(kept);
    free(format);
    return 0;
}

size_t fuzz_seed(unsigned number, uint8_t *bytes)
{
    static const char *const texts[] = {
        "\n2020-01-31\n20200131\n2020/1/31\nJan 31, 2020\n31-Jan-2020\n202001310931\n2020-01-31T09:31:00.123456789Z\n",
        "DD/MM/YYYY\n31/01/2020\n31/01/2020 9:31 PM\n9:31 AM\n0931\n093100\n2020-01-31\n",
        "YYMMDD hh:mm:ss\n200131 09:31:00\n2020-11-01 01:30:00\n2020-03-08 02:30\n2020-01-31 09:31 EST\n",
        "MON DD YYYY\nFeb 29 2020\n2020-01-31 09:31:00+01:00\n2020-01-31 09:31 -0500\n2020-01-31 9:31 Europe/London\n",
        "ms\n1580463060000\n1580463060\n-1\n9223372036854775807\n1580463060000000000\n",
        "s\n1,234.50\n1.234,50\n$1234.5\n1e3\n1.5M\n#N/A\n2:1\n7-for-1\n1/2\n+1\n-0\n1e-320\n1.7976931348623157e308\n"};
    return FUZZ_TEXTS(texts, number, bytes);
}
