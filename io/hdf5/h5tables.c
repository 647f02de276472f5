#include "io/hdf5/h5tables.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

/* Columns --------------------------------------------------------------------------------------- */

static bp_status no_memory(const bp__h5out *out, const char *path, size_t n)
{
    return bp__fail(BP_ENOMEM, "%s: %s: no memory for %zu rows", out->file.label, path, n);
}

/* A field of type int64_t of n rows, `stride` bytes apart. */
static bp_status put_i64_field(const bp__h5out *out, const char *path, const void *first, size_t stride,
                               size_t n)
{
    int64_t *column = malloc(n * sizeof *column + 1);
    if (!column) return no_memory(out, path, n);
    for (size_t i = 0; i < n; i++) memcpy(&column[i], (const char *)first + i * stride, sizeof *column);
    bp_status s = bp__h5_put_i64(out, path, column, n);
    free(column);
    return s;
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

static bp_status put_text_field(const bp__h5out *out, const char *path, const void *first, size_t stride,
                                size_t n)
{
    const size_t width = text_width(first, stride, n);
    char *cells = calloc(n + 1, width);
    if (!cells) return no_memory(out, path, n);
    for (size_t i = 0; i < n; i++) {
        const char *text = text_at(first, stride, i);
        memcpy(cells + i * width, text, strlen(text));
    }
    hid_t type = bp__h5_text_type(width, H5T_CSET_UTF8);
    bp_status s = type < 0 ? bp__h5_out_fail(out, path) : bp__h5_put(out, path, type, cells, n);
    if (type >= 0) H5Tclose(type);
    free(cells);
    return s;
}

/* Compound tables ------------------------------------------------------------------------------- */

typedef struct field {
    const char *name;
    size_t offset;
    char kind; /* 'i' int64, 'f' double, 's' text */
} field;

/* A compound type; a field without a name ends the list. Every field is 8 bytes but the texts. */
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

static bp_status put_table(const bp__h5out *out, const char *folder, const char *name, const field *fields,
                           size_t size, hid_t text, const void *rows, size_t n)
{
    char path[BP__H5_PATH_MAX];
    bp__h5_out_path(out, folder, name, path);
    hid_t type = compound_type(fields, size, text);
    if (type < 0) return bp__h5_out_fail(out, path);
    bp_status s = bp__h5_put(out, path, type, rows, n);
    H5Tclose(type);
    return s;
}

static bp_status put_mappings(const bp__h5out *out)
{
    const bp__draft *d = out->draft;
    const size_t n = d->mappings.n;
    const size_t width = n ? text_width(&d->mappings.row[0].symbol, sizeof *d->mappings.row, n) : 1;
    const size_t symbol = 8, start = 8 + width, end = 16 + width, size = 24 + width;
    char *rows = calloc(n + 1, size);
    if (!rows) return no_memory(out, "symbol_mappings", n);
    for (size_t i = 0; i < n; i++) {
        const bp__draft_mapping *m = &d->mappings.row[i];
        char *row = rows + i * size;
        memcpy(row, &m->sid, 8);
        memcpy(row + symbol, m->symbol, strlen(m->symbol));
        memcpy(row + start, &m->start_date, 8);
        memcpy(row + end, &m->end_date, 8);
    }
    hid_t text = bp__h5_text_type(width, H5T_CSET_UTF8);
    const field fields[] = {
        {"sid", 0, 'i'}, {"symbol", symbol, 's'}, {"start_date", start, 'i'}, {"end_date", end, 'i'}, {0}};
    bp_status s = text < 0 ? bp__h5_out_fail(out, "symbol_mappings")
                           : put_table(out, "assets", "symbol_mappings", fields, size, text, rows, n);
    if (text >= 0) H5Tclose(text);
    free(rows);
    return s;
}

static bp_status put_adjustments(const bp__h5out *out)
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
    static const char folder[] = "adjustments";
    static const char *const kinds[BP__NUM_RATIOS] = {"splits", "mergers", "dividends"};
    const bp__draft *d = out->draft;
    for (int k = 0; k < BP__NUM_RATIOS; k++)
        BP_TRY(put_table(out, folder, kinds[k], ratio, sizeof(bp__draft_ratio), H5I_INVALID_HID,
                         d->ratios[k].row, d->ratios[k].n));
    BP_TRY(put_table(out, folder, "dividend_payouts", payout, sizeof(bp__draft_payout), H5I_INVALID_HID,
                     d->payouts.row, d->payouts.n));
    return put_table(out, folder, "stock_dividend_payouts", stock, sizeof(bp__draft_stock), H5I_INVALID_HID,
                     d->stocks.row, d->stocks.n);
}

