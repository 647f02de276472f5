#include "io/hdf5/h5small.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5attr.h"
#include "io/hdf5/h5values.h"

#define MAX_FIELDS 8

/* A group of columns with equally many rows: datasets of one folder, or fields of one compound. */
typedef struct table {
    bp_column first;
    unsigned num;
    uint64_t rows;
    void *data[MAX_FIELDS]; /* owned; uint32_t offsets for texts */
} table;

typedef struct reader {
    const bp__h5file *file;
    bp__head *head;
    bp__h5shape *shape;
} reader;

static bp_type type_of(bp_column column)
{
    static const bp_type types[BP_NUM_COLUMNS] = {
#define X(id, name, type, ndim) [BP_COL_##id] = BP_TYPE_##type,
        BP_COLUMN_MAP(X)
#undef X
    };
    return types[column];
}

void bp__h5_column_path(const char *country, bp_column column, char path[BP__H5_PATH_MAX])
{
    snprintf(path, BP__H5_PATH_MAX, "/%s/%s", country, bp_column_name(column));
}

static bp_status find(const reader *r, const char *name, bool *found)
{
    char path[BP__H5_PATH_MAX];
    snprintf(path, sizeof path, "/%s/%s", r->shape->country, name);
    return bp__h5_find(r->file, path, found);
}

/* The country group ----------------------------------------------------------------------------- */

typedef struct country_search {
    const bp__h5file *file;
    bp__h5countries *countries;
    bp_status status;
} country_search;

static bp_status look_at_group(const bp__h5file *file, const char *name, bp__h5countries *countries)
{
    bool index = false, data = false;
    char path[BP__H5_PATH_MAX];
    snprintf(path, sizeof path, "/%s/index", name);
    BP_TRY(bp__h5_find(file, path, &index));
    snprintf(path, sizeof path, "/%s/data", name);
    BP_TRY(bp__h5_find(file, path, &data));
    if (!index || !data) return BP_OK;
    if (countries->n == BP__H5_MAX_COUNTRIES)
        BP_FAIL(BP_EFORMAT, "%s: more than %d country groups", file->label, BP__H5_MAX_COUNTRIES);
    strcpy(countries->name[countries->n++], name);
    return BP_OK;
}

static herr_t visit_link(hid_t root, const char *name, const H5L_info_t *info, void *context)
{
    (void)root;
    country_search *search = context;
    if (info->type != H5L_TYPE_HARD || strlen(name) >= BP__H5_COUNTRY_MAX) return 0;
    search->status = look_at_group(search->file, name, search->countries);
    return bp__failed(search->status);
}

bp_status bp__h5_list_countries(const bp__h5file *file, bp__h5countries *countries)
{
    country_search search = {.file = file, .countries = countries};
    countries->n = 0;
    if (H5Literate(file->id, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, &search) < 0)
        return bp__h5_fail(file, "/", "cannot be listed");
    BP_TRY(search.status);
    if (countries->n == 0)
        BP_FAIL(BP_EFORMAT, "%s: no country group (such as /US) with 'index' and 'data': not a bundle",
                file->label);
    return BP_OK;
}

static bp_status several_countries(const bp__h5file *file, const bp__h5countries *countries)
{
    char names[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < countries->n && len < sizeof names; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i ? ", " : "", countries->name[i]);
    return bp__fail(BP_EFORMAT,
                    "%s: %zu country groups (%s); a bundle has one: 'bundle import hdf5' makes one bundle "
                    "of each",
                    file->label, countries->n, names);
}

static bp_status find_country(const reader *r, const char *wanted)
{
    bp__h5countries countries;
    BP_TRY(bp__h5_list_countries(r->file, &countries));
    if (!wanted && countries.n > 1) return several_countries(r->file, &countries);
    for (size_t i = 0; i < countries.n; i++)
        if (!wanted || strcmp(countries.name[i], wanted) == 0) {
            strcpy(r->shape->country, countries.name[i]);
            return BP_OK;
        }
    BP_FAIL(BP_EFORMAT, "%s: no country group /%s with 'index' and 'data'", r->file->label, wanted);
}

