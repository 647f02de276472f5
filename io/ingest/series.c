#include "io/ingest/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"

#define BLOCK     4096 /* bars that go to the draft at once */
#define TOLERANCE 1e-6 /* of a price that is kept by a given factor */
#define FEW_DAYS  5    /* with a bar each, from which on minutes look like days */

/* Rows of one file that may have to wait in memory, because the newest come first, or for --adjusted: the minutes of New
 * York of forty years. */
#define HELD_MOST ((size_t)1 << 22)

void bp__series_init(bp__series *series, int frame, int64_t sid)
{
    *series = (bp__series){.frame = frame,
                           .sid = sid,
                           .last = INT64_MIN,
                           .last_day = BP_TIME_MISSING,
                           .day = BP_TIME_MISSING,
                           .session = BP_TIME_MISSING,
                           .scale = {BP__SCALE_ANY, BP__SCALE_ANY},
                           .noted = NAN,
                           .smallest = INFINITY};
}

void bp__series_fini(bp__series *series)
{
    free(series->events.row);
    free(series->bars.row);
    free(series->pairs.row);
    bp__dayset_fini(&series->days);
    memset(series, 0, sizeof *series);
}

/* Order ----------------------------------------------------------------------------------------- */

/* The time of a row. Where clocks are put back, a time is there twice: rows say by their order which one is
 * meant. */
static int64_t time_of(const bp__series *s, const bp__csv_row *row)
{
    if (s->frame == BP__DAILY) return row->when.day;
    if (row->when.later == BP_TIME_MISSING) return row->when.ns;
    if (s->direction < 0) return row->when.later < s->last ? row->when.later : row->when.ns;
    return row->when.ns > s->last ? row->when.ns : row->when.later;
}

/* Whether a row may follow the one before. */
static bool check_order(bp__series *s, bp__csv_file *file, const bp__csv_row *row, int64_t time)
{
    const char *wrong = NULL;
    if (s->rows == 1 && time != s->last) s->direction = time > s->last ? 1 : -1;
    if (s->rows == 0) return true;
    if (time == s->last)
        wrong = "is there twice";
    else if (time < s->last && s->direction >= 0)
        wrong = "is earlier than the one before; sort the file";
    else if (time > s->last && s->direction < 0)
        wrong = "is later than the one before, in a file that begins with its newest row; sort the file";
    if (!wrong) return true;
    bp__csv_error(file, row->line, "date '%.*s' %s", (int)(row->date.size < 40 ? row->date.size : 40),
                  row->date.text, wrong);
    s->bad = true;
    return false;
}

/* The session that a row belongs to. */
static int64_t session_of(const bp__series *s, const bp__csv_rules *rules, const bp__csv_row *row,
                          int64_t time)
{
    return s->frame == BP__MINUTE && rules->day_zone ? bp__zone_day(rules->day_zone, time) : row->when.day;
}

/* Days ascend as times do, unless rows are of several zones: then no row says which day it is of. */
static bool check_day(bp__series *s, bp__csv_file *file, const bp__csv_row *row, int64_t day)
{
    if (s->rows == 0 || (s->direction < 0 ? day <= s->day : day >= s->day)) return true;
    bp__csv_error(
        file, row->line,
        "date '%.*s' is of another time zone than the one before, and of a day that is out of order "
        "there: say with --timezone of which zone the days are",
        (int)(row->date.size < 40 ? row->date.size : 40), row->date.text);
    s->bad = true;
    return false;
}

/* After the events of a row: they know when their day began. Rows may begin with the newest one. */
static void note_row(bp__series *s, const bp__csv_row *row, int64_t day, int64_t time)
{
    if (s->rows++ == 0) s->first_line = row->line;
    s->last = time;
    s->midnights += row->when.is_midnight;
    s->num_days += day != s->day;
    s->since = day == s->day && s->since < time ? s->since : time;
    s->day = day;
    bp__event *event = s->events.n > 0 ? &s->events.row[s->events.n - 1] : NULL;
    if (event && event->day == day) event->since = s->since;
}

/* Values ---------------------------------------------------------------------------------------- */

static bool keeps(double factor, double value)
{
    return isnan(value) ||
           fabs(bp__scale_read(bp__scale_store(value, factor), factor, true) - value) <= TOLERANCE * value;
}

