#include "io/ingest/unpack.h"

#include <libdeflate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* What a machine lacks is left out: io/CMakeLists.txt defines what is there. */
#ifdef BP_HAVE_BZIP2
#include <bzlib.h>
#endif
#ifdef BP_HAVE_LZMA
#include <lzma.h>
#endif
#ifdef BP_HAVE_ZSTD
#include <zstd.h>
#endif

#define GZIP_WINDOW (15 + 16)             /* the largest window, in a gzip wrapper and no other */
#define XZ_MEMORY   (UINT64_C(512) << 20) /* a file could ask for more than the machine has */
#define ZSTD_WINDOW 27                    /* 128 MiB: what `zstd` itself takes without --long */

typedef enum outcome { GOES_ON, MEMBER_ENDS, DAMAGED, NO_MEMORY } outcome;

struct bp__unpack {
    bp__packing packing;
    const char *label;
    bool begun;   /* within a member */
    bool members; /* at least one has ended */
    bool padding; /* zeros have followed it */
    bool made;    /* the library's state */
    bool last;    /* no input follows */
    z_stream gzip;
    struct libdeflate_decompressor *whole;
#ifdef BP_HAVE_BZIP2
    bz_stream bzip2;
#endif
#ifdef BP_HAVE_LZMA
    lzma_stream xz;
#endif
#ifdef BP_HAVE_ZSTD
    ZSTD_DStream *zstd;
#endif
};

typedef struct run { /* what is left of both buffers */
    const uint8_t *in;
    size_t size;
    char *out;
    size_t room;
} run;

static const struct {
    const char *name, *suffix, *magic;
    size_t length;
} packings[BP__NUM_PACKINGS] = {
    [BP__PLAIN] = {"plain text", "", "", 0},
    [BP__GZIP] = {"gzip", ".gz", "\x1f\x8b", 2},
    [BP__BZIP2] = {"bzip2", ".bz2", "BZh", 3},
    [BP__XZ] = {"xz", ".xz",
                "\xfd"
                "7zXZ\0",
                6},
    [BP__ZSTD] = {"zstd", ".zst", "\x28\xb5\x2f\xfd", 4},
};

const char *bp__packing_name(bp__packing packing)
{
    return packings[packing].name;
}

size_t bp__packing_of_name(const char *name, bp__packing *packing)
{
    const size_t n = strlen(name);
    for (int p = BP__GZIP; p < BP__NUM_PACKINGS; p++) {
        const size_t length = strlen(packings[p].suffix);
        if (n <= length || strcasecmp(name + n - length, packings[p].suffix) != 0) continue;
        *packing = (bp__packing)p;
        return n - length;
    }
    *packing = BP__PLAIN;
    return n;
}

/* A frame that zstd passes over; parallel packers begin with one. */
static bool is_skippable(const uint8_t *bytes, size_t size)
{
    return size >= 4 && (bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0;
}

bp__packing bp__packing_of_bytes(const void *bytes, size_t size)
{
    if (is_skippable(bytes, size)) return BP__ZSTD;
    for (int p = BP__GZIP; p < BP__NUM_PACKINGS; p++)
        if (size >= packings[p].length && memcmp(bytes, packings[p].magic, packings[p].length) == 0)
            return (bp__packing)p;
    return BP__PLAIN;
}

/* Each library, in the same terms ---------------------------------------------------------------- */

typedef struct library {
    bool (*begin)(bp__unpack *u); /* a member */
    outcome (*run)(bp__unpack *u, run *r);
    void (*end)(bp__unpack *u);
} library;

static bool begin_gzip(bp__unpack *u)
{
    if (u->made) return inflateReset(&u->gzip) == Z_OK;
    return inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
}

static unsigned at_most(size_t n)
{
    return n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)n;
}

/* A member that is there as a whole, and has room: libdeflate takes a third of zlib's time. Whatever else it is, and
 * whatever is wrong with it, zlib says. */
static bool run_whole_gzip(bp__unpack *u, run *r)
{
    size_t taken, given;
    uint32_t length; /* of the text: the last four bytes, as all machines that are supported have them */
    if (!u->last || u->gzip.total_in > 0 || r->size < 18) return false;
    memcpy(&length, r->in + r->size - sizeof length, sizeof length);
    if (length > r->room) return false;
    if (!u->whole) u->whole = libdeflate_alloc_decompressor();
    if (!u->whole || libdeflate_gzip_decompress_ex(u->whole, r->in, r->size, r->out, r->room, &taken,
                                                   &given) != LIBDEFLATE_SUCCESS)
        return false;
    r->in += taken, r->size -= taken;
    r->out += given, r->room -= given;
    return true;
}

