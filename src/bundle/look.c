#include "bundle/look.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "reader/audit.h"
#include "reader/audit_owners.h"

#define MOST 5 /* of each kind: whoever wants to see all of them asks `bundle verify` */

struct bp__look {
    const bp__draft *draft;
    bp__audit *audit;
    atomic_int status; /* of the first series that could not be looked at */
};

static bp_status add_events(bp__audit *audit, const bp__draft *draft)
{
    static const struct {
        int ratios;
        bp__audit_kind kind;
    } kinds[] = {{BP__SPLITS, BP__AUDIT_SPLIT}, {BP__MERGERS, BP__AUDIT_MERGER}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < draft->ratios[kinds[k].ratios].n; i++) {
            const bp__draft_ratio *r = &draft->ratios[kinds[k].ratios].row[i];
            BP_TRY(bp__audit_add_event(audit, r->sid, kinds[k].kind, r->effective_date, r->ratio));
        }
    for (size_t i = 0; i < draft->payouts.n; i++) {
        const bp__draft_payout *p = &draft->payouts.row[i];
        BP_TRY(bp__audit_add_event(audit, p->sid, BP__AUDIT_DIVIDEND, p->ex_date, p->amount));
    }
    return BP_OK;
}

bp_status bp__look_begin(const bp__draft *draft, bp__look **look)
{
    bp__look *l = *look = calloc(1, sizeof **look);
    if (!l) BP_FAIL(BP_ENOMEM, "no memory to look at what is written");
    l->draft = draft;
    atomic_init(&l->status, BP_OK);
    bp_status s = bp__audit_create(NULL, draft->days.row, draft->days.n, MOST, &l->audit);
    if (s == BP_OK) s = add_events(l->audit, draft);
    if (bp__failed(s)) {
        bp__audit_destroy(&l->audit);
        free(l);
        *look = NULL;
    }
    return s;
}

void bp__look_series(void *look, size_t row, const double *const value[BP__NUM_FIELDS])
{
    bp__look *l = look;
    const int64_t sid = l->draft->series[BP__DAILY].row[row].sid;
    const size_t asset = bp__draft_find_asset(l->draft, sid);
    bp__audit_input input = {.sid = sid,
                             .symbol = asset == SIZE_MAX ? "" : l->draft->assets.row[asset].symbol};
    for (int f = 0; f < BP__NUM_FIELDS; f++) input.value[f] = value[f];
    const bp_status s = bp__audit_series(l->audit, &input);
    if (bp__failed(s)) atomic_store_explicit(&l->status, (int)s, memory_order_relaxed);
}

static bp_status look_at_symbols(const bp__look *look)
{
    const bp__draft *draft = look->draft;
    const size_t n = draft->mappings.n;
    bp__audit_owner *owner = calloc(n + 1, sizeof *owner);
    if (!owner) BP_FAIL(BP_ENOMEM, "no memory to compare %zu symbols", n);
    for (size_t i = 0; i < n; i++) {
        const bp__draft_mapping *m = &draft->mappings.row[i];
        owner[i] = (bp__audit_owner){m->symbol, m->sid, m->start_date, m->end_date,
                                     bp__draft_find_asset(draft, m->sid) != SIZE_MAX};
    }
    bp__audit_owners(bp__audit_findings(look->audit), owner, n);
    free(owner);
    return BP_OK;
}

static bp_status tell(bp__look *look, FILE *file)
{
    const bp_status s = (bp_status)atomic_load_explicit(&look->status, memory_order_relaxed);
    if (bp__failed(s)) BP_FAIL(s, "no memory to look at what was written");
    BP_TRY(look_at_symbols(look));
    BP_TRY(bp__audit_finish(look->audit));
    bp__findings *findings = bp__audit_findings(look->audit);
    BP_TRY(bp__findings_print(findings, file, ""));
    if (findings->count[BP__FOUND_SPLIT_CONTRADICTED] > 0)
        fputs(
            "note: splits are applied as the input says (--splits trust); if its prices are adjusted already, make "
            "the bundle with --splits ignore\n",
            file);
    return BP_OK;
}

bp_status bp__look_end(bp__look **look, FILE *file)
{
    bp__look *l = *look;
    if (!l) return BP_OK;
    *look = NULL;
    const bp_status s = file ? tell(l, file) : BP_OK;
    bp__audit_destroy(&l->audit);
    free(l);
    return s;
}