static void lose(bp__series *s, bp__csv_file *file, const bp__csv_row *row, int column)
{
    bp__scale alone = BP__SCALE_ANY;
    s->lost = true;
    s->bad = true;
    if (bp__scale_note(&alone, row->value[column]))
        bp__csv_error(file, row->line,
                      "column '%s': no scaling factor keeps the price %g to a millionth together with the "
                      "others of this asset; round it, or take prices that are not adjusted",
                      file->columns.name[column], row->value[column]);
    else
        bp__csv_error(
            file, row->line,
            "column '%s': no scaling factor keeps the price %g: a bundle holds prices from %g to %g; "
            "state prices in a unit that is larger or smaller",
            file->columns.name[column], row->value[column],
            0.5 / TOLERANCE / bp__scale_factor(BP__SCALE_FINEST),
            UINT32_MAX / bp__scale_factor(BP__SCALE_COARSEST));
}

static void note_volume(bp__series *s, bp__csv_file *file, const bp__csv_row *row)
{
    const double volume = row->value[BP__VOLUME], factor = s->fixed[BP__AMOUNT];
    const char *column = file->columns.name[BP__VOLUME];
    if (!(volume > 0)) return;
    if (factor > 0 && !keeps(factor, volume)) {
        s->bad = true;
        bp__csv_error(file, row->line,
                      "column '%s': the volume_factor of assets.csv does not keep the volume %g", column,
                      volume);
    }
    bp__scale *scale = &s->scale[BP__AMOUNT];
    bp__scale_note(scale, volume);
    if (scale->high < BP__SCALE_COARSEST) {
        scale->high = BP__SCALE_COARSEST; /* of the others: each that is too large is told */
        s->bad = true;
        bp__csv_error(file, row->line,
                      "column '%s': a volume of %g is more than the %g that a bundle can hold", column,
                      volume, UINT32_MAX / bp__scale_factor(BP__SCALE_COARSEST));
    }
    if (scale->low > BP__SCALE_FINEST) {
        scale->low = BP__SCALE_FINEST;
        s->bad = true;
        bp__csv_error(file, row->line,
                      "column '%s': a volume of %g is less than the %g that a bundle can hold", column,
                      volume, 0.5 / TOLERANCE / bp__scale_factor(BP__SCALE_FINEST));
    }
    if (volume > s->largest) s->largest = volume, s->largest_line = row->line;
    if (volume < s->smallest) s->smallest = volume;
}

static void note_scale(bp__series *s, bp__csv_file *file, const bp__csv_row *row)
{
    for (int c = BP__OPEN; c <= BP__CLOSE && !s->lost; c++) {
        const double price = row->value[c];
        if (price == s->noted) continue;
        s->noted = price;
        const double factor = s->fixed[BP__PRICE];
        if (factor > 0 ? !keeps(factor, price) : !bp__scale_note(&s->scale[BP__PRICE], price))
            lose(s, file, row, c);
    }
    note_volume(s, file, row);
}

/* Whether a minute bar is within the hours of its session: it may be named by its beginning or by its end. */
static bool is_inside(bp__series *s, const bp__calendar *calendar, int64_t session, int64_t time)
{
    if (session != s->session) {
        bp__calendar_hours(calendar, session, &s->open, &s->close);
        s->session = session;
    }
    return s->open != BP_TIME_MISSING && time >= s->open && time <= s->close;
}

static bp_status note_day(bp__series *s, const bp__csv_file *file, const bp__csv_row *row, int64_t day,
                          int64_t time)
{
    const bp__calendar *calendar = file->rules->calendar;
    if (s->frame == BP__MINUTE && calendar && !is_inside(s, calendar, day, time) && s->outside++ == 0)
        s->outside_line = row->line;
    if (day == s->last_day) return BP_OK;
    s->last_day = day;
    return bp__dayset_add(&s->days, day);
}

/* Events ---------------------------------------------------------------------------------------- */

