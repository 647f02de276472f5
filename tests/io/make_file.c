#include "make_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t stored_value(bp_column column, hsize_t row, hsize_t col)
{
    uint64_t x = (uint64_t)column * 1000003 + row * 7919 + col * 104729 + 1;
    x = (x ^ x >> 7) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 29;
    if (x % 7 == 0) return 0;
    return x % 11 == 0 ? UINT32_MAX : (uint32_t)(x % 1000000);
}

int64_t stored_dt(hsize_t bar)
{
    return INT64_C(1577975460000000000) + (int64_t)bar * INT64_C(60000000000);
}

static bool is_volume(bp_column column)
{
    return column == BP_COL_VOLUME || column == BP_COL_MINUTE_VOLUME;
}

/* Where the bars of a row of the minute index begin. */
static int64_t first_bar(const file_format *f, hsize_t row)
{
    if (row == 0) return 0;
    if (row == 3) return 3 * (int64_t)f->bars;
    return f->by_asset ? (int64_t)f->bars / 2 : (int64_t)(row * f->bars); /* row 1 has none */
}

double stored_factor(const file_format *f, bp_column column, hsize_t row)
{
    static const double factors[] = {1e6, 10, 1e9, 1000, 1, 0.01, 7};
    if (!f->by_asset) return is_volume(column) ? 1 : 1000;
    return factors[(row + (column >= BP_COL_MINUTE_DT ? 2 : 0) + (is_volume(column) ? 4 : 0)) % 7];
}

hsize_t owner_of_bar(const file_format *f, hsize_t bar)
{
    hsize_t row = 2;
    while (first_bar(f, row) > (int64_t)bar) row--;
    return row;
}

double expected_value(const file_format *format, bp_column column, hsize_t row, hsize_t col)
{
    const bool minute = column >= BP_COL_MINUTE_DT;
    const double scale = 1.0 / stored_factor(format, column, minute ? owner_of_bar(format, col) : row);
    uint32_t x = stored_value(column, row, col);
    if (format->sparse && column < BP_COL_MINUTE_DT && row >= format->assets / 2) x = 0;
    if (is_volume(column)) return x * scale;
    return x == 0 ? (double)NAN : x * scale;
}

