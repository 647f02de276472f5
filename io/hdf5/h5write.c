#include "io/hdf5/h5write.h"

#include "core/replace.h"
#include "io/hdf5/h5bars.h"
#include "io/hdf5/h5checksum.h"
#include "io/hdf5/h5tables.h"

static bp_status write_file(const bp__draft *draft, const bp__replacement *file,
                            const bp__write_options *options)
{
    bp__h5out out;
    bp__h5_lock();
    bp_status s = bp__h5_create(file->path, file->fd, draft, &out);
    if (s == BP_OK) s = bp__h5_put_tables(&out);
    bp__h5_unlock();

    if (s == BP_OK) s = bp__h5_put_bars(&out, options);

    bp__h5_lock();
    bp__h5_finish(&out);
    bp__h5_unlock();
    if (s == BP_OK) s = bp__h5_written(&out);
    return s == BP_OK ? bp__h5_put_checksum(file->path, file->fd, draft->country, options->threads) : s;
}

bp_status bp__h5_write(const bp__draft *draft, const char *path, const bp__write_options *options)
{
    static const bp__write_options usual = {0};
    bp__replacement file;
    BP_TRY(bp__replace_begin(path, &file));
    bp_status s = write_file(draft, &file, options ? options : &usual);
    if (s == BP_OK) return bp__replace_commit(&file);
    bp__replace_abort(&file);
    return s;
}
