#include "io/hdf5/h5values.h"

#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5number.h"
#include "io/hdf5/h5raw.h"

#define MAX_SMALL_BYTES     (UINT64_C(1) << 30)
#define MAX_TEXT_BYTES      (size_t)(UINT64_C(64) << 20) /* all variable texts of one dataset */
#define MAX_RATIO           1100                         /* deflate packs 1032 bytes into one at best */
#define MAX_UNWRITTEN_BYTES (UINT64_C(1) << 20)

/* Fields ---------------------------------------------------------------------------------------- */

/* Elements of a dataset, or one of their fields. */
typedef struct field {
    hid_t type; /* owned; -1: none */
    size_t at;  /* its first byte in an element */
    bp__h5number number;
} field;

static bool fits(field *f, bp_type type)
{
    const H5T_class_t class = H5Tget_class(f->type);
    switch (type) {
    case BP_TYPE_I64: return class == H5T_INTEGER && bp__h5_number_of(f->type, &f->number);
    case BP_TYPE_F64: return class == H5T_FLOAT && bp__h5_number_of(f->type, &f->number);
    case BP_TYPE_U32:
    case BP_TYPE_BYTES: return class == H5T_STRING;
    }
    return false;
}

/* A member that reaches beyond its compound would be read from the element behind it. */
static bp_status find_member(const bp__h5file *file, const bp__h5set *set, const char *name, field *f)
{
    if (H5Tget_class(set->type) != H5T_COMPOUND)
        BP_FAIL(BP_EFORMAT, "%s: %s: not a compound type", file->label, set->path);
    const int i = H5Tget_member_index(set->type, name);
    if (i < 0) BP_FAIL(BP_EFORMAT, "%s: %s: has no field '%s'", file->label, set->path, name);
    f->type = H5Tget_member_type(set->type, (unsigned)i);
    f->at = H5Tget_member_offset(set->type, (unsigned)i);
    const size_t whole = H5Tget_size(set->type);
    if (f->type < 0 || H5Tget_size(f->type) > whole || f->at > whole - H5Tget_size(f->type))
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: field '%s' lies outside of its type", file->label, set->path,
                name);
    return BP_OK;
}

/* Find the elements, or the field of them that is named; a text where `type` is neither I64 nor F64. */
static bp_status find_field(const bp__h5file *file, const bp__h5set *set, const char *name, bp_type type,
                            field *f)
{
    static const char *const wanted[] = {
        [BP_TYPE_I64] = "an integer", [BP_TYPE_F64] = "a float", [BP_TYPE_BYTES] = "a string"};
    *f = (field){.type = -1};
    if (name)
        BP_TRY(find_member(file, set, name, f));
    else
        f->type = H5Tcopy(set->type);
    if (f->type < 0) return bp__h5_fail(file, set->path, "its type cannot be read");
    if (fits(f, type)) return BP_OK;
    char found[64];
    bp__h5_type_text(f->type, found, sizeof found);
    return bp__fail(BP_EFORMAT, "%s: %s: %s%shas type %s, expected %s", file->label, set->path,
                    name ? name : "", name ? " " : "", found, wanted[type]);
}

static void close_field(field *f)
{
    if (f->type >= 0) H5Tclose(f->type);
}

/* Rows that were never written take no place in a file, and cost memory here. */
static bp_status check_small(const bp__h5file *file, const bp__h5set *set, uint64_t rows)
{
    if (rows != BP__H5_ANY_ROWS && set->shape[0] != rows)
        BP_FAIL(BP_EFORMAT, "%s: %s: has %llu rows, expected %llu", file->label, set->path,
                (unsigned long long)set->shape[0], (unsigned long long)rows);
    const uint64_t stored = H5Dget_storage_size(set->id), most = stored < file->bytes ? stored : file->bytes;
    uint64_t bytes;
    if (__builtin_mul_overflow(set->shape[0], H5Tget_size(set->type), &bytes) || bytes > MAX_SMALL_BYTES ||
        bytes > MAX_UNWRITTEN_BYTES + most * MAX_RATIO)
        BP_FAIL(BP_EFORMAT,
                "%s: %s: claims %llu rows, more than the %llu bytes that are stored of it can hold",
                file->label, set->path, (unsigned long long)set->shape[0], (unsigned long long)stored);
    return bp__h5_check_stored(file, set);
}

/* Memory for variable texts, within bounds: many rows of a hostile file may share one long text, and each
 * gets a copy. */
static void *alloc_bounded(size_t size, void *left)
{
    if (size > *(size_t *)left) return NULL;
    *(size_t *)left -= size;
    return malloc(size);
}

static void free_bounded(void *memory, void *left)
{
    (void)left;
    free(memory);
}

/* Read one member of all rows, in its own type, by libhdf5: it alone finds what a row refers to.
 * @param[in]  name  NULL: the whole of each row */
