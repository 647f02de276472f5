#include "io/ingest/when_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/day.h"

static const char nothing_else[] = "is not of the form that --date-format says";

typedef struct cursor {
    const char *p, *end;
} cursor;

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool at_digit(const cursor *c)
{
    return c->p < c->end && is_digit(*c->p);
}

static bool take(cursor *c, char x)
{
    if (c->p == c->end || *c->p != x) return false;
    c->p++;
    return true;
}

static void skip_blanks(cursor *c)
{
    while (c->p < c->end && *c->p == ' ') c->p++;
}

/* A number of `least` to `most` digits. */
static bool take_number(cursor *c, int least, int most, int *x)
{
    int n = 0;
    for (*x = 0; n < most && at_digit(c); n++) *x = 10 * *x + (*c->p++ - '0');
    return n >= least;
}

static size_t digits_ahead(const cursor *c)
{
    size_t n = 0;
    while (c->p + n < c->end && is_digit(c->p[n])) n++;
    return n;
}

/* "Jan" or "January", in any case. */
static bool take_month(cursor *c, int *month)
{
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    const size_t left = (size_t)(c->end - c->p);
    for (int m = 0; m < 12; m++) {
        const size_t full = strlen(names[m]);
        const size_t n = left >= full && strncasecmp(c->p, names[m], full) == 0 ? full : 3;
        if (left < n || strncasecmp(c->p, names[m], n) != 0) continue;
        if (left > n && isalpha((unsigned char)c->p[n])) return false;
        c->p += n;
        *month = m + 1;
        return true;
    }
    return false;
}

static bool set_date(bp__written *w, int year, int month, int day)
{
    if (!bp__is_date(year, month, day)) return false;
    w->days = bp__days_from_civil(year, month, day);
    return true;
}

/* Times of day ---------------------------------------------------------------------------------- */

static bool set_time(bp__written *w, int hour, int minute, int second)
{
    if (hour > 23 || minute > 59 || second > 59)
        return false; /* a leap second has no place in ns since the epoch */
    w->second = hour * 3600 + minute * 60 + second;
    w->has_time = true;
    return true;
}

/* "AM", "PM" behind an hour of 1 .. 12. @return false: there is one, and the hour does not go with it */
static bool take_half(cursor *c, int *hour)
{
    cursor t = *c;
    skip_blanks(&t);
    if (t.end - t.p < 2 || (t.p[1] != 'M' && t.p[1] != 'm') || !strchr("AaPp", t.p[0])) return true;
    if (t.end - t.p > 2 && isalpha((unsigned char)t.p[2])) return true; /* "America/New_York" */
    if (*hour < 1 || *hour > 12) return false;
    *hour = *hour % 12 + (t.p[0] == 'P' || t.p[0] == 'p' ? 12 : 0);
    c->p = t.p + 2;
    return true;
}

static bool take_fraction(cursor *c, int32_t *ns)
{
    int32_t unit = 100000000;
    *ns = 0;
    if (!at_digit(c)) return false;
    for (; at_digit(c); c->p++, unit /= 10) {
        if (unit == 0 && *c->p != '0') return false; /* finer than ns */
        *ns += (*c->p - '0') * unit;
    }
    return true;
}

static bool take_clock(cursor *c, bp__written *w)
{
    int hour, minute, second = 0;
    if (!take_number(c, 1, 2, &hour) || !take(c, ':') || !take_number(c, 2, 2, &minute)) return false;
    if (take(c, ':')) {
        if (!take_number(c, 2, 2, &second)) return false;
        if ((take(c, '.') || take(c, ',')) && !take_fraction(c, &w->ns)) return false;
    }
    return take_half(c, &hour) && set_time(w, hour, minute, second);
}

static bool take_offset(cursor *c, bp__written *w)
{
    int hour, minute = 0;
    const int sign = *c->p++ == '-' ? -1 : 1;
    if (!take_number(c, 2, 2, &hour)) return false;
    if (take(c, ':') ? !take_number(c, 2, 2, &minute) : at_digit(c) && !take_number(c, 2, 2, &minute))
        return false;
    w->kind = BP__WRITTEN_OFFSET;
    w->offset = sign * (hour * 3600 + minute * 60);
    return hour <= 18 && minute <= 59;
}

