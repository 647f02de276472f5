#include "core/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"

#include "core/search.h"
#include "core/sized.h"

void bp_bundle_release(const bp_bundle **bundle)
{
    const bp_bundle *b = *bundle;
    *bundle = NULL;
    if (b) b->release(b);
}

bool bp__bundle_hold(const bp_bundle *bundle)
{
    return bundle->hold && bundle->hold(bundle);
}

bool bp__bundle_has(const bp_bundle *bundle, const void *data)
{
    const uintptr_t begin = (uintptr_t)bundle->image, at = (uintptr_t)data;
    return at >= begin && at - begin < bundle->image->bytes;
}

const char *bp_bundle_name(const bp_bundle *bundle)
{
    return bundle->name;
}

uint64_t bp_bundle_bytes(const bp_bundle *bundle)
{
    return bundle->image->bytes;
}

uint64_t bp_bundle_generation(const bp_bundle *bundle)
{
    return bundle->generation;
}

static const void *column_data(const bp_bundle *bundle, bp_column column)
{
    return (const char *)bundle->image + bundle->image->column[column].offset;
}

static size_t column_rows(const bp_bundle *bundle, bp_column column)
{
    return bundle->image->column[column].shape[0];
}

_Bool bp_bundle_column(const bp_bundle *bundle, bp_column column, bp_array *array)
{
    if ((unsigned)column >= BP_NUM_COLUMNS) return 0;
    const bp__image_column *c = &bundle->image->column[column];
    *array = (bp_array){
        .data = column_data(bundle, column),
        .type = (bp_type)c->type,
        .ndim = (int)c->ndim,
        .shape = {c->shape[0], c->shape[1]},
    };
    return 1;
}

const char *bp_bundle_text(const bp_bundle *bundle, uint32_t offset)
{
    /* the last byte of STRINGS is a NUL: every offset within bounds is a text */
    if (offset >= column_rows(bundle, BP_COL_STRINGS)) return "";
    return (const char *)column_data(bundle, BP_COL_STRINGS) + offset;
}

size_t bp_bundle_num_assets(const bp_bundle *bundle)
{
    return column_rows(bundle, BP_COL_SID);
}

size_t bp_bundle_num_sessions(const bp_bundle *bundle)
{
    return column_rows(bundle, BP_COL_DAY);
}

const int64_t *bp_bundle_sids(const bp_bundle *bundle)
{
    return column_data(bundle, BP_COL_SID);
}

const int64_t *bp_bundle_sessions(const bp_bundle *bundle)
{
    return column_data(bundle, BP_COL_DAY);
}

const double *bp_bundle_daily(const bp_bundle *bundle, bp_column column)
{
    return column >= BP_COL_OPEN && column <= BP_COL_VOLUME ? column_data(bundle, column) : NULL;
}

static bp_status find_sid(const bp_bundle *bundle, bp_column column, int64_t sid, size_t *row)
{
    const int64_t *sids = column_data(bundle, column);
    const size_t n = column_rows(bundle, column), at = bp__first_from(sids, n, sid);
    if (at == n || sids[at] != sid) BP_FAIL(BP_ENOSID, "%s: no sid %lld", bundle->name, (long long)sid);
    *row = at;
    return BP_OK;
}

bp_status bp_bundle_row(const bp_bundle *bundle, int64_t sid, size_t *row)
{
    return find_sid(bundle, BP_COL_SID, sid, row);
}

bp_status bp_bundle_asset_row(const bp_bundle *bundle, int64_t sid, size_t *row)
{
    return find_sid(bundle, BP_COL_ASSET_SID, sid, row);
}

const char *bp_bundle_symbol(const bp_bundle *bundle, size_t row)
{
    size_t asset = 0;
    if (row >= bp_bundle_num_assets(bundle) ||
        bp__failed(bp_bundle_asset_row(bundle, bp_bundle_sids(bundle)[row], &asset)))
        return "";
    return bp_bundle_text(bundle, ((const uint32_t *)column_data(bundle, BP_COL_ASSET_SYMBOL))[asset]);
}

