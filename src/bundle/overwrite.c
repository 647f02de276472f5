#include "bundle/overwrite.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/same.h"
#include "io/hdf5/h5origin.h"

#define DEMO   "demo"
#define EXPORT "export"

/* Whether it was made of a source that is read again. */
static bool is_made_of_source(const bp__origin *o)
{
    if (!*o->maker) return *o->source && strcmp(o->source, EXPORT) != 0;
    return strcmp(o->maker, "ingest") == 0 || strcmp(o->maker, "import") == 0;
}

static bp_status check_maker(const bp__target *target, const char *maker, const bp__origin *o)
{
    const bool is_demo = strcmp(o->maker, DEMO) == 0, is_ours = is_made_of_source(o);
    if (is_demo || (is_ours && strcmp(maker, DEMO) != 0)) return BP_OK;
    if (is_ours)
        BP_FAIL(
            BP_EINVAL,
            "%s: is a bundle of %.200s, which a made-up market would replace; choose another name, or give "
            "--replace to lose it",
            target->path, o->path && *o->path ? o->path : o->source);
    BP_FAIL(
        BP_EINVAL,
        "%s: is there already, and no bundle that '%s' made; choose another name, or give --replace to lose it",
        target->path, maker);
}

/* An empty file is nothing that could be lost. */
static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && !(S_ISREG(st.st_mode) && st.st_size == 0);
}

bp_status bp__overwrite_check(const bp__target *target, const char *maker, bool replace,
                              const char *const *read, size_t count)
{
    bp__origin origin;
    for (size_t i = 0; i < count; i++)
        if (read[i] && bp__same_file(read[i], target->path))
            BP_FAIL(BP_EINVAL, "%s: is what is read; choose another name", target->path);
    if (replace || !is_there(target->path)) return BP_OK;
    if (bp__failed(bp__h5_origin(target->path, &origin)))
        BP_FAIL(
            BP_EINVAL,
            "%s: is there already, and no bundle that can be read; choose another name, or give --replace to "
            "lose it",
            target->path);
    const bp_status s = check_maker(target, maker, &origin);
    bp__origin_fini(&origin);
    return s;
}
