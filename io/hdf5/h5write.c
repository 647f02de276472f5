#include "io/hdf5/h5write.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/replace.h"
#include "io/hdf5/h5util.h"

#define CHUNK_BYTES  (UINT64_C(512) << 10) /* as stored before filters: enough tasks, little overhead */
#define MINUTE_CHUNK (UINT64_C(1) << 17)   /* bars */
#define GZIP_LEVEL   4
#define CORE_GROWTH  ((size_t)16 << 20)

typedef struct writer {
    const bp__draft *draft;
    bp__h5file file;
    hid_t lcpl; /* creates the groups on the way */
    bp__write_filter filter;
} writer;

static hsize_t min_u64(hsize_t a, hsize_t b)
{
    return a < b ? a : b;
}

/* HDF5 writes to memory here: what fails is memory. */
static bp_status h5_fail(const writer *w, const char *path)
{
    (void)bp__h5_fail(&w->file, path, "cannot be put together in memory");
    return BP_ENOMEM;
}

/* Datasets -------------------------------------------------------------------------------------- */

/* A chunk holds the whole series of a block of assets: a strategy reads series, a loader takes chunks. */
static void daily_chunk(hsize_t n, hsize_t d, hsize_t chunk[2])
{
    chunk[1] = d ? min_u64(d, CHUNK_BYTES / sizeof(uint32_t)) : 1;
    chunk[0] = CHUNK_BYTES / (chunk[1] * sizeof(uint32_t));
    if (chunk[0] > n) chunk[0] = n;
    if (chunk[0] == 0) chunk[0] = 1;
}

static hid_t create_dcpl(const writer *w, int rank, const hsize_t *chunk)
{
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    if (dcpl < 0) return dcpl;
    bool ok = H5Pset_obj_track_times(dcpl, false) >= 0;
    if (chunk) ok = ok && H5Pset_chunk(dcpl, rank, chunk) >= 0;
    if (chunk && w->filter == BP__WRITE_GZIP)
        ok = ok && H5Pset_shuffle(dcpl) >= 0 && H5Pset_deflate(dcpl, GZIP_LEVEL) >= 0;
    if (ok) return dcpl;
    H5Pclose(dcpl);
    return H5I_INVALID_HID;
}

/* One dataset: `chunk` NULL for a contiguous one; `scale` 0 for none. */
static bp_status put(const writer *w, const char *path, hid_t file_type, hid_t mem_type, int rank,
                     const hsize_t *shape, const hsize_t *chunk, const void *data, int64_t scale)
{
    bp_status s = BP_OK;
    hid_t set = H5I_INVALID_HID, attr = H5I_INVALID_HID, scalar = H5I_INVALID_HID;
    hid_t dcpl = create_dcpl(w, rank, chunk);
    hid_t space = H5Screate_simple(rank, shape, NULL);
    if (dcpl >= 0 && space >= 0)
        set = H5Dcreate2(w->file.id, path, file_type, space, w->lcpl, dcpl, H5P_DEFAULT);
    bool ok = set >= 0;
    bool empty = shape[0] == 0 || (rank == 2 && shape[1] == 0);
    if (ok && !empty) ok = H5Dwrite(set, mem_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (ok && scale != 0) {
        scalar = H5Screate(H5S_SCALAR);
        if (scalar >= 0)
            attr = H5Acreate2(set, "scaling_factor", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
        ok = attr >= 0 && H5Awrite(attr, H5T_NATIVE_INT64, &scale) >= 0;
    }
    if (!ok) s = h5_fail(w, path);
    if (attr >= 0) H5Aclose(attr);
    if (scalar >= 0) H5Sclose(scalar);
    if (set >= 0 && H5Dclose(set) < 0 && s == BP_OK) s = h5_fail(w, path); /* writes its last chunks */
    if (space >= 0) H5Sclose(space);
    if (dcpl >= 0) H5Pclose(dcpl);
    return s;
}

static bp_status put_i64(const writer *w, const char *path, const int64_t *data, size_t n)
{
    return put(w, path, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, (hsize_t[]){n}, NULL, data, 0);
}

/* A field of type int64_t of n rows, `stride` bytes apart. */
static bp_status put_i64_field(const writer *w, const char *path, const void *first, size_t stride, size_t n)
{
    int64_t *column = malloc(n * sizeof *column + 1);
    if (!column) BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %zu rows", w->file.label, path, n);
    for (size_t i = 0; i < n; i++) memcpy(&column[i], (const char *)first + i * stride, sizeof *column);
    bp_status s = put_i64(w, path, column, n);
    free(column);
    return s;
}

/* A fixed-length text type, padded with NUL, as zipline's currency codes. */
static hid_t text_type(size_t size, H5T_cset_t cset)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, size) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
        H5Tset_cset(type, cset) >= 0)
        return type;
    H5Tclose(type);
    return H5I_INVALID_HID;
}

