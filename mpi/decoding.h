/** @file mpi/decoding.h
 * A node decodes a stage into an image: one thread that is in charge, and the ranks that wait for that image.
 *
 * DESIGN
 *
 * The thread in charge brings the stage's chunks (it reads them, or they arrive) and offers them in order. A
 * rank that waits marks the next task on its own line, takes it, decodes it, and goes on to another; it
 * leaves when there is none. At no time do more ranks decode than the node has processors; the thread in
 * charge decodes itself only on a processor where no rank computes, or when nobody else does.
 *
 *     take: mark := n, then next := n + 1 if it is still n         (both seq_cst)
 *     done: N := next, then least of N and all marks               (both seq_cst)
 *
 * A task that was taken is on somebody's mark before `next` says so, and stays there until it is done. So
 * everything below the least is done. A rank's decoding has ended when its mark is 0: by then the rank has no
 * access to the image any more, and as long as it decodes it has the slot pinned.
 *
 * What a rank cannot decode, the thread in charge decodes again, alone, from the first task that is not done:
 * either it succeeds, or it finds the reason.
 *
 * A rank may stand still in the middle of a task: stopped, swapped out, or gone for ever (pthread_cancel, longjmp). If
 * nobody has done anything for STRAGGLER_MS, the thread in charge sends all home, waits as long again, stores
 * `overtaken`, and decodes what is not known to be done again, alone. Whatever a straggler does when it goes on harms
 * nobody:
 *
 *   - The stage may be used for something else by then. But a straggler loads `overtaken` twice: when it has copied what
 *     the tables say of its task, and when it has unpacked the chunk, after which it reads no more of the stage. If it
 *     finds 0, all that it has read was the stage, as that memory is used again only after `overtaken` was stored. If it
 *     finds 1, it drops the task. What it has read until then may be anything, and can only make it fail: offsets are
 *     checked against the stage's bounds, and unpacking takes any bytes.
 *   - It writes into the image if it has found 0 twice: the bytes of its task, each once and with its final value
 *     (core/loader.h). They are there already, so that nothing changes, even for those who read the image meanwhile.
 *   - That memory is still the image's, or of an image whose load has failed: the straggler itself has the slot pinned.
 *     For the same reason its mark, `ranks` and `failed` are still those of this generation, of which nobody makes
 *     anything once the decoding has ended.
 *
 * So a bundle is loaded although a rank does not move; it stays in its slot until that rank has come back to let it go.
 */
#ifndef BP_MPI_DECODING_H
#define BP_MPI_DECODING_H

#include "core/directory.h"
#include "core/loader.h"
#include "core/stage.h"
#include "mpi/window.h"

/** State of the thread in charge. Used by one thread of the agent's process, while the slot is in FILL. */
typedef struct bp__decoding {
    bp__directory *dir;
    bp__window *arena;
    const bp__loader *loader;
    uint32_t slot;
    const bp__stage *stage;
    bp__writer image;
    bp__decoder *decoder;
    uint32_t num_tasks, offered;
    uint32_t done; /**< tasks [0, done) are in the image */
    uint32_t seen; /**< count of `progress`, and when it last changed or this thread did something */
    uint64_t moved_ns;
} bp__decoding;

/** Take charge of a slot that has a stage. bp__decoding_end() must follow: ranks may be waiting for tasks.
 *  @param[in] dir, arena, loader  borrowed */
void bp__decoding_begin(bp__directory *dir, bp__window *arena, const bp__loader *loader, uint32_t slot,
                        bp__decoding *decoding);

/** The tables of the stage are there: put the head in place.
 *  @param[in] stage  borrowed; the readable mapping
 *  @retval BP_ENOMEM, BP_EFORMAT, BP_ESYS */
bp_status bp__decoding_prepare(bp__decoding *decoding, const bp__stage *stage);

/** The chunks of tasks [0, available) are there. Updates `done`. */
void bp__decoding_offer(bp__decoding *decoding, uint32_t available);

/** Decode a task if this thread should, or wait a moment for the progress of others. Updates `done`.
 *  @retval BP_EFORMAT  damaged; the text names file and dataset
 *  @retval BP_ENOMEM */
bp_status bp__decoding_step(bp__decoding *decoding);

/** Reports how many bytes of a stage have arrived, from its first one on.
 *  @return false: no more will arrive, or what has arrived is of no use */
typedef bool bp__decoding_arrived(const void *ctx, uint64_t *bytes);

/** Use tables and chunks as they arrive, until every task is done. Whenever `arrived` has something new
 *  to report, bp__dir_ring_decoding() has to be called.
 *  @param[in] bytes  of the stage's extent
 *  @retval BP_EIO  nothing more will come; the sender knows why */
bp_status bp__decoding_receive(bp__decoding *decoding, const bp__stage *stage, uint64_t bytes,
                               bp__decoding_arrived *arrived, const void *ctx);

/** Let nobody take another task, and wait for those that were taken, but not for stragglers. Tasks from `done` on
 *  may be missing. */
bp_status bp__decoding_end(bp__decoding *decoding);

/** A rank that waits for a slot in FILL and has it pinned. */
typedef struct bp__helper {
    bp__directory *dir;
    bp__lines *own;
    bp__window *arena;
    const bp__loader *loader;
} bp__helper;

/** Decode as long as there are tasks and a decoder is wanted. One thread of a process at a time.
 *  @return false: there was nothing to do; sleep on the slot's word */
bool bp__decoding_help(const bp__helper *helper, uint32_t slot, const struct timespec *deadline);

#endif
