/** @file src/core/loader.h
 * Where the pool and the file formats meet: neither includes the other.
 *
 *     open ─► plan (image size, head, tasks) ─► fetch each task ─► decode it ─► close
 *                                              `- the file, once -' `- any process of the node -'
 *
 * open, fetch and close may use a library that admits one thread at a time. The service thread calls nothing
 * of this.
 */
#ifndef BP_CORE_LOADER_H
#define BP_CORE_LOADER_H

#include "core/name.h"
#include "core/plan.h"

typedef struct bp__source bp__source;   /**< an open file with its plan; private to the loader */
typedef struct bp__decoder bp__decoder; /**< scratch memory of one thread that decodes; the loader's own */

typedef struct bp__loader {
    /** Open and plan; reads no bulk data. Never blocks on what is not a regular file.
     *  @param[out] source  owned: close()
     *  @retval BP_ENOTFOUND, BP_EFORMAT, BP_EIO, BP_ENOMEM  the text names file, dataset and reason */
    bp_status (*open)(const char *path, bp__source **source);

    /** Borrowed until close. */
    const bp__plan *(*plan)(const bp__source *source);

    /** Read what is stored of a task. Threads: distinct tasks of one source at once.
     *  @param[out] stored  [task.stored_bytes], aligned for uint64_t @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
    bp_status (*fetch)(bp__source *source, uint64_t task, void *stored);

    void (*close)(bp__source **source);

    /** @param[out] decoder  owned: decoder_destroy() @retval BP_ENOMEM */
    bp_status (*decoder_create)(bp__decoder **decoder);

    /** First half of decode, for whoever may lose `stored`: bring it into the decoder's own memory. Whatever stands
     *  in `stored`, and if it changes meanwhile, nothing else is read or written.
     *  @retval BP_EFORMAT  the stored bytes are damaged @retval BP_ENOMEM */
    bp_status (*unpack)(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                        const bp__plan_task *task, const void *stored);

    /** Write the bytes of one task into the image, whose head is in place. Needs neither file nor plan, so
     *  any process that sees `stored` may do it. Every byte is written once, with its final value: so a task
     *  that is decoded twice, even while somebody reads, changes nothing.
     *  @param[in]     label   how errors name the file
     *  @param[in]     stored  what fetch gave; NULL: unpack() of this very task was the decoder's last use
     *  @param[in,out] image   its first byte
     *  @retval BP_EFORMAT  the stored bytes are damaged @retval BP_ENOMEM */
    bp_status (*decode)(bp__decoder *decoder, const char *label, const bp__plan_dataset *dataset,
                        const bp__plan_task *task, const void *stored, void *image);

    void (*decoder_destroy)(bp__decoder **decoder);
} bp__loader;

/** Fetch and decode one task in this thread. @param[in,out] image  its first byte; the head is in place
 *  @retval BP_EFORMAT, BP_EIO, BP_ENOMEM */
bp_status bp__load_task(const bp__loader *loader, bp__source *source, const char *label, bp__decoder *decoder,
                        uint64_t task, void *image);

#endif
