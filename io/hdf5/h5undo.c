/* DESIGN
 *
 * libhdf5 has no call that undoes filters and tells the size. But a filter of one's own is told the size of what it gets. So a
 * file in memory has a dataset of two such chunks, with the filters of the dataset in question, and before them, which is
 * the last when they are undone, one that watches. A chunk is put there as it is stored, and read. The second chunk is never
 * stored: where libhdf5 has looked for it, it has forgotten which filters were left out of the first one before.
 *
 * Some filters work out their parameters from the type when a dataset is made. Those of the file must be the same: with
 * others, the chunk would be decoded otherwise than from the file.
 */
#include "io/hdf5/h5undo.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FILTERS 31 /* the mask of those that are left out has 32 bits, and one more filter */
#define MOST_VALUES  256
#define FIRST_FREE   256 /* to 511: numbers for whoever needs one */
#define LAST_FREE    511

struct bp__h5undoer {
    const bp__h5file *file;
    const bp__h5set *set;
    H5Z_filter_t watcher; /* 0: not registered */
    hid_t memory, dcpl, dapl, type, one, chunk_set;
    hid_t first, second; /* space of the set, with the first element of that chunk selected */
    size_t element_bytes, chunk_bytes;
    uint8_t *chunk;
    void *element;
};

/* What the watcher is to look for, and has seen: libhdf5 gives a filter nothing of its own. Under the lock. */
static struct {
    size_t wanted;
    uint8_t *into; /* [wanted] */
    bool came, fits;
} watch;

static size_t watch_chunk(unsigned flags, size_t num_values, const unsigned values[], size_t bytes,
                          size_t *room, void **buffer)
{
    (void)num_values, (void)values, (void)room;
    if (!(flags & H5Z_FLAG_REVERSE)) return bytes;
    watch.came = true;
    watch.fits = bytes == watch.wanted;
    if (!watch.fits) return 0;
    memcpy(watch.into, *buffer, bytes);
    return bytes;
}

static bool register_watcher(bp__h5undoer *u)
{
    H5Z_class2_t ours = {.version = H5Z_CLASS_T_VERS,
                         .encoder_present = 1,
                         .decoder_present = 1,
                         .name = "size of a chunk",
                         .filter = watch_chunk};
    for (H5Z_filter_t id = LAST_FREE; id >= FIRST_FREE; id--) {
        if (H5Zfilter_avail(id) != 0) continue; /* the host program's */
        ours.id = id;
        if (H5Zregister(&ours) < 0) return false;
        u->watcher = id;
        return true;
    }
    return false;
}

/* The filters of a dataset -------------------------------------------------------------------------- */

typedef struct one_filter {
    H5Z_filter_t id;
    size_t n;
    unsigned values[MOST_VALUES];
} one_filter;

static bool look_at(hid_t dcpl, unsigned i, one_filter *f)
{
    unsigned flags;
    f->n = MOST_VALUES;
    f->id = H5Pget_filter2(dcpl, i, &flags, &f->n, f->values, 0, NULL, NULL);
    return f->id >= 0 && f->n <= MOST_VALUES;
}

static bool add_filters(hid_t dcpl, hid_t to, int n)
{
    one_filter f;
    for (int i = 0; i < n; i++) /* optional: one that cannot be applied any more may still be undone */
        if (!look_at(dcpl, (unsigned)i, &f) || H5Pset_filter(to, f.id, H5Z_FLAG_OPTIONAL, f.n, f.values) < 0)
            return false;
    return true;
}

/* Whether filter i of one is filter i + 1 of the other. */
static bool equal_filters(hid_t file, hid_t memory, int n)
{
    one_filter a, b;
    if (H5Pget_nfilters(memory) != n + 1) return false;
    for (int i = 0; i < n; i++)
        if (!look_at(file, (unsigned)i, &a) || !look_at(memory, (unsigned)i + 1, &b) || a.id != b.id ||
            a.n != b.n || memcmp(a.values, b.values, a.n * sizeof *a.values) != 0)
            return false;
    return true;
}

/* The file in memory ------------------------------------------------------------------------------- */