/* Columns and tables ---------------------------------------------------------------------------- */

typedef struct text_sink {
    bp__head *head;
    uint32_t *offset;
} text_sink;

static bp_status add_text(void *context, uint64_t row, const char *text)
{
    text_sink *sink = context;
    return bp__head_text(sink->head, text, &sink->offset[row]);
}

static bp_status no_memory(const reader *r, const char *what, uint64_t rows)
{
    return bp__fail(BP_ENOMEM, "%s: no memory for %" PRIu64 " rows of %s", r->file->label, rows, what);
}

/* Take column i of a table from a dataset, or from a field of it. */
static bp_status take_column(const reader *r, table *t, unsigned i, bp__h5table *from, const char *field)
{
    const bp_type type = type_of(t->first + i);
    t->rows = from->set.shape[0];
    if (type != BP_TYPE_U32) return bp__h5_table_numbers(from, field, type, &t->data[i]);
    text_sink sink = {r->head, calloc(t->rows ? t->rows : 1, sizeof *sink.offset)};
    if (!sink.offset) return no_memory(r, from->set.path, t->rows);
    t->data[i] = sink.offset;
    return bp__h5_table_texts(from, field, add_text, &sink);
}

static void free_table(table *t)
{
    for (unsigned i = 0; i < t->num; i++) free(t->data[i]);
}

static bp_status put_table(const reader *r, const table *t)
{
    for (unsigned i = 0; i < t->num; i++) BP_TRY(bp__head_put(r->head, t->first + i, t->data[i], t->rows, 1));
    return BP_OK;
}

