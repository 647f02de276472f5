/* Cold start: the time from "all ranks ask for a bundle" to "all ranks have it", by the pool and by what one
 * would do without.
 *
 *     mpirun -n R bench_cold --root DIR --bundle NAME [--modes LIST] [--repeats N] [--drop-cache] [--json]
 *
 *  single      one process loads by itself (bp_bundle_load); the other ranks sleep
 *  h5dread     one process reads every dataset whole with H5Dread and converts it into the same image
 *  each        every rank loads by itself
 *  bcast       rank 0 loads by itself, MPI_Bcast into private memory of the others
 *  mmap        every rank maps an uncompressed copy of the image and touches each page
 *  pool_fresh  bp_pool_get, the first in a new pool: its pages are not there yet
 *  pool        bp_pool_get after bp_pool_invalidate: its pages are there
 *  parts       the pieces of one load, one after the other on one thread
 *
 * All cases of a repeat follow each other, so that what else the machine does hits them alike. No pool lives
 * while another case is measured. Every case must give an image with the same content hash. Samples:
 *
 *  time   from the common start to when the last rank has the image
 *  touch  from then on, until every rank has read a word of each page; mmap has that in its time
 *  ratio  CASE_over_h5dread, of the medians
 *  share  of a part in plan + read + inflate + convert + claim; hash, which is not on the way, beside it
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bundlepool/bundlepool.h>

#include "core/bundle.h"
#include "core/loader.h"
#include "core/memory.h"
#include "core/replace.h"
#include "io/hdf5/h5attr.h"
#include "io/hdf5/h5read.h"
#include "io/hdf5/h5small.h"
#include "io/hdf5/lzf.h"
#include "meet.h"

#define MAX_REPEATS 100
#define MAX_PIECE   (UINT64_C(1) << 30) /* counts of MPI are int */
#define PAGE        4096

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

typedef struct bench {
    const char *root, *name;
    char path[BP_PATH_MAX + 80], copy_path[BP_PATH_MAX + 80];
    int rank, size, repeats;
    bool drop_cache;
    uint64_t bytes;           /* of the image */
    char hash[BP__HASH_TEXT]; /* that each image must have */
    bp_config cfg;
    bp_pool *pool;
    /* what the case at hand has taken; either may be NULL */
    const bp_bundle *bundle;
    void *map; /* of `bytes` */
} bench;

static void must(bp_status s)
{
    if (s != BP_OK) bench_die("%s: %s", bp_status_name(s), bp_error_text());
}

static void *new_map(uint64_t bytes, int prot, int flags, int fd)
{
    void *map = mmap(NULL, bytes, prot, flags, fd, 0);
    if (map == MAP_FAILED) bench_die("%" PRIu64 " bytes cannot be mapped: %s", bytes, strerror(errno));
    return map;
}

static void *new_buffer(uint64_t bytes)
{
    void *buffer = malloc(bytes);
    if (!buffer) bench_die("no memory for %" PRIu64 " bytes", bytes);
    return buffer;
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) bench_die("%s: %s", path, strerror(errno));
    return fd;
}

static void touch(const void *memory, uint64_t bytes)
{
    static volatile char sink;
    for (uint64_t at = 0; at < bytes; at += PAGE) sink = ((const volatile char *)memory)[at];
    (void)sink;
}

/* The cases: each leaves the image in b->bundle or b->map ------------------------------------------ */

static const bp__image *take_load(bench *b)
{
    must(bp_bundle_load(b->root, b->name, &b->bundle));
    return b->bundle->image;
}

static const bp__image *take_pool(bench *b)
{
    must(bp_pool_get(b->pool, b->name, &b->bundle));
    return b->bundle->image;
}

static const bp__image *take_bcast(bench *b)
{
    uint64_t bytes = b->rank == 0 ? take_load(b)->bytes : 0;
    MPI_Bcast(&bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    if (b->rank != 0) b->map = new_map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *image = b->rank == 0 ? (char *)(uintptr_t)b->bundle->image : b->map;
    /* Open MPI's scatter-allgather writes the root's bytes back to the root, into our private copy */
    if (b->rank == 0 && mprotect(image, bytes, PROT_READ | PROT_WRITE) != 0)
        bench_die("the image cannot be made writable: %s", strerror(errno));
    for (uint64_t at = 0; at < bytes; at += MAX_PIECE) {
        uint64_t n = bytes - at < MAX_PIECE ? bytes - at : MAX_PIECE;
        MPI_Bcast(image + at, (int)n, MPI_BYTE, 0, MPI_COMM_WORLD);
    }
    return (const bp__image *)(void *)image;
}

static const bp__image *take_mmap(bench *b)
{
    struct stat st;
    int fd = open_file(b->copy_path);
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size != b->bytes)
        bench_die("%s: not the copy of the image; remove it", b->copy_path);
    b->map = new_map(b->bytes, PROT_READ, MAP_SHARED, fd);
    close(fd);
    touch(b->map, b->bytes);
    return b->map;
}

