#include "io/hdf5/h5bars.h"

#include <stdlib.h>

#include "io/hdf5/h5blocks.h"
#include "io/scale.h"

#define CHUNK_BYTES (UINT64_C(512) << 10) /* as stored before filters: enough blocks, little overhead */
#define CHUNK_CELLS (CHUNK_BYTES / sizeof(uint32_t))

/* Factors --------------------------------------------------------------------------------------- */

/* zipline has a whole number there; where each asset has a factor of its own, its usual one. */
static bp_status put_factor(const bp__h5out *out, int frame, int field, hid_t set)
{
    const int scale = bp__h5_scale_of(field);
    double factor = out->draft->factor[frame][scale];
    if (out->draft->by_asset[frame][scale])
        factor = bp__scale_factor(scale == BP__PRICE ? BP__SCALE_PRICE : BP__SCALE_VOLUME);
    const bool whole = factor >= 1 && factor <= 1e15 && (double)(int64_t)factor == factor;
    const int64_t number = whole ? (int64_t)factor : 0;
    if (whole) return bp__h5_put_attr(out, set, "scaling_factor", H5T_STD_I64LE, &number);
    return bp__h5_put_attr(out, set, "scaling_factor", H5T_IEEE_F64LE, &factor);
}

/* `n` rows of index/sid, or of the index of minute bars. */
static bp_status put_factors_by_asset(const bp__h5out *out, int frame, int scale, size_t n)
{
    static const char *const folder[BP__NUM_FRAMES] = {"data", "minute/data"};
    static const char *const name[BP__NUM_SCALES] = {"scaling_factor", "volume_scaling_factor"};
    const bp__draft *d = out->draft;
    char path[BP__H5_PATH_MAX];
    if (!d->by_asset[frame][scale]) return BP_OK;
    bp__h5_out_path(out, folder[frame], name[scale], path);
    double *factor = calloc(n + 1, sizeof *factor);
    if (!factor) BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %zu factors", out->file.label, path, n);
    for (size_t i = 0; i < n; i++) {
        factor[i] = bp__h5_factor_of(d, frame, &d->series[frame].row[i], scale);
    }
    bp_status s = bp__h5_put_f64(out, path, factor, n);
    free(factor);
    return s;
}

/* Planning -------------------------------------------------------------------------------------- */

static bp_status check_sids(const bp__h5out *out)
{
    const bp__draft *d = out->draft;
    if (d->assets.n == 0) return BP_OK;
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (size_t i = 0; i < d->series[frame].n; i++) {
            const int64_t sid = d->series[frame].row[i].sid;
            if (bp__draft_find_asset(d, sid) == SIZE_MAX)
                BP_FAIL(BP_EINVAL, "%s: there are %s bars of sid %lld, which is no asset", out->file.label,
                        bp__frame_name[frame], (long long)sid);
        }
    return BP_OK;
}

/* A chunk holds the whole series of a block of assets: a strategy reads series, a loader takes chunks. Only series of
 * more sessions than a chunk can hold lie in several, side by side. */
static void plan_daily(bp__h5bars *b)
{
    const uint64_t days = b->out->draft->days.n;
    b->rows = b->out->draft->series[BP__DAILY].n;
    b->chunk[1] = days == 0 ? 1 : days < CHUNK_CELLS ? days : CHUNK_CELLS;
    b->chunk[0] = CHUNK_CELLS / b->chunk[1];
    if (b->chunk[0] > b->rows) b->chunk[0] = b->rows;
    if (b->chunk[0] == 0) b->chunk[0] = 1;
    b->across = (days + b->chunk[1] - 1) / b->chunk[1];
    b->daily_blocks = days == 0 ? 0 : (b->rows + b->chunk[0] - 1) / b->chunk[0];
}

static bp_status plan_minutes(bp__h5bars *b)
{
    const bp__draft *d = b->out->draft;
    const size_t m = d->series[BP__MINUTE].n;
    b->minute_first = calloc(m + 1, sizeof *b->minute_first);
    if (!b->minute_first) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu series", b->out->file.label, m);
    for (size_t i = 0; i < m; i++)
        b->minute_first[i + 1] = b->minute_first[i] + d->series[BP__MINUTE].row[i].bars;
    const uint64_t bars = b->minute_first[m];
    b->minute_chunk = bars == 0 ? 1 : bars < CHUNK_CELLS ? bars : CHUNK_CELLS;
    b->blocks = b->daily_blocks + (bars + b->minute_chunk - 1) / b->minute_chunk;
    return BP_OK;
}

