/* bundle export: the bundle as other programs read it. To add a form, add a row. */
#include "bundle/export.h"

#include <string.h>

#include "bundle/command.h"
#include "bundle/progress.h"
#include "cli/locate.h"

static const struct {
    const char *name;
    bp_status (*write)(const bp__export *e);
} forms[] = {
    {"csvdir", bp__export_csvdir},
    {"zipline-hdf5", bp__export_hdf5},
};

bp_status bp__run_export(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(line->arg[0], forms[i].name) != 0) continue;
        bp__h5series *file;
        BP_TRY(bp__target_find(line->arg[1], line->root, &target));
        BP_TRY(bp__h5_series_open(target.path, NULL, &file));
        const bp__export e = {.name = target.name,
                              .path = target.path,
                              .file = file,
                              .to = line->arg[2],
                              .replace = line->replace,
                              .threads = line->ingest.threads,
                              .progress = bp__progress_show()};
        const bp_status s = forms[i].write(&e);
        bp__h5_series_close(&file);
        return s;
    }
    BP_FAIL(BP_EINVAL, "export: unknown form '%.80s', choose from csvdir, zipline-hdf5", line->arg[0]);
}
