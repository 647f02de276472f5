/* bundle import hdf5: a bundle of each country of an HDF5 file, zipline's or one of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/copy.h"
#include "bundle/sources.h"
#include "core/hash.h"
#include "core/identity.h"
#include "io/hdf5/h5read.h"

/* Such a file says of itself what these options would say. */
static bp_status refuse_options(const bp__ingest_options *o)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"date-format", o->date_format}, {"timezone", o->timezone}, {"calendar", o->calendar},
        {"sessions", o->sessions},       {"adjusted", o->adjusted},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given) BP_FAIL(BP_EINVAL, "--%s: means nothing for an HDF5 file", options[i].name);
    return BP_OK;
}

static bp_status set_country(const char *path, const char *country, bp__draft *draft)
{
    if (strlen(country) >= sizeof draft->country)
        BP_FAIL(BP_EFORMAT, "%s: /%s: the name of a country is not longer than %zu bytes", path, country,
                sizeof draft->country - 1);
    strcpy(draft->country, country);
    return BP_OK;
}

static bp_status set_origin(const char *path, const bp__ingest *in)
{
    struct stat st;
    bp__origin *origin = &in->draft->origin;
    strcpy(origin->source, "hdf5");
    origin->path = realpath(path, NULL);
    if (!origin->path) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be examined", path);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) BP_FAIL_ERRNO(BP_EIO, errno, "%s: cannot be opened", path);
    bp_status s = fstat(fd, &st) == 0 ? bp__file_hash(fd, path, origin->content)
                                      : bp__fail_errno(BP_EIO, errno, "%s: cannot be examined", path);
    close(fd);
    origin->time = bp__identity_from(&st).mtime_ns;
    origin->files = 1;
    return s;
}

/* What is in the file may mean something else by another schema. */
static bp_status check_schema(const char *path, const bp_bundle *head)
{
    const char *version = head->image->schema_version;
    if (strcmp(version, BP__SCHEMA_VERSION) == 0) return BP_OK;
    BP_FAIL(BP_EFORMAT, "%s: schema_version '%s' is not supported, only " BP__SCHEMA_VERSION, path, version);
}

static bp_status read_country(bp__ingest *in, const char *path, const char *country)
{
    bp__h5series *file;
    const bp__copy_options options = {.symbols = in->options->symbols,
                                      .currency = in->options->currency,
                                      .ignore_splits = in->options->ignore_splits,
                                      .ignore_dividends = in->options->ignore_dividends};
    BP_TRY(set_country(path, country, in->draft));
    BP_TRY(set_origin(path, in)); /* before: what changes while it is read counts as newer */
    BP_TRY(bp__h5_series_open(path, country, &file));
    bp_status s = check_schema(path, bp__h5_series_head(file));
    if (s == BP_OK) s = bp__copy_bundle(path, file, &options, in->report, &in->progress, in->draft);
    bp__h5_series_close(&file);
    return s;
}

static bp_status read_file(bp__ingest *in, const char *path)
{
    bp__h5countries countries;
    const char *country = in->options->country;
    BP_TRY(refuse_options(in->options));
    BP_TRY(bp__h5_countries_of(path, &countries));
    if (!country && countries.n > 1)
        BP_FAIL(BP_EFORMAT, "%s: has %zu countries: choose one of them with --country", path, countries.n);
    return read_country(in, path, country ? country : countries.name[0]);
}

_Static_assert(BP__H5_MAX_COUNTRIES <= BP__INGEST_MAX_PARTS &&
                   BP__H5_COUNTRY_MAX <= sizeof((bp__ingest_parts *)0)->name[0],
               "a part for each country");

static bp_status list_parts(const char *path, bp__ingest_parts *parts)
{
    bp__h5countries countries;
    BP_TRY(bp__h5_countries_of(path, &countries));
    parts->n = countries.n;
    for (size_t i = 0; i < countries.n; i++) strcpy(parts->name[i], countries.name[i]);
    return BP_OK;
}

const bp__ingest_source bp__hdf5_source = {
    .verb = "import",
    .name = "hdf5",
    .help = "an HDF5 file of zipline's, or of ours: a bundle of each country",
    .read = read_file,
    .parts = list_parts,
};