/* Datasets: between lock and unlock of libhdf5 -------------------------------------------------- */

static bp_status create_set(const bp__h5bars *b, const char *path, hid_t type, int rank, const hsize_t *shape,
                            const hsize_t *chunk, hid_t *set)
{
    return bp__h5_put_empty(b->out, path, type, rank, shape, chunk, b->options->filter == BP__WRITE_GZIP,
                            set);
}

static bp_status create_fields(bp__h5bars *b, int frame, const char *folder, int rank, const hsize_t *shape,
                               const hsize_t *chunk)
{
    char path[BP__H5_PATH_MAX];
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        bp__h5_out_path(b->out, folder, bp__field_name[f], path);
        BP_TRY(create_set(b, path, H5T_STD_U32LE, rank, shape, chunk, &b->set[frame][f]));
        BP_TRY(put_factor(b->out, frame, f, b->set[frame][f]));
    }
    for (int k = 0; k < BP__NUM_SCALES; k++)
        BP_TRY(put_factors_by_asset(b->out, frame, k,
                                    frame == BP__DAILY ? b->rows : b->out->draft->series[frame].n));
    return BP_OK;
}

static bp_status create_daily(bp__h5bars *b)
{
    const hsize_t shape[2] = {b->rows, b->out->draft->days.n}, chunk[2] = {b->chunk[0], b->chunk[1]};
    return create_fields(b, BP__DAILY, "data", 2, shape, chunk);
}

static bp_status put_minute_index(const bp__h5bars *b)
{
    const bp__draft *d = b->out->draft;
    const size_t m = d->series[BP__MINUTE].n;
    char path[BP__H5_PATH_MAX];
    int64_t *column = calloc(m + 1, sizeof *column);
    if (!column) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu series", b->out->file.label, m);
    for (size_t i = 0; i < m; i++) column[i] = d->series[BP__MINUTE].row[i].sid;
    bp__h5_out_path(b->out, "minute/index", "sid", path);
    bp_status s = bp__h5_put_i64(b->out, path, column, m);
    for (size_t i = 0; i <= m; i++) column[i] = (int64_t)b->minute_first[i];
    bp__h5_out_path(b->out, "minute/index", "offset", path);
    if (s == BP_OK) s = bp__h5_put_i64(b->out, path, column, m + 1);
    free(column);
    return s;
}

static bp_status create_minutes(bp__h5bars *b)
{
    const size_t m = b->out->draft->series[BP__MINUTE].n;
    const hsize_t shape[1] = {b->minute_first[m]}, chunk[1] = {b->minute_chunk};
    char path[BP__H5_PATH_MAX];
    if (m == 0) return BP_OK;
    BP_TRY(put_minute_index(b));
    bp__h5_out_path(b->out, "minute", "dt", path);
    BP_TRY(create_set(b, path, H5T_STD_I64LE, 1, shape, chunk, &b->dt));
    return create_fields(b, BP__MINUTE, "minute/data", 1, shape, chunk);
}

static void close_sets(bp__h5bars *b)
{
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (int f = 0; f < BP__NUM_FIELDS; f++)
            if (b->set[frame][f] >= 0) H5Dclose(b->set[frame][f]); /* the driver lets nothing fail */
    if (b->dt >= 0) H5Dclose(b->dt);
}

bp_status bp__h5_put_bars(const bp__h5out *out, const bp__write_options *options)
{
    bp__h5bars b = {.out = out, .options = options, .dt = H5I_INVALID_HID};
    for (int frame = 0; frame < BP__NUM_FRAMES; frame++)
        for (int f = 0; f < BP__NUM_FIELDS; f++) b.set[frame][f] = H5I_INVALID_HID;
    BP_TRY(check_sids(out));
    plan_daily(&b);
    BP_TRY(plan_minutes(&b));

    bp__h5_lock();
    bp_status s = create_daily(&b);
    if (s == BP_OK) s = create_minutes(&b);
    bp__h5_unlock();
    if (s == BP_OK) s = bp__h5_write_blocks(&b);
    bp__h5_lock();
    close_sets(&b);
    bp__h5_unlock();
    free(b.minute_first);
    return s;
}