static void give(bench *b)
{
    bp_bundle_release(&b->bundle);
    if (b->map) munmap(b->map, b->bytes);
    b->map = NULL;
}

/* One process and the stock library: small tables as our own loader reads them, then one H5Dread and one pass
 * of conversion per dataset, over a buffer that stays warm. */

static void convert(const uint32_t *restrict x, uint64_t n, bool price, double scale, double *restrict out)
{
    if (price)
        for (uint64_t i = 0; i < n; i++) out[i] = x[i] == 0 ? (double)NAN : x[i] * scale;
    else
        for (uint64_t i = 0; i < n; i++) out[i] = x[i] * scale;
}

static void read_column(const bp__h5file *file, const char *country, bp_column column, uint64_t n,
                        uint32_t *raw, void *image)
{
    char path[BP__H5_PATH_MAX];
    double factor = 1;
    bool found;
    bp__h5_column_path(country, column, path);
    must(bp__h5_attr_number(file, path, "scaling_factor", BP_TYPE_F64, &factor, &found));
    hid_t set = H5Dopen2(file->id, path, H5P_DEFAULT);
    bool times = column == BP_COL_MINUTE_DT;
    void *out = bp__image_fill(image, column);
    if (set < 0 || H5Dread(set, times ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                           times ? out : raw) < 0)
        must(bp__h5_fail(file, path, "cannot be read"));
    H5Dclose(set);
    if (!times) convert(raw, n, column != BP_COL_VOLUME && column != BP_COL_MINUTE_VOLUME, 1 / factor, out);
}

static const bp__image *take_h5dread(bench *b)
{
    struct stat st;
    bp__h5file file;
    bp__h5shape shape;
    bp__head *head;
    void *start;
    uint64_t start_bytes, image_bytes;
    int fd = open_file(b->path);
    if (fstat(fd, &st) != 0) bench_die("%s: %s", b->path, strerror(errno));
    bp__h5_lock();
    must(bp__h5_open(b->path, fd, (uint64_t)st.st_size, &file)); /* brings the LZF filter */
    must(bp__head_create(&head));
    must(bp__h5_read_small(&file, NULL, head, &shape));
    uint64_t daily = shape.assets * shape.sessions, minute = shape.has_minute ? shape.minute_bars : 0;
    for (int c = BP__FIRST_BULK; c <= BP_COL_VOLUME; c++)
        must(bp__head_reserve(head, (bp_column)c, shape.assets, shape.sessions));
    for (int c = BP_COL_MINUTE_DT; c <= BP__LAST_BULK && minute > 0; c++)
        must(bp__head_reserve(head, (bp_column)c, minute, 1));
    must(bp__head_seal(head, &start, &start_bytes, &image_bytes));
    bp__head_destroy(&head);
    if (image_bytes != b->bytes) bench_die("%s: another image than the loader's", b->path);

    b->map = new_map(image_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memcpy(b->map, start, start_bytes);
    free(start);
    uint32_t *raw = new_buffer((daily > minute ? daily : minute) * sizeof *raw);
    for (int c = BP__FIRST_BULK; c <= BP_COL_VOLUME && daily > 0; c++)
        read_column(&file, shape.country, (bp_column)c, daily, raw, b->map);
    for (int c = BP_COL_MINUTE_DT; c <= BP__LAST_BULK && minute > 0; c++)
        read_column(&file, shape.country, (bp_column)c, minute, raw, b->map);
    free(raw);
    bp__h5_close(&file);
    bp__h5_unlock();
    close(fd);
    return b->map;
}

/* Measuring ---------------------------------------------------------------------------------------- */

enum { SINGLE, H5DREAD, EACH, BCAST, MMAP, POOL_FRESH, POOL, NUM_CASES };

static const struct {
    const char *name;
    const bp__image *(*take)(bench *b);
    bool by_all;  /* else by rank 0 alone */
    bool private; /* every rank has an image of its own */
} cases[NUM_CASES] = {
    [SINGLE] = {"single", take_load, false, false}, [H5DREAD] = {"h5dread", take_h5dread, false, false},
    [EACH] = {"each", take_load, true, true},       [BCAST] = {"bcast", take_bcast, true, true},
    [MMAP] = {"mmap", take_mmap, true, false},      [POOL_FRESH] = {"pool_fresh", take_pool, true, false},
    [POOL] = {"pool", take_pool, true, false},
};

/* Parts of a load; HASH is not on the way. */
enum { PLAN, READ, INFLATE, CONVERT, CLAIM, HASH, NUM_PARTS };

static const char *const part_name[NUM_PARTS] = {"part_plan",    "part_read",  "part_inflate",
                                                 "part_convert", "part_claim", "part_hash"};

static bool wanted[NUM_CASES], parts_wanted;
static double taken[NUM_CASES][MAX_REPEATS], part_taken[NUM_PARTS][MAX_REPEATS];

static bool drop_cache(void)
{
    sync(); /* what is dirty cannot be dropped */
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, "3", 1) == 1;
    if (fd >= 0) close(fd);
    return done;
}

