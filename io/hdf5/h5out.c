#include "io/hdf5/h5out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/replace.h"
#include "io/hdf5/h5pack.h"

bp_status bp__h5_create(const char *label, int fd, const bp__draft *draft, bp__h5out *out)
{
    *out = (bp__h5out){.draft = draft,
                       .file = {.label = label, .id = H5I_INVALID_HID},
                       .sink = {.fd = fd},
                       .lcpl = H5P_DEFAULT};
    char name[32]; /* never gets to the disk */
    snprintf(name, sizeof name, "bundle-%p", (void *)out);
    hid_t fapl = bp__h5_sink_fapl(&out->sink), fcpl = H5Pcreate(H5P_FILE_CREATE);
    if (fapl >= 0 && fcpl >= 0 && H5Pset_obj_track_times(fcpl, false) >= 0)
        out->file.id = H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl);
    out->lcpl = H5Pcreate(H5P_LINK_CREATE);
    bool ok = out->file.id >= 0 && out->lcpl >= 0 && H5Pset_create_intermediate_group(out->lcpl, 1) >= 0;
    bp_status s = ok ? BP_OK : bp__h5_out_fail(out, "");
    if (fapl >= 0) H5Pclose(fapl);
    if (fcpl >= 0) H5Pclose(fcpl);
    return s;
}

void bp__h5_finish(bp__h5out *out)
{
    if (out->lcpl > 0) H5Pclose(out->lcpl);
    if (out->file.id > 0 && H5Fclose(out->file.id) < 0 && out->sink.error == 0) out->sink.error = ENOMEM;
    out->file.id = out->lcpl = H5I_INVALID_HID;
}

bp_status bp__h5_written(const bp__h5out *out)
{
    if (out->sink.error == 0) return BP_OK;
    return bp__replace_fail(out->file.label, "cannot be written", out->sink.error);
}

bp_status bp__h5_out_fail(const bp__h5out *out, const char *path)
{
    (void)bp__h5_fail(&out->file, path, "cannot be put together");
    return BP_ENOMEM;
}

void bp__h5_out_path(const bp__h5out *out, const char *folder, const char *name, char path[BP__H5_PATH_MAX])
{
    snprintf(path, BP__H5_PATH_MAX, "/%s/%s/%s", out->draft->country, folder, name);
}

/* Datasets -------------------------------------------------------------------------------------- */

static hid_t create_dcpl(int rank, const hsize_t *chunk, bool gzip)
{
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    if (dcpl < 0) return dcpl;
    bool ok = H5Pset_obj_track_times(dcpl, false) >= 0;
    if (chunk) ok = ok && H5Pset_chunk(dcpl, rank, chunk) >= 0;
    if (chunk && gzip) ok = ok && H5Pset_shuffle(dcpl) >= 0 && H5Pset_deflate(dcpl, BP__GZIP_LEVEL) >= 0;
    if (chunk) ok = ok && H5Pset_fletcher32(dcpl) >= 0; /* a flipped bit is found by whoever reads it */
    if (ok) return dcpl;
    H5Pclose(dcpl);
    return H5I_INVALID_HID;
}

bp_status bp__h5_put_empty(const bp__h5out *out, const char *path, hid_t type, int rank, const hsize_t *shape,
                           const hsize_t *chunk, bool gzip, hid_t *set)
{
    *set = H5I_INVALID_HID;
    hid_t dcpl = create_dcpl(rank, chunk, gzip);
    hid_t space = H5Screate_simple(rank, shape, NULL);
    if (dcpl >= 0 && space >= 0)
        *set = H5Dcreate2(out->file.id, path, type, space, out->lcpl, dcpl, H5P_DEFAULT);
    bp_status s = *set < 0 ? bp__h5_out_fail(out, path) : BP_OK;
    if (space >= 0) H5Sclose(space);
    if (dcpl >= 0) H5Pclose(dcpl);
    return s;
}

bp_status bp__h5_put(const bp__h5out *out, const char *path, hid_t type, const void *data, size_t n)
{
    hid_t set;
    BP_TRY(bp__h5_put_empty(out, path, type, 1, (hsize_t[]){n}, NULL, false, &set));
    bool ok = n == 0 || H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (H5Dclose(set) < 0) ok = false;
    return ok ? bp__h5_written(out) : bp__h5_out_fail(out, path);
}

bp_status bp__h5_put_i64(const bp__h5out *out, const char *path, const int64_t *data, size_t n)
{
    return bp__h5_put(out, path, H5T_STD_I64LE, data, n);
}

bp_status bp__h5_put_f64(const bp__h5out *out, const char *path, const double *data, size_t n)
{
    return bp__h5_put(out, path, H5T_IEEE_F64LE, data, n);
}

hid_t bp__h5_text_type(size_t size, H5T_cset_t cset)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, size) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
        H5Tset_cset(type, cset) >= 0)
        return type;
    H5Tclose(type);
    return H5I_INVALID_HID;
}

/* Attributes ------------------------------------------------------------------------------------ */

bp_status bp__h5_put_attr(const bp__h5out *out, hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t scalar = H5Screate(H5S_SCALAR), attr = H5I_INVALID_HID;
    if (scalar >= 0) attr = H5Acreate2(object, name, type, scalar, H5P_DEFAULT, H5P_DEFAULT);
    bp_status s = attr >= 0 && H5Awrite(attr, type, value) >= 0 ? BP_OK : bp__h5_out_fail(out, name);
    if (attr >= 0) H5Aclose(attr);
    if (scalar >= 0) H5Sclose(scalar);
    return s;
}

bp_status bp__h5_put_attr_text(const bp__h5out *out, hid_t object, const char *name, const char *text)
{
    const size_t n = strlen(text);
    hid_t type = bp__h5_text_type(n ? n : 1, H5T_CSET_UTF8);
    bp_status s = type < 0 ? bp__h5_out_fail(out, name) : bp__h5_put_attr(out, object, name, type, text);
    if (type >= 0) H5Tclose(type);
    return s;
}