static bp_status read_member(const bp__h5file *file, const bp__h5set *set, const char *name, hid_t type,
                             void *data)
{
    bp_status s = BP_OK;
    hid_t memory = type, transfer = -1;
    size_t left = MAX_TEXT_BYTES;
    if (name) {
        memory = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
        if (memory < 0 || H5Tinsert(memory, name, 0, type) < 0)
            s = bp__h5_fail(file, set->path, "its fields cannot be selected");
    }
    if (s == BP_OK) transfer = H5Pcreate(H5P_DATASET_XFER);
    if (s == BP_OK &&
        (transfer < 0 || H5Pset_vlen_mem_manager(transfer, alloc_bounded, &left, free_bounded, NULL) < 0 ||
         H5Dread(set->id, memory, H5S_ALL, H5S_ALL, transfer, data) < 0))
        s = bp__h5_fail(file, set->path, "cannot be read");
    if (transfer >= 0) H5Pclose(transfer);
    if (memory != type && memory >= 0) H5Tclose(memory);
    return s;
}

/* Tables ---------------------------------------------------------------------------------------- */

bp_status bp__h5_table_open(const bp__h5file *file, const char *path, uint64_t rows, bp__h5table *table)
{
    *table = (bp__h5table){.file = file};
    BP_TRY(bp__h5_open_set(file, path, 1, &table->set));
    const bp_status s = check_small(file, &table->set, rows);
    if (bp__failed(s)) bp__h5_table_close(table);
    return s;
}

void bp__h5_table_close(bp__h5table *table)
{
    free(table->raw);
    table->raw = NULL;
    bp__h5_close_set(&table->set);
}

static bp_status no_memory(const bp__h5table *t)
{
    return bp__fail(BP_ENOMEM, "%s: %s: no memory for %llu rows", t->file->label, t->set.path,
                    (unsigned long long)t->set.shape[0]);
}

/* All rows as they are stored, once for all fields, which also says whether all chunks are whole. */
static bp_status read_raw(bp__h5table *t)
{
    if (t->raw) return BP_OK;
    BP_TRY(bp__h5_element_bytes(t->file, &t->set, &t->row_bytes, &t->refers));
    t->raw = malloc(t->set.shape[0] * t->row_bytes + 1);
    if (!t->raw) return no_memory(t);
    if (t->refers && H5Pget_layout(t->set.dcpl) != H5D_CHUNKED) return BP_OK;
    const bp_status s = bp__h5_raw_rows(t->file, &t->set, 0, t->set.shape[0], t->raw);
    if (bp__failed(s)) {
        free(t->raw);
        t->raw = NULL;
    }
    return s;
}

/* A field's values, each `stride` bytes behind the one before. */
typedef struct values {
    const char *first;
    size_t stride;
    char *own; /* to be freed; NULL: they lie in the table */
} values;

/* Where rows refer to texts elsewhere, libhdf5 reads the field alone. */
static bp_status find_values(bp__h5table *t, const char *name, const field *f, values *v)
{
    BP_TRY(read_raw(t));
    *v = (values){.first = t->raw + f->at, .stride = t->row_bytes};
    if (!t->refers) return BP_OK;
    v->stride = H5Tget_size(f->type);
    v->first = v->own = malloc(t->set.shape[0] * v->stride + 1);
    if (!v->own) return no_memory(t);
    return t->set.shape[0] == 0 ? BP_OK : read_member(t->file, &t->set, name, f->type, v->own);
}

/* The variable texts of all rows; `*data` is the caller's to free, on failure too, and so is what hangs from it. */
static bp_status read_variable(bp__h5table *t, const char *name, const field *f, char ***data)
{
    BP_TRY(read_raw(t));
    *data = calloc(t->set.shape[0] + 1, sizeof **data);
    if (!*data) return no_memory(t);
    return t->set.shape[0] == 0 ? BP_OK : read_member(t->file, &t->set, name, f->type, *data);
}

static bool is_as_wanted(const bp__h5number *number, bp_type type)
{
    return number->bytes == 8 && number->is_signed && !number->swapped &&
           number->is_float == (type == BP_TYPE_F64);
}

static bp_status convert_numbers(const bp__h5table *t, const field *f, bp_type type, const values *v,
                                 uint64_t *out)
{
    const uint64_t rows = t->set.shape[0];
    if (is_as_wanted(&f->number, type)) { /* as nearly all of them are */
        for (uint64_t row = 0; row < rows; row++) memcpy(&out[row], v->first + row * v->stride, sizeof *out);
        return BP_OK;
    }
    for (uint64_t row = 0; row < rows; row++) {
        const char *from = v->first + row * v->stride;
        union {
            int64_t whole;
            double real;
        } value = {0};
        if (!(type == BP_TYPE_I64 ? bp__h5_to_i64(&f->number, from, &value.whole)
                                  : bp__h5_to_f64(&f->number, from, &value.real)))
            BP_FAIL(BP_EFORMAT, "%s: %s: row %llu: a number that 64 bits with a sign do not hold",
                    t->file->label, t->set.path, (unsigned long long)row);
        memcpy(&out[row], &value, sizeof value);
    }
    return BP_OK;
}

