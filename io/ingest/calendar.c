#include "io/ingest/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bundlepool/bundle.h>

#include "core/day.h"

#define NS_PER_SEC  INT64_C(1000000000)
#define SEC_PER_DAY INT64_C(86400)
#define HM(h, m)    ((h)*3600 + (m)*60)

typedef struct row {
    const char *name, *others, *zone, *country;
    int32_t open, close; /* seconds after the local midnight */
    bool weekends;
    int32_t since;      /* YYYYMMDD: the same from then on; 0: not known, or they follow the seasons */
    const char *doubts; /* days on which they may be others, or none: see is_doubtful() */
} row;

/* Holidays and half days, as far as a rule tells them; where the rule has changed, all that it has been. */
#define US                                                                                                   \
    "0101 Mo0102 Mo0115-0121 Mo0215-0221 E-2 Mo0525-0531 Fr0618 0619 Mo0620 0703-0705 Mo0901-0907 "          \
    "Th1122-1128 Fr1123-1129 1224-1225 Mo1226 Fr1226"
#define EURONEXT "0101-0102 E-3 E-2 E+1 0501 1222-1231"

/* Regular hours of the main session, pauses at noon included, as they are today. */
static const row rows[] = {
    {"24/7", "24x7,247,ALWAYS_OPEN", "UTC", "", 0, HM(24, 0), true, 16780101, ""},
    {"XNYS", "NYSE,XASE,AMEX,ARCX,BATS", "America/New_York", "US", HM(9, 30), HM(16, 0), false, 20000101, US},
    {"XNAS", "NASDAQ", "America/New_York", "US", HM(9, 30), HM(16, 0), false, 20000101, US},
    {"XLON", "LSE", "Europe/London", "GB", HM(8, 0), HM(16, 30), false, 20000101,
     "0101-0103 E-3 E-2 E+1 Mo0501-0508 Fr0508 Mo0525-0531 0602-0605 Mo0825-0831 1222-1231"},
    {"XTKS", "JPX,TSE", "Asia/Tokyo", "JP", HM(9, 0), HM(15, 30), false, 20250101, "0101-0104 1230-1231"},
    {"XHKG", "HKEX", "Asia/Hong_Kong", "HK", HM(9, 30), HM(16, 0), false, 20130101,
     "0101 0120-0220 1224-1226 1231"},
    {"XETR", "XETRA", "Europe/Berlin", "DE", HM(9, 0), HM(17, 30), false, 20040101,
     "0101 E-2 E+1 0501 E+50 1003 1222-1231"},
    {"XFRA", "FWB", "Europe/Berlin", "DE", HM(8, 0), HM(22, 0), false, 0, ""},
    {"XPAR", "", "Europe/Paris", "FR", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT},
    {"XAMS", "", "Europe/Amsterdam", "NL", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT},
    {"XBRU", "", "Europe/Brussels", "BE", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT},
    {"XLIS", "", "Europe/Lisbon", "PT", HM(8, 0), HM(16, 30), false, 20050101, EURONEXT},
    {"XMIL", "", "Europe/Rome", "IT", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT " 0815"},
    {"XMAD", "BMEX", "Europe/Madrid", "ES", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT},
    {"XSWX", "SIX", "Europe/Zurich", "CH", HM(9, 0), HM(17, 30), false, 20050101, EURONEXT " E+39 E+50 0801"},
    {"XSTO", "", "Europe/Stockholm", "SE", HM(9, 0), HM(17, 30), false, 20050101,
     EURONEXT " 0105-0106 0430 E+38 E+39 0605-0606 Fr0619-0625 Fr1030-1106"},
    {"XTSE", "TSX", "America/Toronto", "CA", HM(9, 30), HM(16, 0), false, 20000101,
     "0101 Mo0102-0103 Mo0215-0221 E-2 Mo0518-0524 0701 Mo0702-0703 Mo0801-0807 Mo0901-0907 Mo1008-1014 "
     "0930 1224-1228"},
    {"XASX", "ASX", "Australia/Sydney", "AU", HM(10, 0), HM(16, 0), false, 20050101,
     "0101-0103 0126 Mo0127-0128 E-2 E+1 0425 Mo0608-0614 1222-1231"},
    {"XSHG", "SSE", "Asia/Shanghai", "CN", HM(9, 30), HM(15, 0), false, 20100101, "0101-0107"},
    {"XSHE", "SZSE", "Asia/Shanghai", "CN", HM(9, 30), HM(15, 0), false, 20100101, "0101-0107"},
    {"XBOM", "BSE", "Asia/Kolkata", "IN", HM(9, 15), HM(15, 30), false, 20110101, "1013-1117"},
    {"XNSE", "NSE", "Asia/Kolkata", "IN", HM(9, 15), HM(15, 30), false, 20110101, "1013-1117"},
    {"XKRX", "KRX", "Asia/Seoul", "KR", HM(9, 0), HM(15, 30), false, 20170101, "0101-0105 1110-1125 1203"},
    {"XSES", "SGX", "Asia/Singapore", "SG", HM(9, 0), HM(17, 0), false, 20120101, "0101 0120-0220 1222-1231"},
    {"BVMF", "B3", "America/Sao_Paulo", "BR", HM(10, 0), HM(17, 0), false, 0, ""},
};

