#include "support/market.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/h5write.h"
#include "support/mpi_check.h"

static char root[PATH_MAX];

const char *market_root(void)
{
    if (check_rank == 0) {
        const char *tmp = getenv("TMPDIR");
        snprintf(root, sizeof root, "%s/bundlepool-test-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(root)) root[0] = '\0';
    }
    MPI_Bcast(root, sizeof root, MPI_CHAR, 0, MPI_COMM_WORLD);
    CHECK(root[0] != '\0');
    return root;
}

void market_remove(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
    if (check_rank != 0) return;
    DIR *dir = opendir(root);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[PATH_MAX + 300];
        snprintf(path, sizeof path, "%s/%s", root, e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    if (dir) closedir(dir);
    CHECK(rmdir(root) == 0);
}

static bp_status write_version(const char *name, uint32_t version, size_t n, size_t d)
{
    bp__draft draft;
    char path[PATH_MAX + 80];
    bp__bar *bars = calloc(d + 1, sizeof *bars);
    if (!bars) BP_FAIL(BP_ENOMEM, "no memory for %zu bars", d);
    for (size_t t = 0; t < d; t++) {
        bars[t].dt = (14610 + (int64_t)t) * BP_NS_PER_DAY;
        for (int f = 0; f < BP__NUM_FIELDS; f++) bars[t].value[f] = version;
    }
    bp_status s = bp__draft_init(&draft, name, NULL);
    for (size_t i = 0; s == BP_OK && i < n; i++)
        s = bp__draft_add_bars(&draft, BP__DAILY, (int64_t)i, bars, d, NULL);
    if (s == BP_OK) s = bp__draft_finish(&draft);
    snprintf(path, sizeof path, "%s/%s.h5", root, name);
    if (s == BP_OK) s = bp__h5_write(&draft, path, &(bp__write_options){.filter = BP__WRITE_NONE});
    free(bars);
    bp__draft_fini(&draft);
    return s;
}

void market_write(const char *name, uint32_t version, int64_t assets, int64_t days)
{
    CHECK_OK(write_version(name, version, (size_t)assets, (size_t)days));
}

uint32_t market_version(const bp_bundle *bundle)
{
    size_t n = bp_bundle_num_assets(bundle) * bp_bundle_num_sessions(bundle);
    const double *first = bp_bundle_daily(bundle, BP_COL_OPEN);
    for (int c = BP_COL_OPEN; c <= BP_COL_VOLUME; c++) {
        const double *x = bp_bundle_daily(bundle, (bp_column)c);
        for (size_t i = 0; i < n; i++)
            if (x[i] != first[0]) return 0;
    }
    return n ? (uint32_t)first[0] : 0;
}
