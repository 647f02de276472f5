#include "io/ingest/csvfile.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/day.h"

#define SHOWN      40  /* bytes of a cell that an error repeats */
#define SPLIT_MOST 1e6 /* new shares for an old one; no company had so many */

static int shown(const bp__csv_field *f)
{
    return (int)(f->size < SHOWN ? f->size : SHOWN);
}

void bp__csv_error(bp__csv_file *file, uint64_t line, const char *format, ...)
{
    char text[BP_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    file->bad = true;
    bp__report_add(file->rules->report, BP__ERROR, file->path, line, "%s", text);
}

/* Opening --------------------------------------------------------------------------------------- */

static bool has(const bp__csv_file *f, int column)
{
    return f->columns.at[column] != BP__COL_NONE;
}

/* What is said of the header, once for all files that have such a one. */
static void remark_columns(const bp__csv_file *f)
{
    const bp__columns *c = &f->columns;
    bp__remarks *remarks = f->rules->remarks;
    if (bp__input_is_misnamed(f->input))
        bp__remark(remarks, BP__WARNING, f->path, 0, 0,
                   "plain text, although its suffix says that it is compressed");
    if (*c->unused)
        bp__remark(remarks, BP__NOTE, f->path, c->line, 0, "columns that are not used: %s", c->unused);
    if (*c->alike)
        bp__remark(
            remarks, BP__WARNING, f->path, c->line, 0,
            "columns that look like dividends or splits, but whose meaning is not known, are not used: "
            "%s; rename "
            "them to 'dividend' (cash per share) or 'split' (new shares per old one) if they are that",
            c->alike);
    if (!has(f, BP__VOLUME))
        bp__remark(remarks, BP__NOTE, f->path, c->line, 0, "no column 'volume': volumes are missing");
    if (c->titles > 0)
        bp__remark(remarks, BP__NOTE, f->path, 0, 0, "title lines above the header are passed over");
    if (f->rules->no_events && (has(f, BP__COL_DIVIDEND) || has(f, BP__COL_SPLIT)))
        bp__remark(remarks, BP__WARNING, f->path, c->line, 0,
                   "dividend and split columns are not used: adjustments.csv holds them");
    const bp__ingest_options *o = f->rules->options;
    if (c->as_yfinance && !f->rules->no_events && !(o->ignore_splits && o->ignore_dividends))
        bp__remark(
            remarks, BP__WARNING, f->path, c->line, 0,
            "'%s' and '%s' without an adjusted close: so yfinance writes prices that are adjusted for both "
            "already, and both would count twice; ask it for auto_adjust=False, or say --dividends ignore "
            "--splits ignore",
            c->name[BP__COL_DIVIDEND], c->name[BP__COL_SPLIT]);
    if (*c->unadjusted)
        bp__remark(
            remarks, BP__WARNING, f->path, c->line, 0,
            "'%s' is not used: beside it, '%s' seems to be adjusted for splits already; rename the columns to "
            "take prices as traded",
            c->unadjusted, c->name[BP__CLOSE]);
    if (!has(f, BP__COL_ADJUSTED)) return;
    const char *name = c->name[BP__COL_ADJUSTED];
    if (!o->adjusted && *c->unadjusted)
        bp__remark(remarks, BP__NOTE, f->path, c->line, 0,
                   "'%s' is not used; --adjusted works out dividends and splits from it", name);
    else if (!o->adjusted)
        bp__remark(
            remarks, BP__NOTE, f->path, c->line, 0,
            "prices are taken as traded, '%s' is not used; --adjusted works out dividends and splits from it",
            name);
    else if (f->frame == BP__MINUTE)
        bp__remark(remarks, BP__WARNING, f->path, c->line, 0, "'%s' is only used in daily files", name);
}

/* Minute bars, if one of the rows that can be looked at without losing them has a time of day. */
static bp_status look_at_times(bp__csv_file *f)
{
    bool more;
    f->frame = BP__DAILY;
    for (;;) {
        bp__moment m;
        BP_TRY(bp__csv_next(&f->text, &more));
        if (!more) return BP_OK;
        if (f->text.n != f->columns.num_fields) continue;
        const bp__csv_field *time = has(f, BP__COL_TIME) ? &f->text.field[f->columns.at[BP__COL_TIME]] : NULL;
        if (bp__when_read(&f->how_when, &f->text.field[f->columns.at[BP__COL_DATE]], time, &m)) continue;
        if (!m.has_time || m.is_midnight) continue;
        f->frame = BP__MINUTE;
        return BP_OK;
    }
}

/* Whether one mark groups digits in all volumes, and no price shows that it is the decimal one: there the volume
 * itself cannot tell, and a file of volumes with three decimals each would be strange. */
static bp_status look_at_volumes(bp__csv_file *f)
{
    if (!has(f, BP__VOLUME)) return BP_OK;
    bp__numbers prices = f->how_number;
    char groups = '\0', mark;
    double value;
    int decimals;
    bool more;
    for (;;) {
        BP_TRY(bp__csv_next(&f->text, &more));
        if (!more) break;
        if (f->text.n != f->columns.num_fields) continue;
        for (int c = BP__OPEN; c <= BP__CLOSE; c++)
            bp__cell_number(&prices, &f->text.field[f->columns.at[c]], false, f->text.line, &value,
                            &decimals);
        if (!bp__cell_grouping(&f->text.field[f->columns.at[BP__VOLUME]], &mark)) return BP_OK;
        if (mark && groups && mark != groups) return BP_OK;
        if (mark) groups = mark;
    }
    if (groups && prices.point != groups && prices.assumed != groups) f->how_number.volume_groups = groups;
    return BP_OK;
}

/* Look at the rows that can be read again, and go back to the row behind the header. */
static bp_status look_ahead(bp__csv_file *f, bp_status (*look)(bp__csv_file *))
{
    bool more = true;
    const uint64_t header = f->text.line;
    f->text.head_only = true;
    BP_TRY(look(f));
    f->text.head_only = false;
    if (!bp__csv_rewind(&f->text))
        BP_FAIL(BP_EFORMAT, "%s:%llu: its rows are too long", f->path, (unsigned long long)header);
    while (more && f->text.line < header) BP_TRY(bp__csv_next(&f->text, &more));
    f->text.blank = 0;
    return BP_OK;
}

/* Whether rows hold nothing that is read but the days and the values of daily bars, as they are unless told otherwise. */
static bool only_bars(const bp__csv_file *f)
{
    return f->frame == BP__DAILY && !f->table && !f->rules->options->date_format && !has(f, BP__COL_TIME) &&
           !has(f, BP__COL_SYMBOL) && !f->has_dividends && !f->has_splits && !f->has_adjusted;
}

static bp_status open_text(bp__csv_file *f)
{
    const bp__csv_rules *rules = f->rules;
    const bool table = f->table = f->frame == BP__NUM_FRAMES;
    BP_TRY(bp__input_open(f->path, rules->within, rules->read, &f->input));
    BP_TRY(bp__csv_text_init(&f->text, f->path, f->input));
    BP_TRY(bp__columns_find(&f->text, table, &f->columns));
    f->how_number.point = rules->options->decimal;
    f->how_number.commas = f->text.separator == ',' && !rules->options->decimal;
    f->how_when.format = rules->options->date_format;
    f->how_when.zone = rules->zone;
    f->how_when.has_zone = rules->options->timezone != NULL;
    if (table) BP_TRY(look_ahead(f, look_at_times));
    if (!f->how_number.commas && !f->how_number.point) BP_TRY(look_ahead(f, look_at_volumes));
    f->has_dividends = has(f, BP__COL_DIVIDEND) && !rules->no_events;
    f->has_splits = has(f, BP__COL_SPLIT) && !rules->no_events;
    f->has_adjusted = has(f, BP__COL_ADJUSTED) && rules->options->adjusted && f->frame == BP__DAILY;
    if (!table && has(f, BP__COL_SYMBOL)) f->symbol = strdup("");
    if (only_bars(f)) bp__csv_plain_init(&f->plain, &f->columns);
    remark_columns(f);
    return BP_OK;
}

bp_status bp__csv_open(const char *path, int frame, const bp__csv_rules *rules, bp__csv_file *file)
{
    memset(file, 0, sizeof *file);
    file->path = path;
    file->frame = frame;
    file->rules = rules;
    const bp_status s = open_text(file);
    if (bp__failed(s)) bp__csv_close(file);
    return s;
}

void bp__csv_close(bp__csv_file *file)
{
    bp__csv_text_fini(&file->text);
    bp__input_close(&file->input);
    bp__when_fini(&file->how_when);
    free(file->symbol);
    file->symbol = NULL;
}

/* Whether the letters and digits of a name stand in a text, between marks or at its ends. */
static bool has_word(const char *text, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = text; n > 0 && strlen(p) >= n; p++)
        if (strncasecmp(p, name, n) == 0 && (p == text || !isalnum((unsigned char)p[-1])) &&
            !isalnum((unsigned char)p[n]))
            return true;
    return false;
}