static outcome run_gzip(bp__unpack *u, run *r)
{
    if (run_whole_gzip(u, r)) return MEMBER_ENDS;
    const unsigned size = at_most(r->size), room = at_most(r->room);
    u->gzip.next_in = (z_const Bytef *)(uintptr_t)r->in; /* zlib does not write to it */
    u->gzip.avail_in = size;
    u->gzip.next_out = (Bytef *)r->out;
    u->gzip.avail_out = room;
    const int code = inflate(&u->gzip, Z_NO_FLUSH);
    r->in += size - u->gzip.avail_in, r->size -= size - u->gzip.avail_in;
    r->out += room - u->gzip.avail_out, r->room -= room - u->gzip.avail_out;
    if (code == Z_STREAM_END) return MEMBER_ENDS;
    if (code == Z_OK || code == Z_BUF_ERROR) return GOES_ON;
    return code == Z_MEM_ERROR ? NO_MEMORY : DAMAGED;
}

static void end_gzip(bp__unpack *u)
{
    inflateEnd(&u->gzip);
}

#ifdef BP_HAVE_BZIP2
static bool begin_bzip2(bp__unpack *u)
{
    if (u->made) BZ2_bzDecompressEnd(&u->bzip2); /* it has no reset */
    u->bzip2 = (bz_stream){0};
    return BZ2_bzDecompressInit(&u->bzip2, 0, 0) == BZ_OK;
}

static outcome run_bzip2(bp__unpack *u, run *r)
{
    const unsigned size = at_most(r->size), room = at_most(r->room);
    u->bzip2.next_in = (char *)(uintptr_t)r->in; /* libbz2 does not write to it */
    u->bzip2.avail_in = size;
    u->bzip2.next_out = r->out;
    u->bzip2.avail_out = room;
    const int code = BZ2_bzDecompress(&u->bzip2);
    r->in += size - u->bzip2.avail_in, r->size -= size - u->bzip2.avail_in;
    r->out += room - u->bzip2.avail_out, r->room -= room - u->bzip2.avail_out;
    if (code == BZ_STREAM_END) return MEMBER_ENDS;
    if (code == BZ_OK) return GOES_ON;
    return code == BZ_MEM_ERROR ? NO_MEMORY : DAMAGED;
}

static void end_bzip2(bp__unpack *u)
{
    BZ2_bzDecompressEnd(&u->bzip2);
}
#endif

#ifdef BP_HAVE_LZMA
static bool begin_xz(bp__unpack *u)
{
    if (!u->made) u->xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&u->xz, XZ_MEMORY, 0) == LZMA_OK;
}

static outcome run_xz(bp__unpack *u, run *r)
{
    u->xz.next_in = r->in;
    u->xz.avail_in = r->size;
    u->xz.next_out = (uint8_t *)r->out;
    u->xz.avail_out = r->room;
    const lzma_ret code = lzma_code(&u->xz, LZMA_RUN);
    r->in += r->size - u->xz.avail_in, r->size = u->xz.avail_in;
    r->out += r->room - u->xz.avail_out, r->room = u->xz.avail_out;
    if (code == LZMA_STREAM_END) return MEMBER_ENDS;
    if (code == LZMA_OK || code == LZMA_BUF_ERROR) return GOES_ON;
    return code == LZMA_MEM_ERROR || code == LZMA_MEMLIMIT_ERROR ? NO_MEMORY : DAMAGED;
}

static void end_xz(bp__unpack *u)
{
    lzma_end(&u->xz);
}
#endif

#ifdef BP_HAVE_ZSTD
static bool begin_zstd(bp__unpack *u)
{
    if (!u->zstd && !(u->zstd = ZSTD_createDStream())) return false;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW))) return false;
    return !ZSTD_isError(ZSTD_initDStream(u->zstd));
}

static outcome run_zstd(bp__unpack *u, run *r)
{
    ZSTD_inBuffer in = {r->in, r->size, 0};
    ZSTD_outBuffer out = {r->out, r->room, 0};
    const size_t code = ZSTD_decompressStream(u->zstd, &out, &in);
    r->in += in.pos, r->size -= in.pos;
    r->out += out.pos, r->room -= out.pos;
    return ZSTD_isError(code) ? DAMAGED : code == 0 ? MEMBER_ENDS : GOES_ON;
}

