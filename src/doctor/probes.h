/** @file src/doctor/probes.h
 * The probes of the list in list.c: what each looks at stands there.
 */
#ifndef BP_DOCTOR_PROBES_H
#define BP_DOCTOR_PROBES_H

#include "doctor/doctor.h"

void bp__look_system(const bp__subject *subject, bp__remark *remark);
void bp__look_processors(const bp__subject *subject, bp__remark *remark);
void bp__look_clock(const bp__subject *subject, bp__remark *remark);
void bp__look_numa(const bp__subject *subject, bp__remark *remark);
void bp__look_memory(const bp__subject *subject, bp__remark *remark);
void bp__look_shared_memory(const bp__subject *subject, bp__remark *remark);
void bp__look_window(const bp__subject *subject, bp__remark *remark);
void bp__look_huge_pages(const bp__subject *subject, bp__remark *remark);
void bp__look_file_size(const bp__subject *subject, bp__remark *remark);
void bp__look_address_space(const bp__subject *subject, bp__remark *remark);
void bp__look_descriptors(const bp__subject *subject, bp__remark *remark);
void bp__look_threads(const bp__subject *subject, bp__remark *remark);
void bp__look_core_dumps(const bp__subject *subject, bp__remark *remark);
void bp__look_locked_memory(const bp__subject *subject, bp__remark *remark);
void bp__look_copies(const bp__subject *subject, bp__remark *remark);
void bp__look_parser(const bp__subject *subject, bp__remark *remark);
void bp__look_bundles(const bp__subject *subject, bp__remark *remark);
void bp__look_slurm(const bp__subject *subject, bp__remark *remark);
void bp__look_settings(const bp__subject *subject, bp__remark *remark);

/** Bytes of the pool that this machine would make by itself, or as pool_memory says. @retval BP_ESYS  as
 *  bp__memory_look_at() */
bp_status bp__wanted_bytes(const bp__subject *subject, uint64_t *bytes);

/** The first line of a file, without its end. @return false: it cannot be read, or is empty */
bool bp__first_line(const char *path, char *line, size_t size);

#endif
