#include "io/hdf5/h5input.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

#define MAX_ADDRESS (((haddr_t)1 << 62) - 1)

typedef struct access_info { /* what the property list carries */
    bp__h5input *input;
} access_info;

typedef struct input_file {
    H5FD_t base; /* first: libhdf5 knows no more of it */
    bp__h5input *input;
    haddr_t eoa;
} input_file;

static H5FD_t *open_input(const char *name, unsigned flags, hid_t fapl, haddr_t max_address)
{
    (void)name;
    (void)flags;
    (void)max_address;
    const access_info *info = H5Pget_driver_info(fapl);
    input_file *f = info ? calloc(1, sizeof *f) : NULL;
    if (!f) return NULL;
    f->input = info->input;
    return &f->base;
}

static herr_t close_input(H5FD_t *file)
{
    free(file);
    return 0;
}

static herr_t query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
    return 0;
}

static haddr_t get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const input_file *)file)->eoa;
}

static herr_t set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((input_file *)file)->eoa = address;
    return 0;
}

static haddr_t get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const input_file *)file)->input->bytes;
}

/* What lies behind the end is an error, never zeros that somebody may take for values. */
bool bp__h5_input_read(bp__h5input *input, uint64_t address, size_t size, void *buffer)
{
    if (address > input->bytes || size > input->bytes - address) return false;
    for (size_t done = 0; done < size;) {
        const ssize_t n = pread(input->fd, (char *)buffer + done, size - done, (off_t)(address + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && input->error == 0) input->error = errno;
        if (n <= 0) return false; /* 0: the file has become shorter */
        done += (size_t)n;
    }
    return true;
}

static herr_t read_bytes(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                         void *buffer)
{
    (void)type;
    (void)dxpl;
    return bp__h5_input_read(((input_file *)file)->input, address, size, buffer) ? 0 : -1;
}

static herr_t refuse_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t address, size_t size,
                           const void *buffer)
{
    (void)file;
    (void)type;
    (void)dxpl;
    (void)address;
    (void)size;
    (void)buffer;
    return -1;
}

/* libhdf5 keeps it until its end. */
static hid_t driver(void)
{
    static const H5FD_class_t class = {
#if H5_VERSION_GE(1, 13, 2)
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)511,
#endif
        .name = "bundlepool_input",
        .maxaddr = MAX_ADDRESS,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(access_info),
        .open = open_input,
        .close = close_input,
        .query = query,
        .get_eoa = get_eoa,
        .set_eoa = set_eoa,
        .get_eof = get_eof,
        .read = read_bytes,
        .write = refuse_write,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    static hid_t id = H5I_INVALID_HID;
    if (id < 0 || H5Iis_valid(id) <= 0) id = H5FDregister(&class);
    return id;
}

hid_t bp__h5_input_fapl(bp__h5input *input)
{
    const access_info info = {.input = input};
    const hid_t id = driver();
    hid_t fapl = id < 0 ? id : H5Pcreate(H5P_FILE_ACCESS);
    if (fapl < 0) return fapl;
    if (H5Pset_driver(fapl, id, &info) >= 0 && H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG) >= 0) return fapl;
    H5Pclose(fapl);
    return H5I_INVALID_HID;
}