static void without_marks(const char *text, char name[SHOWN * 2])
{
    size_t n = 0;
    for (; *text && n + 1 < SHOWN * 2; text++)
        if (!ispunct((unsigned char)*text) && *text != ' ') name[n++] = *text;
    name[n] = '\0';
}

void bp__csv_check_symbol(const bp__csv_file *file, const char *symbol)
{
    char a[SHOWN * 2], b[SHOWN * 2];
    const bool in_column = file->symbol && *file->symbol && file->columns.has_ticker;
    const char *said = in_column ? file->symbol : file->columns.ticker;
    if (!*said) return;
    without_marks(said, a);
    without_marks(symbol, b);
    if (strcasecmp(a, b) == 0 || has_word(said, symbol) || has_word(symbol, said)) return;
    bp__report_add(
        file->rules->report, BP__WARNING, file->path, file->columns.line,
        "its %s says '%.40s', its name '%.40s', by which it goes: is it the file of another asset?",
        in_column ? "column of symbols" : "header", said, symbol);
}

int bp__csv_frame(const bp__csv_file *file)
{
    return file->frame;
}

/* Values ---------------------------------------------------------------------------------------- */

static void cell_error(bp__csv_file *f, int column, bp__cell kind)
{
    const bp__csv_field *field = &f->text.field[f->columns.at[column]];
    const char *name = f->columns.name[column];
    if (kind == BP__CELL_UNCLEAR)
        bp__csv_error(
            f, f->text.line,
            "column '%s': '%.*s' contradicts %s about which mark is the decimal one; write all numbers alike",
            name, shown(field), field->text,
            f->rules->options->decimal ? "--decimal"
            : f->how_number.assumed    ? "an earlier number"
                                       : "other numbers");
    else
        bp__csv_error(f, f->text.line, "column '%s': '%.*s' is not a number%s", name, shown(field),
                      field->text,
                      f->how_number.commas && memchr(field->text, ',', field->size)
                          ? ": between commas the decimal mark is a point"
                          : "");
}

