#include "history/files.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "io/hdf5/h5read.h"
#include "support/market.h"
#include "support/mpi_check.h"

static const char *const names[FILES_MAX] = {"b0", "b1", "b2",  "b3",  "b4",  "b5",  "b6",  "b7",
                                             "b8", "b9", "b10", "b11", "b12", "b13", "b14", "b15"};

static const char *root;
static int num_bundles;
static files_shape shapes[FILES_MAX];

/* Lock order: writing, swapping, the one of HDF5. `writing` guards everything here except the loader's part;
 * `swapping` is held while a file's bytes change, and by whoever opens or reads one. */
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER, swapping = PTHREAD_MUTEX_INITIALIZER;
static uint32_t version[FILES_MAX];
static history rewrites;

const char *files_name(int bundle)
{
    return names[bundle];
}

uint32_t files_version(const bp_bundle *image, int bundle)
{
    uint32_t value = market_version(image);
    return value % FILES_MAX == (uint32_t)bundle ? value / FILES_MAX : 0;
}

void files_create(const char *folder, int bundles, const files_shape *shape)
{
    pthread_mutex_lock(&writing);
    root = folder;
    num_bundles = bundles;
    memcpy(shapes, shape, (size_t)bundles * sizeof *shape);
    for (int b = 0; b < bundles; b++)
        market_write(names[b], ++version[b] * FILES_MAX + (uint32_t)b, shape[b].assets, shape[b].days);
    pthread_mutex_unlock(&writing);
}

/* All in one write, so that the times of the file change before its first byte does. */
static void copy_over(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
    if (CHECK(in >= 0 && out >= 0 && fstat(in, &st) == 0)) {
        size_t size = (size_t)st.st_size;
        char *bytes = malloc(size);
        CHECK(bytes && pread(in, bytes, size, 0) == st.st_size && pwrite(out, bytes, size, 0) == st.st_size);
        CHECK(ftruncate(out, st.st_size) == 0);
        free(bytes);
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
}

void files_rewrite(int bundle, bool in_place)
{
    char spare[PATH_MAX], path[PATH_MAX];
    pthread_mutex_lock(&writing);
    uint32_t next = ++version[bundle];
    snprintf(spare, sizeof spare, "%s/spare.h5", root);
    snprintf(path, sizeof path, "%s/%s.h5", root, names[bundle]);
    market_write("spare", next * FILES_MAX + (uint32_t)bundle, shapes[bundle].assets, shapes[bundle].days);

    event e = {.kind = EVENT_REWRITE, .bundle = (uint8_t)bundle, .rewrite.version = next};
    pthread_mutex_lock(&swapping);
    e.begin = bp__clock_ns();
    if (in_place)
        copy_over(spare, path);
    else
        CHECK(rename(spare, path) == 0);
    e.end = bp__clock_ns();
    pthread_mutex_unlock(&swapping);
    history_add(&rewrites, &e);
    pthread_mutex_unlock(&writing);
}

void files_log_present(void)
{
    pthread_mutex_lock(&writing);
    for (int b = 0; b < num_bundles; b++) {
        event e = {.kind = EVENT_REWRITE, .bundle = (uint8_t)b, .rewrite.version = version[b]};
        e.begin = e.end = bp__clock_ns();
        history_add(&rewrites, &e);
    }
    pthread_mutex_unlock(&writing);
}

void files_take_log(history *to)
{
    pthread_mutex_lock(&writing);
    history_take(to, &rewrites);
    pthread_mutex_unlock(&writing);
}

/* The loader. This is what it calls an open file; the pool never looks inside. ---------------------- */

typedef struct file {
    bp__source *source;
    int bundle; /* to be rewritten; -1: not */
    bool in_place;
} file;

static const bp__loader *real;
static unsigned rewrite_every;
static _Atomic unsigned loads;

static file *file_of(const bp__source *source)
{
    return (file *)(uintptr_t)source;
}

static bp_status open_file(const char *path, bp__source **source)
{
    file *f = calloc(1, sizeof *f);
    if (!f) BP_FAIL(BP_ENOMEM, "%s: no memory", path);
    pthread_mutex_lock(&swapping);
    bp_status s = real->open(path, &f->source);
    pthread_mutex_unlock(&swapping);
    if (bp__failed(s)) {
        free(f);
        return s;
    }
    unsigned load = ++loads;
    f->bundle = -1;
    f->in_place = load / (rewrite_every ? rewrite_every : 1) % 2;
    if (rewrite_every > 0 && load % rewrite_every == 0) f->bundle = atoi(strrchr(path, '/') + 2);
    *source = (bp__source *)(void *)f;
    return BP_OK;
}

static const bp__plan *plan_of(const bp__source *source)
{
    return real->plan(file_of(source)->source);
}

static bp_status fetch(bp__source *source, uint64_t task, void *stored)
{
    file *f = file_of(source);
    if (f->bundle >= 0 && task == plan_of(source)->num_tasks / 2) files_rewrite(f->bundle, f->in_place);
    pthread_mutex_lock(&swapping);
    bp_status s = real->fetch(f->source, task, stored);
    pthread_mutex_unlock(&swapping);
    return s;
}

static void close_file(bp__source **source)
{
    file *f = file_of(*source);
    real->close(&f->source);
    free(f);
    *source = NULL;
}

const bp__loader *files_loader(unsigned every)
{
    static bp__loader loader;
    real = bp__h5_loader();
    loader = *real;
    loader.open = open_file;
    loader.plan = plan_of;
    loader.fetch = fetch;
    loader.close = close_file;
    rewrite_every = every;
    return &loader;
}
