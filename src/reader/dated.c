#include "reader/dated.h"

#include <inttypes.h>

#include "core/status.h"

static bp_status column(const bp_bundle *bundle, bp_column id, size_t rows, const void **data)
{
    bp_array array;
    bp_bundle_column(bundle, id, &array);
    if (array.shape[0] != rows)
        BP_FAIL(BP_EFORMAT, "%s: %s has %zu rows, expected %zu", bp_bundle_name(bundle), bp_column_name(id),
                (size_t)array.shape[0], rows);
    *data = array.data;
    return BP_OK;
}

bp_status bp__dated_init(bp__dated *table, const bp_bundle *bundle, bp_column sid, bp_column value)
{
    const bp_column date = (bp_column)(sid + 1);
    const void *data = NULL;
    bp_array sids;
    *table = (bp__dated){.date = NULL};
    bp_bundle_column(bundle, sid, &sids);
    const size_t n = (size_t)sids.shape[0];
    bp_status s = bp__sorted_init(&table->sid, bp_column_name(sid), sids.data, n, false);
    if (bp__failed(s)) BP_FAIL(s, "%s: %s", bp_bundle_name(bundle), bp_error_text());
    BP_TRY(column(bundle, date, n, &data));
    table->date = data;
    BP_TRY(column(bundle, value, n, &data));
    table->value = data;
    for (size_t i = 1; i < n; i++)
        if (table->sid.at[i] == table->sid.at[i - 1] && table->date[i] < table->date[i - 1])
            BP_FAIL(BP_EFORMAT, "%s: %s: not ascending at row %zu within sid %" PRId64,
                    bp_bundle_name(bundle), bp_column_name(date), i, table->sid.at[i]);
    return BP_OK;
}

void bp__dated_fini(bp__dated *table)
{
    bp__sorted_fini(&table->sid);
    *table = (bp__dated){.date = NULL};
}

size_t bp__dated_below(const bp__dated *table, size_t begin, size_t end, int64_t date)
{
    while (begin < end) {
        const size_t mid = begin + (end - begin) / 2;
        if (table->date[mid] < date)
            begin = mid + 1;
        else
            end = mid;
    }
    return begin;
}
