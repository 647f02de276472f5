#include "io/hdf5/h5inline.h"

#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5attr.h"
#include "io/hdf5/h5chunks.h"

/* Opened afresh for each question: what libhdf5 remembers of a file that is being rewritten would be of several states. */
static bp_status begin(const bp__subject *subject, bp__h5file *file)
{
    bp__h5_lock();
    return bp__h5_open(subject->label, subject->fd, subject->bytes, file);
}

static void end(bp__h5file *file)
{
    bp__h5_close(file);
    bp__h5_unlock();
}

bp_status bp__h5_inline_plan(const bp__subject *subject, const char *country, bp__plan *plan)
{
    bp__head *head;
    bp__h5file file;
    bp__h5shape shape;
    BP_TRY(bp__head_create(&head));
    bp_status s = begin(subject, &file);
    if (s == BP_OK) s = bp__h5_read_small(&file, country, head, &shape);
    if (s == BP_OK) s = bp__h5_plan_bulk(&file, &shape, head, plan);
    end(&file);
    if (s == BP_OK) s = bp__head_seal(head, &plan->head, &plan->head_bytes, &plan->image_bytes);
    bp__head_destroy(&head);
    return s;
}

bp_status bp__h5_inline_block(const bp__subject *subject, const bp__plan_dataset *dataset, uint64_t first,
                              uint64_t rows, void *raw)
{
    bp__h5file file;
    bp_status s = begin(subject, &file);
    if (s == BP_OK) s = bp__h5_read_block(&file, dataset, first, rows, raw);
    end(&file);
    return s;
}

bp_status bp__h5_inline_countries(const bp__subject *subject, bp__h5countries *countries)
{
    bp__h5file file;
    bp_status s = begin(subject, &file);
    if (s == BP_OK) s = bp__h5_list_countries(&file, countries);
    end(&file);
    return s;
}

/* Origins --------------------------------------------------------------------------------------- */

static bp_status read_text(const bp__h5file *file, const char *name, char **text)
{
    char buffer[BP__H5_TEXT_MAX + 1] = "";
    BP_TRY(bp__h5_attr_text(file, "/", name, buffer, sizeof buffer));
    *text = strdup(buffer);
    if (!*text) BP_FAIL(BP_ENOMEM, "%s: no memory", file->label);
    return BP_OK;
}

static bp_status read_origin(const bp__h5file *file, bp__origin *origin)
{
    int64_t time = 0, files = 0, stamp = 0;
    bool found;
    /* something else of that name is another program's */
    if (bp__failed(bp__h5_attr_text(file, "/", "made_by", origin->maker, sizeof origin->maker)))
        *origin->maker = '\0';
    BP_TRY(bp__h5_attr_text(file, "/", "source", origin->source, sizeof origin->source));
    if (!*origin->source) return BP_OK;
    BP_TRY(bp__h5_attr_text(file, "/", "source_content", origin->content, sizeof origin->content));
    BP_TRY(bp__h5_attr_number(file, "/", "source_time", BP_TYPE_I64, &time, &found));
    BP_TRY(bp__h5_attr_number(file, "/", "source_files", BP_TYPE_I64, &files, &found));
    BP_TRY(bp__h5_attr_number(file, "/", "source_stamp", BP_TYPE_I64, &stamp, &found));
    origin->time = time;
    origin->stamp = (uint64_t)stamp;
    origin->files = (uint64_t)files;
    BP_TRY(read_text(file, "source_path", &origin->path));
    return read_text(file, "source_options", &origin->options);
}

bp_status bp__h5_inline_origin(const bp__subject *subject, bp__origin *origin)
{
    bp__h5file file;
    bp_status s = begin(subject, &file);
    if (s == BP_OK) s = read_origin(&file, origin);
    end(&file);
    return s;
}
