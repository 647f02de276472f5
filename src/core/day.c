#include "core/day.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bundlepool/bundle.h>

#define NS_PER_SECOND INT64_C(1000000000)

int64_t bp__day_of(int64_t ns)
{
    const int64_t in_day = ns % BP_NS_PER_DAY, midnight = ns - in_day;
    if (in_day >= 0 || midnight < INT64_MIN + BP_NS_PER_DAY) return midnight;
    return midnight - BP_NS_PER_DAY;
}

/* March begins the year, so that leap days come last. */
int64_t bp__days_from_civil(int year, int month, int day)
{
    const int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool bp__is_date(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static const char *format(int64_t ns, const char *as, char text[32])
{
    const time_t seconds = (time_t)(ns / NS_PER_SECOND - (ns % NS_PER_SECOND < 0));
    struct tm tm;
    if (ns == BP_TIME_MISSING) return strcpy(text, "-");
    if (!gmtime_r(&seconds, &tm) || strftime(text, 32, as, &tm) == 0) strcpy(text, "?");
    return text;
}

const char *bp__day_text(int64_t ns, char text[32])
{
    return format(ns, "%Y-%m-%d", text);
}

const char *bp__time_text(int64_t ns, char text[32])
{
    return format(ns, ns % BP_NS_PER_DAY == 0 ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", text);
}

const char *bp__iso_text(int64_t ns, char text[32])
{
    return format(ns, "%Y-%m-%dT%H:%M:%S", text);
}

bp_status bp__day_from(const char *text, int64_t *ns)
{
    static const char shape[] = "dddd-dd-dd";
    int year, month, day;
    bool well_formed = strlen(text) == sizeof shape - 1;
    for (size_t i = 0; well_formed && shape[i]; i++)
        well_formed = shape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
    if (!well_formed || sscanf(text, "%d-%d-%d", &year, &month, &day) != 3 || !bp__is_date(year, month, day))
        BP_FAIL(BP_EINVAL, "'%.60s' is not a date; write YYYY-MM-DD", text);
    if (__builtin_mul_overflow(bp__days_from_civil(year, month, day), BP_NS_PER_DAY, ns))
        BP_FAIL(BP_EINVAL, "%s is out of range; choose a date from 1678-01-01 to 2262-01-01", text);
    return BP_OK;
}
