/* bundle export zipline-hdf5: a file that zipline's own reader opens, with what it passes over beside it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bundlepool/config.h>

#include "bundle/copy.h"
#include "bundle/export.h"
#include "bundle/progress.h"
#include "core/text.h"
#include "io/hdf5/h5origin.h"
#include "io/hdf5/h5read.h"
#include "io/hdf5/h5write.h"

#define EXPORT "export" /* what such a file names as its source */

/* DIR/NAME.h5, or DIR itself if that is what it is called. @param[out] made  whether DIR is new */
static bp_status find_target(const bp__export *e, char *path, size_t size, bool *made)
{
    const size_t n = strlen(e->to);
    const bool is_file = n > 3 && strcmp(e->to + n - 3, ".h5") == 0;
    const int length =
        is_file ? snprintf(path, size, "%s", e->to) : snprintf(path, size, "%s/%s.h5", e->to, e->name);
    if (length < 0 || (size_t)length >= size) BP_FAIL(BP_EINVAL, "'%.80s' is too long", e->to);
    *made = !is_file && mkdir(e->to, 0777) == 0;
    if (!is_file && !*made && errno != EEXIST)
        BP_FAIL_ERRNO(BP_EIO, errno, "%s: the folder cannot be made", e->to);
    return BP_OK;
}

/* What is there may be replaced if an export made it. */
static bp_status check_old(const bp__export *e, const char *path)
{
    struct stat there, bundle;
    bp__origin origin;
    if (lstat(path, &there) != 0) {
        if (errno == ENOENT) return BP_OK;
        BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", path);
    }
    if (stat(e->path, &bundle) == 0 && bundle.st_dev == there.st_dev && bundle.st_ino == there.st_ino)
        BP_FAIL(BP_EINVAL, "%s: is the bundle itself; choose another folder", path);
    if (!e->replace) BP_FAIL(BP_EIO, "%s: is there already; replace it with --replace", path);
    if (!S_ISREG(there.st_mode) || bp__failed(bp__h5_origin(path, &origin)))
        BP_FAIL(BP_EIO, "%s: is not replaced: it is no bundle file", path);
    const bool exported = strcmp(origin.source, EXPORT) == 0;
    bp__origin_fini(&origin);
    if (!exported) BP_FAIL(BP_EIO, "%s: is not replaced: it is a bundle, and no export of one", path);
    return BP_OK;
}

/* What zipline would read otherwise than we do. */
static void warn(const bp__draft *draft, const char *path)
{
    if (draft->by_asset[BP__DAILY][BP__PRICE])
        bp__text_line(
            stderr,
            "warning: %s: has a scaling factor for each asset, since one cannot keep all prices: zipline "
            "reads other prices from it",
            path);
    if (draft->by_asset[BP__DAILY][BP__AMOUNT] || draft->factor[BP__DAILY][BP__AMOUNT] != 1)
        bp__text_line(
            stderr,
            "warning: %s: volumes are not stored in single shares: zipline reads other volumes from it",
            path);
}

static bp_status write_file(const bp__export *e, const char *path, bp__draft *draft, bp__report *report)
{
    const bp__copy_options options = {.symbols = NULL};
    const bp__write_options how = {.threads = e->threads, .progress = e->progress};
    snprintf(draft->country, sizeof draft->country, "%s", bp__h5_series_country(e->file));
    BP_TRY(bp__copy_bundle(e->path, e->file, &options, report, &e->progress, draft));
    bp__origin_fini(&draft->origin);
    strcpy(draft->origin.maker, EXPORT);
    strcpy(draft->origin.source, EXPORT);
    draft->origin.path = realpath(e->path, NULL);
    if (!draft->origin.path) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot tell where it is", e->path);
    BP_TRY(bp__draft_finish(draft));
    return bp__h5_write(draft, path, &how);
}

/* The spill goes where the file goes. */
static bp_status begin(const bp__export *e, const char *path, bp__draft *draft)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder) BP_FAIL(BP_ENOMEM, "%s: no memory", path);
    const bp_status s = bp__draft_init(draft, e->name, folder);
    free(folder);
    return s;
}

static bp_status export_to(const bp__export *e, const char *path)
{
    char bytes[32];
    struct stat st;
    bp__draft draft = {.open = false};
    bp__report *report;
    BP_TRY(check_old(e, path));
    BP_TRY(bp__report_create(50, &report));
    bp_status s = begin(e, path, &draft);
    if (s == BP_OK) s = write_file(e, path, &draft, report);
    bp__progress_hide();
    bp__report_print(report, stderr);
    if (s == BP_OK) {
        warn(&draft, path);
        bp__text_line(stdout, "%s: %zu assets, %zu sessions, %zu minute bars, %s", path, draft.assets.n,
                      draft.days.n, bp__draft_num_bars(&draft, BP__MINUTE),
                      bp__bytes_text(stat(path, &st) == 0 ? (uint64_t)st.st_size : 0, bytes));
    }
    bp__draft_fini(&draft);
    bp__report_destroy(&report);
    return s;
}

bp_status bp__export_hdf5(const bp__export *e)
{
    char path[BP_PATH_MAX + BP_NAME_MAX + 8];
    bool made;
    BP_TRY(find_target(e, path, sizeof path, &made));
    const bp_status s = export_to(e, path);
    if (bp__failed(s) && made) (void)rmdir(e->to); /* of no use without the file */
    return s;
}