static bool read_number(bp__csv_file *f, int column, double *value, int *decimals)
{
    const bp__csv_field *field = &f->text.field[f->columns.at[column]];
    const bp__cell kind =
        bp__cell_number(&f->how_number, field, column == BP__VOLUME, f->text.line, value, decimals);
    if (!*f->unclear_cell && (f->how_number.assumed || f->how_number.grouped_line)) {
        f->unclear = column;
        snprintf(f->unclear_cell, sizeof f->unclear_cell, "%.*s", (int)field->size, field->text);
    }
    if (kind == BP__CELL_NUMBER || kind == BP__CELL_MISSING) return true;
    cell_error(f, column, kind);
    return false;
}

static bool read_bar(bp__csv_file *f, bp__csv_row *row)
{
    bool good = true;
    int decimals;
    for (int c = 0; c < BP__NUM_FIELDS; c++) {
        double *value = &row->value[c];
        if (!has(f, c)) { /* only the volume need not be there */
            *value = NAN;
            continue;
        }
        if (!read_number(f, c, value, &decimals)) {
            good = false;
            continue;
        }
        if (c == BP__CLOSE) row->decimals[0] = decimals;
        if (*value < 0) {
            bp__csv_error(f, row->line, "column '%s': %g is negative", f->columns.name[c], *value);
            good = false;
        }
        if (*value != 0 || c == BP__VOLUME) continue;
        *value = NAN;
        if (f->zeros++ == 0) f->zeros_line = row->line;
    }
    if (row->value[BP__HIGH] < row->value[BP__LOW] && f->crossed++ == 0) f->crossed_line = row->line;
    return good;
}