/* "Z", "+01:00", "EST", "America/New_York", all the rest of the text; nothing is fine, too. */
static bool take_zone(cursor *c, bp__written *w)
{
    static const struct {
        const char *name;
        int hours;
    } known[] = {{"Z", 0},    {"UTC", 0},  {"GMT", 0},  {"EST", -5}, {"EDT", -4}, {"MST", -7}, {"MDT", -6},
                 {"PST", -8}, {"PDT", -7}, {"CDT", -5}, {"CET", 1},  {"CEST", 2}, {"JST", 9},  {"HKT", 8}};
    skip_blanks(c);
    if (c->p == c->end) return true;
    const size_t left = (size_t)(c->end - c->p);
    if (*c->p == '+' || *c->p == '-') return take_offset(c, w) && c->p == c->end;
    w->kind = BP__WRITTEN_OFFSET;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != left || strncasecmp(known[i].name, c->p, left) != 0) continue;
        w->offset = known[i].hours * 3600;
        return true;
    }
    w->kind = BP__WRITTEN_ZONE;
    w->zone = c->p;
    w->zone_size = left;
    return memchr(c->p, '/', left) != NULL && isalpha((unsigned char)*c->p);
}

/* 0931 or 093100 */
static bool take_digits(cursor *c, bp__written *w)
{
    int hour, minute, second = 0;
    const size_t n = digits_ahead(c);
    if ((n != 4 && n != 6) || !take_number(c, 2, 2, &hour) || !take_number(c, 2, 2, &minute)) return false;
    return (n == 4 || take_number(c, 2, 2, &second)) && set_time(w, hour, minute, second);
}

/* What may stand behind a date. */
static bool take_rest(cursor *c, bp__written *w)
{
    if (c->p == c->end) return true;
    if (take(c, 'T') || take(c, 't') || take(c, ' ') || take(c, ';')) {
        skip_blanks(c);
        return (digits_ahead(c) > 2 ? take_digits(c, w) : take_clock(c, w)) && take_zone(c, w);
    }
    return (*c->p == 'Z' || *c->p == '+') &&
           take_zone(c, w); /* an XML date with its zone; '-' would be a guess */
}

bool bp__written_time(const bp__csv_field *field, bp__written *written)
{
    cursor c = {field->text, field->text + field->size};
    const size_t n = digits_ahead(&c);
    return (n > 2 ? take_digits(&c, written) : take_clock(&c, written)) && take_zone(&c, written);
}

/* Counts since the epoch ------------------------------------------------------------------------- */

static bool set_epoch(bp__written *w, int64_t count, int64_t per_second)
{
    w->kind = BP__WRITTEN_EPOCH;
    w->has_time = true;
    w->days = count / per_second;
    int64_t rest = count % per_second;
    if (rest < 0) w->days--, rest += per_second;
    w->ns = (int32_t)(rest * (1000000000 / per_second));
    return true;
}

/* All of the text, as "-86400" or "1593610260.5". */
static bool take_count(cursor *c, int64_t *count, bool *fraction, int32_t *ns)
{
    const bool negative = take(c, '-');
    const size_t n = digits_ahead(c);
    if (n == 0 || n > 19) return false;
    uint64_t x = 0;
    for (; at_digit(c); c->p++) x = 10 * x + (uint64_t)(*c->p - '0');
    if (x > INT64_MAX) return false;
    *count = negative ? -(int64_t)x : (int64_t)x;
    *fraction = take(c, '.');
    *ns = 0;
    return (!*fraction || (take_fraction(c, ns) && !negative)) && c->p == c->end;
}

static const char *from_count(const bp__csv_field *field, int64_t per_second, bp__written *w)
{
    cursor c = {field->text, field->text + field->size};
    int64_t count;
    bool fraction;
    int32_t ns;
    if (!take_count(&c, &count, &fraction, &ns)) return "is not a whole number of time units since 1970";
    const uint64_t size = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (per_second == 0)
        per_second = size < UINT64_C(100000000000)         ? 1
                     : size < UINT64_C(100000000000000)    ? 1000
                     : size < UINT64_C(100000000000000000) ? 1000000
                                                           : 1000000000;
    if (per_second > 1 && ns != 0) return "is a fraction of a time unit that is finer than a second";
    set_epoch(w, count, per_second);
    w->ns += ns;
    return NULL;
}