struct bp__calendar {
    const row *row;
    bp__zone *zone; /* NULL: UTC */
};

/* Whether a name is in a list with commas. */
static bool is_among(const char *list, const char *name)
{
    const size_t n = strlen(name);
    while (*list) {
        const size_t length = strcspn(list, ",");
        if (length == n && strncasecmp(list, name, n) == 0) return true;
        list += length + (list[length] == ',');
    }
    return false;
}

bp_status bp__calendar_open(const char *name, bp__calendar **calendar)
{
    char names[256] = "";
    const row *found = NULL;
    *calendar = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s, ", rows[i].name);
        if (strcasecmp(rows[i].name, name) == 0 || is_among(rows[i].others, name)) found = &rows[i];
    }
    if (!found) BP_FAIL(BP_EINVAL, "calendar '%.60s' is not known, choose from %snone", name, names);
    bp__calendar *c = calloc(1, sizeof *c);
    if (!c) BP_FAIL(BP_ENOMEM, "calendar '%s': no memory", name);
    c->row = found;
    const bp_status s = bp__zone_load(found->zone, &c->zone);
    if (bp__failed(s)) {
        free(c);
        return s;
    }
    *calendar = c;
    return BP_OK;
}

void bp__calendar_close(bp__calendar **calendar)
{
    if (*calendar) bp__zone_free(&(*calendar)->zone);
    free(*calendar);
    *calendar = NULL;
}

const char *bp__calendar_name(const bp__calendar *calendar)
{
    return calendar->row->name;
}

const char *bp__calendar_country(const bp__calendar *calendar)
{
    return calendar->row->country;
}

const bp__zone *bp__calendar_zone(const bp__calendar *calendar)
{
    return calendar->zone;
}

bool bp__calendar_hours(const bp__calendar *calendar, int64_t session, int64_t *open, int64_t *close)
{
    *open = *close = BP_TIME_MISSING;
    const int64_t day = session / BP_NS_PER_DAY, midnight = day * SEC_PER_DAY;
    const int64_t weekday = ((day + 4) % 7 + 7) % 7; /* 0: Sunday; 1970-01-01 was a Thursday */
    int64_t utc[2];
    if (!calendar->row->weekends && (weekday == 0 || weekday == 6)) return false;
    /* no exchange opens or closes while clocks are changed */
    if (bp__zone_to_utc(calendar->zone, midnight + calendar->row->open, utc) > 0) *open = utc[0] * NS_PER_SEC;
    if (bp__zone_to_utc(calendar->zone, midnight + calendar->row->close, utc) > 0)
        *close = utc[0] * NS_PER_SEC;
    return true;
}

/* Days on which hours are in doubt ---------------------------------------------------------------- */

/* Easter Sunday of a year in days since the epoch: the first Sunday after the full moon on or after 21 March,
 * by the tables of the Gregorian calendar. */
static int64_t easter(int year)
{
    const int golden = year % 19, century = year / 100;
    const int skipped = century - century / 4,
              drift = (8 * century + 13) / 25;            /* leap days, steps of the moon */
    int moon = (skipped - drift + 19 * golden + 15) % 30; /* days after 21 March */
    if (moon == 29 || (moon == 28 && golden > 10)) moon--;
    const int64_t full = bp__days_from_civil(year, 3, 21) + moon;
    return full + 7 - (full + 4) % 7; /* full + 4: 0 on a Sunday */
}

/* Whether a day is in a list of "0101", "1222-1231": dates MMDD and spans of them, "Mo0115-0121": only if it
 * is a Monday, "E-2": days from Easter Sunday. */
static bool is_doubtful(const char *list, int year, int date, int64_t day)
{
    static const char names[] = "SuMoTuWeThFrSa";
    while (*list) {
        char *end = NULL;
        bool matches = true;
        if (*list == 'E') {
            matches = day == easter(year) + strtol(list + 1, &end, 10);
        } else {
            const int weekday = (int)(((day + 4) % 7 + 7) % 7);
            if (*list > '9') {
                matches = strncmp(list, names + 2 * (size_t)weekday, 2) == 0;
                list += 2;
            }
            const long from = strtol(list, &end, 10), to = *end == '-' ? strtol(end + 1, &end, 10) : from;
            matches &= date >= from && date <= to;
        }
        if (matches) return true;
        list = end + strspn(end, " ");
    }
    return false;
}

bool bp__calendar_knows(const bp__calendar *calendar, int64_t session)
{
    char text[32];
    int year, month, day;
    if (calendar->row->since == 0 ||
        sscanf(bp__day_text(session, text), "%d-%d-%d", &year, &month, &day) != 3)
        return false;
    return 10000 * year + 100 * month + day >= calendar->row->since &&
           !is_doubtful(calendar->row->doubts, year, 100 * month + day, session / BP_NS_PER_DAY);
}