/* An event that is missing or 0, or a split of 1, is none. */
static bool read_events(bp__csv_file *f, bp__csv_row *row)
{
    int decimals;
    bool good = true;
    row->dividend = 0;
    row->split = 1;
    if (f->has_dividends) {
        good = read_number(f, BP__COL_DIVIDEND, &row->dividend, &decimals);
        if (isnan(row->dividend)) row->dividend = 0;
        if (row->dividend < 0) {
            bp__csv_error(f, row->line, "column '%s': a dividend of %g is negative",
                          f->columns.name[BP__COL_DIVIDEND], row->dividend);
            good = false;
        }
    }
    if (!f->has_splits) return good;
    const bp__csv_field *field = &f->text.field[f->columns.at[BP__COL_SPLIT]];
    const bp__cell kind = bp__cell_ratio(&f->how_number, field, row->line, &row->split);
    if (kind == BP__CELL_BAD && bp__cell_is_ratio(field)) {
        bp__csv_error(f, row->line, "column '%s': '%.*s' is no ratio of new shares to old ones, both above 0",
                      f->columns.name[BP__COL_SPLIT], shown(field), field->text);
        return false;
    }
    if (kind == BP__CELL_BAD || kind == BP__CELL_UNCLEAR) {
        cell_error(f, BP__COL_SPLIT, kind);
        return false;
    }
    if (isnan(row->split) || row->split == 0) row->split = 1;
    if (row->split >= 1 / SPLIT_MOST && row->split <= SPLIT_MOST) return good;
    bp__csv_error(f, row->line, "column '%s': a split of %g is not between %g and %g",
                  f->columns.name[BP__COL_SPLIT], row->split, 1 / SPLIT_MOST, SPLIT_MOST);
    return false;
}

static bool read_adjusted(bp__csv_file *f, bp__csv_row *row)
{
    row->adjusted = NAN;
    if (!f->has_adjusted) return true;
    if (!read_number(f, BP__COL_ADJUSTED, &row->adjusted, &row->decimals[1])) return false;
    if (!(row->adjusted <= 0)) return true;
    bp__csv_error(f, row->line, "column '%s': %g is not positive", f->columns.name[BP__COL_ADJUSTED],
                  row->adjusted);
    return false;
}

/* Dates ----------------------------------------------------------------------------------------- */

/* @return NULL, or what is wrong with the date; `*all` if it is so in every row */
static const char *read_date(bp__csv_file *f, bp__csv_row *row, bool *all)
{
    const bp__csv_field *time = has(f, BP__COL_TIME) ? &f->text.field[f->columns.at[BP__COL_TIME]] : NULL;
    row->date = f->text.field[f->columns.at[BP__COL_DATE]];
    const char *wrong = bp__when_read(&f->how_when, &row->date, time, &row->when);
    *all = f->rows == 0 && wrong && row->date.size > 0;
    if (wrong) return wrong;
    if (f->frame == BP__MINUTE && !row->when.has_time) {
        *all = f->rows == 0;
        return f->table ? "has no time of day, as other rows have"
                        : "has no time of day, as minute bars have: move the file to the folder 'daily' if "
                          "its bars are "
                          "daily";
    }
    if (f->frame == BP__DAILY && !row->when.is_midnight) {
        *all = f->rows == 0;
        return f->how_when.has_zone
                   ? "of a daily bar has a time of day that is not midnight in the time zone given: is "
                     "it in 'minute'?"
                   : "of a daily bar has a time of day: move the file to the folder 'minute' if its "
                     "bars are minutes, or "
                     "say with --timezone where that time is a midnight";
    }
    return NULL;
}

/* Whether all rows of a file that has one asset are of the same. */
static bool same_symbol(bp__csv_file *f)
{
    if (!f->symbol) return true;
    const bp__csv_field *field = &f->text.field[f->columns.at[BP__COL_SYMBOL]];
    if (!*f->symbol && field->size > 0) {
        free(f->symbol);
        f->symbol = strndup(field->text, field->size);
        return true;
    }
    if (field->size == 0 || bp__csv_is(field, f->symbol)) return true;
    bp__csv_error(
        f, f->text.line,
        "column '%s': rows of several assets, '%.40s' and '%.*s', in a file of one: use bundle ingest table",
        f->columns.name[BP__COL_SYMBOL], f->symbol, shown(field), field->text);
    return false;
}

static void field_error(bp__csv_file *f)
{
    const bp__csv_field *first = &f->text.field[0];
    const char digit = first->size > 0 ? *first->text : '\0';
    if (f->text.n == 1 && (digit < '0' || digit > '9'))
        bp__csv_error(f, f->text.line, "'%.*s' is no row of %zu fields, as the header has: remove the line",
                      shown(first), first->text, f->columns.num_fields);
    else
        bp__csv_error(f, f->text.line, "%zu fields, the header has %zu%s", f->text.n, f->columns.num_fields,
                      f->text.n < f->columns.num_fields ? "; is the file cut off?" : "");
}