/* Minute files may repeat what happens on a day in each of its rows. */
static bp_status add_event(bp__series *s, bp__csv_file *file, const bp__csv_row *row, int64_t day)
{
    const bp__ingest_options *o = file->rules->options;
    bp__event event = {day, row->dividend, row->split, row->line, day};
    if (o->ignore_splits && event.split != 1) {
        if (s->ignored[BP__SPLITS]++ == 0) s->ignored_line[BP__SPLITS] = row->line;
        event.split = 1;
    }
    if (o->ignore_dividends && event.dividend != 0) {
        if (s->ignored[BP__DIVIDENDS]++ == 0) s->ignored_line[BP__DIVIDENDS] = row->line;
        event.dividend = 0;
    }
    if (event.dividend == 0 && event.split == 1) return BP_OK;
    bp__event *last = s->events.n > 0 ? &s->events.row[s->events.n - 1] : NULL;
    if (!last || last->day != day) {
        BP__APPEND(&s->events, event);
        return BP_OK;
    }
    const bool two_dividends = last->dividend != 0 && event.dividend != 0 && last->dividend != event.dividend;
    const bool two_splits = last->split != 1 && event.split != 1 && last->split != event.split;
    if (two_dividends || two_splits) {
        s->bad = true;
        bp__csv_error(file, row->line, "a second %s on the same day, other than that of line %" PRIu64,
                      two_dividends ? "dividend" : "split", last->line);
    }
    if (last->dividend == 0) last->dividend = event.dividend;
    if (last->split == 1) last->split = event.split;
    return BP_OK;
}

static bp_status add_pair(bp__series *s, const bp__csv_row *row, int64_t day)
{
    if (!(row->adjusted > 0) || !(row->value[BP__CLOSE] > 0)) return BP_OK;
    for (int i = 0; i < 2; i++)
        if (row->decimals[i] > s->decimals[i]) s->decimals[i] = row->decimals[i];
    BP__APPEND(&s->pairs, ((bp__pair){day, row->value[BP__CLOSE], row->adjusted, row->line}));
    return BP_OK;
}

/* Rows ------------------------------------------------------------------------------------------ */

bp_status bp__series_flush(bp__series *series, bp__draft *draft)
{
    if (series->direction <= 0) return BP_OK; /* the newest come first, or may: kept to the end */
    if (!series->bad)
        BP_TRY(bp__draft_add_bars(draft, series->frame, series->sid, series->bars.row, series->bars.n,
                                  series->scale));
    series->kept += series->bars.n;
    series->bars.n = 0;
    return BP_OK;
}

/* Of a series that is bad nothing is kept: its further rows are only looked at. */
static bool has_room(bp__series *s, bp__csv_file *file, const bp__csv_row *row)
{
    if (s->bad) return false;
    if (s->bars.n < HELD_MOST && s->pairs.n < HELD_MOST) return true;
    s->bad = true;
    bp__csv_error(file, row->line, "%s: more than %zu rows are too many to be held in memory",
                  s->bars.n < HELD_MOST ? "--adjusted"
                                        : "begins with its newest rows, so that it has to be sorted by date",
                  HELD_MOST);
    return false;
}

bp_status bp__series_add(bp__series *series, bp__csv_file *file, const bp__csv_row *row, bp__draft *draft)
{
    const int64_t time = time_of(series, row);
    if (!check_order(series, file, row, time))
        return BP_OK; /* the next one is compared with the last good one */
    const int64_t day = session_of(series, file->rules, row, time);
    if (!check_day(series, file, row, day)) return BP_OK;
    if (row->dividend != 0 || row->split != 1) BP_TRY(add_event(series, file, row, day));
    note_row(series, row, day, time);
    bp__bar bar = {.dt = time};
    memcpy(bar.value, row->value, sizeof bar.value);
    if (bp__bar_is_blank(&bar)) {
        series->blank++;
        return BP_OK;
    }
    note_scale(series, file, row);
    BP_TRY(note_day(series, file, row, day, time));
    if (!has_room(series, file, row)) return BP_OK;
    if (file->has_adjusted) BP_TRY(add_pair(series, row, day));
    BP__APPEND(&series->bars, bar);
    return series->bars.n >= BLOCK && series->direction > 0 ? bp__series_flush(series, draft) : BP_OK;
}

/* The end --------------------------------------------------------------------------------------- */