static const char *text_at(const void *first, size_t stride, size_t i)
{
    const char *text;
    memcpy(&text, (const char *)first + i * stride, sizeof text);
    return text;
}

/* Length of the longest of n texts whose pointers are `stride` bytes apart, at least 1. */
static size_t text_width(const void *first, size_t stride, size_t n)
{
    size_t width = 1;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(text_at(first, stride, i));
        if (len > width) width = len;
    }
    return width;
}

static bp_status put_text_field(const writer *w, const char *path, const void *first, size_t stride, size_t n)
{
    size_t width = text_width(first, stride, n);
    char *cells = calloc(n + 1, width);
    hid_t type = text_type(width, H5T_CSET_UTF8);
    bp_status s = BP_OK;
    if (!cells) {
        s = bp__fail(BP_ENOMEM, "%s: %s: no memory for %zu texts", w->file.label, path, n);
    } else if (type < 0) {
        s = h5_fail(w, path);
    } else {
        for (size_t i = 0; i < n; i++) {
            const char *text = text_at(first, stride, i);
            memcpy(cells + i * width, text, strlen(text));
        }
        s = put(w, path, type, type, 1, (hsize_t[]){n}, NULL, cells, 0);
    }
    if (type >= 0) H5Tclose(type);
    free(cells);
    return s;
}

/* Tables ---------------------------------------------------------------------------------------- */

typedef struct field {
    const char *name;
    size_t offset;
    char kind; /* 'i' int64, 'f' double, 's' text */
} field;

/* A compound type of memory; NUL-named field ends the list. Every field is 8 bytes but the texts. */
static hid_t compound_type(const field *fields, size_t size, hid_t text)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, size);
    if (type < 0) return type;
    for (const field *f = fields; f->name; f++) {
        hid_t member = f->kind == 'i' ? H5T_STD_I64LE : f->kind == 'f' ? H5T_IEEE_F64LE : text;
        if (H5Tinsert(type, f->name, f->offset, member) < 0) {
            H5Tclose(type);
            return H5I_INVALID_HID;
        }
    }
    return type;
}

static bp_status put_table(const writer *w, const char *path, const field *fields, size_t size, hid_t text,
                           const void *rows, size_t n)
{
    hid_t type = compound_type(fields, size, text);
    if (type < 0) return h5_fail(w, path);
    bp_status s = put(w, path, type, type, 1, (hsize_t[]){n}, NULL, rows, 0);
    H5Tclose(type);
    return s;
}

static bp_status put_mappings(const writer *w)
{
    static const char path[] = "/US/assets/symbol_mappings";
    const bp__draft *d = w->draft;
    size_t n = d->mappings.n;
    size_t width = n ? text_width(&d->mappings.row[0].symbol, sizeof *d->mappings.row, n) : 1;
    const size_t symbol = 8, start = 8 + width, end = 16 + width, size = 24 + width;
    char *rows = calloc(n + 1, size);
    if (!rows) BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %zu rows", w->file.label, path, n);
    for (size_t i = 0; i < n; i++) {
        const bp__draft_mapping *m = &d->mappings.row[i];
        char *row = rows + i * size;
        memcpy(row, &m->sid, 8);
        memcpy(row + symbol, m->symbol, strlen(m->symbol));
        memcpy(row + start, &m->start_date, 8);
        memcpy(row + end, &m->end_date, 8);
    }
    hid_t text = text_type(width, H5T_CSET_UTF8);
    const field fields[] = {
        {"sid", 0, 'i'}, {"symbol", symbol, 's'}, {"start_date", start, 'i'}, {"end_date", end, 'i'}, {0}};
    bp_status s = text < 0 ? h5_fail(w, path) : put_table(w, path, fields, size, text, rows, n);
    if (text >= 0) H5Tclose(text);
    free(rows);
    return s;
}

