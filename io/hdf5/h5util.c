#include "io/hdf5/h5util.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5number.h"
#include "io/hdf5/lzf.h"

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

bool bp__h5_failed_with(const char *text)
{
    reason r = {.text = ""};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &r);
    return strstr(r.text, text) != NULL;
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
    *set = (bp__h5set){.id = -1, .type = -1, .space = -1, .dcpl = -1, .rank = rank};
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

/* What makes a number one of no standard kind. */
static const char *oddity_of(hid_t type)
{
    bp__h5number number;
    return bp__h5_number_of(type, &number) ? "" : " of no standard layout";
}

void bp__h5_type_text(hid_t type, char *text, size_t size)
{
    size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        snprintf(text, size, "%zu-byte %s integer%s", bytes,
                 H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned" : "signed", oddity_of(type));
        break;
    case H5T_FLOAT: snprintf(text, size, "%zu-byte float%s", bytes, oddity_of(type)); break;
    case H5T_STRING: snprintf(text, size, "string"); break;
    case H5T_COMPOUND: snprintf(text, size, "compound"); break;
    default: snprintf(text, size, "%zu-byte type of another class", bytes); break;
    }
}
