#include "reader/audit_bundle.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bundle.h"
#include "reader/audit_columns.h"

#define MAX_THREADS 64

/* Events of a bundle ------------------------------------------------------------------------------- */

/* Calls `add` for each. What is no positive number is told with the tables. */
static bp_status each_event(const bp_bundle *bundle, bp_status (*add)(void *, const bp__audit_event *),
                            void *context)
{
    static const struct {
        bp_column sid, date, value;
        bp__audit_kind kind;
    } table[] = {{BP_COL_SPLIT_SID, BP_COL_SPLIT_DATE, BP_COL_SPLIT_RATIO, BP__AUDIT_SPLIT},
                 {BP_COL_MERGER_SID, BP_COL_MERGER_DATE, BP_COL_MERGER_RATIO, BP__AUDIT_MERGER},
                 {BP_COL_PAYOUT_SID, BP_COL_PAYOUT_EX, BP_COL_PAYOUT_AMOUNT, BP__AUDIT_DIVIDEND}};
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t n, dates, values;
        const int64_t *sid = bp__audit_column(bundle, table[k].sid, &n);
        const int64_t *date = bp__audit_column(bundle, table[k].date, &dates);
        const double *value = bp__audit_column(bundle, table[k].value, &values);
        for (size_t i = 0; i < n && i < dates && i < values; i++) {
            const bp__audit_event event = {sid[i], date[i], table[k].kind, value[i]};
            BP_TRY(add(context, &event));
        }
    }
    return BP_OK;
}

/* The whole ---------------------------------------------------------------------------------------- */

typedef struct work {
    const bp_bundle *bundle;
    const bp__audit_options *options;
    bp__audit *audit;
    bp__audit_hours hours;
    size_t series, all; /* pieces: daily series, then those with minutes */
    _Atomic size_t next, done;
    _Atomic int status; /* of the first piece that failed */
} work;

static bp_status look_at_series(work *w, size_t i)
{
    const size_t d = bp_bundle_num_sessions(w->bundle);
    const int64_t sid = bp_bundle_sids(w->bundle)[i];
    bp__audit_input input = {.sid = sid, .symbol = bp_bundle_symbol(w->bundle, i)};
    for (int k = 0; k < 5; k++)
        input.value[k] = bp_bundle_daily(w->bundle, (bp_column)(BP_COL_OPEN + k)) + i * d;
    return bp__audit_series(w->audit, &input);
}

static void take_pieces(work *w, bool tell)
{
    for (size_t i; (i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed)) < w->all;) {
        bp_status s = BP_OK;
        if (i < w->series)
            s = look_at_series(w, i);
        else
            bp__audit_minutes(w->bundle, &w->hours, &w->options->thresholds, i - w->series,
                              bp__audit_findings(w->audit));
        if (bp__failed(s)) atomic_store_explicit(&w->status, (int)s, memory_order_relaxed);
        const size_t done = atomic_fetch_add_explicit(&w->done, 1, memory_order_relaxed) + 1;
        if (tell && w->options->tell) w->options->tell(w->options->context, "checking", done, w->all);
    }
}

static void *helper(void *argument)
{
    take_pieces(argument, false);
    return NULL;
}

/* A thread that cannot be started is one fewer: the caller's does all that is left. */
static bp_status look_at_all(work *w)
{
    pthread_t thread[MAX_THREADS];
    long wanted = w->options->threads > 0 ? (long)w->options->threads : sysconf(_SC_NPROCESSORS_ONLN);
    int n = 0;
    if (wanted > (long)w->all) wanted = (long)w->all;
    while (n < MAX_THREADS && n + 1 < wanted && pthread_create(&thread[n], NULL, helper, w) == 0) n++;
    take_pieces(w, true);
    while (n > 0) pthread_join(thread[--n], NULL);
    const int status = atomic_load_explicit(&w->status, memory_order_relaxed);
    if (status != BP_OK) BP_FAIL((bp_status)status, "no memory to look for what is odd");
    return BP_OK;
}

static bp_status add_event(void *context, const bp__audit_event *e)
{
    return bp__audit_add_event(context, e->sid, e->kind, e->date, e->value);
}