static void check(const bench *b, const char *name, const bp__image *image)
{
    char hash[BP__HASH_TEXT];
    must(bp__content_hash(image, hash));
    if (strcmp(hash, b->hash) != 0)
        bench_die("%s: %s has another content than bp_bundle_load", b->path, name);
}

static void measure(bench *b, int which, int repeat)
{
    if (!wanted[which]) return;
    if (b->drop_cache && b->rank == 0 && !drop_cache()) bench_die("the page cache can no longer be dropped");
    const bp__image *image = NULL;
    double start = meet_start();
    if (cases[which].by_all || b->rank == 0) image = cases[which].take(b);
    taken[which][repeat] = meet_end() - start;

    start = meet_start();
    if (image) touch(image, b->bytes);
    double touched = meet_end() - start;
    if (b->rank == 0) {
        bench_sample(cases[which].name, "time", "ns", repeat, taken[which][repeat] * 1e9);
        if (which != MMAP) bench_sample(cases[which].name, "touch", "ns", repeat, touched * 1e9);
    }
    if (repeat == 0 && image && b->rank == (cases[which].by_all ? b->size - 1 : 0))
        check(b, cases[which].name, image);
    meet();
    give(b);
}

/* The first get of a new pool, then one after an invalidation. */
static void measure_pool(bench *b, int repeat)
{
    if (!wanted[POOL] && !wanted[POOL_FRESH]) return;
    double start = meet_start();
    must(bp_pool_create(MPI_COMM_WORLD, &b->cfg, &b->pool));
    double created = meet_end() - start;
    if (b->rank == 0) bench_sample("pool_create", "time", "ns", repeat, created * 1e9);
    if (wanted[POOL_FRESH]) {
        measure(b, POOL_FRESH, repeat);
    } else {
        take_pool(b);
        give(b);
    }
    meet();
    if (b->rank == 0 && wanted[POOL]) {
        bp_stats stats = bp_stats_init();
        must(bp_pool_invalidate(b->pool, b->name));
        do must(bp_pool_stats(b->pool, &stats));
        while (stats.pool_size > 0);
    }
    meet();
    measure(b, POOL, repeat);
    must(bp_pool_destroy(&b->pool));
}

/* Undo the compression, if any, of one stored chunk into `raw`. */
static void inflate_one(struct libdeflate_decompressor *inflater, const bp__plan_dataset *d,
                        const bp__plan_task *task, const char *stored, void *raw)
{
    uint64_t n = d->chunk[0] * d->chunk[1] * d->elem_bytes;
    for (uint32_t i = 0; i < d->filters.n; i++) {
        if (task->filter_mask & 1u << i) continue;
        bool good = true;
        if (d->filters.id[i] == BP__FILTER_DEFLATE)
            good = libdeflate_zlib_decompress(inflater, stored, task->stored_bytes, raw, n, NULL) ==
                   LIBDEFLATE_SUCCESS;
        else if (d->filters.id[i] == BP__FILTER_LZF)
            good = bp__lzf_decode(stored, task->stored_bytes, raw, n) == n;
        if (!good) bench_die("%s: damaged chunk", d->path);
    }
}

/* Bytes that the largest chunk of a plan takes as stored, and inflated. */
static void largest_chunk(const bp__plan *plan, uint64_t *stored, uint64_t *raw)
{
    *stored = *raw = 1;
    for (uint64_t i = 0; i < plan->num_tasks; i++) {
        const bp__plan_dataset *d = &plan->dataset[plan->task[i].dataset];
        uint64_t n = d->chunk[0] * d->chunk[1] * d->elem_bytes;
        if (plan->task[i].stored_bytes > *stored) *stored = plan->task[i].stored_bytes;
        if (n > *raw) *raw = n;
    }
}