/* By the first and, if there are two, the second key; then as in the file. */
static int compare_rows(const void *a, const void *b, void *context)
{
    const int64_t *const *key = context;
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    for (int k = 0; k < 2 && key[k]; k++)
        if (key[k][x] != key[k][y]) return key[k][x] < key[k][y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool is_sorted(const table *t, const int64_t *key[2])
{
    for (uint64_t i = 1; i < t->rows; i++)
        if (compare_rows(&(uint64_t){i - 1}, &(uint64_t){i}, key) > 0) return false;
    return true;
}

static bp_status sort_table(const reader *r, table *t, unsigned keys)
{
    const int64_t *key[2] = {t->data[0], keys > 1 ? t->data[1] : NULL};
    if (is_sorted(t, key)) return BP_OK;
    uint64_t *order = malloc(t->rows * sizeof *order);
    uint64_t *sorted = malloc(t->rows * sizeof *sorted);
    bp_status s = order && sorted ? BP_OK : no_memory(r, "a table", t->rows);
    if (s == BP_OK) {
        for (uint64_t i = 0; i < t->rows; i++) order[i] = i;
        qsort_r(order, t->rows, sizeof *order, compare_rows, key);
        for (unsigned c = 0; c < t->num; c++) {
            size_t size = bp__type_bytes(type_of(t->first + c));
            char *to = (char *)sorted, *from = t->data[c];
            for (uint64_t i = 0; i < t->rows; i++) memcpy(to + i * size, from + order[i] * size, size);
            memcpy(from, to, t->rows * size);
        }
    }
    free(sorted);
    free(order);
    return s;
}

/* An optional compound dataset, sorted by its first `keys` fields. */
static bp_status read_compound(const reader *r, bp_column first, bp_column last, unsigned keys)
{
    table t = {.first = first, .num = last - first + 1};
    char path[BP__H5_PATH_MAX], folder[BP__H5_PATH_MAX];
    bp__h5_column_path(r->shape->country, first, folder);
    *strrchr(folder, '/') = '\0';
    bool found;
    BP_TRY(bp__h5_find(r->file, folder, &found));
    if (!found) return BP_OK;

    bp__h5table from;
    BP_TRY(bp__h5_table_open(r->file, folder, BP__H5_ANY_ROWS, &from));
    bp_status s = BP_OK;
    for (unsigned i = 0; i < t.num && s == BP_OK; i++) {
        bp__h5_column_path(r->shape->country, first + i, path);
        s = take_column(r, &t, i, &from, strrchr(path, '/') + 1);
    }
    bp__h5_table_close(&from);
    if (s == BP_OK && keys > 0) s = sort_table(r, &t, keys);
    if (s == BP_OK) s = put_table(r, &t);
    free_table(&t);
    return s;
}

/* Datasets of one folder with equally many rows. Those from `required` on may be missing (NULL). */
static bp_status read_folder(const reader *r, table *t, unsigned required)
{
    t->rows = BP__H5_ANY_ROWS;
    for (unsigned i = 0; i < t->num; i++) {
        char path[BP__H5_PATH_MAX];
        bool found = true;
        bp__h5_column_path(r->shape->country, t->first + i, path);
        if (i >= required) BP_TRY(bp__h5_find(r->file, path, &found));
        if (!found) continue;
        bp__h5table from;
        BP_TRY(bp__h5_table_open(r->file, path, t->rows, &from));
        const bp_status s = take_column(r, t, i, &from, NULL);
        bp__h5_table_close(&from);
        BP_TRY(s);
    }
    return BP_OK;
}

static bp_status check_ascending(const reader *r, bp_column column, const int64_t *x, uint64_t n,
                                 const char *hint)
{
    for (uint64_t i = 1; i < n; i++)
        if (x[i] <= x[i - 1])
            BP_FAIL(BP_EFORMAT,
                    "%s: /%s/%s: not ascending (row %" PRIu64 ": %" PRId64 " after %" PRId64 ")%s",
                    r->file->label, r->shape->country, bp_column_name(column), i, x[i], x[i - 1], hint);
    return BP_OK;
}

/* Factors --------------------------------------------------------------------------------------- */

bool bp__h5_is_factor(double factor)
{
    const double scale = 1.0 / factor; /* what 1 becomes; the largest value must be a number, too */
    return factor > 0 && isnormal(scale) && isfinite(UINT32_MAX * scale);
}

/* One factor for each of `rows` assets, or no such dataset. */
static bp_status read_factors(const reader *r, bp_column column, uint64_t rows)
{
    char path[BP__H5_PATH_MAX];
    bool *found = &r->shape->by_asset[column - BP_COL_FACTOR];
    void *factors;
    bp__h5_column_path(r->shape->country, column, path);
    BP_TRY(bp__h5_find(r->file, path, found));
    if (!*found) return BP_OK;
    BP_TRY(bp__h5_read_numbers(r->file, path, BP_TYPE_F64, rows, &factors, &rows));
    bp_status s = BP_OK;
    for (uint64_t i = 0; i < rows && s == BP_OK; i++) {
        const double factor = ((const double *)factors)[i];
        if (!bp__h5_is_factor(factor))
            s = bp__fail(BP_EFORMAT, "%s: %s: row %" PRIu64 ": %g is not a positive number to divide by",
                         r->file->label, path, i, factor);
    }
    if (s == BP_OK) s = bp__head_put(r->head, column, factors, rows, 1);
    free(factors);
    return s;
}

/* Index, lifetimes, currency -------------------------------------------------------------------- */

/* What the daily index says of its assets; owned. */
typedef struct daily {
    int64_t *sid, *day, *start, *end;
} daily;

static bp_status read_i64(const reader *r, bp_column column, uint64_t rows, int64_t **data, uint64_t *n)
{
    char path[BP__H5_PATH_MAX];
    void *read;
    bp__h5_column_path(r->shape->country, column, path);
    BP_TRY(bp__h5_read_numbers(r->file, path, BP_TYPE_I64, rows, &read, n));
    *data = read;
    return bp__head_put(r->head, column, read, *n, 1);
}

static bp_status read_lifetimes(const reader *r, daily *d)
{
    bool found;
    uint64_t n = r->shape->assets;
    BP_TRY(find(r, "lifetimes", &found));
    if (found) {
        BP_TRY(read_i64(r, BP_COL_LIFE_START, n, &d->start, &n));
        return read_i64(r, BP_COL_LIFE_END, n, &d->end, &n);
    }
    d->start = calloc(n ? n : 1, sizeof *d->start);
    d->end = calloc(n ? n : 1, sizeof *d->end);
    if (!d->start || !d->end) return no_memory(r, "lifetimes", n);
    for (uint64_t i = 0; i < n; i++) d->end[i] = (int64_t)r->shape->sessions - 1;
    BP_TRY(bp__head_put(r->head, BP_COL_LIFE_START, d->start, n, 1));
    return bp__head_put(r->head, BP_COL_LIFE_END, d->end, n, 1);
}

struct currencies {
    const char *label, *dataset; /* for errors */
    char *code;                  /* three letters for each row */
};

static bp_status add_currency(void *context, uint64_t row, const char *text)
{
    const struct currencies *c = context;
    char *code = c->code + 3 * row;
    size_t n = strlen(text);
    if (n != 0 && n != 3)
        BP_FAIL(BP_EFORMAT, "%s: %s: '%.20s' is not a currency code", c->label, c->dataset, text);
    if (n == 3) memcpy(code, text, 3);
    return BP_OK;
}

static bp_status read_currency(const reader *r)
{
    uint64_t n = r->shape->assets;
    char path[BP__H5_PATH_MAX];
    bool found;
    bp__h5_column_path(r->shape->country, BP_COL_CURRENCY, path);
    BP_TRY(bp__h5_find(r->file, path, &found));
    char *codes = malloc(n ? 3 * n : 1);
    if (!codes) return no_memory(r, path, n);
    memset(codes, 'X', 3 * n);
    bp_status s = BP_OK;
    struct currencies c = {r->file->label, path, codes};
    if (found) s = bp__h5_read_texts(r->file, path, n, add_currency, &c);
    if (s == BP_OK) s = bp__head_put(r->head, BP_COL_CURRENCY, codes, n, 3);
    free(codes);
    return s;
}

static bp_status read_index(const reader *r, daily *d)
{
    bp__h5shape *shape = r->shape;
    BP_TRY(read_i64(r, BP_COL_SID, BP__H5_ANY_ROWS, &d->sid, &shape->assets));
    BP_TRY(read_i64(r, BP_COL_DAY, BP__H5_ANY_ROWS, &d->day, &shape->sessions));
    BP_TRY(check_ascending(r, BP_COL_SID, d->sid, shape->assets,
                           "; zipline mislabels the data of such files; write it again with sorted sids"));
    BP_TRY(check_ascending(r, BP_COL_DAY, d->day, shape->sessions, ""));
    BP_TRY(read_factors(r, BP_COL_FACTOR, shape->assets));
    BP_TRY(read_factors(r, BP_COL_VOLUME_FACTOR, shape->assets));
    BP_TRY(read_lifetimes(r, d));
    return read_currency(r);
}

/* Assets ---------------------------------------------------------------------------------------- */

enum { SID, SYMBOL, NAME, EXCHANGE, START, END, FIRST_TRADED, AUTO_CLOSE, NUM_FIELDS };

static int64_t session_at(const reader *r, const daily *d, int64_t column)
{
    return column >= 0 && (uint64_t)column < r->shape->sessions ? d->day[column] : BP_TIME_MISSING;
}

/* Without a table, every asset of the daily bars gets a row, with its sid as its symbol. */
static bp_status assets_from_index(const reader *r, const daily *d, table *t)
{
    t->rows = r->shape->assets;
    int64_t *column[NUM_FIELDS] = {NULL};
    for (int c = 0; c < NUM_FIELDS; c++) {
        if (c == NAME || c == EXCHANGE || c == FIRST_TRADED || c == AUTO_CLOSE) continue;
        t->data[c] = column[c] = calloc(t->rows ? t->rows : 1, sizeof(int64_t));
        if (!column[c]) return no_memory(r, "assets", t->rows);
    }
    uint32_t *symbol = t->data[SYMBOL];
    for (uint64_t i = 0; i < t->rows; i++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, d->sid[i]);
        BP_TRY(bp__head_text(r->head, text, &symbol[i]));
        bool lives = d->start[i] <= d->end[i];
        column[SID][i] = d->sid[i];
        column[START][i] = lives ? session_at(r, d, d->start[i]) : BP_TIME_MISSING;
        column[END][i] = lives ? session_at(r, d, d->end[i]) : BP_TIME_MISSING;
    }
    return BP_OK;
}

/* Columns that the table lacks: no text, first traded at the start, no automatic close. */
static bp_status complete_assets(const reader *r, table *t)
{
    for (int c = 0; c < NUM_FIELDS; c++) {
        if (t->data[c]) continue;
        int64_t *data = t->data[c] = calloc(t->rows ? t->rows : 1, sizeof *data); /* 0 is the empty text */
        if (!data) return no_memory(r, "assets", t->rows);
        if (c == FIRST_TRADED) memcpy(data, t->data[START], t->rows * sizeof *data);
        for (uint64_t i = 0; c == AUTO_CLOSE && i < t->rows; i++) data[i] = BP_TIME_MISSING;
    }
    return BP_OK;
}

static bp_status read_assets(const reader *r, const daily *d)
{
    table t = {.first = BP_COL_ASSET_SID, .num = NUM_FIELDS};
    bool found;
    bp_status s;
    BP_TRY(find(r, "assets", &found));
    s = found ? read_folder(r, &t, SYMBOL + 1) : assets_from_index(r, d, &t);
    if (s == BP_OK && (!t.data[START] || !t.data[END]))
        s = bp__fail(BP_EFORMAT, "%s: /%s/assets: start_date or end_date is missing", r->file->label,
                     r->shape->country);
    if (s == BP_OK) s = complete_assets(r, &t);
    if (s == BP_OK) s = sort_table(r, &t, 1);
    if (s == BP_OK) s = check_ascending(r, BP_COL_ASSET_SID, t.data[SID], t.rows, ": a sid appears twice");
    if (s == BP_OK) s = put_table(r, &t);
    free_table(&t);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): free_table() frees all; only its first rounds are followed */
    BP_TRY(s);
    return read_compound(r, BP_COL_MAP_SID, BP_COL_MAP_END, 0);
}

