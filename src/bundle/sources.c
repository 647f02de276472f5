#include "bundle/sources.h"

#include <stdio.h>
#include <string.h>

#include "io/ingest/csvdir.h"
#include "io/ingest/table.h"
#include "io/ingest/zipline.h"

static const bp__ingest_source *const sources[] = {
    &bp__csvdir_source,
    &bp__table_source,
    &bp__hdf5_source,
#ifdef BP_HAVE_ZIPLINE
    &bp__zipline_source,
#endif
};

#define NUM_SOURCES (sizeof sources / sizeof *sources)

bp_status bp__source_find(const char *verb, const char *name, const bp__ingest_source **source)
{
    char names[256] = "";
    for (size_t i = 0; i < NUM_SOURCES; i++) {
        const size_t used = strlen(names);
        if (strcmp(sources[i]->verb, verb) != 0) continue;
        if (strcmp(sources[i]->name, name) == 0) {
            *source = sources[i];
            return BP_OK;
        }
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", sources[i]->name);
    }
#ifndef BP_HAVE_ZIPLINE
    if (strcmp(verb, "import") == 0 && strcmp(name, "zipline") == 0)
        BP_FAIL(BP_EINVAL, "import zipline: this program was built without SQLite, Blosc or Jansson");
#endif
    BP_FAIL(BP_EINVAL, "%s: unknown source '%.80s', choose from %s", verb, name, names);
}
