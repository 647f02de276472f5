#include "reader/audit.h"

#include <stdlib.h>
#include <string.h>

#include <bundlepool/bundle.h>

#include "reader/audit_market.h"

struct bp__audit {
    bp__audit_thresholds thresholds;
    bp__findings findings;
    const int64_t *day; /* borrowed */
    size_t days;
    bp__audit_event *event;
    size_t num_events, cap_events;
    pthread_mutex_t lock; /* of what follows */
    bool sorted;          /* events are in order */
    bp__audit_asset *asset;
    size_t num_assets, cap_assets;
};

bp_status bp__audit_create(const bp__audit_thresholds *thresholds, const int64_t *day, size_t num_days,
                           size_t most, bp__audit **audit)
{
    bp__audit *a = calloc(1, sizeof *a);
    *audit = a;
    if (!a) BP_FAIL(BP_ENOMEM, "no memory to look for what is odd");
    a->thresholds = thresholds ? *thresholds : BP__AUDIT_DEFAULTS;
    a->day = day;
    a->days = num_days;
    a->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    bp__findings_init(&a->findings, most);
    return BP_OK;
}

void bp__audit_destroy(bp__audit **audit)
{
    bp__audit *a = *audit;
    if (!a) return;
    for (size_t i = 0; i < a->num_assets; i++) free(a->asset[i].present);
    free(a->asset);
    free(a->event);
    bp__findings_fini(&a->findings);
    free(a);
    *audit = NULL;
}

bp__findings *bp__audit_findings(bp__audit *audit)
{
    return &audit->findings;
}

static bp_status grow(void **row, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return BP_OK;
    const size_t more = n < 8 ? 16 : 2 * n;
    void *grown = realloc(*row, more * size);
    if (!grown) BP_FAIL(BP_ENOMEM, "no memory to look for what is odd");
    *row = grown;
    *cap = more;
    return BP_OK;
}

bp_status bp__audit_add_event(bp__audit *audit, int64_t sid, bp__audit_kind kind, int64_t date, double value)
{
    void *row = audit->event;
    BP_TRY(grow(&row, audit->num_events, &audit->cap_events, sizeof *audit->event));
    audit->event = row;
    audit->event[audit->num_events++] = (bp__audit_event){sid, date, kind, value};
    audit->sorted = false;
    return BP_OK;
}

/* Series ------------------------------------------------------------------------------------------- */

static void sort_events(bp__audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    if (!audit->sorted && audit->num_events > 0)
        qsort(audit->event, audit->num_events, sizeof *audit->event, bp__audit_event_compare);
    audit->sorted = true;
    pthread_mutex_unlock(&audit->lock);
}

static size_t first_event(const bp__audit *audit, int64_t sid)
{
    size_t low = 0, high = audit->num_events;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (audit->event[middle].sid < sid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bp_status note_presence(bp__audit *audit, const bp__audit_input *input, bp__audit_asset *asset)
{
    *asset = (bp__audit_asset){.sid = input->sid};
    asset->present = calloc(audit->days / 64 + 1, sizeof *asset->present);
    if (!asset->present) BP_FAIL(BP_ENOMEM, "no memory to look for what is odd");
    snprintf(asset->symbol, sizeof asset->symbol, "%s", input->symbol);
    for (size_t t = 0; t < audit->days; t++) {
        bool any = false;
        for (int k = 0; k < 4; k++) any |= bp__audit_priced(input->value[k][t]);
        if (!any) continue;
        if (asset->bars++ == 0) asset->first = t;
        asset->last = t;
        asset->present[t / 64] |= UINT64_C(1) << (t % 64);
    }
    return BP_OK;
}

/* The bits are the audit's from now on. */
static bp_status add_asset(bp__audit *audit, bp__audit_asset *asset)
{
    pthread_mutex_lock(&audit->lock);
    void *row = audit->asset;
    bp_status s = grow(&row, audit->num_assets, &audit->cap_assets, sizeof *audit->asset);
    if (s == BP_OK) {
        audit->asset = row;
        audit->asset[audit->num_assets++] = *asset;
    }
    pthread_mutex_unlock(&audit->lock);
    if (bp__failed(s)) free(asset->present);
    return s;
}

bp_status bp__audit_series(bp__audit *audit, const bp__audit_input *input)
{
    bp__audit_asset asset;
    sort_events(audit);
    bp__audited a = {.thresholds = &audit->thresholds,
                     .findings = &audit->findings,
                     .sid = input->sid,
                     .symbol = input->symbol,
                     .day = audit->day,
                     .days = audit->days};
    for (int k = 0; k < 5; k++) a.value[k] = input->value[k];
    const size_t e = first_event(audit, input->sid);
    a.event = audit->event + e;
    while (e + a.num_events < audit->num_events && a.event[a.num_events].sid == input->sid) a.num_events++;

    BP_TRY(note_presence(audit, input, &asset));
    bp__audit_jumps(&a);
    bp__audit_bars(&a);
    if (asset.bars > 0) return add_asset(audit, &asset);
    if (a.days > 0) BP__FOUND(&a, NO_BARS, BP_TIME_MISSING, 0, 0.5, "no daily bar with a price");
    free(asset.present);
    return BP_OK;
}

static int by_sid(const void *a, const void *b)
{
    const bp__audit_asset *x = a, *y = b;
    return x->sid < y->sid ? -1 : x->sid > y->sid;
}

bp_status bp__audit_finish(bp__audit *audit)
{
    if (audit->num_assets > 0) qsort(audit->asset, audit->num_assets, sizeof *audit->asset, by_sid);
    return bp__audit_market(&audit->thresholds, &audit->findings, audit->day, audit->days, audit->asset,
                            audit->num_assets);
}