/* Calendar, adjustments, minute index ----------------------------------------------------------- */

static bp_status read_calendar(const reader *r)
{
    table t = {.first = BP_COL_SESSION, .num = 3};
    bool found;
    BP_TRY(find(r, "calendar", &found));
    if (!found) return BP_OK;
    bp_status s = read_folder(r, &t, t.num);
    if (s == BP_OK) s = check_ascending(r, BP_COL_SESSION, t.data[0], t.rows, "");
    if (s == BP_OK) s = put_table(r, &t);
    free_table(&t);
    return s;
}

static bp_status read_adjustments(const reader *r)
{
    BP_TRY(read_compound(r, BP_COL_SPLIT_SID, BP_COL_SPLIT_RATIO, 2));
    BP_TRY(read_compound(r, BP_COL_MERGER_SID, BP_COL_MERGER_RATIO, 2));
    BP_TRY(read_compound(r, BP_COL_DIVIDEND_SID, BP_COL_DIVIDEND_RATIO, 2));
    BP_TRY(read_compound(r, BP_COL_PAYOUT_SID, BP_COL_PAYOUT_AMOUNT, 2));
    return read_compound(r, BP_COL_STOCK_SID, BP_COL_STOCK_RATIO, 2);
}

static bp_status check_offsets(const reader *r, const int64_t *offset, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (i == 0 ? offset[i] != 0 : offset[i] < offset[i - 1])
            BP_FAIL(BP_EFORMAT, "%s: /%s/minute/index/offset: row %" PRIu64 " is %" PRId64 ", expected %s",
                    r->file->label, r->shape->country, i, offset[i],
                    i == 0 ? "0" : "no less than the row before");
    return BP_OK;
}

