#include "io/ingest/csvwork.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/hash.h"
#include "core/text.h"
#include "io/ingest/wanted.h"

#define SYMBOL_MAX 255

/* Rules ----------------------------------------------------------------------------------------- */

static bp_status make_rules(bp__csv_work *work, const char *folder)
{
    const bp__ingest_options *options = work->in->options;
    if (options->date_format) BP_TRY(bp__when_check_format(options->date_format));
    if (options->timezone) BP_TRY(bp__zone_load(options->timezone, &work->zone));
    if (options->calendar && strcmp(options->calendar, "none") != 0)
        BP_TRY(bp__calendar_open(options->calendar, &work->calendar));
    BP_TRY(bp__remarks_create(&work->remarks));
    if (folder && !(work->within = realpath(folder, NULL)))
        BP_FAIL_ERRNO(errno == ENOENT ? BP_ENOTFOUND : BP_EIO, errno, "%s: cannot be opened as a folder",
                      folder);
    const bp__zone *day_zone = work->calendar ? bp__calendar_zone(work->calendar) : work->zone;
    work->rules = (bp__csv_rules){.options = options,
                                  .report = work->in->report,
                                  .remarks = work->remarks,
                                  .zone = work->zone,
                                  .calendar = work->calendar,
                                  .day_zone = day_zone,
                                  .within = work->within,
                                  .read = &work->read};
    return BP_OK;
}

bp_status bp__csv_work_begin(bp__csv_work *work, bp__ingest *in, const char *folder)
{
    memset(work, 0, sizeof *work);
    work->in = in;
    const bp_status s = make_rules(work, folder);
    if (bp__failed(s)) bp__csv_work_end(work);
    return s;
}

void bp__csv_work_end(bp__csv_work *work)
{
    for (size_t i = 0; i < work->files.n; i++) free(work->files.row[i].name);
    free(work->files.row);
    bp__dayset_fini(&work->days);
    bp__dayset_fini(&work->listed);
    bp__remarks_destroy(&work->remarks);
    bp__zone_free(&work->zone);
    bp__calendar_close(&work->calendar);
    free(work->within);
    memset(work, 0, sizeof *work);
}

void bp__csv_work_tell(bp__csv_work *work)
{
    const uint64_t done = atomic_load_explicit(&work->read, memory_order_relaxed);
    BP__TELL(&work->in->progress, "reading", done < work->total ? done : work->total, work->total);
}

bp_status bp__csv_work_read(bp__csv_work *work, const char *name, const bp__input_stamp *stamp)
{
    BP__APPEND(&work->files, ((bp__read_file){NULL, *stamp}));
    bp__read_file *file = &work->files.row[work->files.n - 1];
    file->name = strdup(name);
    if (file->name) return BP_OK;
    work->files.n--;
    BP_FAIL(BP_ENOMEM, "%s: no memory", name);
}

/* Symbols --------------------------------------------------------------------------------------- */

bool bp__csv_work_wants(const bp__csv_work *work, const char *symbol)
{
    return bp__wanted_has(work->in->options->symbols, symbol);
}

const char *bp__symbol_problem(const char *symbol)
{
    if (!*symbol) return "is empty";
    if (strlen(symbol) > SYMBOL_MAX) return "is too long";
    for (const char *p = symbol; *p;) {
        const int n = bp__utf8_length(p);
        if (n == 0) return "is not UTF-8";
        if ((unsigned char)*p < ' ' || *p == 0x7f) return "has a control character in it";
        p += n;
    }
    return NULL;
}

/* Events ---------------------------------------------------------------------------------------- */

#define BARS_AT_ONCE ((size_t)1 << 16)

/* Minute bars of an asset that has nothing else: its dividends need the close of the day before. They go by once, in parts. */
typedef struct minutes {
    const bp__draft *draft;
    const bp__draft_series *series; /* NULL: it has none */
    bp__bar *bar;                   /* [BARS_AT_ONCE] a part; NULL until the first is read; owned */
    size_t next;                    /* of the series: the first behind the part */
    size_t at, end;                 /* of the part */
    double close;                   /* of the bars that have gone by */
} minutes;

