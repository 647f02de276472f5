#include "io/hdf5/h5util.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/lzf.h"

#define MAX_SMALL_BYTES (UINT64_C(1) << 30)
#define MAX_TEXT_BYTES  (size_t)(UINT64_C(64) << 20) /* all variable texts of one dataset */
#define MAX_RATIO       1100                         /* deflate packs 1032 bytes into one at best */

static pthread_mutex_t hdf5_lock = PTHREAD_MUTEX_INITIALIZER;

void bp__h5_lock(void)
{
    pthread_mutex_lock(&hdf5_lock);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* the error stack is the thread's own */
}

void bp__h5_unlock(void)
{
    pthread_mutex_unlock(&hdf5_lock);
}

/* Errors ---------------------------------------------------------------------------------------- */

typedef struct reason {
    char text[160];
    bool io;
} reason;

static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *context)
{
    reason *r = context;
    if (n > 0 || !error->desc) return 0;
    r->io = error->maj_num == H5E_IO;
    snprintf(r->text, sizeof r->text, "%s", error->desc);
    r->text[strcspn(r->text, "\n")] = '\0';
    return 0;
}

bp_status bp__h5_fail(const bp__h5file *file, const char *path, const char *what)
{
    reason r = {.text = "HDF5 gives no reason"};
    const char *colon = *path ? ": " : "";
    if (file->input.error != 0)
        BP_FAIL_ERRNO(BP_EIO, file->input.error, "%s: %s%s%s", file->label, path, colon, what);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &r);
    return bp__fail(r.io ? BP_EIO : BP_EFORMAT, "%s: %s%s%s (%s)", file->label, path, colon, what, r.text);
}

/* LZF ------------------------------------------------------------------------------------------- */

/* As h5py writes it, cd_values[2] is the size of a decoded chunk. */
static size_t lzf_filter(unsigned flags, size_t cd_nelmts, const unsigned cd_values[], size_t nbytes,
                         size_t *buf_size, void **buf)
{
    if (!(flags & H5Z_FLAG_REVERSE)) return 0;
    size_t room = nbytes * BP__LZF_MAX_RATIO;
    if (cd_nelmts > 2 && cd_values[2] > 0 && cd_values[2] < room) room = cd_values[2];
    void *out = H5allocate_memory(room, false);
    if (!out) return 0;
    size_t n = bp__lzf_decode(*buf, nbytes, out, room);
    if (n == 0) {
        H5free_memory(out);
        return 0;
    }
    H5free_memory(*buf);
    *buf = out;
    *buf_size = room;
    return n;
}

/* Reading is all we need; if the host program or a plug-in has registered a complete LZF, that stays. */
static bool ensure_lzf(void)
{
    static const H5Z_class2_t lzf = {
        .version = H5Z_CLASS_T_VERS,
        .id = 32000,
        .encoder_present = 0,
        .decoder_present = 1,
        .name = "lzf",
        .filter = lzf_filter,
    };
    return H5Zfilter_avail(lzf.id) > 0 || H5Zregister(&lzf) >= 0;
}

/* Files ----------------------------------------------------------------------------------------- */

bp_status bp__h5_open(const char *label, int fd, uint64_t bytes, bp__h5file *file)
{
    *file = (bp__h5file){
        .label = label, .id = H5I_INVALID_HID, .bytes = bytes, .input = {.fd = fd, .bytes = bytes}};
    if (!ensure_lzf()) return bp__h5_fail(file, "", "the LZF decoder cannot be registered");
    hid_t fapl = bp__h5_input_fapl(&file->input);
    if (fapl < 0) BP_FAIL(BP_ENOMEM, "%s: no memory to open it", label);
    file->id = H5Fopen(label, H5F_ACC_RDONLY, fapl); /* the name is for HDF5's messages */
    bp_status s = file->id < 0 ? bp__h5_fail(file, "", "not an HDF5 file, or a damaged one") : BP_OK;
    H5Pclose(fapl);
    return s;
}

void bp__h5_close(bp__h5file *file)
{
    if (file->id > 0) H5Fclose(file->id);
    file->id = H5I_INVALID_HID;
}

