/** @file src/doctor/doctor.h
 * What a pool would find on a machine, and what to do about it: for `bundle doctor` and `optimizer doctor`.
 *
 * A probe looks at one thing and makes one remark. Where the pool itself decides by something (memory,
 * limits, clock, file system), the probe asks the same function. Probes that need MPI are not in the list
 * here: the optimizer has them (src/optimizer/doctor.c).
 *
 * DESIGN: a probe may touch a file system whose server does not answer. So each runs in a thread of its own;
 * if it does not end in time, that is the remark, and its thread is left behind for the end of the process.
 */
#ifndef BP_DOCTOR_DOCTOR_H
#define BP_DOCTOR_DOCTOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <bundlepool/config.h>

#include "core/backing.h"
#include "core/status.h"

#define BP__PROBE_PATIENCE_MS 5000
#define BP__MOST_REMARKS      32 /* that one process makes */

typedef enum bp__health {
    BP__GOOD,
    BP__WARN, /**< a pool works, but slower or smaller than it could, or another thing may go wrong */
    BP__BAD,  /**< no pool, or no bundles */
} bp__health;

/** Plain memory: it is sent from rank to rank as it is. */
typedef struct bp__remark {
    bp__health health;
    char what[32];
    char host[64]; /**< "": it is of a job as a whole */
    char value[320];
    char remedy[256]; /**< what to do; "": nothing */
} bp__remark;

/** What is examined. All of it is borrowed, and copied for a probe that may outlive its caller. */
typedef struct bp__subject {
    bp_config cfg; /**< whole, as the pool would get it */
    bp__backing backing;
} bp__subject;

typedef struct bp__probe {
    const char *what; /**< static */
    bool per_process; /**< another process of the machine may find something else */
    /** Make the remark, by the two functions below. `what` and `host` are there already. */
    void (*look)(const bp__subject *subject, bp__remark *remark);
} bp__probe;

/** Say what was found. Too long a text is cut. */
__attribute__((format(printf, 3, 4))) void bp__remark_that(bp__remark *remark, bp__health health,
                                                           const char *fmt, ...);

/** Say what to do about it. */
__attribute__((format(printf, 2, 3))) void bp__advise(bp__remark *remark, const char *fmt, ...);

/** Run one probe, for `patience_ms` at most. */
void bp__probe_run(const bp__probe *probe, const bp__subject *subject, int64_t patience_ms,
                   bp__remark *remark);

/** Run all probes of the list.
 *  @param[in]  machine  whether those of the machine are among them, or only those of this process
 *  @param[out] remark  [BP__MOST_REMARKS] @return how many there are */
size_t bp__examine(const bp__subject *subject, bool machine, bp__remark *remark);

typedef struct bp__diagnosis {
    const char *program; /**< static */
    int num_ranks;       /**< 0: no job was examined */
    const bp__remark *remark;
    size_t count;
} bp__diagnosis;

/** Whether two remarks are told as one. Good ones of a probe are, whatever they say: nobody has to act. */
bool bp__remarks_alike(const bp__remark *a, const bp__remark *b);

/** Lines "good|warn|bad  WHAT: VALUE  — REMEDY", in the order in which things were first looked at. Remarks
 *  of several processes that are alike are one line, and so are all good ones of one probe. */
void bp__diagnosis_text(FILE *file, const bp__diagnosis *diagnosis);

/** All remarks, as one JSON object. */
void bp__diagnosis_json(FILE *file, const bp__diagnosis *diagnosis);

/** How many remarks are of that health. */
size_t bp__diagnosis_count(const bp__diagnosis *diagnosis, bp__health health);

#endif