/* Read, inflate, and decode each chunk in turn. What decoding takes beyond inflating is converting. */
static void decode_in_parts(const bench *b, bp__source *source, double t[NUM_PARTS], void *image)
{
    const bp__loader *loader = bp__h5_loader();
    const bp__plan *plan = loader->plan(source);
    bp__decoder *decoder;
    uint64_t stored_bytes, raw_bytes;
    largest_chunk(plan, &stored_bytes, &raw_bytes);
    char *stored = new_buffer(stored_bytes), *raw = new_buffer(raw_bytes);
    memset(stored, 0, stored_bytes); /* the pages of our own buffers are nobody's part */
    memset(raw, 0, raw_bytes);
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    if (!inflater) bench_die("no memory to inflate");
    must(loader->decoder_create(&decoder));
    memcpy(image, plan->head, plan->head_bytes);
    for (uint64_t i = 0; i < plan->num_tasks; i++) {
        const bp__plan_task *task = &plan->task[i];
        const bp__plan_dataset *dataset = &plan->dataset[task->dataset];
        double from = bench_seconds();
        if (task->stored_bytes > 0) must(loader->fetch(source, i, stored));
        double fetched = bench_seconds();
        if (task->stored_bytes > 0 && !dataset->through_hdf5)
            inflate_one(inflater, dataset, task, stored, raw);
        double inflated = bench_seconds();
        must(loader->decode(decoder, b->path, dataset, task, stored, image));
        t[READ] += fetched - from;
        t[INFLATE] += inflated - fetched;
        t[CONVERT] += bench_seconds() - inflated - (inflated - fetched);
    }
    loader->decoder_destroy(&decoder);
    libdeflate_free_decompressor(inflater);
    free(stored);
    free(raw);
}

