#include "door/source.h"

#include <bundlepool/config.h>

#include "core/name.h"
#include "io/hdf5/h5origin.h"

bool bp__door_source_note(const char *root, const char *name, char *text, size_t size)
{
    char path[BP_PATH_MAX + BP_NAME_MAX + 8];
    if (bp__failed(bp__bundle_path(root, name, path, sizeof path))) return false;
    return bp__h5_source_note(path, path, text, size);
}