#define TURN(table, T)                                                                                       \
    for (size_t i = 0, k = (table)->n; i + 1 < k; i++) {                                                     \
        const T first = (table)->row[i];                                                                     \
        (table)->row[i] = (table)->row[--k];                                                                 \
        (table)->row[k] = first;                                                                             \
    }

static void turn_round(bp__series *s)
{
    TURN(&s->bars, bp__bar)
    TURN(&s->pairs, bp__pair)
    TURN(&s->events, bp__event)
    s->direction = 1;
}

/* What was worked out, so that it can be checked: "2020-02-03 dividend 0.35, 2020-05-06 split 2, 3 more". */
static void tell_events(const bp__csv_file *file, const char *name, const bp__adjclose *found)
{
    char text[400] = "", day[32];
    size_t used = 0, shown = 0;
    for (; shown < found->n && shown < BP__ADJCLOSE_SHOWN; shown++) {
        const bp__event *e = &found->first[shown];
        char split[32] = "", dividend[48] = "";
        if (e->split != 1) snprintf(split, sizeof split, " split %.6g", e->split);
        if (e->dividend != 0) snprintf(dividend, sizeof dividend, " dividend %.4g", e->dividend);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s", shown > 0 ? ", " : "",
                                 bp__day_text(e->day, day), split, dividend);
    }
    if (shown < found->n) snprintf(text + used, sizeof text - used, ", %zu more", found->n - shown);
    bp__report_add(file->rules->report, BP__NOTE, file->path, 0,
                   "dividends and splits worked out from '%s' (%zu)%s%s: %s",
                   file->columns.name[BP__COL_ADJUSTED], found->n, name ? " of " : "", name ? name : "",
                   text);
}

/* Jumps that no company makes: the adjusted close is not one of these closes. */
static bool check_found(bp__series *s, bp__csv_file *file, const char *name, const bp__adjclose *found)
{
    const char *column = file->columns.name[BP__COL_ADJUSTED], *close = file->columns.name[BP__CLOSE];
    const char *of = name ? " of " : "", *who = name ? name : "";
    if (bp__adjclose_often(s->pairs.row, s->pairs.n, found->n))
        bp__csv_error(
            file, 0,
            "'%s'%s%s: its ratio to '%s' jumps %zu times in %zu rows, too often for dividends and splits: "
            "leave out --adjusted, or mend the columns",
            column, of, who, close, found->n, s->pairs.n);
    else if (found->odd)
        bp__csv_error(
            file, found->odd->line,
            "'%s'%s%s: its ratio to '%s' falls to 1/%.6g, which no dividend and no split explains: leave "
            "out --adjusted, or mend the columns",
            column, of, who, close, found->q);
    else
        return true;
    s->bad = true;
    return false;
}

static bp_status work_out_events(bp__series *s, bp__csv_file *file, const char *name)
{
    bp__adjclose found;
    const bp__ingest_options *o = file->rules->options;
    const bool splits = !file->has_splits && !o->ignore_splits,
               dividends = !file->has_dividends && !o->ignore_dividends;
    if (!file->has_adjusted || (!dividends && !splits)) return BP_OK;
    BP_TRY(bp__adjclose_events(s->pairs.row, s->pairs.n, s->decimals, dividends, splits, &s->events, &found));
    if (check_found(s, file, name, &found) && found.n > 0) tell_events(file, name, &found);
    return BP_OK;
}

/* By how much the smallest volume may be off, relatively: none is off by more. A volume below the unit is
 * stored as one unit. */
static double most_lost(const bp__series *s, double unit)
{
    return fmax(unit / 2, unit - s->smallest) / s->smallest;
}

/* Where no unit keeps all volumes to a millionth, or none keeps single shares. */
static void tell_volumes(const bp__series *s, const bp__csv_file *file, const char *name)
{
    const bp__scale *amount = &s->scale[BP__AMOUNT];
    const int exponent = bp__scale_choose(*amount, BP__SCALE_VOLUME);
    if (exponent >= amount->low && amount->high >= BP__SCALE_VOLUME) return;
    const double unit = 1 / bp__scale_factor(exponent);
    bp__report_add(
        file->rules->report, BP__WARNING, file->path, s->largest_line,
        "volumes%s%s go from %.15g to %.15g: 32 bits hold them in units of %.15g, so that each may be "
        "off by %.15g, and the smallest one by %.2g %%",
        name ? " of " : "", name ? name : "", s->smallest, s->largest, unit, unit / 2,
        most_lost(s, unit) * 100);
}