/* Groups ---------------------------------------------------------------------------------------- */

static bp_status put_origin(const bp__h5out *out)
{
    const bp__origin *o = &out->draft->origin;
    const hid_t root = out->file.id;
    if (*o->maker) BP_TRY(bp__h5_put_attr_text(out, root, "made_by", o->maker));
    if (!*o->source) return BP_OK;
    BP_TRY(bp__h5_put_attr_text(out, root, "source", o->source));
    BP_TRY(bp__h5_put_attr_text(out, root, "source_path", o->path ? o->path : ""));
    BP_TRY(bp__h5_put_attr_text(out, root, "source_options", o->options ? o->options : ""));
    BP_TRY(bp__h5_put_attr(out, root, "source_time", H5T_STD_I64LE, &o->time));
    BP_TRY(bp__h5_put_attr(out, root, "source_files", H5T_STD_U64LE, &o->files));
    BP_TRY(bp__h5_put_attr(out, root, "source_stamp", H5T_STD_U64LE, &o->stamp));
    return bp__h5_put_attr_text(out, root, "source_content", o->content);
}

static bp_status put_attributes(const bp__h5out *out)
{
    static const int64_t version = 0; /* of zipline's layout */
    const bp__draft *d = out->draft;
    BP_TRY(bp__h5_put_attr(out, out->file.id, "version", H5T_STD_I64LE, &version));
    BP_TRY(bp__h5_put_attr_text(out, out->file.id, "bundle_name", d->bundle_name));
    BP_TRY(bp__h5_put_attr_text(out, out->file.id, "schema_version", d->schema_version));
    BP_TRY(bp__h5_put_attr_text(out, out->file.id, "calendar_name", d->calendar_name));
    return put_origin(out);
}

static bp_status put_index(const bp__h5out *out)
{
    const bp__draft *d = out->draft;
    const size_t n = d->series[BP__DAILY].n;
    char path[BP__H5_PATH_MAX];
    bp__h5_out_path(out, "index", "sid", path);
    int64_t *sid = malloc(n * sizeof *sid + 1);
    if (!sid) return no_memory(out, path, n);
    for (size_t i = 0; i < n; i++) sid[i] = d->series[BP__DAILY].row[i].sid;
    bp_status s = bp__h5_put_i64(out, path, sid, n);
    free(sid);
    bp__h5_out_path(out, "index", "day", path);
    return s == BP_OK ? bp__h5_put_i64(out, path, d->days.row, d->days.n) : s;
}

/* First and last session column with a bar; all of them for an asset without any, as zipline. */
static void lifetime(const bp__draft *d, const bp__draft_series *series, int64_t *first, int64_t *last)
{
    *first = 0;
    *last = (int64_t)d->days.n - 1;
    if (series->bars == 0) return;
    *first = (int64_t)bp__draft_find_day(d, series->first);
    *last = (int64_t)bp__draft_find_day(d, series->last);
}

static bp_status put_lifetimes(const bp__h5out *out)
{
    const bp__draft *d = out->draft;
    const size_t n = d->series[BP__DAILY].n;
    char path[BP__H5_PATH_MAX];
    int64_t *first = calloc(2 * n + 1, sizeof *first);
    if (!first) return no_memory(out, "lifetimes", n);
    int64_t *last = first + n;
    for (size_t i = 0; i < n; i++) lifetime(d, &d->series[BP__DAILY].row[i], &first[i], &last[i]);
    bp__h5_out_path(out, "lifetimes", "start_date", path);
    bp_status s = bp__h5_put_i64(out, path, first, n);
    bp__h5_out_path(out, "lifetimes", "end_date", path);
    if (s == BP_OK) s = bp__h5_put_i64(out, path, last, n);
    free(first);
    return s;
}

