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
} row;

/* Regular hours of the main session, pauses at noon included, as they are today. */
static const row rows[] = {
    {"24/7", "24x7,247,ALWAYS_OPEN", "UTC", "", 0, HM(24, 0), true},
    {"XNYS", "NYSE,XASE,AMEX,ARCX,BATS", "America/New_York", "US", HM(9, 30), HM(16, 0), false},
    {"XNAS", "NASDAQ", "America/New_York", "US", HM(9, 30), HM(16, 0), false},
    {"XLON", "LSE", "Europe/London", "GB", HM(8, 0), HM(16, 30), false},
    {"XTKS", "JPX,TSE", "Asia/Tokyo", "JP", HM(9, 0), HM(15, 30), false},
    {"XHKG", "HKEX", "Asia/Hong_Kong", "HK", HM(9, 30), HM(16, 0), false},
    {"XETR", "XETRA", "Europe/Berlin", "DE", HM(9, 0), HM(17, 30), false},
    {"XFRA", "FWB", "Europe/Berlin", "DE", HM(8, 0), HM(22, 0), false},
    {"XPAR", "", "Europe/Paris", "FR", HM(9, 0), HM(17, 30), false},
    {"XAMS", "", "Europe/Amsterdam", "NL", HM(9, 0), HM(17, 30), false},
    {"XBRU", "", "Europe/Brussels", "BE", HM(9, 0), HM(17, 30), false},
    {"XLIS", "", "Europe/Lisbon", "PT", HM(8, 0), HM(16, 30), false},
    {"XMIL", "", "Europe/Rome", "IT", HM(9, 0), HM(17, 30), false},
    {"XMAD", "BMEX", "Europe/Madrid", "ES", HM(9, 0), HM(17, 30), false},
    {"XSWX", "SIX", "Europe/Zurich", "CH", HM(9, 0), HM(17, 30), false},
    {"XSTO", "", "Europe/Stockholm", "SE", HM(9, 0), HM(17, 30), false},
    {"XTSE", "TSX", "America/Toronto", "CA", HM(9, 30), HM(16, 0), false},
    {"XASX", "ASX", "Australia/Sydney", "AU", HM(10, 0), HM(16, 0), false},
    {"XSHG", "SSE", "Asia/Shanghai", "CN", HM(9, 30), HM(15, 0), false},
    {"XSHE", "SZSE", "Asia/Shanghai", "CN", HM(9, 30), HM(15, 0), false},
    {"XBOM", "BSE", "Asia/Kolkata", "IN", HM(9, 15), HM(15, 30), false},
    {"XNSE", "NSE", "Asia/Kolkata", "IN", HM(9, 15), HM(15, 30), false},
    {"XKRX", "KRX", "Asia/Seoul", "KR", HM(9, 0), HM(15, 30), false},
    {"XSES", "SGX", "Asia/Singapore", "SG", HM(9, 0), HM(17, 0), false},
    {"BVMF", "B3", "America/Sao_Paulo", "BR", HM(10, 0), HM(17, 0), false},
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
