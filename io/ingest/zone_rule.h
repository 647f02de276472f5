/** @file io/ingest/zone_rule.h
 * The rule of a time zone for all times to come, as POSIX writes it: "EST5EDT,M3.2.0,M11.1.0". Pure; any
 * thread.
 */
#ifndef BP_IO_INGEST_ZONE_RULE_H
#define BP_IO_INGEST_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bp__zone_change { /* a day of each year, and a time of that day */
    char kind; /**< 'M': weekday of a month, 'J': day 1..365, never 29 February, '0': day 0..365 */
    int month, week, day;
    int32_t time; /**< seconds after the day's local midnight; may be negative, or beyond a day */
} bp__zone_change;

typedef struct bp__zone_rule {
    int32_t standard, summer; /**< seconds east of UTC */
    bool has_summer;
    bp__zone_change begin, end; /**< of summer time */
} bp__zone_rule;

/** @return false: not such a rule */
bool bp__zone_rule_from(const char *text, bp__zone_rule *rule);

/** The offset at a time, and from when to when it is so: UTC seconds, from <= t < to. */
void bp__zone_rule_at(const bp__zone_rule *rule, int64_t t, int64_t *from, int64_t *to, int32_t *offset);

#endif