static bp_status put_currency(const bp__h5out *out)
{
    const bp__draft *d = out->draft;
    const size_t n = d->series[BP__DAILY].n;
    char path[BP__H5_PATH_MAX];
    bp__h5_out_path(out, "currency", "code", path);
    char *code = calloc(n + 1, 3);
    if (!code) return no_memory(out, path, n);
    for (size_t i = 0; i < n; i++) {
        const size_t asset = bp__draft_find_asset(d, d->series[BP__DAILY].row[i].sid);
        memcpy(code + 3 * i, asset == SIZE_MAX ? BP_NO_CURRENCY : d->assets.row[asset].currency, 3);
    }
    hid_t type = bp__h5_text_type(3, H5T_CSET_ASCII);
    bp_status s = type < 0 ? bp__h5_out_fail(out, path) : bp__h5_put(out, path, type, code, n);
    if (type >= 0) H5Tclose(type);
    free(code);
    return s;
}

static bp_status put_assets(const bp__h5out *out)
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
    const bp__draft *d = out->draft;
    const size_t n = d->assets.n, stride = sizeof *d->assets.row;
    if (n == 0) return BP_OK; /* readers then make the table from the index */
    for (const field *f = fields; f->name; f++) {
        char path[BP__H5_PATH_MAX];
        bp__h5_out_path(out, "assets", f->name, path);
        const char *first = (const char *)d->assets.row + f->offset;
        BP_TRY(f->kind == 's' ? put_text_field(out, path, first, stride, n)
                              : put_i64_field(out, path, first, stride, n));
    }
    return put_mappings(out);
}

static bp_status put_calendar(const bp__h5out *out)
{
    static const field fields[] = {{"session", offsetof(bp__draft_session, session), 'i'},
                                   {"market_open", offsetof(bp__draft_session, market_open), 'i'},
                                   {"market_close", offsetof(bp__draft_session, market_close), 'i'},
                                   {0}};
    const bp__draft *d = out->draft;
    for (const field *f = fields; f->name; f++) {
        char path[BP__H5_PATH_MAX];
        bp__h5_out_path(out, "calendar", f->name, path);
        const char *first = d->calendar.n ? (const char *)d->calendar.row + f->offset : NULL;
        BP_TRY(put_i64_field(out, path, first, sizeof *d->calendar.row, d->calendar.n));
    }
    return BP_OK;
}

/* Room for the checksum, which is known when everything else is written; and, where nothing that befalls it is likely to
 * befall that, too, the word that there is one. */
static bp_status put_checksum(const bp__h5out *out)
{
    static const int64_t one_each = 1;
    char none[BP__HASH_TEXT], path[BP__H5_PATH_MAX];
    memset(none, '0', sizeof none - 1);
    none[sizeof none - 1] = '\0';
    snprintf(path, sizeof path, "/%s", out->draft->country);
    hid_t group = H5Gopen2(out->file.id, path, H5P_DEFAULT);
    bp_status s = group < 0 ? bp__h5_out_fail(out, path) : bp__h5_put_attr_text(out, group, "checksum", none);
    if (group >= 0) H5Gclose(group);
    return s == BP_OK ? bp__h5_put_attr(out, out->file.id, "checksums", H5T_STD_I64LE, &one_each) : s;
}

bp_status bp__h5_put_tables(const bp__h5out *out)
{
    BP_TRY(put_attributes(out));
    BP_TRY(put_index(out));
    BP_TRY(put_lifetimes(out));
    BP_TRY(put_currency(out));
    BP_TRY(put_assets(out));
    BP_TRY(put_calendar(out));
    BP_TRY(put_adjustments(out));
    return put_checksum(out);
}