static bp_status put_adjustments(const writer *w)
{
    static const field ratio[] = {{"sid", offsetof(bp__draft_ratio, sid), 'i'},
                                  {"effective_date", offsetof(bp__draft_ratio, effective_date), 'i'},
                                  {"ratio", offsetof(bp__draft_ratio, ratio), 'f'},
                                  {0}};
    static const field payout[] = {{"sid", offsetof(bp__draft_payout, sid), 'i'},
                                   {"ex_date", offsetof(bp__draft_payout, ex_date), 'i'},
                                   {"declared_date", offsetof(bp__draft_payout, declared_date), 'i'},
                                   {"record_date", offsetof(bp__draft_payout, record_date), 'i'},
                                   {"pay_date", offsetof(bp__draft_payout, pay_date), 'i'},
                                   {"amount", offsetof(bp__draft_payout, amount), 'f'},
                                   {0}};
    static const field stock[] = {{"sid", offsetof(bp__draft_stock, sid), 'i'},
                                  {"ex_date", offsetof(bp__draft_stock, ex_date), 'i'},
                                  {"declared_date", offsetof(bp__draft_stock, declared_date), 'i'},
                                  {"record_date", offsetof(bp__draft_stock, record_date), 'i'},
                                  {"pay_date", offsetof(bp__draft_stock, pay_date), 'i'},
                                  {"payment_sid", offsetof(bp__draft_stock, payment_sid), 'i'},
                                  {"ratio", offsetof(bp__draft_stock, ratio), 'f'},
                                  {0}};
    static const char *const ratio_path[BP__NUM_RATIOS] = {
        "/US/adjustments/splits", "/US/adjustments/mergers", "/US/adjustments/dividends"};
    const bp__draft *d = w->draft;
    for (int k = 0; k < BP__NUM_RATIOS; k++)
        BP_TRY(put_table(w, ratio_path[k], ratio, sizeof(bp__draft_ratio), H5I_INVALID_HID, d->ratios[k].row,
                         d->ratios[k].n));
    BP_TRY(put_table(w, "/US/adjustments/dividend_payouts", payout, sizeof(bp__draft_payout), H5I_INVALID_HID,
                     d->payouts.row, d->payouts.n));
    return put_table(w, "/US/adjustments/stock_dividend_payouts", stock, sizeof(bp__draft_stock),
                     H5I_INVALID_HID, d->stocks.row, d->stocks.n);
}

/* Groups ---------------------------------------------------------------------------------------- */

static bp_status put_attributes(const writer *w)
{
    static const int64_t version = 0;
    const struct {
        const char *name, *text;
    } texts[] = {{"bundle_name", w->draft->bundle_name},
                 {"schema_version", w->draft->schema_version},
                 {"calendar_name", w->draft->calendar_name}};
    hid_t scalar = H5Screate(H5S_SCALAR);
    if (scalar < 0) return h5_fail(w, "/");
    hid_t attr = H5Acreate2(w->file.id, "version", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attr >= 0 && H5Awrite(attr, H5T_NATIVE_INT64, &version) >= 0;
    if (attr >= 0) H5Aclose(attr);
    for (size_t i = 0; ok && i < sizeof texts / sizeof *texts; i++) {
        size_t len = strlen(texts[i].text);
        hid_t type = text_type(len ? len : 1, H5T_CSET_UTF8);
        attr =
            type < 0 ? type : H5Acreate2(w->file.id, texts[i].name, type, scalar, H5P_DEFAULT, H5P_DEFAULT);
        ok = attr >= 0 && H5Awrite(attr, type, texts[i].text) >= 0;
        if (attr >= 0) H5Aclose(attr);
        if (type >= 0) H5Tclose(type);
    }
    bp_status s = ok ? BP_OK : h5_fail(w, "/");
    H5Sclose(scalar);
    return s;
}

static bp_status put_lifetimes(const writer *w)
{
    const bp__draft *d = w->draft;
    int64_t(*life)[2] = calloc(d->num_sids + 1, sizeof *life);
    if (!life) BP_FAIL(BP_ENOMEM, "%s: no memory for the lifetimes of %zu sids", w->file.label, d->num_sids);
    for (size_t i = 0; i < d->num_sids; i++) bp__draft_lifetime(d, i, &life[i][0], &life[i][1]);
    bp_status s = put_i64_field(w, "/US/lifetimes/start_date", &life[0][0], sizeof *life, d->num_sids);
    if (s == BP_OK) s = put_i64_field(w, "/US/lifetimes/end_date", &life[0][1], sizeof *life, d->num_sids);
    free(life);
    return s;
}

static bp_status put_currency(const writer *w)
{
    const size_t n = w->draft->num_sids;
    char *code = malloc(3 * n + 1);
    hid_t type = text_type(3, H5T_CSET_ASCII);
    for (size_t i = 0; code && i < n; i++) memcpy(code + 3 * i, w->draft->currency, 3);
    bp_status s = !code || type < 0
                      ? h5_fail(w, "/US/currency/code")
                      : put(w, "/US/currency/code", type, type, 1, (hsize_t[]){n}, NULL, code, 0);
    if (type >= 0) H5Tclose(type);
    free(code);
    return s;
}

static bp_status put_daily(const writer *w)
{
    const bp__draft *d = w->draft;
    BP_TRY(put_i64(w, "/US/index/sid", d->sid, d->num_sids));
    BP_TRY(put_i64(w, "/US/index/day", d->day, d->num_sessions));
    hsize_t shape[2] = {d->num_sids, d->num_sessions}, chunk[2];
    daily_chunk(shape[0], shape[1], chunk);
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        char path[BP__H5_PATH_MAX];
        snprintf(path, sizeof path, "/US/data/%s", bp__field_name[f]);
        BP_TRY(put(w, path, H5T_STD_U32LE, H5T_NATIVE_UINT32, 2, shape, chunk, d->daily[f],
                   f == BP__VOLUME ? 1 : BP__PRICE_SCALE));
    }
    BP_TRY(put_lifetimes(w));
    return put_currency(w);
}