bool put_data(hid_t file, const char *path, hid_t file_type, hid_t memory_type, int rank, const hsize_t *dims,
              hid_t dcpl, const void *data)
{
    hid_t lcpl = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
    bool ok = H5Pset_create_intermediate_group(lcpl, 1) >= 0;
    hid_t set = H5Dcreate2(file, path, file_type, space, lcpl, dcpl, H5P_DEFAULT);
    ok = ok && set >= 0 && (!data || H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    if (set >= 0) H5Dclose(set);
    H5Sclose(space);
    H5Pclose(lcpl);
    return ok;
}

bool put_attr(hid_t file, const char *path, const char *name, int64_t value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attr =
        H5Acreate_by_name(file, path, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attr >= 0 && H5Awrite(attr, H5T_NATIVE_INT64, &value) >= 0;
    if (attr >= 0) H5Aclose(attr);
    H5Sclose(space);
    return ok;
}

static bool put_i64(hid_t file, const char *path, hsize_t n, const int64_t *data)
{
    return put_data(file, path, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &n, H5P_DEFAULT, data);
}

static bool put_text_attr(hid_t file, const char *name, const char *text, bool variable)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    bool ok = H5Tset_size(type, variable ? H5T_VARIABLE : strlen(text)) >= 0;
    ok = ok && H5Tset_strpad(type, variable ? H5T_STR_NULLTERM : H5T_STR_NULLPAD) >= 0;
    hid_t attr = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ok = ok && attr >= 0 && H5Awrite(attr, type, variable ? (const void *)&text : text) >= 0;
    if (attr >= 0) H5Aclose(attr);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

/* Creation properties of a bulk dataset. */
static hid_t bulk_dcpl(const file_format *f, int rank)
{
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[2] = {f->chunk[0], f->chunk[1]};
    if (rank == 1) chunk[0] *= chunk[1];
    bool ok = dcpl >= 0;
    if (f->compact) ok = ok && H5Pset_layout(dcpl, H5D_COMPACT) >= 0;
    if (f->chunk[0]) {
        ok = ok && H5Pset_chunk(dcpl, rank, chunk) >= 0;
        if (f->whole_edges_only)
            ok = ok && H5Pset_chunk_opts(dcpl, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) >= 0;
        if (f->shuffle) ok = ok && H5Pset_shuffle(dcpl) >= 0;
        for (unsigned i = 0; i < f->deflate; i++) ok = ok && H5Pset_deflate(dcpl, 4) >= 0;
        if (f->shuffle_last) ok = ok && H5Pset_shuffle(dcpl) >= 0;
        if (f->fletcher) ok = ok && H5Pset_fletcher32(dcpl) >= 0;
    }
    return ok ? dcpl : -1;
}

/* Chunks may be larger than the data only where the data could grow. */
static bool put_bulk(hid_t file, const char *path, const file_format *f, hid_t file_type, hid_t memory_type,
                     int rank, const hsize_t *dims, hsize_t written, const void *data)
{
    static const hsize_t unlimited[2] = {H5S_UNLIMITED, H5S_UNLIMITED}, start[2] = {0, 0};
    const hsize_t count[2] = {written, dims[rank - 1]};
    hid_t dcpl = bulk_dcpl(f, rank), lcpl = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = H5Screate_simple(rank, dims, f->chunk[0] ? unlimited : NULL);
    hid_t memory = H5Screate_simple(rank, count, NULL);
    bool ok = dcpl >= 0 && H5Pset_create_intermediate_group(lcpl, 1) >= 0;
    hid_t set = ok ? H5Dcreate2(file, path, file_type, space, lcpl, dcpl, H5P_DEFAULT) : -1;
    ok = set >= 0;
    if (ok && written > 0) {
        ok = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
             H5Dwrite(set, memory_type, memory, space, H5P_DEFAULT, data) >= 0;
    }
    if (set >= 0) H5Dclose(set);
    H5Sclose(memory);
    H5Sclose(space);
    H5Pclose(lcpl);
    if (dcpl >= 0) H5Pclose(dcpl);
    return ok;
}

/* A dataset of factors, one for each of `rows` rows. */
static bool put_factors(hid_t file, const char *path, const file_format *f, bp_column column, hsize_t rows)
{
    double *factor = calloc(rows + 1, sizeof *factor);
    for (hsize_t i = 0; i < rows; i++) factor[i] = stored_factor(f, column, i);
    bool ok = put_data(file, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &rows, H5P_DEFAULT, factor);
    free(factor);
    return ok;
}

static bool put_daily(hid_t file, const file_format *f, bp_column column)
{
    const hsize_t dims[2] = {f->assets, f->sessions};
    uint32_t *x = calloc(dims[0] * dims[1] + 1, sizeof *x);
    char path[64];
    snprintf(path, sizeof path, "/US/%s", bp_column_name(column));
    for (hsize_t i = 0; i < dims[0]; i++)
        for (hsize_t j = 0; j < dims[1]; j++) x[i * dims[1] + j] = stored_value(column, i, j);
    bool ok = put_bulk(file, path, f, f->big_endian ? H5T_STD_U32BE : H5T_STD_U32LE, H5T_NATIVE_UINT32, 2,
                       dims, f->sparse ? dims[0] / 2 : dims[0], x);
    free(x);
    return ok && put_attr(file, path, "scaling_factor", is_volume(column) ? 1 : 1000);
}

static bool put_minute(hid_t file, const file_format *f)
{
    const hsize_t bars = 3 * f->bars, sids = 3, offsets = 4;
    const int64_t sid[3] = {1, 3, 5}, offset[4] = {0, first_bar(f, 1), first_bar(f, 2), first_bar(f, 3)};
    int64_t *dt = calloc(bars, sizeof *dt);
    uint32_t *x = calloc(bars, sizeof *x);
    for (hsize_t i = 0; i < bars; i++) dt[i] = stored_dt(i);
    bool ok = put_i64(file, "/US/minute/index/sid", sids, sid) &&
              put_i64(file, "/US/minute/index/offset", offsets, offset) &&
              put_bulk(file, "/US/minute/dt", f, f->big_endian ? H5T_STD_I64BE : H5T_STD_I64LE,
                       H5T_NATIVE_INT64, 1, &bars, bars, dt);
    for (unsigned c = BP_COL_MINUTE_OPEN; c <= BP_COL_MINUTE_VOLUME && ok; c++) {
        char path[64];
        snprintf(path, sizeof path, "/US/%s", bp_column_name(c));
        for (hsize_t i = 0; i < bars; i++) x[i] = stored_value(c, 0, i);
        ok = put_bulk(file, path, f, f->big_endian ? H5T_STD_U32BE : H5T_STD_U32LE, H5T_NATIVE_UINT32, 1,
                      &bars, bars, x) &&
             put_attr(file, path, "scaling_factor", is_volume(c) ? 1 : 1000);
    }
    if (ok && f->by_asset)
        ok = put_factors(file, "/US/minute/data/scaling_factor", f, BP_COL_MINUTE_OPEN, sids) &&
             put_factors(file, "/US/minute/data/volume_scaling_factor", f, BP_COL_MINUTE_VOLUME, sids);
    free(x);
    free(dt);
    return ok;
}

/* Four assets and a few events, all in an order that the reader has to put right. */
static bool put_extras(hid_t file)
{
    static const int64_t sid[4] = {6, 2, 4, 0}, start[4] = {60, 20, 40, 1}, end[4] = {69, 29, 49, 9};
    static const char symbol[4][4] = {"SIX", "TWO", "FOUR", "ZERO"}; /* no room for a NUL: padded */
    static const char *const name[4] = {"Six Corp.", "Two \xc3\x84G", "", "Zero"};
    typedef struct split {
        double ratio;
        int64_t sid, effective_date;
    } split;
    static const split splits[4] = {{0.5, 4, 200}, {0.25, 2, 300}, {0.1, 4, 100}, {0.2, 4, 100}};
    typedef struct mapping {
        int64_t sid;
        const char *symbol;
        int64_t start_date, end_date, ignored;
    } mapping;
    static const mapping mappings[2] = {{2, "TWO.OLD", 20, 24, 7}, {2, "TWO", 25, 29, 7}};
    const hsize_t four = 4, two = 2;

    hid_t fixed = H5Tcopy(H5T_C_S1), variable = H5Tcopy(H5T_C_S1);
    bool ok = H5Tset_size(fixed, 4) >= 0 && H5Tset_strpad(fixed, H5T_STR_NULLPAD) >= 0 &&
              H5Tset_size(variable, H5T_VARIABLE) >= 0 && H5Tset_cset(variable, H5T_CSET_UTF8) >= 0;
    hid_t split_type = H5Tcreate(H5T_COMPOUND, sizeof(split));
    ok = ok && H5Tinsert(split_type, "ratio", offsetof(split, ratio), H5T_NATIVE_DOUBLE) >= 0 &&
         H5Tinsert(split_type, "sid", offsetof(split, sid), H5T_NATIVE_INT64) >= 0 &&
         H5Tinsert(split_type, "effective_date", offsetof(split, effective_date), H5T_NATIVE_INT64) >= 0;
    hid_t mapping_type = H5Tcreate(H5T_COMPOUND, sizeof(mapping));
    ok = ok && H5Tinsert(mapping_type, "sid", offsetof(mapping, sid), H5T_NATIVE_INT64) >= 0 &&
         H5Tinsert(mapping_type, "symbol", offsetof(mapping, symbol), variable) >= 0 &&
         H5Tinsert(mapping_type, "start_date", offsetof(mapping, start_date), H5T_NATIVE_INT64) >= 0 &&
         H5Tinsert(mapping_type, "end_date", offsetof(mapping, end_date), H5T_NATIVE_INT64) >= 0 &&
         H5Tinsert(mapping_type, "ignored", offsetof(mapping, ignored), H5T_NATIVE_INT64) >= 0;
    ok = ok && put_i64(file, "/US/assets/sid", 4, sid) && put_i64(file, "/US/assets/start_date", 4, start) &&
         put_i64(file, "/US/assets/end_date", 4, end) &&
         put_data(file, "/US/assets/symbol", fixed, fixed, 1, &four, H5P_DEFAULT, symbol) &&
         put_data(file, "/US/assets/name", variable, variable, 1, &four, H5P_DEFAULT, name) &&
         put_data(file, "/US/assets/symbol_mappings", mapping_type, mapping_type, 1, &two, H5P_DEFAULT,
                  mappings) &&
         put_data(file, "/US/adjustments/splits", split_type, split_type, 1, &four, H5P_DEFAULT, splits) &&
         put_i64(file, "/US/calendar/session", 4, (const int64_t[]){1, 2, 3, 4}) &&
         put_i64(file, "/US/calendar/market_open", 4, (const int64_t[]){11, 12, 13, 14}) &&
         put_i64(file, "/US/calendar/market_close", 4, (const int64_t[]){21, 22, 23, 24}) &&
         put_text_attr(file, "schema_version", "v9", false) &&
         put_text_attr(file, "calendar_name", "XNYS", true);
    H5Tclose(mapping_type);
    H5Tclose(split_type);
    H5Tclose(variable);
    H5Tclose(fixed);
    return ok;
}

bool make_file(const char *path, const file_format *f)
{
    hid_t fcpl = H5Pcreate(H5P_FILE_CREATE), fapl = H5Pcreate(H5P_FILE_ACCESS);
    bool ok = (!f->userblock || H5Pset_userblock(fcpl, 1024) >= 0) &&
              (!f->latest || H5Pset_libver_bounds(fapl, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) >= 0);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
    H5Pclose(fapl);
    H5Pclose(fcpl);
    if (file < 0) return false;

    hsize_t most = f->assets > f->sessions ? f->assets : f->sessions;
    int64_t *index = calloc(most + 1, sizeof *index);
    for (hsize_t i = 0; i < most; i++) index[i] = (int64_t)i * 2;
    ok = ok && put_attr(file, "/", "version", 0) && put_i64(file, "/US/index/sid", f->assets, index);
    for (hsize_t i = 0; i < most; i++) index[i] = (int64_t)i * BP_NS_PER_DAY;
    ok = ok && put_i64(file, "/US/index/day", f->sessions, index);
    free(index);
    for (unsigned c = BP_COL_OPEN; c <= BP_COL_VOLUME && ok; c++) ok = put_daily(file, f, c);
    if (ok && f->by_asset)
        ok = put_factors(file, "/US/data/scaling_factor", f, BP_COL_OPEN, f->assets) &&
             put_factors(file, "/US/data/volume_scaling_factor", f, BP_COL_VOLUME, f->assets);
    if (ok && f->bars) ok = put_minute(file, f);
    if (ok && f->extras) ok = put_extras(file);
    return H5Fclose(file) >= 0 && ok;
}
