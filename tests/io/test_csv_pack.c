/* Compressed files: what the libraries pack is read; cut, damaged or followed by something else, it is an
 * error, never half of the rows in silence. And files that are none. */
#include <CUnit/Basic.h>
#include <bzlib.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "csv_case.h"
#include "io/ingest/input.h"

enum { GZ, BZ2, XZ, ZST, NUM_KINDS };
static const char *const suffix[NUM_KINDS] = {".gz", ".bz2", ".xz", ".zst"};
static const char *const name[NUM_KINDS] = {"gzip", "bzip2", "xz", "zstd"};

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static bytes pack(int kind, const char *text, size_t n)
{
    bytes b = {malloc(2 * n + 1000), 2 * n + 1000};
    CU_ASSERT_FATAL(b.data != NULL);
    if (kind == GZ) {
        z_stream z = {0};
        CU_ASSERT_EQUAL_FATAL(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (z_const Bytef *)(uintptr_t)text;
        z.avail_in = (unsigned)n;
        z.next_out = (Bytef *)b.data;
        z.avail_out = (unsigned)b.size;
        CU_ASSERT_EQUAL_FATAL(deflate(&z, Z_FINISH), Z_STREAM_END);
        b.size = z.total_out;
        deflateEnd(&z);
    } else if (kind == BZ2) {
        unsigned size = (unsigned)b.size;
        CU_ASSERT_EQUAL_FATAL(
            BZ2_bzBuffToBuffCompress(b.data, &size, (char *)(uintptr_t)text, (unsigned)n, 1, 0, 0), BZ_OK);
        b.size = size;
    } else if (kind == XZ) {
        size_t at = 0;
        CU_ASSERT_EQUAL_FATAL(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, n,
                                                      (uint8_t *)b.data, &at, b.size),
                              LZMA_OK);
        b.size = at;
    } else {
        ZSTD_CCtx *ctx = ZSTD_createCCtx();
        CU_ASSERT_FATAL(ctx != NULL);
        ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
        b.size = ZSTD_compress2(ctx, b.data, b.size, text, n);
        CU_ASSERT_FALSE_FATAL(ZSTD_isError(b.size));
        ZSTD_freeCCtx(ctx);
    }
    return b;
}

static bytes join(bytes a, bytes b)
{
    bytes both = {malloc(a.size + b.size + 1), a.size + b.size};
    CU_ASSERT_FATAL(both.data != NULL);
    memcpy(both.data, a.data, a.size);
    memcpy(both.data + a.size, b.data, b.size);
    return both;
}

/* Rows of 2000 days, and the same in two halves. */
static char *make_text(size_t *half, size_t *n)
{
    char *text = malloc(200000), *p = text;
    CU_ASSERT_FATAL(text != NULL);
    p = stpcpy(p, CSV_HEADER);
    for (int i = 0; i < 2000; i++) {
        if (i == 1000) *half = (size_t)(p - text);
        p += sprintf(p, "%d,%d,%d,%d,%d,%d\n", 86400 * (12000 + i), i + 1, i + 1, i + 1, i + 1, i * 77 % 991);
    }
    *n = (size_t)(p - text);
    return text;
}

static csv_case read_bytes(const char *file, bytes b)
{
    csv_empty();
    csv_put_bytes(file, b.data, b.size);
    return csv_read_folder(NULL);
}

/* A case that must have failed with a text, and kept nothing. */
static void refused(csv_case c, const char *text)
{
    CU_ASSERT_TRUE(c.errors == 1 && csv_told(&c, text));
    CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__DAILY), 0);
    csv_end(&c);
}

static void taken(csv_case c, size_t bars)
{
    if (c.errors) printf("%s", c.told);
    CU_ASSERT_EQUAL(c.errors, 0);
    CU_ASSERT_EQUAL(bp__draft_num_bars(&c.draft, BP__DAILY), bars);
    CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, bars - 1, BP__CLOSE), (double)bars);
    csv_end(&c);
}