static bp_status put_assets(const writer *w)
{
    static const field fields[] = {{"sid", offsetof(bp__draft_asset, sid), 'i'},
                                   {"symbol", offsetof(bp__draft_asset, symbol), 's'},
                                   {"name", offsetof(bp__draft_asset, name), 's'},
                                   {"exchange", offsetof(bp__draft_asset, exchange), 's'},
                                   {"start_date", offsetof(bp__draft_asset, start_date), 'i'},
                                   {"end_date", offsetof(bp__draft_asset, end_date), 'i'},
                                   {"first_traded", offsetof(bp__draft_asset, first_traded), 'i'},
                                   {"auto_close_date", offsetof(bp__draft_asset, auto_close_date), 'i'},
                                   {0}};
    const bp__draft *d = w->draft;
    const size_t n = d->assets.n, stride = sizeof *d->assets.row;
    if (n == 0) return BP_OK; /* readers then make the table from the index */
    for (const field *f = fields; f->name; f++) {
        char path[BP__H5_PATH_MAX];
        snprintf(path, sizeof path, "/US/assets/%s", f->name);
        const char *first = (const char *)d->assets.row + f->offset;
        BP_TRY(f->kind == 's' ? put_text_field(w, path, first, stride, n)
                              : put_i64_field(w, path, first, stride, n));
    }
    return put_mappings(w);
}

static bp_status put_calendar(const writer *w)
{
    static const field fields[] = {{"session", offsetof(bp__draft_session, session), 'i'},
                                   {"market_open", offsetof(bp__draft_session, market_open), 'i'},
                                   {"market_close", offsetof(bp__draft_session, market_close), 'i'},
                                   {0}};
    const bp__draft *d = w->draft;
    for (const field *f = fields; f->name; f++) {
        char path[BP__H5_PATH_MAX];
        snprintf(path, sizeof path, "/US/calendar/%s", f->name);
        const char *first = d->calendar.n ? (const char *)d->calendar.row + f->offset : NULL;
        BP_TRY(put_i64_field(w, path, first, sizeof *d->calendar.row, d->calendar.n));
    }
    return BP_OK;
}

static bp_status put_minute_bars(const writer *w, void *column)
{
    const bp__draft *d = w->draft;
    const hsize_t shape[1] = {d->bars.n}, chunk[1] = {d->bars.n ? min_u64(d->bars.n, MINUTE_CHUNK) : 1};
    int64_t *dt = column;
    for (size_t i = 0; i < d->bars.n; i++) dt[i] = d->bars.row[i].dt;
    BP_TRY(put(w, "/US/minute/dt", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, shape, chunk, dt, 0));
    uint32_t *value = column;
    for (int f = 0; f < BP__NUM_FIELDS; f++) {
        char path[BP__H5_PATH_MAX];
        snprintf(path, sizeof path, "/US/minute/data/%s", bp__field_name[f]);
        for (size_t i = 0; i < d->bars.n; i++) value[i] = d->bars.row[i].value[f];
        BP_TRY(put(w, path, H5T_STD_U32LE, H5T_NATIVE_UINT32, 1, shape, chunk, value,
                   f == BP__VOLUME ? 1 : BP__PRICE_SCALE));
    }
    return BP_OK;
}