static bp_status is_group(const bp__h5file *file, const char *path, bool *group)
{
    hid_t object = H5Oopen(file->id, path, H5P_DEFAULT);
    if (object < 0) return bp__h5_fail(file, path, "cannot be opened");
    *group = H5Iget_type(object) == H5I_GROUP;
    H5Oclose(object);
    return BP_OK;
}

bp_status bp__h5_find(const bp__h5file *file, const char *path, bool *found)
{
    char part[BP__H5_PATH_MAX];
    *found = false;
    for (size_t n = 1;; n++) {
        if (path[n] != '/' && path[n] != '\0') continue;
        snprintf(part, sizeof part, "%.*s", (int)n, path);
        htri_t there = H5Lexists(file->id, part, H5P_DEFAULT);
        if (there < 0) return bp__h5_fail(file, part, "cannot be looked up");
        if (there == 0) return BP_OK;
        H5L_info_t info;
        if (H5Lget_info(file->id, part, &info, H5P_DEFAULT) < 0)
            return bp__h5_fail(file, part, "cannot be looked up");
        if (info.type != H5L_TYPE_HARD)
            BP_FAIL(BP_EFORMAT, "%s: %s: is a link; a bundle must stand for itself, copy the data into it",
                    file->label, part);
        if (path[n] == '\0') break;
        bool group = false;
        BP_TRY(is_group(file, part, &group));
        if (!group) return BP_OK;
    }
    *found = true;
    return BP_OK;
}

/* Datasets -------------------------------------------------------------------------------------- */

static bp_status check_storage(const bp__h5file *file, const bp__h5set *set)
{
    H5D_layout_t layout = H5Pget_layout(set->dcpl);
    if (layout < 0) return bp__h5_fail(file, set->path, "its layout cannot be read");
    if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && H5Pget_external_count(set->dcpl) != 0))
        BP_FAIL(BP_EFORMAT,
                "%s: %s: is stored in other files; a bundle must stand for itself, copy the data into it",
                file->label, set->path);
    int filters = H5Pget_nfilters(set->dcpl);
    if (filters < 0) return bp__h5_fail(file, set->path, "its filters cannot be read");
    for (int i = 0; i < filters; i++) {
        size_t num_values = 0;
        unsigned flags;
        char name[32] = "";
        H5Z_filter_t id =
            H5Pget_filter2(set->dcpl, (unsigned)i, &flags, &num_values, NULL, sizeof name, name, NULL);
        if (id < 0) return bp__h5_fail(file, set->path, "its filters cannot be read");
        if (H5Zfilter_avail(id) <= 0)
            BP_FAIL(BP_EFORMAT, "%s: %s: needs filter %d (%.31s), which is not available; write it with gzip",
                    file->label, set->path, (int)id, name);
    }
    return BP_OK;
}

static bp_status check_shape(const bp__h5file *file, bp__h5set *set, int rank)
{
    H5S_class_t kind = H5Sget_simple_extent_type(set->space);
    int ndims = H5Sget_simple_extent_ndims(set->space);
    if (kind == H5S_NO_CLASS || ndims < 0) return bp__h5_fail(file, set->path, "its shape cannot be read");
    if (kind != H5S_SIMPLE || ndims != rank)
        BP_FAIL(BP_EFORMAT, "%s: %s: has %d dimensions, expected %d", file->label, set->path, ndims, rank);
    hsize_t dims[2] = {0, 1};
    if (H5Sget_simple_extent_dims(set->space, dims, NULL) < 0)
        return bp__h5_fail(file, set->path, "its shape cannot be read");
    set->shape[0] = dims[0];
    set->shape[1] = dims[1];
    return BP_OK;
}