/* Dates ----------------------------------------------------------------------------------------- */

/* 20200131, 202001310931, 20200131093100, or a count since the epoch. */
static const char *from_digits(cursor c, const bp__csv_field *field, bp__written *w)
{
    int year, month, day, hour, minute, second = 0;
    const size_t n = digits_ahead(&c);
    cursor t = c;
    const bool whole = n == field->size;
    if ((n == 8 || (whole && (n == 12 || n == 14))) && take_number(&t, 4, 4, &year) &&
        take_number(&t, 2, 2, &month) && take_number(&t, 2, 2, &day) && set_date(w, year, month, day)) {
        if (n == 8) return take_rest(&t, w) ? NULL : "";
        if (take_number(&t, 2, 2, &hour) && take_number(&t, 2, 2, &minute) &&
            (n == 12 || take_number(&t, 2, 2, &second)) && set_time(w, hour, minute, second))
            return NULL;
        *w = (bp__written){0};
    }
    if (n < 9) return "";
    return from_count(field, 0, w);
}

/* 2020-01-31, 2020/1/31, 2020.01.31, 2020-Jan-31; `c` is behind the year */
static const char *from_year(cursor c, int year, bp__written *w)
{
    int month, day;
    const char mark = c.p < c.end ? *c.p++ : '\0';
    if (!strchr("-/. ", mark)) return "";
    if (at_digit(&c) ? !take_number(&c, 1, 2, &month) : !take_month(&c, &month)) return "";
    if (!take(&c, mark) || !take_number(&c, 1, 2, &day) || at_digit(&c) || !set_date(w, year, month, day))
        return "";
    return take_rest(&c, w) ? NULL : "";
}

/* Jan 31, 2020; 31 Jan 2020; 31-Jan-2020 */
static const char *from_name(cursor c, bp__written *w)
{
    int year, month, day;
    const bool day_first = at_digit(&c);
    if (day_first) {
        if (!take_number(&c, 1, 2, &day)) return "";
        const char mark = c.p < c.end ? *c.p++ : '\0';
        if (!strchr(" -/.", mark) || !take_month(&c, &month)) return "";
        if (!take(&c, mark)) return "";
    } else {
        if (!take_month(&c, &month)) return "";
        skip_blanks(&c);
        if (!take_number(&c, 1, 2, &day)) return "";
        take(&c, ',');
        skip_blanks(&c);
    }
    if (!take_number(&c, 4, 4, &year) || at_digit(&c) || !set_date(w, year, month, day)) return "";
    return take_rest(&c, w) ? NULL : "";
}

/* Numbers with marks between them that do not begin with a year of four digits: which one is what cannot be
 * known of all rows. @return NULL, or the formats of which this one could be, for --date-format */
static const char *which_form(cursor c)
{
    static const struct {
        const char *form; /* the place of each */
        int year, month, day, digits;
    } forms[] = {{"DD/MM/YYYY", 2, 1, 0, 4},
                 {"MM/DD/YYYY", 2, 0, 1, 4},
                 {"DD/MM/YY", 2, 1, 0, 2},
                 {"MM/DD/YY", 2, 0, 1, 2},
                 {"YY/MM/DD", 0, 1, 2, 2}};
    static _Thread_local char text[120];
    int x[3];
    if (!take_number(&c, 1, 2, &x[0])) return NULL;
    const char mark = c.p < c.end ? *c.p++ : '\0';
    if (!mark || !strchr("-/. ", mark) || !take_number(&c, 1, 2, &x[1]) || !take(&c, mark)) return NULL;
    const int digits = (int)digits_ahead(&c);
    if ((digits != 2 && digits != 4) || !take_number(&c, digits, digits, &x[2])) return NULL;
    *text = '\0';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const int year = x[forms[i].year] + (forms[i].digits == 2 ? 2000 : 0);
        if (forms[i].digits != digits || !bp__is_date(year, x[forms[i].month], x[forms[i].day])) continue;
        strcat(strcat(text, *text ? " or " : "is to be read with --date-format: "), forms[i].form);
    }
    for (char *p = strchr(text, ':'); p && *p; p++)
        if (*p == '/') *p = mark;
    return *text ? text : "is not a date that there is";
}