static minutes begin_minutes(const bp__draft *draft, int64_t sid)
{
    minutes m = {.draft = draft, .close = NAN};
    for (size_t i = 0; i < draft->series[BP__MINUTE].n && !m.series; i++) {
        const bp__draft_series *series = &draft->series[BP__MINUTE].row[i];
        if (series->sid == sid && !series->dropped) m.series = series;
    }
    return m;
}

static bp_status read_part(minutes *m)
{
    const size_t left = m->series->bars - m->next;
    if (!m->bar && !(m->bar = malloc(BARS_AT_ONCE * sizeof *m->bar)))
        BP_FAIL(BP_ENOMEM, "no memory for %zu bars", BARS_AT_ONCE);
    m->at = 0;
    m->end = left < BARS_AT_ONCE ? left : BARS_AT_ONCE;
    BP_TRY(bp__draft_read_part(m->draft, m->series, m->next, m->end, m->bar));
    m->next += m->end;
    return BP_OK;
}

/* Let all bars before a time go by. Times that are asked for ascend. */
static bp_status pass_minutes(minutes *m, int64_t time)
{
    while (m->series) {
        for (; m->at < m->end && m->bar[m->at].dt < time; m->at++)
            if (m->bar[m->at].value[BP__CLOSE] > 0) m->close = m->bar[m->at].value[BP__CLOSE];
        if (m->at < m->end || m->next == m->series->bars) return BP_OK;
        BP_TRY(read_part(m));
    }
    return BP_OK;
}

/* @param[in] since  the first bar of the ex-date */
static bp_status add_minute_dividend(bp__draft *draft, const bp__draft_payout *payout, minutes *before,
                                     int64_t since)
{
    BP_TRY(pass_minutes(before, since));
    const double ratio = 1.0 - payout->amount / before->close;
    BP_TRY(bp__draft_add_payout(draft, payout));
    if (!(ratio > 0) || !isfinite(ratio)) return BP_OK;
    return bp__draft_add_ratio(draft, BP__DIVIDENDS, &(bp__draft_ratio){payout->sid, payout->ex_date, ratio});
}

bp_status bp__csv_work_add_events(bp__csv_work *work, int64_t sid, const bp__events *events, bool daily)
{
    bp__draft *draft = work->in->draft;
    minutes before = {0};
    if (!daily && events->n > 0) before = begin_minutes(draft, sid);
    bp_status s = BP_OK;
    for (size_t i = 0; i < events->n && s == BP_OK; i++) {
        const bp__event *e = &events->row[i];
        const bp__draft_payout payout = {.sid = sid,
                                         .ex_date = e->day,
                                         .declared_date = BP_TIME_MISSING,
                                         .record_date = BP_TIME_MISSING,
                                         .pay_date = BP_TIME_MISSING,
                                         .amount = e->dividend};
        if (e->split != 1)
            s = bp__draft_add_ratio(draft, BP__SPLITS, &(bp__draft_ratio){sid, e->day, 1 / e->split});
        if (s == BP_OK && e->dividend != 0)
            s = daily ? bp__draft_add_dividend(draft, &payout)
                      : add_minute_dividend(draft, &payout, &before, e->since);
    }
    free(before.bar);
    return s;
}

/* The end --------------------------------------------------------------------------------------- */

void bp__csv_work_fill_dates(bp__draft_asset *asset, int64_t first, int64_t last)
{
    if (asset->start_date == BP_TIME_MISSING) asset->start_date = first;
    if (asset->first_traded == BP_TIME_MISSING) asset->first_traded = first;
    if (asset->end_date != BP_TIME_MISSING || last == BP_TIME_MISSING) return;
    asset->end_date = last;
    if (asset->auto_close_date == BP_TIME_MISSING) asset->auto_close_date = last + BP_NS_PER_DAY;
}