bp_status bp__h5_open_set(const bp__h5file *file, const char *path, int rank, bp__h5set *set)
{
    *set = (bp__h5set){.id = -1, .type = -1, .space = -1, .dcpl = -1};
    snprintf(set->path, sizeof set->path, "%s", path);
    bool found;
    BP_TRY(bp__h5_find(file, path, &found));
    if (!found) BP_FAIL(BP_EFORMAT, "%s: %s: missing dataset", file->label, path);

    bp_status s;
    set->id = H5Dopen2(file->id, path, H5P_DEFAULT);
    if (set->id >= 0) {
        set->type = H5Dget_type(set->id);
        set->space = H5Dget_space(set->id);
        set->dcpl = H5Dget_create_plist(set->id);
    }
    if (set->id < 0 || set->type < 0 || set->space < 0 || set->dcpl < 0)
        s = bp__h5_fail(file, path, "cannot be opened as a dataset");
    else if ((s = check_storage(file, set)) == BP_OK)
        s = check_shape(file, set, rank);
    if (bp__failed(s)) bp__h5_close_set(set);
    return s;
}

void bp__h5_close_set(bp__h5set *set)
{
    if (set->dcpl >= 0) H5Pclose(set->dcpl);
    if (set->space >= 0) H5Sclose(set->space);
    if (set->type >= 0) H5Tclose(set->type);
    if (set->id >= 0) H5Dclose(set->id);
    set->id = set->type = set->space = set->dcpl = -1;
}

void bp__h5_type_text(hid_t type, char *text, size_t size)
{
    size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        snprintf(text, size, "%zu-byte %s integer", bytes,
                 H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned" : "signed");
        break;
    case H5T_FLOAT: snprintf(text, size, "%zu-byte float", bytes); break;
    case H5T_STRING: snprintf(text, size, "string"); break;
    case H5T_COMPOUND: snprintf(text, size, "compound"); break;
    default: snprintf(text, size, "%zu-byte type of another class", bytes); break;
    }
}

/* Reading small datasets ------------------------------------------------------------------------ */

static bool class_fits(H5T_class_t class, bp_type type)
{
    switch (type) {
    case BP_TYPE_I64: return class == H5T_INTEGER;
    case BP_TYPE_F64: return class == H5T_FLOAT;
    case BP_TYPE_U32:
    case BP_TYPE_BYTES: return class == H5T_STRING;
    }
    return false;
}

/* The type of the elements, or of one of their fields; a text where `type` is neither I64 nor F64. */
static bp_status element_type(const bp__h5file *file, const bp__h5set *set, const char *field, bp_type type,
                              hid_t *element)
{
    static const char *const wanted[] = {
        [BP_TYPE_I64] = "an integer", [BP_TYPE_F64] = "a float", [BP_TYPE_BYTES] = "a string"};
    *element = -1;
    if (!field) {
        *element = H5Tcopy(set->type);
    } else {
        if (H5Tget_class(set->type) != H5T_COMPOUND)
            BP_FAIL(BP_EFORMAT, "%s: %s: not a compound type", file->label, set->path);
        int i = H5Tget_member_index(set->type, field);
        if (i < 0) BP_FAIL(BP_EFORMAT, "%s: %s: has no field '%s'", file->label, set->path, field);
        *element = H5Tget_member_type(set->type, (unsigned)i);
    }
    if (*element < 0) return bp__h5_fail(file, set->path, "its type cannot be read");
    if (class_fits(H5Tget_class(*element), type)) return BP_OK;

    char found[64];
    bp__h5_type_text(*element, found, sizeof found);
    H5Tclose(*element);
    *element = -1;
    return bp__fail(BP_EFORMAT, "%s: %s: %s%shas type %s, expected %s", file->label, set->path,
                    field ? field : "", field ? " " : "", found, wanted[type]);
}

