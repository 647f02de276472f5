#include "io/ingest/input.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/ingest/unpack.h"

#define READ_BYTES ((size_t)128 << 10)
#define MARK_BYTES 8 /* enough to tell what a file holds */

struct bp__input {
    char *path;
    int fd;
    struct stat before;
    EVP_MD_CTX *digest;
    bp__unpack *unpack;
    _Atomic uint64_t *progress;
    uint64_t size;  /* stored bytes that were read */
    uint64_t given; /* bytes of text */
    uint64_t most;  /* of them; 0: any number */
    size_t at, end; /* of the buffer */
    bool all_read, misnamed;
    uint8_t buffer[READ_BYTES];
};

static bool is_beneath(const char *real, const char *folder)
{
    const size_t n = strlen(folder);
    return strncmp(real, folder, n) == 0 && (real[n] == '/' || (n > 0 && folder[n - 1] == '/'));
}

/* The file that is open must be the one that the path leads to when every link in it is followed. */
static bp_status check_place(const bp__input *in, const char *within)
{
    struct stat st;
    char *real = realpath(in->path, NULL);
    if (!real) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be followed", in->path);
    bp_status s = BP_OK;
    if (!is_beneath(real, within))
        s = bp__fail(BP_EFORMAT, "%s: a link that leads out of the folder, to %.200s; copy the file",
                     in->path, real);
    else if (stat(real, &st) != 0)
        s = bp__fail_errno(BP_EIO, errno, "%s: cannot be examined", in->path);
    else if (st.st_dev != in->before.st_dev || st.st_ino != in->before.st_ino)
        s = bp__fail(BP_ECHANGED, "%s: another file took its place while it was opened; try again", in->path);
    free(real);
    return s;
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)                    ? "a folder"
           : S_ISFIFO(mode)                 ? "a FIFO"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "no file";
}