bp_status bp__h5_table_numbers(bp__h5table *t, const char *name, bp_type type, void **data)
{
    field f;
    values v = {0};
    *data = NULL;
    bp_status s = find_field(t->file, &t->set, name, type, &f);
    if (s == BP_OK) s = find_values(t, name, &f, &v);
    if (s == BP_OK && !(*data = malloc(t->set.shape[0] * sizeof(uint64_t) + 1))) s = no_memory(t);
    if (s == BP_OK) s = convert_numbers(t, &f, type, &v, *data);
    free(v.own);
    close_field(&f);
    if (bp__failed(s)) {
        free(*data);
        *data = NULL;
    }
    return s;
}

bp_status bp__h5_read_numbers(const bp__h5file *file, const char *path, bp_type type, uint64_t rows,
                              void **data, uint64_t *n)
{
    bp__h5table table;
    *data = NULL;
    BP_TRY(bp__h5_table_open(file, path, rows, &table));
    *n = table.set.shape[0];
    const bp_status s = bp__h5_table_numbers(&table, NULL, type, data);
    bp__h5_table_close(&table);
    return s;
}

/* Texts ----------------------------------------------------------------------------------------- */

/* One text of `size` bytes, which may end earlier, and may be padded with spaces. */
static void copy_text(const char *from, size_t size, bool spaces, char *text)
{
    size_t n = strnlen(from, size);
    while (spaces && n > 0 && from[n - 1] == ' ') n--;
    memcpy(text, from, n);
    text[n] = '\0';
}

static bp_status too_long(const bp__h5table *t, uint64_t row)
{
    return bp__fail(BP_EFORMAT, "%s: %s: row %llu: a text of more than %d bytes", t->file->label, t->set.path,
                    (unsigned long long)row, BP__H5_TEXT_MAX);
}

static bp_status hand_out_fixed(const bp__h5table *t, const field *f, const values *v, bp__h5_text_fn each,
                                void *context)
{
    const size_t width = H5Tget_size(f->type);
    const bool spaces = H5Tget_strpad(f->type) == H5T_STR_SPACEPAD;
    char text[BP__H5_TEXT_MAX + 1];
    for (uint64_t row = 0; row < t->set.shape[0]; row++) {
        const char *from = v->first + row * v->stride;
        const size_t size = strnlen(from, width);
        if (size > BP__H5_TEXT_MAX) return too_long(t, row);
        copy_text(from, size, spaces, text);
        BP_TRY(each(context, row, text));
    }
    return BP_OK;
}

static bp_status hand_out_variable(const bp__h5table *t, const field *f, char *const *data,
                                   bp__h5_text_fn each, void *context)
{
    const bool spaces = H5Tget_strpad(f->type) == H5T_STR_SPACEPAD;
    char text[BP__H5_TEXT_MAX + 1];
    for (uint64_t row = 0; row < t->set.shape[0]; row++) {
        const char *from = data[row] ? data[row] : "";
        const size_t size = strnlen(from, sizeof text);
        if (size == sizeof text) return too_long(t, row);
        copy_text(from, size, spaces, text);
        BP_TRY(each(context, row, text));
    }
    return BP_OK;
}

static bp_status read_texts(bp__h5table *t, const char *name, const field *f, bp__h5_text_fn each,
                            void *context)
{
    values v = {0};
    char **data = NULL;
    bp_status s;
    if (H5Tis_variable_str(f->type) > 0) {
        s = read_variable(t, name, f, &data);
        if (s == BP_OK) s = hand_out_variable(t, f, data, each, context);
    } else {
        s = find_values(t, name, f, &v);
        if (s == BP_OK) s = hand_out_fixed(t, f, &v, each, context);
    }
    /* each row is one variable text, so this is all that H5Dvlen_reclaim() would do */
    for (uint64_t row = 0; data && row < t->set.shape[0]; row++) free(data[row]);
    free(data);
    free(v.own);
    return s;
}

bp_status bp__h5_table_texts(bp__h5table *t, const char *name, bp__h5_text_fn each, void *context)
{
    field f;
    bp_status s = find_field(t->file, &t->set, name, BP_TYPE_BYTES, &f);
    if (s == BP_OK) s = read_texts(t, name, &f, each, context);
    close_field(&f);
    return s;
}

bp_status bp__h5_read_texts(const bp__h5file *file, const char *path, uint64_t rows, bp__h5_text_fn each,
                            void *context)
{
    bp__h5table table;
    BP_TRY(bp__h5_table_open(file, path, rows, &table));
    const bp_status s = bp__h5_table_texts(&table, NULL, each, context);
    bp__h5_table_close(&table);
    return s;
}