static void measure_parts(bench *b, int repeat)
{
    const bp__loader *loader = bp__h5_loader();
    bp__source *source;
    double t[NUM_PARTS] = {0};
    if (!parts_wanted || b->rank != 0) return;
    if (b->drop_cache && !drop_cache()) bench_die("the page cache can no longer be dropped");

    double from = bench_seconds();
    must(loader->open(b->path, &source));
    t[PLAN] = bench_seconds() - from;

    void *image = new_map(b->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    from = bench_seconds();
    if (madvise(image, b->bytes, MADV_POPULATE_WRITE) != 0)
        memset(image, 0, b->bytes); /* before Linux 5.14 */
    t[CLAIM] = bench_seconds() - from;

    decode_in_parts(b, source, t, image);
    loader->close(&source);

    from = bench_seconds();
    check(b, "the sum of its parts", image);
    t[HASH] = bench_seconds() - from;
    munmap(image, b->bytes);

    for (int p = 0; p < NUM_PARTS; p++) {
        part_taken[p][repeat] = t[p];
        bench_sample(part_name[p], "time", "ns", repeat, t[p] * 1e9);
    }
}

static void print_ratios(const bench *b)
{
    double floor = wanted[H5DREAD] ? bench_median(taken[H5DREAD], b->repeats) : 0;
    for (int c = 0; c < NUM_CASES && floor > 0; c++) {
        char name[64];
        snprintf(name, sizeof name, "%s_over_h5dread", cases[c].name);
        if (wanted[c] && c != H5DREAD)
            bench_sample(name, "ratio", "1", -1, bench_median(taken[c], b->repeats) / floor);
    }
    double median[NUM_PARTS], sum = 0;
    for (int p = 0; p < NUM_PARTS && parts_wanted; p++) {
        median[p] = bench_median(part_taken[p], b->repeats);
        if (p != HASH) sum += median[p];
    }
    for (int p = 0; p < NUM_PARTS && parts_wanted; p++)
        bench_sample(part_name[p], "share", "1", -1, median[p] / sum);
}

/* Preparing ---------------------------------------------------------------------------------------- */

/* Size and hash of the image, and its uncompressed copy if there is none that is as new as the bundle. */
static void look_at_bundle(bench *b)
{
    struct stat bundle, copy;
    if (b->rank == 0) {
        const bp__image *image = take_load(b);
        b->bytes = image->bytes;
        must(bp__content_hash(image, b->hash));
        if (stat(b->path, &bundle) != 0) bench_die("%s: %s", b->path, strerror(errno));
        bool fresh = stat(b->copy_path, &copy) == 0 && (uint64_t)copy.st_size == b->bytes &&
                     copy.st_mtim.tv_sec > bundle.st_mtim.tv_sec;
        if (wanted[MMAP] && !fresh) must(bp__replace_file(b->copy_path, image, b->bytes));
        give(b);
    }
    MPI_Bcast(&b->bytes, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    MPI_Bcast(b->hash, sizeof b->hash, MPI_CHAR, 0, MPI_COMM_WORLD);
}

/* Strike what cannot be measured here, and say why. */
static void strike(bench *b)
{
    static char reason[200];
    bp__memory memory;
    bool can_drop = true;
    if (b->rank == 0) {
        must(bp__memory_look(&memory));
        uint64_t have = memory.available < memory.cgroup ? memory.available : memory.cgroup;
        uint64_t need = (uint64_t)b->size * b->bytes;
        can_drop = !b->drop_cache || drop_cache();
        for (int c = 0; c < NUM_CASES; c++) {
            if (!wanted[c]) continue;
            *reason = '\0';
            if (!can_drop)
                snprintf(reason, sizeof reason, "the page cache cannot be dropped: only root may");
            else if (cases[c].private && need > have / 10 * 9)
                snprintf(reason, sizeof reason, "%d images need %" PRIu64 " MiB, %" PRIu64 " are free",
                         b->size, need >> 20, have >> 20);
            if (!*reason) continue;
            bench_missing(cases[c].name, "time", "ns", reason);
            wanted[c] = false;
        }
        parts_wanted = parts_wanted && can_drop;
    }
    MPI_Bcast(wanted, sizeof wanted, MPI_BYTE, 0, MPI_COMM_WORLD);
}

/* Which of a list of cases are wanted; false if it names one that there is not. */
static bool parse_modes(char *list)
{
    memset(wanted, 0, sizeof wanted);
    parts_wanted = false;
    for (char *rest, *mode = strtok_r(list, ",", &rest); mode; mode = strtok_r(NULL, ",", &rest)) {
        int c = 0;
        while (c < NUM_CASES && strcmp(cases[c].name, mode) != 0) c++;
        if (c < NUM_CASES)
            wanted[c] = true;
        else if (strcmp(mode, "parts") == 0)
            parts_wanted = true;
        else
            return false;
    }
    return true;
}

static const char usage[] =
    "usage: mpirun -n R bench_cold --root DIR --bundle NAME [--modes LIST] [--repeats N] [--drop-cache] "
    "[--json]\n"
    "Times cold starts. LIST is of single,h5dread,each,bcast,mmap,pool_fresh,pool,parts (default: all).\n";

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"root", 1, 0, 'r'},       {"bundle", 1, 0, 'b'}, {"modes", 1, 0, 'm'}, {"repeats", 1, 0, 'n'},
        {"drop-cache", 0, 0, 'd'}, {"json", 0, 0, 'j'},   {"help", 0, 0, 'h'},  {0}};
    bench b = {.root = "bundles", .repeats = 5};
    int level, o, code = -1;
    bench_name = "cold";
    memset(wanted, true, sizeof wanted);
    parts_wanted = true;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_rank(MPI_COMM_WORLD, &b.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b.size);
    while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (o) {
        case 'r': b.root = optarg; break;
        case 'b': b.name = optarg; break;
        case 'm': code = parse_modes(optarg) ? code : 2; break;
        case 'n': b.repeats = atoi(optarg); break;
        case 'd': b.drop_cache = true; break;
        case 'j': bench_json = true; break;
        case 'h': code = 0; break;
        default: code = 2;
        }
    }
    if (code < 0 && (!b.name || b.repeats < 1 || b.repeats > MAX_REPEATS)) code = 2;
    if (code >= 0) {
        if (b.rank == 0) fputs(usage, code ? stderr : stdout);
        MPI_Finalize();
        return code;
    }

    b.cfg = bp_config_init();
    must(bp_config_default(&b.cfg));
    must(bp_config_from_env(&b.cfg));
    must(bp_config_set(&b.cfg, "root", b.root, "--root"));
    must(bp__bundle_path(b.root, b.name, b.path, sizeof b.path));
    snprintf(b.copy_path, sizeof b.copy_path, "%.*s.image", (int)strlen(b.path) - 3, b.path);
    meet_init();
    look_at_bundle(&b);
    bench_condition("bundle", b.name);
    bench_condition_number("ranks", b.size);
    bench_condition_number("image_bytes", (int64_t)b.bytes);
    bench_condition("cache", b.drop_cache ? "dropped" : "warm");
    strike(&b);
    for (int repeat = 0; repeat < b.repeats; repeat++) {
        for (int c = SINGLE; c <= MMAP; c++) measure(&b, c, repeat);
        measure_pool(&b, repeat);
        measure_parts(&b, repeat);
    }
    if (b.rank == 0) print_ratios(&b);
    meet_fini();
    MPI_Finalize();
    return 0;
}
