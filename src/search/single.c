#include "search/single.h"

#include <malloc.h>
#include <string.h>

#include "core/clock.h"
#include "core/folder.h"

/* What malloc() has given out, mapped blocks included. */
static uint64_t allocated(void)
{
    const struct mallinfo2 m = mallinfo2();
    return (uint64_t)m.uordblks + (uint64_t)m.hblkhd;
}

static bp_status take_hashes(bp__single *s)
{
    bp_version version = bp_version_init();
    BP_TRY(bp_bundle_version(s->bundle, &version));
    memcpy(s->content_hash, version.content_hash, sizeof s->content_hash);
    memcpy(s->computed_hash, version.computed_hash, sizeof s->computed_hash);
    bp_version_fini(&version);
    return BP_OK;
}

bp_status bp__single_open(const bp__spec *spec, const char *root, uint64_t bundle, bool hash, bp__single *s)
{
    const uint64_t began = bp__clock_ns();
    *s = (bp__single){.spec = spec};
    BP_TRY(bp_bundle_load(root, spec->bundle[bundle], &s->bundle));
    s->load_s = (double)(bp__clock_ns() - began) * 1e-9;
    if (hash) BP_TRY(take_hashes(s));
    s->allocated = allocated();
    BP_TRY(bp__scope_create(s->bundle, (const char *const *)spec->symbols, spec->start, spec->end,
                            spec->delisted_after, &s->scope));
    BP_TRY(bp__workspace_create(s->scope, &s->workspace));
    if (hash) BP_TRY(bp__doubts_find(s->bundle, s->scope, &s->doubts));
    return BP_OK;
}

uint64_t bp__single_bytes(const bp__single *s)
{
    const uint64_t now = allocated();
    return now > s->allocated ? now - s->allocated : 0;
}

void bp__single_close(bp__single *s)
{
    bp__workspace_destroy(&s->workspace);
    bp__scope_destroy(&s->scope);
    bp_bundle_release(&s->bundle);
}

bp_status bp__single_run(bp__single *s, uint64_t combination, const bp__ledger *ledger, bp__record *record)
{
    double params[BP__MAX_PARAMS];
    bp__grid_at(&s->spec->grid, combination, params);
    const int folder = bp__folder_hold();
    const bp_status ran =
        bp__backtest_run(s->workspace, s->spec->runs, params, &s->spec->account, ledger, record);
    const bp_status returned = bp__folder_return(folder);
    return bp__failed(ran) ? ran : returned;
}