/* Whether anything says in which zone the time of a minute bar is, and in which its day. */
static void note_zone(bp__csv_file *f, const bp__csv_row *row)
{
    if (f->zoneless == 0 && row->when.is_local && !f->how_when.has_zone) f->zoneless = row->line;
    if (f->counted == 0 && row->when.is_count && !f->rules->day_zone) f->counted = row->line;
}

/* Rows ------------------------------------------------------------------------------------------ */

bp_status bp__csv_row_begin(bp__csv_file *file, bp__csv_row *row, bool *more)
{
    for (;;) {
        BP_TRY(bp__csv_next(&file->text, more));
        if (!*more) return BP_OK;
        row->line = file->text.line;
        row->good = false;
        if (file->text.n == file->columns.num_fields) break;
        file->headless = true;
        field_error(file);
    }
    if (has(file, BP__COL_SYMBOL)) row->symbol = file->text.field[file->columns.at[BP__COL_SYMBOL]];
    return BP_OK;
}

bp_status bp__csv_row_read(bp__csv_file *file, bp__csv_row *row, bool *more)
{
    bool all;
    const char *wrong = read_date(file, row, &all);
    if (wrong && all)
        BP_FAIL(BP_EFORMAT, "%s:%llu: date '%.*s' %s", file->path, (unsigned long long)row->line,
                shown(&row->date), row->date.text, wrong);
    if (wrong) bp__csv_error(file, row->line, "date '%.*s' %s", shown(&row->date), row->date.text, wrong);
    bool good = !wrong;
    if (good && file->frame == BP__MINUTE) note_zone(file, row);
    good &= read_bar(file, row);
    good &= read_events(file, row);
    good &= read_adjusted(file, row);
    if (!same_symbol(file)) { /* every further row would say it again */
        *more = false;
        return BP_OK;
    }
    row->good = good;
    file->rows += good;
    return BP_OK;
}

/* @return false: the next row needs a second look */
static bool next_plain(bp__csv_file *f, bp__csv_row *row)
{
    bp__csv_plain_row plain;
    const char point = f->how_number.commas ? '.' : f->how_number.point;
    if (!bp__csv_plain_next(&f->plain, &f->text, point, &plain)) return false;
    row->line = f->text.line;
    row->good = true;
    row->date = (bp__csv_field){plain.date, BP__CSV_DATE_BYTES, false};
    row->when =
        (bp__moment){.day = plain.day, .ns = plain.day, .later = BP_TIME_MISSING, .is_midnight = true};
    memcpy(row->value, plain.value, sizeof row->value);
    row->dividend = 0;
    row->split = 1;
    row->adjusted = NAN;
    f->rows++;
    return true;
}

bp_status bp__csv_row_next(bp__csv_file *file, bp__csv_row *row, bool *more)
{
    *more = true;
    if (next_plain(file, row)) return BP_OK;
    BP_TRY(bp__csv_row_begin(file, row, more));
    return *more ? bp__csv_row_read(file, row, more) : BP_OK;
}

bp_status bp__csv_finish(bp__csv_file *file, bp__input_stamp *stamp)
{
    bp__remarks *remarks = file->rules->remarks;
    const uint64_t unsettled = bp__numbers_unsettled(&file->how_number);
    if (file->zeros > 0)
        bp__remark(remarks, BP__WARNING, file->path, file->zeros_line, file->zeros,
                   "prices of 0 are taken as missing");
    if (file->zoneless > 0)
        bp__remark(remarks, BP__NOTE, file->path, file->zoneless, 0,
                   "times without a time zone are taken as UTC; say --timezone if they are not");
    if (file->counted > 0)
        bp__remark(remarks, BP__NOTE, file->path, file->counted, 0,
                   "sessions are the days in UTC; say --timezone or --calendar if they are not");
    if (file->crossed > 0)
        bp__remark(remarks, BP__WARNING, file->path, file->crossed_line, file->crossed,
                   "bars whose high is below their low");
    if (unsettled > 0 && !file->rules->options->decimal)
        bp__remark_cell(
            remarks, BP__WARNING, file->path, unsettled, file->unclear_cell,
            "a mark with three digits behind it is taken %s in column '%s': no other number of the file "
            "tells; --decimal does",
            file->how_number.assumed ? "as the decimal one" : "to separate thousands",
            file->columns.name[file->unclear]);
    return bp__input_finish(file->input, stamp);
}