static void test_kinds(void)
{
    size_t half = 0, n = 0;
    char *text = make_text(&half, &n);
    for (int k = 0; k < NUM_KINDS; k++) {
        char file[40], upper[40], words[80];
        static char zeros[4096];
        snprintf(file, sizeof file, "daily/X.csv%s", suffix[k]);
        snprintf(upper, sizeof upper, "daily/X.CSV%s", suffix[k]);
        upper[12] = (char)(upper[12] - 'a' + 'A');
        bytes all = pack(k, text, n), first = pack(k, text, half), second = pack(k, text + half, n - half);
        bytes members = join(first, second), padded = join(all, (bytes){zeros, sizeof zeros});
        bytes garbage = join(all, (bytes){"garbage", 7}), hidden = join(padded, second),
              empty = pack(k, "", 0), none = join(members, empty);
        taken(read_bytes(file, all), 2000);
        taken(read_bytes(upper, all), 2000);
        taken(read_bytes("daily/X.csv", all), 2000); /* what it holds decides */
        taken(read_bytes(file, members), 2000);
        taken(read_bytes(file, none), 2000);
        taken(read_bytes(file, first), 1000);
        taken(read_bytes(file, padded), 2000);
        snprintf(words, sizeof words, "error: DIR/%s: bytes that are no %s follow", file, name[k]);
        refused(read_bytes(file, garbage), words);
        refused(read_bytes(file, hidden), words); /* behind zeros */
        snprintf(words, sizeof words, "error: DIR/%s:", file);
        for (size_t cut = 1; cut < all.size; cut += all.size / 23 + 1) {
            refused(read_bytes(file, (bytes){all.data, cut}), words);
            refused(read_bytes(file, (bytes){members.data, first.size + cut % second.size + 1}), words);
        }
        refused(read_bytes(file, (bytes){all.data, all.size - 1}), words);
        for (size_t lost = 1; lost < 8; lost++) { /* of the beginning of what follows a first part */
            bytes rest = join(first, (bytes){second.data + lost, second.size - lost});
            refused(read_bytes(file, rest), words);
            free(rest.data);
        }
        for (size_t i = 0; i < 10 * 8; i++) { /* each bit of it; a few mean nothing, as a time of day */
            bytes damaged = join(first, second);
            const size_t at = first.size + i / 8;
            damaged.data[at] = (char)(damaged.data[at] ^ 1 << i % 8);
            csv_case c = read_bytes(file, damaged);
            if (c.errors == 0) CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1999, BP__CLOSE), 2000);
            csv_end(&c);
            free(damaged.data);
        }
        for (size_t i = 0; i < 40; i++) { /* a bit that is turned over is noticed, or was in a name */
            bytes damaged = join(all, (bytes){"", 0});
            const size_t at = 12 + i * (all.size - 12) / 41;
            damaged.data[at] = (char)(damaged.data[at] ^ 0x10);
            csv_case c = read_bytes(file, damaged);
            if (c.errors == 0) CU_ASSERT_EQUAL(csv_value(&c, BP__DAILY, 0, 1999, BP__CLOSE), 2000);
            csv_end(&c);
            free(damaged.data);
        }
        refused(read_bytes(file, (bytes){"", 0}), "the file is empty");
        free(all.data), free(first.data), free(second.data), free(members.data), free(padded.data);
        free(garbage.data), free(hidden.data), free(none.data), free(empty.data);
    }
    csv_case c = read_bytes("daily/X.csv.gz", (bytes){text, n}); /* unpacked by whoever fetched it */
    CU_ASSERT_TRUE(csv_told(&c, "warning: DIR/daily/X.csv.gz: plain text, although its suffix says"));
    taken(c, 2000);
    bytes xz = pack(XZ, text, n);
    refused(read_bytes("daily/X.csv.gz", xz), "damaged gzip: its suffix says gzip, its first bytes say xz");
    free(xz.data);
    free(text);
}

static void test_archives(void)
{
    refused(read_bytes("daily/X.csv", (bytes){"PK\x03\x04........", 12}),
            "error: DIR/daily/X.csv: a zip archive");
    refused(read_bytes("daily/X.csv", (bytes){"PAR1........", 12}), "error: DIR/daily/X.csv: a Parquet file");
    refused(read_bytes("daily/X.csv", (bytes){"\x89HDF\r\n\x1a\n....", 12}),
            "error: DIR/daily/X.csv: an HDF5 file");
}