static void tell(const bp__series *s, const bp__csv_file *file, const char *name)
{
    bp__remarks *remarks = file->rules->remarks;
    if (s->blank > 0)
        bp__remark(remarks, BP__NOTE, file->path, 0, s->blank, "rows without any value make no session");
    for (int k = 0; k < BP__NUM_RATIOS; k++)
        if (s->ignored[k] > 0)
            bp__remark(remarks, BP__NOTE, file->path, s->ignored_line[k], s->ignored[k],
                       k == BP__SPLITS ? "splits are left out, as --splits ignore says"
                                       : "dividends are left out, as --dividends ignore says");
    if (s->outside > 0)
        bp__remark(remarks, BP__WARNING, file->path, s->outside_line, s->outside,
                   "minute bars outside of the hours of %s%s", bp__calendar_name(file->rules->calendar),
                   file->rules->options->timezone ? "" : "; is their time zone UTC? if not, say --timezone");
    if (!s->bad && !(s->fixed[BP__AMOUNT] > 0)) tell_volumes(s, file, name);
}

/* A file without a bar is an error, unless assets.csv says that there is such an asset; in a table, rows
 * without any value are no reason to refuse all others. */
static void check_empty(bp__series *s, bp__csv_file *file, const char *name)
{
    if (s->kept + s->bars.n > 0 || (s->rows == 0 && file->rules->may_be_empty)) return;
    s->bad = true;
    s->empty = name != NULL;
    if (name)
        bp__remark(file->rules->remarks, BP__WARNING, file->path, 0, 1,
                   "assets without any value are left out");
    else if (s->rows > 0)
        bp__csv_error(file, file->columns.line, "no row after the header has a value; remove the file");
    else
        bp__csv_error(file, file->columns.line, "no row after the header; remove the file or add bars");
}

/* Daily bars whose dates carry a time of day look like minute bars. An export says itself what its bars
 * are. */
static void check_minutes(bp__series *s, bp__csv_file *file, const char *name)
{
    if (s->frame != BP__MINUTE || s->num_days < s->rows || file->rules->may_be_empty) return;
    if (s->rows > 1 && s->midnights == s->rows) {
        s->bad = true;
        bp__csv_error(file, s->first_line, "all times%s%s are midnights: these are daily bars%s",
                      name ? " of " : "", name ? name : "",
                      name ? "" : "; move the file to the folder 'daily'");
    } else if (s->rows >= FEW_DAYS) {
        bp__remark(file->rules->remarks, BP__WARNING, file->path, s->first_line, 0,
                   "one minute bar a day, on each day: if these are daily bars, they belong in the folder "
                   "'daily', without a time of day");
    }
}

/* There may be thousands of series that are done: none keeps what only work needs. */
static void release(bp__series *series)
{
    free(series->bars.row);
    free(series->pairs.row);
    memset(&series->bars, 0, sizeof series->bars);
    memset(&series->pairs, 0, sizeof series->pairs);
}

bp_status bp__series_finish(bp__series *series, bp__csv_file *file, const char *name, bp__draft *draft)
{
    /* a table has errors in rows of others */
    if (!series->bad && (name || !file->bad)) {
        check_empty(series, file, name);
        check_minutes(series, file, name);
    }
    if (series->direction < 0) {
        if (!file->turned)
            bp__remark(file->rules->remarks, BP__NOTE, file->path, 0, 0,
                       "rows begin with the newest: they are turned round");
        file->turned = true;
        turn_round(series);
    }
    if (series->direction == 0) series->direction = 1;
    BP_TRY(work_out_events(series, file, name));
    BP_TRY(bp__series_flush(series, draft));
    release(series);
    tell(series, file, name);
    if (series->bad)
        bp__draft_drop(draft, series->frame, series->sid);
    else if (series->fixed[BP__PRICE] > 0 || series->fixed[BP__AMOUNT] > 0)
        bp__draft_fix_factors(draft, series->frame, series->sid, series->fixed[BP__PRICE],
                              series->fixed[BP__AMOUNT]);
    return BP_OK;
}
