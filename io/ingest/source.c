#include "io/ingest/source.h"

#include <string.h>

#include "io/ingest/csvdir.h"

const bp__ingest_source bp__ingest_sources[] = {
    {"csvdir", "daily and minute bars as CSV files, one per symbol", bp__csvdir_read},
    {0},
};

const bp__ingest_source *bp__ingest_source_find(const char *name)
{
    for (const bp__ingest_source *s = bp__ingest_sources; s->name; s++)
        if (strcmp(s->name, name) == 0) return s;
    return NULL;
}