static bp_status put_minute(const writer *w)
{
    const bp__draft *d = w->draft;
    const size_t m = d->minutes.n;
    if (m == 0) return BP_OK;
    int64_t *column = malloc(((d->bars.n > m ? d->bars.n : m) + 1) * sizeof *column);
    if (!column) BP_FAIL(BP_ENOMEM, "%s: no memory for %zu minute bars", w->file.label, d->bars.n);
    bp_status s = put_i64_field(w, "/US/minute/index/sid", &d->minutes.row[0].sid, sizeof *d->minutes.row, m);
    for (size_t i = 0; i < m; i++) column[i] = (int64_t)d->minutes.row[i].first;
    column[m] = (int64_t)d->bars.n;
    if (s == BP_OK) s = put_i64(w, "/US/minute/index/offset", column, m + 1);
    if (s == BP_OK) s = put_minute_bars(w, column);
    free(column);
    return s;
}

static bp_status put_everything(const writer *w)
{
    BP_TRY(put_attributes(w));
    BP_TRY(put_daily(w));
    BP_TRY(put_assets(w));
    BP_TRY(put_calendar(w));
    BP_TRY(put_adjustments(w));
    return put_minute(w);
}

/* The file in memory ---------------------------------------------------------------------------- */

/* Between lock and unlock. On success file.id is open: bp__h5_close(). */
static bp_status create_in_memory(writer *w)
{
    char name[32]; /* never gets to the disk; HDF5 wants it to differ from those of its other open files */
    snprintf(name, sizeof name, "bundle-%p", (void *)w);
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), fcpl = H5Pcreate(H5P_FILE_CREATE);
    if (fapl >= 0 && fcpl >= 0 && H5Pset_fapl_core(fapl, CORE_GROWTH, false) >= 0 &&
        H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) >= 0 && H5Pset_obj_track_times(fcpl, false) >= 0)
        w->file.id = H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl);
    w->lcpl = H5Pcreate(H5P_LINK_CREATE);
    bool ok = w->file.id >= 0 && w->lcpl >= 0 && H5Pset_create_intermediate_group(w->lcpl, 1) >= 0;
    bp_status s = ok ? put_everything(w) : h5_fail(w, "");
    if (fapl >= 0) H5Pclose(fapl);
    if (fcpl >= 0) H5Pclose(fcpl);
    if (w->lcpl >= 0) H5Pclose(w->lcpl);
    return s;
}

/* Where the finished bytes are; valid while the file is open and nobody writes to it. */
static bp_status file_bytes(const writer *w, const void **bytes, size_t *size)
{
    void *handle = NULL;
    ssize_t n = -1;
    if (H5Fflush(w->file.id, H5F_SCOPE_GLOBAL) >= 0) n = H5Fget_file_image(w->file.id, NULL, 0);
    if (n < 0 || H5Fget_vfd_handle(w->file.id, H5P_DEFAULT, &handle) < 0) return h5_fail(w, "");
    *bytes = *(void **)handle; /* the core driver's handle is the place of its buffer's address */
    *size = (size_t)n;
    return BP_OK;
}

bp_status bp__h5_write(const bp__draft *draft, const char *path, bp__write_filter filter)
{
    BP_TRY(bp__draft_check(draft));
    writer w = {.draft = draft,
                .file = {.label = path, .id = H5I_INVALID_HID},
                .lcpl = H5I_INVALID_HID,
                .filter = filter};
    const void *bytes = NULL;
    size_t size = 0;

    bp__h5_lock();
    bp_status s = create_in_memory(&w);
    if (s == BP_OK) s = file_bytes(&w, &bytes, &size);
    bp__h5_unlock();

    /* others may use libhdf5 meanwhile: this file is known to nobody else */
    if (s == BP_OK) s = bp__replace_file(path, bytes, size);

    bp__h5_lock();
    bp__h5_close(&w.file);
    bp__h5_unlock();
    return s;
}