/* Version --------------------------------------------------------------------------------------- */

static int by_code_point(const void *a, const void *b)
{
    /* UTF-8 keeps the order of code points */
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Earliest start and latest end of the assets; sessions where there is no asset; else a placeholder. */
static void date_range(const bp_bundle *b, int64_t *start, int64_t *end)
{
    const int64_t *from = column_data(b, BP_COL_ASSET_START), *to = column_data(b, BP_COL_ASSET_END);
    const int64_t *day = bp_bundle_sessions(b);
    size_t n = column_rows(b, BP_COL_ASSET_SID), d = bp_bundle_num_sessions(b);
    *start = *end = BP_TIME_MISSING;
    for (size_t i = 0; i < n; i++) {
        if (from[i] != BP_TIME_MISSING && (*start == BP_TIME_MISSING || from[i] < *start)) *start = from[i];
        if (to[i] != BP_TIME_MISSING && (*end == BP_TIME_MISSING || to[i] > *end)) *end = to[i];
    }
    if (n == 0 && d > 0) {
        *start = day[0];
        *end = day[d - 1];
    }
    if (*start == BP_TIME_MISSING || *end == BP_TIME_MISSING) {
        *start = INT64_C(946684800000000000); /* 2000-01-01 */
        *end = INT64_C(4102358400000000000);  /* 2099-12-31 */
    }
}

/* What every caller's bp_version covers: enough to free what it owns. */
enum { LEAST_VERSION = offsetof(bp_version, date_range) };

bp_status bp_bundle_version(const bp_bundle *bundle, bp_version *version)
{
    bp_version v = bp_version_init();
    int64_t start, end;
    BP_TRY(bp__sized_check(version, LEAST_VERSION, "bp_version"));
    bp_status s = BP_OK;
    size_t n = column_rows(bundle, BP_COL_ASSET_SID);
    const uint32_t *symbol = column_data(bundle, BP_COL_ASSET_SYMBOL);

    strcpy(v.bundle_name, bundle->name);
    memcpy(v.schema_version, bundle->image->schema_version, sizeof v.schema_version);
    date_range(bundle, &start, &end);
    bp__iso_text(start, v.date_range[0]);
    bp__iso_text(end, v.date_range[1]);

    v.asset_list = calloc(n ? n : 1, sizeof *v.asset_list);
    if (!v.asset_list) BP_FAIL(BP_ENOMEM, "no memory for %zu symbols", n);
    for (; v.num_assets < n; v.num_assets++) {
        v.asset_list[v.num_assets] = strdup(bp_bundle_text(bundle, symbol[v.num_assets]));
        if (!v.asset_list[v.num_assets]) {
            s = bp__fail(BP_ENOMEM, "no memory for %zu symbols", n);
            goto fail;
        }
    }
    qsort(v.asset_list, n, sizeof *v.asset_list, by_code_point);

    s = bp__computed_hash((const char *const *)v.asset_list, n, v.date_range[0], v.date_range[1],
                          v.schema_version, v.computed_hash);
    if (bp__failed(s)) goto fail;
    s = bp__content_hash(bundle->image, v.content_hash);
    if (bp__failed(s)) goto fail;
    bp__sized_write(version, &v);
    return BP_OK;
fail:
    bp_version_fini(&v);
    return s; /* NOLINT(clang-analyzer-unix.Malloc): what bp__sized_write() has given away, and fini frees, is no leak */
}

void bp_version_fini(bp_version *version)
{
    if (version->size < LEAST_VERSION || !version->asset_list) return;
    for (size_t i = 0; i < version->num_assets; i++) free(version->asset_list[i]);
    free(version->asset_list);
    const bp_version empty = bp_version_init();
    bp__sized_write(version, &empty);
}
