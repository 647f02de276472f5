#include "search/doubts.h"

#include <stdio.h>
#include <stdlib.h>

#include "reader/audit_bundle.h"

#define MOST 16 /* more than a line has room for */

static void put(const bp__finding *f, size_t i, bp__doubts *doubts, size_t *used)
{
    char where[128], one[192];
    const size_t left = sizeof doubts->text - *used;
    const int n = snprintf(one, sizeof one, "%s%s %+.3g %%", i > 0 ? ", " : "",
                           bp__finding_where(f, where, sizeof where), f->size);
    if (n < 0 || *used == sizeof doubts->text) return; /* "..." stands there */
    if ((size_t)n + sizeof ", ..." > left) {
        snprintf(doubts->text + *used, left, "%s...", i > 0 ? ", " : "");
        *used = sizeof doubts->text;
        return;
    }
    *used += (size_t)snprintf(doubts->text + *used, left, "%s", one);
}

static bp_status tell(bp__findings *findings, bp__doubts *doubts)
{
    const bp__finding **row;
    size_t n, used = 0;
    BP_TRY(bp__findings_sort(findings, &row, &n));
    doubts->num = bp__findings_total(findings);
    for (size_t i = 0; i < n; i++) put(row[i], i, doubts, &used);
    if (doubts->num > n && used < sizeof doubts->text)
        snprintf(doubts->text + used, sizeof doubts->text - used, ", ...");
    free(row);
    return BP_OK;
}

bp_status bp__doubts_find(const bp_bundle *bundle, const bp__scope *scope, bp__doubts *doubts)
{
    const size_t n = bp__scope_num_assets(scope);
    bp__findings findings;
    *doubts = (bp__doubts){0};
    size_t *row = malloc(n * sizeof *row);
    if (!row) BP_FAIL(BP_ENOMEM, "no memory for the rows of %zu assets", n);
    bp__findings_init(&findings, MOST);
    findings.lightest = BP__HEAVY;
    bp_status s = BP_OK;
    for (size_t i = 0; s == BP_OK && i < n; i++) {
        int64_t sid;
        bp__scope_asset(scope, i, &sid);
        s = bp_bundle_row(bundle, sid, &row[i]);
    }
    if (s == BP_OK)
        s = bp__audit_contradictions(bundle, row, n, bp__scope_first_session(scope),
                                     bp__scope_last_session(scope), &findings);
    if (s == BP_OK) s = tell(&findings, doubts);
    bp__findings_fini(&findings);
    free(row);
    return s;
}
