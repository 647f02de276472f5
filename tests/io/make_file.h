/* Bundle files for tests, written with nothing but the HDF5 library. */
#ifndef MAKE_FILE_H
#define MAKE_FILE_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include <bundlepool/bundle.h>

/* How the bulk datasets of a file are stored. */
typedef struct file_format {
    const char *name;
    hsize_t assets, sessions;
    hsize_t bars;     /* minute bars of each of 3 sids; 0: no minute group */
    hsize_t chunk[2]; /* 0: contiguous; [0] × [1] for the 1-D ones */
    unsigned deflate; /* how many times it is applied */
    bool shuffle, shuffle_last, fletcher, big_endian, compact, whole_edges_only, userblock, latest;
    bool sparse;   /* only the first half of the rows is ever written */
    bool extras;   /* assets, calendar, adjustments, attributes */
    bool by_asset; /* a factor for each asset, and of the sids with minute bars one that has none */
} file_format;

/* Values, as stored, of the bulk datasets: every seventh or so is 0. Bar i of the minute ones is row 0. */
uint32_t stored_value(bp_column column, hsize_t row, hsize_t col);
int64_t stored_dt(hsize_t bar);

/* The factor of a daily row (column OPEN or VOLUME) or of a row of the minute index (MINUTE_OPEN, …), and which
 * row of that index a bar is of. */
double stored_factor(const file_format *format, bp_column column, hsize_t row);
hsize_t owner_of_bar(const file_format *format, hsize_t bar);

/* The value a reader must see, given the fill value 0 where nothing was written. */
double expected_value(const file_format *format, bp_column column, hsize_t row, hsize_t col);

bool make_file(const char *path, const file_format *format);

/* Write a dataset and the groups above it; rank 0: a scalar. @return false on failure */
bool put_data(hid_t file, const char *path, hid_t file_type, hid_t memory_type, int rank, const hsize_t *dims,
              hid_t dcpl, const void *data);

/* A number attribute of an object. */
bool put_attr(hid_t file, const char *path, const char *name, int64_t value);

#endif