static bp_status open_file(bp__input *in, const char *within)
{
    /* looked at first: opening a device may do something */
    if (stat(in->path, &in->before) != 0)
        BP_FAIL_ERRNO(errno == ENOENT ? BP_ENOTFOUND : BP_EIO, errno, "%s: cannot be examined", in->path);
    if (!S_ISREG(in->before.st_mode))
        BP_FAIL(BP_EFORMAT, "%s: %s, not a regular file", in->path, kind_of(in->before.st_mode));
    in->fd = open(in->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (in->fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", in->path);
    if (fstat(in->fd, &in->before) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", in->path);
    if (!S_ISREG(in->before.st_mode))
        BP_FAIL(BP_EFORMAT, "%s: %s, not a regular file", in->path, kind_of(in->before.st_mode));
    return within ? check_place(in, within) : BP_OK;
}

static bp_status fill(bp__input *in)
{
    in->at = in->end = 0;
    while (in->end < READ_BYTES) {
        const ssize_t n = read(in->fd, in->buffer + in->end, READ_BYTES - in->end);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be read", in->path);
        in->all_read = n == 0;
        if (n == 0) break;
        in->end += (size_t)n;
    }
    in->size += in->end;
    if (in->progress) atomic_fetch_add_explicit(in->progress, in->end, memory_order_relaxed);
    if (EVP_DigestUpdate(in->digest, in->buffer, in->end) != 1)
        BP_FAIL(BP_ESYS, "%s: libcrypto cannot hash it", in->path);
    return BP_OK;
}

static bool is_text(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && i < 512; i++)
        if (bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r') return false;
    return size > 0;
}

bool bp__input_is_misnamed(const bp__input *input)
{
    return input->misnamed;
}

/* What it holds must be what its name says. */
static bp_status choose_unpacker(bp__input *in)
{
    static const struct {
        const char *mark, *text;
    } others[] = {{"PK\x03\x04", "a zip archive (or a spreadsheet): unpack it, or save it as CSV"},
                  {"PAR1", "a Parquet file: save it as CSV"},
                  {"\xd0\xcf\x11\xe0", "a spreadsheet: save it as CSV"},
                  {"\x89HDF", "an HDF5 file"},
                  {"SQLite", "an SQLite database"},
                  {"7z\xbc\xaf", "a 7z archive: unpack it"}};
    bp__packing named;
    bp__packing_of_name(in->path, &named);
    const bp__packing held = bp__packing_of_bytes(in->buffer, in->end);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (in->end >= MARK_BYTES && memcmp(in->buffer, others[i].mark, strlen(others[i].mark)) == 0)
            BP_FAIL(BP_EFORMAT, "%s: %s", in->path, others[i].text);
    if (named != BP__PLAIN && in->end == 0)
        BP_FAIL(BP_EFORMAT, "%s: the file is empty, and so no %s", in->path, bp__packing_name(named));
    in->misnamed = named != BP__PLAIN && held == BP__PLAIN && is_text(in->buffer, in->end);
    if (named != BP__PLAIN && named != held && !in->misnamed)
        BP_FAIL(BP_EFORMAT, "%s: damaged %s: its suffix says %s, its first bytes say %s", in->path,
                bp__packing_name(named), bp__packing_name(named), bp__packing_name(held));
    return bp__unpack_create(held, in->path, &in->unpack);
}

static bp_status open_all(bp__input *in, const char *within)
{
    BP_TRY(open_file(in, within));
    in->digest = EVP_MD_CTX_new();
    if (!in->digest || EVP_DigestInit_ex(in->digest, EVP_sha256(), NULL) != 1)
        BP_FAIL(BP_ESYS, "%s: libcrypto cannot hash it", in->path);
    (void)posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* advice: nothing is lost without it */
    BP_TRY(fill(in));
    return choose_unpacker(in);
}

bp_status bp__input_open(const char *path, const char *within, _Atomic uint64_t *read, bp__input **input)
{
    bp__input *in = malloc(sizeof *in);
    *input = in;
    if (!in) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", path);
    memset(in, 0, offsetof(bp__input, buffer));
    in->fd = -1;
    in->progress = read;
    in->path = strdup(path);
    const bp_status s =
        in->path ? open_all(in, within) : bp__fail(BP_ENOMEM, "%s: no memory to read it", path);
    if (bp__failed(s)) bp__input_close(input);
    return s;
}

void bp__input_close(bp__input **input)
{
    bp__input *in = *input;
    *input = NULL;
    if (!in) return;
    bp__unpack_destroy(&in->unpack);
    EVP_MD_CTX_free(in->digest);
    if (in->fd >= 0) close(in->fd);
    free(in->path);
    free(in);
}

void bp__input_limit(bp__input *input, uint64_t most)
{
    input->most = most;
}

bp_status bp__input_read(bp__input *input, char *text, size_t room, size_t *got)
{
    *got = 0;
    while (*got < room) {
        size_t taken, given;
        if (input->at == input->end && !input->all_read) BP_TRY(fill(input));
        BP_TRY(bp__unpack_run(input->unpack, input->buffer + input->at, input->end - input->at,
                              input->all_read, &taken, text + *got, room - *got, &given));
        input->at += taken;
        *got += given;
        input->given += given;
        if (input->most > 0 && input->given > input->most)
            BP_FAIL(BP_EFORMAT, "%s: more than %llu MiB of text", input->path,
                    (unsigned long long)(input->most >> 20));
        if (taken > 0 || given > 0) continue;
        if (input->all_read && input->at == input->end) break;
        if (input->at == input->end) continue;
        BP_FAIL(BP_EFORMAT, "%s: damaged: it cannot be unpacked any further", input->path);
    }
    return BP_OK;
}

bp_status bp__input_finish(bp__input *input, bp__input_stamp *stamp)
{
    struct stat st;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (fstat(input->fd, &st) != 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", input->path);
    if (st.st_size != input->before.st_size || (uint64_t)st.st_size != input->size ||
        st.st_mtim.tv_sec != input->before.st_mtim.tv_sec ||
        st.st_mtim.tv_nsec != input->before.st_mtim.tv_nsec)
        BP_FAIL(BP_ECHANGED, "%s: it was written to while it was read; try again when it is finished",
                input->path);
    if (EVP_DigestFinal_ex(input->digest, hash, &n) != 1 || n != 32)
        BP_FAIL(BP_ESYS, "%s: libcrypto cannot hash it", input->path);
    for (unsigned i = 0; i < n; i++) sprintf(stamp->hash + 2 * i, "%02x", hash[i]);
    stamp->size = input->size;
    stamp->time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return BP_OK;
}