static bp_status read_minute_index(const reader *r)
{
    int64_t *sid = NULL, *offset = NULL;
    uint64_t sids, n;
    BP_TRY(find(r, "minute", &r->shape->has_minute));
    if (!r->shape->has_minute) return BP_OK;
    bp_status s = read_i64(r, BP_COL_MINUTE_SID, BP__H5_ANY_ROWS, &sid, &sids);
    if (s == BP_OK) s = check_ascending(r, BP_COL_MINUTE_SID, sid, sids, "");
    if (s == BP_OK) s = read_factors(r, BP_COL_MINUTE_FACTOR, sids);
    if (s == BP_OK) s = read_factors(r, BP_COL_MINUTE_VOLUME_FACTOR, sids);
    if (s == BP_OK) s = read_i64(r, BP_COL_MINUTE_OFFSET, sids + 1, &offset, &n);
    if (s == BP_OK) s = check_offsets(r, offset, n);
    if (s == BP_OK) r->shape->minute_bars = (uint64_t)offset[n - 1];
    free(offset);
    free(sid);
    return s;
}

/* The root -------------------------------------------------------------------------------------- */

static bp_status read_root(const reader *r)
{
    int64_t version = 0;
    bool found;
    BP_TRY(bp__h5_attr_number(r->file, "/", "version", BP_TYPE_I64, &version, &found));
    if (version != 0)
        BP_FAIL(BP_EFORMAT, "%s: version %" PRId64 " is not supported, only 0", r->file->label, version);
    char schema[BP__H5_COUNTRY_MAX] = "v1", calendar[BP__H5_COUNTRY_MAX] = "";
    BP_TRY(bp__h5_attr_text(r->file, "/", "schema_version", schema, sizeof schema));
    BP_TRY(bp__h5_attr_text(r->file, "/", "calendar_name", calendar, sizeof calendar));
    bp__head_names(r->head, schema, calendar);
    return BP_OK;
}