bp_status bp__csv_work_add_asset(bp__csv_work *work, int64_t sid, const char *symbol, int64_t first,
                                 int64_t last)
{
    const char *currency = work->in->options->currency;
    char *name = strdup(symbol);
    if (!name) BP_FAIL(BP_ENOMEM, "no memory for an asset");
    bp__draft_asset asset = {.sid = sid,
                             .symbol = name,
                             .name = name,
                             .exchange = "CSVDIR",
                             .start_date = BP_TIME_MISSING,
                             .end_date = BP_TIME_MISSING,
                             .first_traded = BP_TIME_MISSING,
                             .auto_close_date = BP_TIME_MISSING};
    memcpy(asset.currency, currency ? currency : BP_NO_CURRENCY, 3);
    bp__csv_work_fill_dates(&asset, first, last);
    const bp__draft_mapping mapping = {sid, name, BP_TIME_MISSING, BP_TIME_MISSING};
    bp_status s = bp__draft_add_asset(work->in->draft, &asset);
    if (s == BP_OK) s = bp__draft_add_mapping(work->in->draft, &mapping);
    free(name);
    return s;
}

bp_status bp__csv_work_add_sessions(bp__csv_work *work)
{
    uint64_t closed = 0, unknown = 0;
    int64_t first_closed = 0, first_unknown = 0;
    char text[32];
    for (int64_t day = INT64_MIN; bp__dayset_next(&work->days, &day); day += BP_NS_PER_DAY) {
        bp__draft_session session = {day, BP_TIME_MISSING, BP_TIME_MISSING};
        if (work->calendar &&
            !bp__calendar_hours(work->calendar, day, &session.market_open, &session.market_close) &&
            closed++ == 0)
            first_closed = day;
        if (session.market_open != BP_TIME_MISSING && !bp__calendar_knows(work->calendar, day)) {
            session.market_open = session.market_close = BP_TIME_MISSING;
            if (unknown++ == 0) first_unknown = day;
        }
        BP_TRY(bp__draft_add_session(work->in->draft, &session));
    }
    if (closed > 0)
        bp__report_add(work->in->report, BP__WARNING, "", 0,
                       "%llu sessions are on days of the week on which %s is closed, the first one on %s",
                       (unsigned long long)closed, bp__calendar_name(work->calendar),
                       bp__day_text(first_closed, text));
    if (unknown > 0)
        bp__report_add(
            work->in->report, BP__NOTE, "", 0,
            "the hours of %llu sessions are not stated, the first one is %s: on holidays, half days, "
            "and days that may be one, and in other years, %s has other hours",
            (unsigned long long)unknown, bp__day_text(first_unknown, text),
            bp__calendar_name(work->calendar));
    return BP_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const bp__read_file *)a)->name, ((const bp__read_file *)b)->name);
}

/* The hash of a list of names and hashes, in the order of the names. */
static bp_status hash_files(bp__csv_work *work, bp__origin *origin)
{
    char *text = NULL;
    size_t size = 0;
    if (work->files.n > 1) qsort(work->files.row, work->files.n, sizeof *work->files.row, by_name);
    FILE *list = open_memstream(&text, &size);
    if (!list) BP_FAIL(BP_ENOMEM, "no memory for a list of files");
    for (size_t i = 0; i < work->files.n; i++) {
        const bp__read_file *f = &work->files.row[i];
        fprintf(list, "%s  %s\n", f->stamp.hash, f->name);
        if (f->stamp.time > origin->time || i == 0) origin->time = f->stamp.time;
    }
    const bool whole = fclose(list) == 0;
    char hash[BP__HASH_TEXT];
    const bp_status s =
        whole ? bp__bytes_hash(text, size, hash) : bp__fail(BP_ENOMEM, "no memory for a list of files");
    free(text);
    if (s == BP_OK) memcpy(origin->content, hash, sizeof hash);
    origin->files = work->files.n;
    return s;
}

bp_status bp__csv_work_finish(bp__csv_work *work)
{
    bp__draft *draft = work->in->draft;
    if (work->calendar) {
        snprintf(draft->calendar_name, sizeof draft->calendar_name, "%s", bp__calendar_name(work->calendar));
        const char *country = bp__calendar_country(work->calendar);
        if (*country) snprintf(draft->country, sizeof draft->country, "%s", country);
    }
    BP_TRY(hash_files(work, &draft->origin));
    bp__remarks_tell(work->remarks, work->in->report);
    return BP_OK;
}
