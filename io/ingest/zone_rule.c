#include "io/ingest/zone_rule.h"

#include <ctype.h>

#include "core/day.h"

#define DAY INT64_C(86400)

/* Text ------------------------------------------------------------------------------------------ */

static bool take(const char **text, char c)
{
    if (**text != c) return false;
    (*text)++;
    return true;
}

static bool take_number(const char **text, int low, int high, int *number)
{
    if (!isdigit((unsigned char)**text)) return false;
    for (*number = 0; isdigit((unsigned char)**text); (*text)++) {
        *number = 10 * *number + (**text - '0');
        if (*number > high) return false;
    }
    return *number >= low;
}

/* "EST" or "<+03>" */
static bool take_name(const char **text)
{
    const char *first = *text;
    if (take(text, '<')) {
        while (**text && **text != '>') (*text)++;
        return take(text, '>');
    }
    while (isalpha((unsigned char)**text)) (*text)++;
    return *text - first >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **text, int32_t *seconds)
{
    int hour, minute = 0, second = 0;
    const bool negative = take(text, '-');
    if (!negative) take(text, '+');
    if (!take_number(text, 0, 167, &hour)) return false;
    if (take(text, ':') && !take_number(text, 0, 59, &minute)) return false;
    if (take(text, ':') && !take_number(text, 0, 59, &second)) return false;
    *seconds = hour * 3600 + minute * 60 + second;
    if (negative) *seconds = -*seconds;
    return true;
}

static bool take_change(const char **text, bp__zone_change *change)
{
    if (!take(text, ',')) return false;
    change->kind = '0';
    change->time = 2 * 3600;
    if (take(text, 'M')) {
        change->kind = 'M';
        if (!take_number(text, 1, 12, &change->month) || !take(text, '.') ||
            !take_number(text, 1, 5, &change->week) || !take(text, '.') ||
            !take_number(text, 0, 6, &change->day))
            return false;
    } else if (take(text, 'J')) {
        change->kind = 'J';
        if (!take_number(text, 1, 365, &change->day)) return false;
    } else if (!take_number(text, 0, 365, &change->day)) {
        return false;
    }
    return !take(text, '/') || take_time(text, &change->time);
}

bool bp__zone_rule_from(const char *text, bp__zone_rule *rule)
{
    int32_t west;
    *rule = (bp__zone_rule){0};
    if (!take_name(&text) || !take_time(&text, &west)) return false;
    rule->standard = -west;
    if (!*text) return true;
    rule->has_summer = true;
    rule->summer = rule->standard + 3600;
    if (!take_name(&text)) return false;
    if (*text != ',') {
        if (!take_time(&text, &west)) return false;
        rule->summer = -west;
    }
    return take_change(&text, &rule->begin) && take_change(&text, &rule->end) && !*text;
}

/* Times ----------------------------------------------------------------------------------------- */

static bool is_leap(int year)
{
    return bp__is_date(year, 2, 29);
}

/* Seconds from the epoch to a change in a year, as clocks there showed it before. */
static int64_t local_of(const bp__zone_change *c, int year)
{
    int64_t day;
    if (c->kind == 'M') {
        const int64_t first = bp__days_from_civil(year, c->month, 1);
        const int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
        const int64_t next =
            c->month == 12 ? bp__days_from_civil(year + 1, 1, 1) : bp__days_from_civil(year, c->month + 1, 1);
        while (day >= next) day -= 7; /* week 5: the last one */
    } else {
        day = bp__days_from_civil(year, 1, 1) + c->day;
        if (c->kind == 'J') day += (is_leap(year) && c->day >= 60) - 1;
    }
    return day * DAY + c->time;
}

static int year_of(int64_t t)
{
    int year = (int)(1970 + t / (DAY * 365 + DAY / 4)); /* at most one off */
    while (bp__days_from_civil(year, 1, 1) * DAY > t) year--;
    while (bp__days_from_civil(year + 1, 1, 1) * DAY <= t) year++;
    return year;
}

void bp__zone_rule_at(const bp__zone_rule *rule, int64_t t, int64_t *from, int64_t *to, int32_t *offset)
{
    *from = INT64_MIN;
    *to = INT64_MAX;
    *offset = rule->standard;
    if (!rule->has_summer) return;
    const int year = year_of(t);
    for (int y = year - 1; y <= year + 1; y++) { /* all changes around it: the nearest on each side count */
        const int64_t begin = local_of(&rule->begin, y) - rule->standard;
        const int64_t end = local_of(&rule->end, y) - rule->summer;
        if (begin <= t && begin > *from) *from = begin, *offset = rule->summer;
        if (end <= t && end > *from) *from = end, *offset = rule->standard;
        if (begin > t && begin < *to) *to = begin;
        if (end > t && end < *to) *to = end;
    }
}