static bp_status check_small(const bp__h5file *file, const bp__h5set *set, uint64_t rows)
{
    if (rows != BP__H5_ANY_ROWS && set->shape[0] != rows)
        BP_FAIL(BP_EFORMAT, "%s: %s: has %llu rows, expected %llu", file->label, set->path,
                (unsigned long long)set->shape[0], (unsigned long long)rows);
    uint64_t bytes;
    if (__builtin_mul_overflow(set->shape[0], H5Tget_size(set->type), &bytes) || bytes > MAX_SMALL_BYTES ||
        bytes / MAX_RATIO > file->bytes)
        BP_FAIL(BP_EFORMAT, "%s: %s: claims %llu rows, more than a file of %llu bytes can hold", file->label,
                set->path, (unsigned long long)set->shape[0], (unsigned long long)file->bytes);
    return BP_OK;
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

/* Read all rows of `element` (transferred: closed here) as `stride` bytes each.
 * `*data` is the caller's to free, on failure too: variable texts may hang from it. */
static bp_status read_rows(const bp__h5file *file, const bp__h5set *set, const char *field, hid_t element,
                           size_t stride, void **data)
{
    bp_status s = BP_OK;
    hid_t memory = element, transfer = -1;
    size_t left = MAX_TEXT_BYTES;
    *data = calloc(set->shape[0] ? set->shape[0] : 1, stride);
    if (!*data) {
        s = bp__fail(BP_ENOMEM, "%s: %s: no memory for %llu rows", file->label, set->path,
                     (unsigned long long)set->shape[0]);
        goto done;
    }
    if (set->shape[0] == 0) goto done;
    if (field) {
        memory = H5Tcreate(H5T_COMPOUND, stride);
        if (memory < 0 || H5Tinsert(memory, field, 0, element) < 0) {
            s = bp__h5_fail(file, set->path, "its fields cannot be selected");
            goto done;
        }
    }
    transfer = H5Pcreate(H5P_DATASET_XFER);
    if (transfer < 0 || H5Pset_vlen_mem_manager(transfer, alloc_bounded, &left, free_bounded, NULL) < 0 ||
        H5Dread(set->id, memory, H5S_ALL, H5S_ALL, transfer, *data) < 0)
        s = bp__h5_fail(file, set->path, "cannot be read");
done:
    if (transfer >= 0) H5Pclose(transfer);
    if (memory != element && memory >= 0) H5Tclose(memory);
    H5Tclose(element);
    return s;
}

bp_status bp__h5_read_numbers(const bp__h5file *file, const char *path, const char *field, bp_type type,
                              uint64_t rows, void **data, uint64_t *n)
{
    bp__h5set set;
    hid_t element = -1;
    *data = NULL;
    BP_TRY(bp__h5_open_set(file, path, 1, &set));
    bp_status s = check_small(file, &set, rows);
    if (s == BP_OK) s = element_type(file, &set, field, type, &element);
    if (s == BP_OK) {
        H5Tclose(element);
        element = H5Tcopy(type == BP_TYPE_I64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE);
        s = element < 0 ? bp__h5_fail(file, path, "cannot be read")
                        : read_rows(file, &set, field, element, 8, data);
    }
    *n = set.shape[0];
    bp__h5_close_set(&set);
    if (bp__failed(s)) {
        free(*data);
        *data = NULL;
    }
    return s;
}

/* One text of `size` bytes, which may end earlier, and may be padded with spaces. */
static void copy_text(const char *from, size_t size, bool spaces, char *text)
{
    size_t n = strnlen(from, size);
    while (spaces && n > 0 && from[n - 1] == ' ') n--;
    memcpy(text, from, n);
    text[n] = '\0';
}

bp_status bp__h5_read_texts(const bp__h5file *file, const char *path, const char *field, uint64_t rows,
                            bp__h5_text_fn each, void *context, uint64_t *n)
{
    bp__h5set set;
    hid_t element = -1;
    void *data = NULL;
    char text[BP__H5_TEXT_MAX + 1];
    BP_TRY(bp__h5_open_set(file, path, 1, &set));
    *n = set.shape[0];
    bp_status s = check_small(file, &set, rows);
    if (s == BP_OK) s = element_type(file, &set, field, BP_TYPE_BYTES, &element);
    if (bp__failed(s)) goto done;

    bool variable = H5Tis_variable_str(element) > 0;
    bool spaces = H5Tget_strpad(element) == H5T_STR_SPACEPAD;
    size_t stride = H5Tget_size(element);
    s = read_rows(file, &set, field, element, stride, &data);
    for (uint64_t row = 0; row < set.shape[0] && s == BP_OK; row++) {
        const char *from = variable ? ((char **)data)[row] : (char *)data + row * stride;
        size_t size = !from ? 0 : strnlen(from, variable ? sizeof text : stride);
        if (size == sizeof text || (!variable && size > BP__H5_TEXT_MAX)) {
            s = bp__fail(BP_EFORMAT, "%s: %s: row %llu: a text of more than %d bytes", file->label, path,
                         (unsigned long long)row, BP__H5_TEXT_MAX);
            break;
        }
        copy_text(from ? from : "", size, spaces, text);
        s = each(context, row, text);
    }
    /* each row is one variable text, so this is all that H5Dvlen_reclaim() would do */
    for (uint64_t row = 0; variable && data && row < set.shape[0]; row++) free(((char **)data)[row]);
    free(data);
done:
    bp__h5_close_set(&set);
    return s;
}

/* Attributes ------------------------------------------------------------------------------------ */

/* Open a scalar attribute of an object; *attr stays -1 where there is none. */
static bp_status open_attr(const bp__h5file *file, const char *path, const char *name, hid_t *attr,
                           hid_t *type)
{
    *attr = *type = -1;
    htri_t there = H5Aexists_by_name(file->id, path, name, H5P_DEFAULT);
    if (there < 0) return bp__h5_fail(file, path, "its attributes cannot be read");
    if (there == 0) return BP_OK;
    hid_t space = -1;
    bool scalar = false;
    *attr = H5Aopen_by_name(file->id, path, name, H5P_DEFAULT, H5P_DEFAULT);
    if (*attr >= 0) {
        *type = H5Aget_type(*attr);
        space = H5Aget_space(*attr);
    }
    if (space >= 0) {
        scalar = H5Sget_simple_extent_npoints(space) == 1;
        H5Sclose(space);
    }
    if (*type >= 0 && scalar) return BP_OK;
    bp_status s =
        *type < 0 ? bp__h5_fail(file, path, "its attributes cannot be read")
                  : bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not a single value", file->label, path, name);
    if (*type >= 0) H5Tclose(*type);
    if (*attr >= 0) H5Aclose(*attr);
    return s;
}

bp_status bp__h5_attr_number(const bp__h5file *file, const char *path, const char *name, bp_type type,
                             void *value, bool *found)
{
    hid_t attr, stored;
    BP_TRY(open_attr(file, path, name, &attr, &stored));
    *found = attr >= 0;
    if (attr < 0) return BP_OK;

    bp_status s = BP_OK;
    H5T_class_t class = H5Tget_class(stored);
    if (class != H5T_INTEGER && (class != H5T_FLOAT || type == BP_TYPE_I64))
        s = bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not %s", file->label, path, name,
                     type == BP_TYPE_I64 ? "an integer" : "a number");
    else if (H5Aread(attr, type == BP_TYPE_I64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, value) < 0)
        s = bp__h5_fail(file, path, "its attributes cannot be read");
    H5Tclose(stored);
    H5Aclose(attr);
    return s;
}

bp_status bp__h5_attr_text(const bp__h5file *file, const char *path, const char *name, char *text,
                           size_t size)
{
    hid_t attr, stored;
    char fixed[BP__H5_TEXT_MAX], *variable = NULL;
    BP_TRY(open_attr(file, path, name, &attr, &stored));
    if (attr < 0) return BP_OK;

    bp_status s = BP_OK;
    bool is_variable = H5Tis_variable_str(stored) > 0;
    size_t bytes = H5Tget_size(stored);
    if (H5Tget_class(stored) != H5T_STRING || bytes > sizeof fixed)
        s = bp__fail(BP_EFORMAT, "%s: %s: attribute %s: not a text of at most %zu bytes", file->label, path,
                     name, sizeof fixed);
    else if (H5Aread(attr, stored, is_variable ? (void *)&variable : (void *)fixed) < 0)
        s = bp__h5_fail(file, path, "its attributes cannot be read");
    else if (is_variable)
        snprintf(text, size, "%s", variable ? variable : "");
    else
        snprintf(text, size, "%.*s", (int)bytes, fixed);
    H5free_memory(variable);
    H5Tclose(stored);
    H5Aclose(attr);
    return s;
}
