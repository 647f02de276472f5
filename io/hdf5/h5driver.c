/* DESIGN
 *
 * libhdf5 is not made for a disk that becomes full. With its own drivers a failed write leaves dirty metadata in its
 * cache; H5Fclose() tries again, fails, and leaves the file open; at exit the library tries once more, and complains or
 * loops. The file could be put together in memory, where nothing fails, but bundles are larger than memory allows.
 *
 * So this driver tells libhdf5 that every write succeeded. The first error is kept; from then on bytes are dropped, and
 * the file is closed as if all were well. Nothing that was dropped is ever read back: bars are only written, and
 * metadata stay in the cache of libhdf5 until the file is closed, because evictions are switched off. They are small:
 * some 60 bytes for a chunk of 512 KiB.
 */
#include "io/hdf5/h5driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

#define CHUNK       65536 /* bytes that are no metadata */
#define MAX_ADDRESS (((haddr_t)1 << 62) - 1)

typedef struct access_info { /* what the property list carries */
    bp__h5sink *sink;
} access_info;

typedef struct sink_file {
    H5FD_t base; /* first: libhdf5 knows no more of it */
    bp__h5sink *sink;
    haddr_t eoa, eof;
} sink_file;

static H5FD_t *open_sink(const char *name, unsigned flags, hid_t fapl, haddr_t max_address)
{
    (void)name;
    (void)flags;
    (void)max_address;
    const access_info *info = H5Pget_driver_info(fapl);
    sink_file *f = info ? calloc(1, sizeof *f) : NULL;
    if (!f) return NULL;
    f->sink = info->sink;
    return &f->base;
}

static herr_t close_sink(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const sink_file *)file)->eoa;
}

static herr_t set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((sink_file *)file)->eoa = address;
    return 0;
}

static haddr_t get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const sink_file *)file)->eof;
}

static herr_t read_bytes(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                         void *buffer)
{
    (void)type;
    (void)dxpl;
    bp__h5sink *sink = ((sink_file *)file)->sink;
    memset(buffer, 0, size); /* what lies behind the end, and what was dropped */
    for (size_t done = 0; done < size && sink->error == 0;) {
        ssize_t n = pread(sink->fd, (char *)buffer + done, size - done, (off_t)(address + done));
        if (n == 0) break;
        if (n < 0 && errno != EINTR) sink->error = errno;
        if (n > 0) done += (size_t)n;
    }
    return 0;
}

static herr_t write_bytes(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                          const void *buffer)
{
    (void)type;
    (void)dxpl;
    sink_file *f = (sink_file *)file;
    bp__h5sink *sink = f->sink;
    for (size_t done = 0; done < size && sink->error == 0;) {
        ssize_t n = pwrite(sink->fd, (const char *)buffer + done, size - done, (off_t)(address + done));
        if (n < 0 && errno != EINTR) sink->error = errno;
        if (n > 0) done += (size_t)n;
    }
    if (address + size > f->eof) f->eof = address + size;
    /* on its way to the disk while other chunks are packed: advice, fsync() at the end says what became of it */
    if (size >= CHUNK && sink->error == 0)
        (void)sync_file_range(sink->fd, (off_t)address, (off_t)size, SYNC_FILE_RANGE_WRITE);
    return 0;
}

/* The file is as long as libhdf5 says, even if nothing was written to its end. */
static herr_t truncate_file(H5FD_t *file, hid_t dxpl, hbool_t closing)
{
    (void)dxpl;
    (void)closing;
    sink_file *f = (sink_file *)file;
    if (f->eof == f->eoa) return 0;
    if (f->sink->error == 0 && ftruncate(f->sink->fd, (off_t)f->eoa) != 0) f->sink->error = errno;
    f->eof = f->eoa;
    return 0;
}

/* libhdf5 keeps it until its end. */
static hid_t driver(void)
{
    static const H5FD_class_t class = {
#if H5_VERSION_GE(1, 13, 2)
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)510,
#endif
        .name = "bundlepool",
        .maxaddr = MAX_ADDRESS,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(access_info),
        .open = open_sink,
        .close = close_sink,
        .query = query,
        .get_eoa = get_eoa,
        .set_eoa = set_eoa,
        .get_eof = get_eof,
        .read = read_bytes,
        .write = write_bytes,
        .truncate = truncate_file,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    static hid_t id = H5I_INVALID_HID;
    if (id < 0 || H5Iis_valid(id) <= 0) id = H5FDregister(&class);
    return id;
}

static herr_t keep_metadata(hid_t fapl)
{
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(fapl, &config) < 0) return -1;
    config.evictions_enabled = 0;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(fapl, &config);
}

hid_t bp__h5_sink_fapl(bp__h5sink *sink)
{
    const access_info info = {.sink = sink};
    const hid_t id = driver();
    hid_t fapl = id < 0 ? id : H5Pcreate(H5P_FILE_ACCESS);
    if (fapl < 0) return fapl;
    if (H5Pset_driver(fapl, id, &info) >= 0 && keep_metadata(fapl) >= 0 &&
        H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) >= 0)
        return fapl;
    H5Pclose(fapl);
    return H5I_INVALID_HID;
}