const char *bp__written_from(const bp__csv_field *field, bp__written *written)
{
    cursor c = {field->text, field->text + field->size};
    const size_t n = digits_ahead(&c);
    int year;
    if (n == 4) {
        take_number(&c, 4, 4, &year);
        return from_year(c, year, written);
    }
    if (n > 4) return from_digits(c, field, written);
    if (n == 0 && c.p < c.end && *c.p == '-') return field->size > 8 ? from_count(field, 0, written) : "";
    const char *form = which_form(c);
    return form ? form : from_name(c, written);
}

/* A format --------------------------------------------------------------------------------------- */

static const struct token {
    const char *text;
    int least, most; /* digits; 0: the name of a month */
    enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND } what;
} tokens[] = {{"YYYY", 4, 4, YEAR}, {"YY", 2, 2, YEAR}, {"MON", 0, 0, MONTH}, {"MM", 1, 2, MONTH},
              {"DD", 1, 2, DAY},    {"hh", 1, 2, HOUR}, {"mm", 2, 2, MINUTE}, {"ss", 2, 2, SECOND},
              {"%Y", 4, 4, YEAR},   {"%y", 2, 2, YEAR}, {"%b", 0, 0, MONTH},  {"%m", 1, 2, MONTH},
              {"%d", 1, 2, DAY},    {"%H", 1, 2, HOUR}, {"%M", 2, 2, MINUTE}, {"%S", 2, 2, SECOND}};

static const struct token *token_at(const char *format)
{
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        if (strncmp(format, tokens[i].text, strlen(tokens[i].text)) == 0) return &tokens[i];
    return NULL;
}

static int64_t unit_of(const char *format)
{
    return strcmp(format, "s") == 0    ? 1
           : strcmp(format, "ms") == 0 ? 1000
           : strcmp(format, "us") == 0 ? 1000000
           : strcmp(format, "ns") == 0 ? 1000000000
                                       : 0;
}

bool bp__written_format_ok(const char *format)
{
    int count[6] = {0};
    if (unit_of(format)) return true;
    while (*format) {
        const struct token *t = token_at(format);
        if (t) count[t->what]++;
        if (!t && (isalnum((unsigned char)*format) || *format == '%') && !strchr("TZ", *format)) return false;
        format += t ? strlen(t->text) : 1;
    }
    for (int i = 0; i < 6; i++)
        if (count[i] > 1 || (i <= DAY && count[i] == 0)) return false;
    return count[HOUR] >= count[MINUTE] && count[MINUTE] >= count[SECOND];
}

const char *bp__written_by_format(const char *format, const bp__csv_field *field, bp__written *written)
{
    cursor c = {field->text, field->text + field->size};
    int part[6] = {0};
    bool has_time = false;
    if (unit_of(format)) return from_count(field, unit_of(format), written);
    while (*format) {
        const struct token *t = token_at(format);
        if (!t && !take(&c, *format)) return nothing_else;
        /* without anything between two numbers, each has all its digits */
        const int least = t && token_at(format + strlen(t->text)) ? t->most : t ? t->least : 0;
        if (t &&
            (t->most == 0 ? !take_month(&c, &part[MONTH]) : !take_number(&c, least, t->most, &part[t->what])))
            return nothing_else;
        if (t && t->what == YEAR && t->most == 2) part[YEAR] += part[YEAR] < 70 ? 2000 : 1900;
        if (t && t->what == HOUR) has_time = true;
        format += t ? strlen(t->text) : 1;
    }
    if (!set_date(written, part[YEAR], part[MONTH], part[DAY])) return "is not a date that there is";
    if (!has_time) return take_rest(&c, written) ? NULL : nothing_else;
    if (!set_time(written, part[HOUR], part[MINUTE], part[SECOND])) return nothing_else;
    if (take(&c, '.') && !take_fraction(&c, &written->ns)) return nothing_else;
    return take_zone(&c, written) ? NULL : nothing_else;
}