/* A frame that wants more memory than a machine gives for one file. */
static void test_bombs(void)
{
    const size_t n = 40u << 20; /* 40 MiB of blank lines in some KiB: streamed, never held */
    char *text = malloc(n);
    CU_ASSERT_FATAL(text != NULL);
    memset(text, '\n', n);
    memcpy(text, CSV_HEADER CSV_LINE, strlen(CSV_HEADER CSV_LINE));
    for (int k = 0; k < NUM_KINDS; k++) {
        char file[40];
        snprintf(file, sizeof file, "daily/X.csv%s", suffix[k]);
        bytes b = pack(k, text, n);
        taken(read_bytes(file, b), 1);
        free(b.data);
    }
    free(text);
}

/* Files ----------------------------------------------------------------------------------------- */

static void test_no_files(void)
{
    csv_empty();
    csv_put("daily/GOOD.csv", CSV_HEADER CSV_LINE);
    CU_ASSERT_EQUAL(mkfifo(csv_path("daily/FIFO.csv"), 0666), 0);
    CU_ASSERT_EQUAL(mkdir(csv_path("daily/FOLDER.csv"), 0777), 0);
    CU_ASSERT_EQUAL(symlink("/dev/null", csv_path("daily/DEVICE.csv")), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", csv_path("daily/DANGLING.csv")), 0);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", csv_path("daily/OUT.csv")), 0);
    CU_ASSERT_EQUAL(symlink("GOOD.csv", csv_path("daily/IN.csv")), 0);
    CU_ASSERT_EQUAL(symlink("LOOP.csv", csv_path("daily/LOOP.csv")), 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", csv_path("daily/SOCKET.csv"));
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    csv_case c = csv_read_folder(&(bp__ingest_options){.keep_going = true});
    close(fd);
    CU_ASSERT_EQUAL(c.errors, 7);
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/FIFO.csv: a FIFO, not a regular file"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/FOLDER.csv: a folder, not a regular file"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/DEVICE.csv: a device, not a regular file"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/SOCKET.csv: a socket, not a regular file"));
    CU_ASSERT_TRUE(
        csv_told(&c, "error: DIR/daily/OUT.csv: a link that leads out of the folder, to /etc/passwd"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/DANGLING.csv: cannot be examined: No such file"));
    CU_ASSERT_TRUE(csv_told(&c, "error: DIR/daily/LOOP.csv: cannot be examined: Too many levels"));
    CU_ASSERT_EQUAL(c.draft.assets.n, 2); /* GOOD, and IN, a link to it */
    csv_end(&c);
}

/* A file that grows, or is put back in time, while it is read. */
static void test_changes(void)
{
    char buffer[64];
    size_t got;
    bp__input *in;
    bp__input_stamp stamp;
    csv_empty();
    csv_put("X.csv", "some text\n");
    CU_ASSERT_EQUAL_FATAL(bp__input_open(csv_path("X.csv"), NULL, NULL, &in), BP_OK);
    CU_ASSERT_EQUAL(bp__input_read(in, buffer, sizeof buffer, &got), BP_OK);
    CU_ASSERT_EQUAL(got, 10);
    CU_ASSERT_EQUAL(bp__input_finish(in, &stamp), BP_OK);
    /* SHA-256 of "some text\n" */
    CU_ASSERT_STRING_EQUAL(stamp.hash, "a23e5fdcd7b276bdd81aa1a0b7b963101863dd3f61ff57935f8c5ba462681ea6");
    CU_ASSERT_EQUAL(stamp.size, 10);
    bp__input_close(&in);
    CU_ASSERT_EQUAL_FATAL(bp__input_open(csv_path("X.csv"), NULL, NULL, &in), BP_OK);
    FILE *f = fopen(csv_path("X.csv"), "a");
    CU_ASSERT_FATAL(f != NULL);
    fputs("more", f);
    fclose(f);
    CU_ASSERT_EQUAL(bp__input_read(in, buffer, sizeof buffer, &got), BP_OK);
    CU_ASSERT_EQUAL(bp__input_finish(in, &stamp), BP_ECHANGED);
    bp__input_close(&in);
}

int main(void)
{
    CU_TestInfo tests[] = {{"kinds of compression", test_kinds},   {"archives", test_archives},
                           {"much text in few bytes", test_bombs}, {"what is no file", test_no_files},
                           {"files that change", test_changes},    CU_TEST_INFO_NULL};
    return csv_main("files and compression", tests);
}