static bool create_file(bp__h5undoer *u)
{
    const hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    /* the name is that of no file, whoever might be asked to open it */
    if (fapl >= 0 && H5Pset_fapl_core(fapl, 1 << 16, false) >= 0)
        u->memory = H5Fcreate("/dev/null/chunk", H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    if (fapl >= 0) H5Pclose(fapl);
    return u->memory >= 0;
}

static bool create_set(bp__h5undoer *u, const hsize_t chunk[2], bool opaque, int filters)
{
    const bp__h5set *set = u->set;
    const hsize_t first[2] = {0, 0}, second[2] = {chunk[0], 0}, count[2] = {1, 1};
    const hsize_t both[2] = {2 * chunk[0], chunk[1]};
    u->dcpl = H5Pcopy(set->dcpl); /* its fill value is a parameter of some filters */
    u->dapl = H5Pcreate(H5P_DATASET_ACCESS);
    u->type = opaque ? H5Tcreate(H5T_OPAQUE, u->element_bytes) : H5Tcopy(set->type);
    u->first = H5Screate_simple(set->rank, both, NULL);
    u->second = H5Screate_simple(set->rank, both, NULL);
    u->one = H5Screate_simple(set->rank, count, NULL);
    if (u->dcpl < 0 || u->dapl < 0 || u->type < 0 || u->first < 0 || u->second < 0 || u->one < 0)
        return false;
    if (opaque && H5Pset_fill_value(u->dcpl, u->type, NULL) < 0) return false;
    if (H5Pset_alloc_time(u->dcpl, H5D_ALLOC_TIME_INCR) < 0) return false;
    if (H5Premove_filter(u->dcpl, H5Z_FILTER_ALL) < 0 ||
        H5Pset_filter(u->dcpl, u->watcher, H5Z_FLAG_MANDATORY, 0, NULL) < 0 ||
        !add_filters(set->dcpl, u->dcpl, filters))
        return false;
    if (H5Pset_chunk_cache(u->dapl, 1, 0, 1.0) < 0) return false; /* each read undoes the filters */
    u->chunk_set = H5Dcreate2(u->memory, "chunk", u->type, u->first, H5P_DEFAULT, u->dcpl, u->dapl);
    return u->chunk_set >= 0 &&
           H5Sselect_hyperslab(u->first, H5S_SELECT_SET, first, NULL, count, NULL) >= 0 &&
           H5Sselect_hyperslab(u->second, H5S_SELECT_SET, second, NULL, count, NULL) >= 0;
}

static bp_status check_filters(const bp__h5undoer *u, int filters)
{
    const hid_t made = H5Dget_create_plist(u->chunk_set);
    const bool equal = made >= 0 && equal_filters(u->set->dcpl, made, filters);
    if (made >= 0) H5Pclose(made);
    if (!equal)
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: the parameters of its filters are not those of its type",
                u->file->label, u->set->path);
    return BP_OK;
}

bp_status bp__h5_undoer_create(const bp__h5file *file, const bp__h5set *set, size_t element_bytes,
                               bool opaque, bp__h5undoer **undoer)
{
    hsize_t chunk[2] = {1, 1};
    const int filters = H5Pget_nfilters(set->dcpl);
    bp__h5undoer *u = *undoer = malloc(sizeof *u);
    if (!u) BP_FAIL(BP_ENOMEM, "%s: %s: no memory to read it", file->label, set->path);
    *u = (bp__h5undoer){.file = file, .set = set, .element_bytes = element_bytes};
    u->memory = u->dcpl = u->dapl = u->type = u->first = u->second = u->one = u->chunk_set = H5I_INVALID_HID;
    if (filters < 0 || filters > MOST_FILTERS || H5Pget_chunk(set->dcpl, set->rank, chunk) != set->rank)
        return bp__h5_fail(file, set->path, "its filters cannot be read");
    u->chunk_bytes = chunk[0] * chunk[1] * element_bytes;
    u->chunk = malloc(u->chunk_bytes);
    u->element = malloc(element_bytes);
    if (!u->chunk || !u->element)
        BP_FAIL(BP_ENOMEM, "%s: %s: no memory for a chunk of %zu bytes", file->label, set->path,
                u->chunk_bytes);
    if (!register_watcher(u) || !create_file(u) || !create_set(u, chunk, opaque, filters))
        return bp__h5_fail(file, set->path, "its filters cannot be undone");
    return check_filters(u, filters);
}

void bp__h5_undoer_destroy(bp__h5undoer **undoer)
{
    bp__h5undoer *u = *undoer;
    if (!u) return;
    if (u->chunk_set >= 0) H5Dclose(u->chunk_set);
    if (u->dcpl >= 0) H5Pclose(u->dcpl);
    if (u->dapl >= 0) H5Pclose(u->dapl);
    if (u->type >= 0) H5Tclose(u->type);
    if (u->first >= 0) H5Sclose(u->first);
    if (u->second >= 0) H5Sclose(u->second);
    if (u->one >= 0) H5Sclose(u->one);
    if (u->memory >= 0) H5Fclose(u->memory);
    if (u->watcher) H5Zunregister(u->watcher);
    free(u->chunk);
    free(u->element);
    free(u);
    *undoer = NULL;
}

bp_status bp__h5_undo(bp__h5undoer *u, uint32_t skipped, const void *stored, size_t stored_bytes,
                      const uint8_t **chunk)
{
    static const hsize_t origin[2] = {0, 0};
    watch.wanted = u->chunk_bytes;
    watch.into = u->chunk;
    watch.came = watch.fits = false;
    if (H5Dwrite_chunk(u->chunk_set, H5P_DEFAULT, skipped << 1, origin, stored_bytes, stored) < 0 ||
        H5Dread(u->chunk_set, u->type, u->one, u->second, H5P_DEFAULT, u->element) < 0)
        return bp__h5_fail(u->file, u->set->path, "its filters cannot be undone");
    /* one element takes the whole chunk through the filters; what comes of it is the watcher's copy */
    const bool read = H5Dread(u->chunk_set, u->type, u->one, u->first, H5P_DEFAULT, u->element) >= 0;
    if (watch.came && !watch.fits)
        BP_FAIL(BP_EFORMAT, "%s: %s: damaged: a chunk does not decode to the size of a chunk", u->file->label,
                u->set->path);
    if (!read || !watch.came) return bp__h5_fail(u->file, u->set->path, "a chunk cannot be decoded");
    *chunk = u->chunk;
    return BP_OK;
}