/* A file with `checksums` has one for each country. One that cannot be read is no reason to refuse the file: whoever
 * compares is told of a text that no checksum is. */
static void read_checksum(const reader *r)
{
    char group[BP__H5_COUNTRY_MAX + 1], text[sizeof((bp__image *)0)->checksum] = "";
    snprintf(group, sizeof group, "/%s", r->shape->country);
    if (bp__failed(bp__h5_attr_text(r->file, group, "checksum", text, sizeof text)))
        strcpy(text, "unreadable");
    if (!*text && H5Aexists_by_name(r->file->id, "/", "checksums", H5P_DEFAULT) != 0) strcpy(text, "lost");
    bp__head_checksum(r->head, text);
}

bp_status bp__h5_read_small(const bp__h5file *file, const char *country, bp__head *head, bp__h5shape *shape)
{
    *shape = (bp__h5shape){.country = ""};
    const reader r = {file, head, shape};
    daily d = {NULL, NULL, NULL, NULL};
    BP_TRY(read_root(&r));
    BP_TRY(find_country(&r, country));
    read_checksum(&r);
    bp_status s = read_index(&r, &d);
    if (s == BP_OK) s = read_assets(&r, &d);
    free(d.sid);
    free(d.day);
    free(d.start);
    free(d.end);
    BP_TRY(s);
    BP_TRY(read_calendar(&r));
    BP_TRY(read_adjustments(&r));
    return read_minute_index(&r);
}