static bp_status audit(work *w)
{
    size_t minutes = 0;
    const int64_t *offset = bp__audit_column(w->bundle, BP_COL_MINUTE_OFFSET, NULL);
    if (offset) bp__audit_column(w->bundle, BP_COL_MINUTE_SID, &minutes);
    w->series = bp_bundle_num_assets(w->bundle);
    w->all = w->series + minutes;
    BP_TRY(each_event(w->bundle, add_event, w->audit));
    BP_TRY(bp__audit_hours_init(w->bundle, &w->hours));
    BP_TRY(look_at_all(w));
    BP_TRY(bp__audit_tables(w->bundle, bp__audit_findings(w->audit)));
    bp__audit_dates(w->bundle, bp__audit_findings(w->audit));
    bp__audit_texts(w->bundle, bp__audit_findings(w->audit));
    return bp__audit_finish(w->audit);
}

bp_status bp__audit_bundle(const bp_bundle *bundle, const bp__audit_options *options, bp__audit **audit_out)
{
    work w = {.bundle = bundle, .options = options};
    *audit_out = NULL;
    BP_TRY(bp__audit_create(&options->thresholds, bp_bundle_sessions(bundle), bp_bundle_num_sessions(bundle),
                            options->most, &w.audit));
    bp__audit_findings(w.audit)->lightest = options->lightest;
    bp_status s = audit(&w);
    bp__audit_hours_fini(&w.hours);
    if (bp__failed(s))
        bp__audit_destroy(&w.audit);
    else
        *audit_out = w.audit;
    return s;
}

/* Checksum ----------------------------------------------------------------------------------------- */

#define BEYOND_ALL 1e9 /* nothing is known to be what was written: it comes before whatever else is found */

bp_status bp__audit_checksum(const bp_bundle *bundle, const char *content_hash, bp__findings *findings)
{
    const char *stated = bundle->image->checksum;
    char is[BP__HASH_TEXT];
    if (!*stated) return BP_OK;
    BP_TRY(bp__image_checksum(bundle->image, content_hash, is));
    if (strcmp(stated, is) != 0)
        bp__findings_add(
            findings, BP__FOUND_CHECKSUM, BP__NO_SID, "", BP_TIME_MISSING, 1, BEYOND_ALL,
            "the file is not as it was written: its checksum is %.12s, of what is read %.12s; take it "
            "from a backup, or make the bundle again",
            stated, is);
    return BP_OK;
}

/* Contradictions ----------------------------------------------------------------------------------- */

typedef struct chosen {
    int64_t first, last;
    bp__audit_event *event;
    size_t n, cap;
} chosen;

static bp_status choose(void *context, const bp__audit_event *e)
{
    chosen *c = context;
    if (e->date <= c->first || e->date > c->last) return BP_OK;
    if (c->n == c->cap) {
        const size_t cap = c->n < 8 ? 64 : 2 * c->n;
        bp__audit_event *event = realloc(c->event, cap * sizeof *event);
        if (!event) BP_FAIL(BP_ENOMEM, "no memory for the events of a bundle");
        c->event = event;
        c->cap = cap;
    }
    c->event[c->n++] = *e;
    return BP_OK;
}

static void look_at_events(const bp_bundle *bundle, const bp__audit_event *event, size_t n, size_t row,
                           bp__findings *findings)
{
    static const bp__audit_thresholds thresholds = {.jump = 1e9, .dividend = 1e9, .few = 0, .minutes = 1e9};
    const size_t d = bp_bundle_num_sessions(bundle);
    bp__audited a = {.thresholds = &thresholds,
                     .findings = findings,
                     .sid = event->sid,
                     .symbol = bp_bundle_symbol(bundle, row),
                     .day = bp_bundle_sessions(bundle),
                     .days = d,
                     .event = event,
                     .num_events = n};
    for (int k = 0; k < 5; k++) a.value[k] = bp_bundle_daily(bundle, (bp_column)(BP_COL_OPEN + k)) + row * d;
    bp__audit_events(&a);
}

bp_status bp__audit_contradictions(const bp_bundle *bundle, const size_t *row, size_t n, int64_t first,
                                   int64_t last, bp__findings *findings)
{
    chosen c = {.first = first, .last = last};
    const int64_t *sid = bp_bundle_sids(bundle);
    bp_status s = each_event(bundle, choose, &c);
    if (s == BP_OK && c.n > 0) qsort(c.event, c.n, sizeof *c.event, bp__audit_event_compare);
    for (size_t i = 0, e = 0; s == BP_OK && i < n; i++) {
        while (e < c.n && c.event[e].sid < sid[row[i]]) e++;
        size_t end = e;
        while (end < c.n && c.event[end].sid == sid[row[i]]) end++;
        if (end > e) look_at_events(bundle, &c.event[e], end - e, row[i], findings);
        e = end;
    }
    free(c.event);
    return s;
}
