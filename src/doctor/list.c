/* The list of probes: to add one, add a row. */
#include "doctor/probes.h"

static const bp__probe probes[] = {
    {"system", false, bp__look_system},
    {"settings", true, bp__look_settings},
    {"processors", true, bp__look_processors},
    {"NUMA domains", false, bp__look_numa},
    {"clock", false, bp__look_clock},
    {"memory", false, bp__look_memory},
    {"shared memory", false, bp__look_shared_memory},
    {"window", false, bp__look_window},
    {"huge pages", false, bp__look_huge_pages},
    {"file size limit", true, bp__look_file_size},
    {"address space limit", true, bp__look_address_space},
    {"descriptors", true, bp__look_descriptors},
    {"threads", true, bp__look_threads},
    {"core dumps", true, bp__look_core_dumps},
    {"locked memory", true, bp__look_locked_memory},
    {"copies between ranks", false, bp__look_copies},
    {"parser", false, bp__look_parser},
    {"bundles", false, bp__look_bundles},
    {"Slurm", false, bp__look_slurm},
};
_Static_assert(sizeof probes / sizeof *probes <= BP__MOST_REMARKS, "room for each probe's remark");

size_t bp__examine(const bp__subject *subject, bool machine, bp__remark *remark)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        if (machine || probes[i].per_process)
            bp__probe_run(&probes[i], subject, BP__PROBE_PATIENCE_MS, &remark[count++]);
    return count;
}
