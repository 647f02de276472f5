/* The public load without a pool: bundle files, read into private memory. */
#include <bundlepool/bundle.h>

#include "core/direct.h"
#include "io/hdf5/h5read.h"

bp_status bp_bundle_load(const char *root, const char *name, const bp_bundle **bundle)
{
    return bp__direct_load(bp__h5_loader(), root, name, bundle);
}
