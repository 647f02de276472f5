/* The machine, and who has started this process on it. */
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bundlepool/version.h>

#include "core/clock.h"
#include "core/numa.h"
#include "core/text.h"
#include "doctor/probes.h"

void bp__look_system(const bp__subject *subject, bp__remark *f)
{
    struct utsname u;
    char page[32];
    (void)subject;
    if (uname(&u) != 0) memset(&u, 0, sizeof u);
    bp__remark_that(f, BP__GOOD, "bundlepool " BP_VERSION_STRING ", %.20s %.60s %.20s, pages of %s",
                    u.sysname, u.release, u.machine, bp__bytes_text((uint64_t)sysconf(_SC_PAGESIZE), page));
}

void bp__look_processors(const bp__subject *subject, bp__remark *f)
{
    cpu_set_t mine;
    (void)subject;
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    CPU_ZERO(&mine);
    const int usable = sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : 0;
    bp__remark_that(f, BP__GOOD, "%ld, of which this process may use %d", online, usable);
}

void bp__look_numa(const bp__subject *subject, bp__remark *f)
{
    cpu_set_t all;
    bp__domains d = {0};
    memset(&all, 0xff, sizeof all);
    bp__domains_find(BP__NUMA_FOLDER, &all, &d);
    if (d.count < 2)
        bp__remark_that(f, BP__GOOD, "one");
    else
        bp__remark_that(f, BP__GOOD, "%u; pages of bundles lie %s", d.count,
                        subject->cfg.numa == BP_NUMA_INTERLEAVE ? "over those of the ranks in turn"
                                                                : "where they are first touched");
}

/* What one reading takes, which every hit does. */
static double ns_per_reading(void)
{
    enum { READINGS = 1000 };
    const uint64_t begin = bp__clock_ns();
    volatile uint64_t last = 0;
    for (int i = 0; i < READINGS; i++) last = bp__ticks();
    (void)last;
    return (double)(bp__clock_ns() - begin) / READINGS;
}

void bp__look_clock(const bp__subject *subject, bp__remark *f)
{
    char source[64] = "unknown";
    (void)subject;
    bp__first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    bp__clock_init();
    const double ns = ns_per_reading();
    const bool slow = ns > 150; /* a system call, not the kernel's shared page */
    bp__remark_that(f, slow ? BP__WARN : BP__GOOD, "%s, %.0f ns a reading; the kernel's is %s",
                    bp__clock_has_tsc ? "the processor's counter" : "the kernel's", ns, source);
    if (slow)
        bp__advise(
            f, "each hit reads the clock: see why the kernel does not use tsc (dmesg | grep -i clocksource)");
}

/* Copies from process to process ------------------------------------------------------------------ */

/* A process that has nothing to do until it is killed. @return its id, or -1 */
static pid_t start_idle(void)
{
    const pid_t parent = getpid(), child = fork();
    if (child != 0) return child;
    while (getppid() == parent) pause();
    _exit(0);
}

/* Whether a process may read the memory of one that is neither its parent nor its child: CMA, as ranks do. */
static bool can_copy(const char *word)
{
    const pid_t target = start_idle();
    if (target < 0) return false;
    int status = 1;
    const pid_t reader = fork();
    if (reader == 0) {
        char copy;
        struct iovec to = {&copy, 1}, from = {(void *)(uintptr_t)word, 1};
        _exit(process_vm_readv(target, &to, 1, &from, 1, 0) == 1 ? 0 : 1);
    }
    if (reader > 0 && waitpid(reader, &status, 0) != reader) status = 1;
    kill(target, SIGKILL);
    waitpid(target, NULL, 0);
    return reader > 0 && status == 0;
}

void bp__look_copies(const bp__subject *subject, bp__remark *f)
{
    char scope[16] = "0";
    static const char word = 1;
    (void)subject;
    bp__first_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof scope);
    if (can_copy(&word)) {
        bp__remark_that(f, BP__GOOD, "processes may read each other's memory (CMA)");
        return;
    }
    bp__remark_that(f, BP__WARN,
                    "processes may not read each other's memory (CMA; kernel.yama.ptrace_scope is %s)",
                    scope);
    bp__advise(f, "messages within a machine are slower; if Open MPI says 'Read -1, expected': "
                  "export OMPI_MCA_btl_vader_single_copy_mechanism=none");
}

/* Slurm ---------------------------------------------------------------------------------------------- */

void bp__look_slurm(const bp__subject *subject, bp__remark *f)
{
    static const char *const names[] = {"SLURM_JOB_ID",        "SLURM_JOB_NUM_NODES", "SLURM_NTASKS",
                                        "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE",  "SLURM_MEM_PER_CPU",
                                        "SLURM_JOB_PARTITION", "SLURM_CPUS_ON_NODE"};
    char text[sizeof f->value] = "";
    size_t used = 0;
    (void)subject;
    for (size_t i = 0; i < sizeof names / sizeof *names && used < sizeof text; i++) {
        const char *value = getenv(names[i]);
        if (!value) continue;
        const int n = snprintf(text + used, sizeof text - used, "%s%s=%.40s", used > 0 ? " " : "",
                               names[i] + strlen("SLURM_"), value);
        used += n > 0 ? (size_t)n : 0;
    }
    bp__remark_that(f, BP__GOOD, "%s", used > 0 ? text : "not in a job of Slurm's");
}