static void end_zstd(bp__unpack *u)
{
    ZSTD_freeDStream(u->zstd);
}
#endif

static const library libraries[BP__NUM_PACKINGS] = {
    [BP__GZIP] = {begin_gzip, run_gzip, end_gzip},
#ifdef BP_HAVE_BZIP2
    [BP__BZIP2] = {begin_bzip2, run_bzip2, end_bzip2},
#endif
#ifdef BP_HAVE_LZMA
    [BP__XZ] = {begin_xz, run_xz, end_xz},
#endif
#ifdef BP_HAVE_ZSTD
    [BP__ZSTD] = {begin_zstd, run_zstd, end_zstd},
#endif
};

static bool begin(bp__unpack *u)
{
    if (!libraries[u->packing].begin(u)) return false;
    u->made = true;
    u->begun = true;
    return true;
}

bp_status bp__unpack_create(bp__packing packing, const char *label, bp__unpack **unpack)
{
    *unpack = NULL;
    if (packing != BP__PLAIN && !libraries[packing].begin)
        BP_FAIL(BP_EFORMAT, "%s: this program was built without %s; unpack it by hand", label,
                packings[packing].name);
    bp__unpack *u = calloc(1, sizeof *u);
    *unpack = u;
    if (!u) BP_FAIL(BP_ENOMEM, "%s: no memory to read it", label);
    u->packing = packing;
    u->label = label;
    if (packing == BP__PLAIN || begin(u)) return BP_OK;
    bp__unpack_destroy(unpack);
    BP_FAIL(BP_ENOMEM, "%s: no memory to unpack it", label);
}

void bp__unpack_destroy(bp__unpack **unpack)
{
    bp__unpack *u = *unpack;
    *unpack = NULL;
    if (!u) return;
    if (u->made) libraries[u->packing].end(u);
    libdeflate_free_decompressor(u->whole);
    free(u);
}

/* Members --------------------------------------------------------------------------------------- */

/* Between two members: zeros are padding, and whatever follows them is not of this file. */
static bp_status between(bp__unpack *u, run *r)
{
    const uint8_t *first = r->in;
    while (r->size > 0 && *r->in == 0) r->in++, r->size--;
    u->padding = u->padding || r->in != first;
    if (r->size == 0) return BP_OK;
    /* the first byte tells: the rest of a mark may not have been read yet, and a member without it is
     * damaged */
    const bool skippable = u->packing == BP__ZSTD && (*r->in & 0xf0) == 0x50;
    if (u->padding || (*r->in != (uint8_t)packings[u->packing].magic[0] && !skippable))
        BP_FAIL(BP_EFORMAT,
                "%s: bytes that are no %s follow the end of the %s data; unpack it by hand, see what they "
                "are, and "
                "pack it again",
                u->label, packings[u->packing].name, packings[u->packing].name);
    if (!begin(u)) BP_FAIL(BP_ENOMEM, "%s: no memory to unpack it", u->label);
    return BP_OK;
}

static bp_status run_packed(bp__unpack *u, run *r)
{
    if (!u->begun) BP_TRY(between(u, r));
    if (!u->begun) return BP_OK;
    switch (libraries[u->packing].run(u, r)) {
    case GOES_ON: return BP_OK;
    case MEMBER_ENDS:
        u->begun = false;
        u->members = true;
        return BP_OK;
    case NO_MEMORY: BP_FAIL(BP_ENOMEM, "%s: no memory to unpack it; unpack it by hand", u->label);
    case DAMAGED: break;
    }
    BP_FAIL(BP_EFORMAT, "%s: damaged %s data%s", u->label, packings[u->packing].name,
            u->members ? ", behind the end of a first part" : "");
}

bp_status bp__unpack_run(bp__unpack *unpack, const void *in, size_t size, bool last, size_t *taken, char *out,
                         size_t room, size_t *given)
{
    run r = {in, size, out, room};
    unpack->last = last;
    *taken = *given = 0;
    if (unpack->packing == BP__PLAIN) {
        *taken = *given = size < room ? size : room;
        memcpy(out, in, *given);
        return BP_OK;
    }
    BP_TRY(run_packed(unpack, &r));
    *taken = size - r.size;
    *given = room - r.room;
    if (last && unpack->begun && room > 0 && *taken == 0 && *given == 0)
        BP_FAIL(BP_EFORMAT, "%s: damaged %s data: the file is cut off", unpack->label,
                packings[unpack->packing].name);
    return BP_OK;
}
