/* Ticks, their length, deadlines; what the machine says of its memory. */
#include "tests/core/suite.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"

static void test_ticks(void)
{
    uint64_t per_ms = bp__clock_measure(), before = bp__ticks();
    CU_ASSERT_FATAL(per_ms > 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t now = bp__ticks();
        CU_ASSERT(now >= before);
        before = now;
    }
    /* 5 ms by the other clock; with room for a machine that stops us between two readings */
    uint64_t ns = bp__clock_ns(), ticks = bp__ticks();
    while (bp__clock_ns() - ns < 5000000) {
    }
    CU_ASSERT((bp__ticks() - ticks) / per_ms >= 4);
}

/* Without the processor's counter a tick is a nanosecond. */
static void test_fallback(void)
{
    bool had = bp__clock_has_tsc;
    bp__clock_has_tsc = false;
    CU_ASSERT_EQUAL(bp__clock_measure(), 1000000);
    uint64_t before = bp__clock_ns(), now = bp__ticks(), after = bp__clock_ns();
    CU_ASSERT(before <= now && now <= after);
    bp__clock_has_tsc = had;
}

static void test_trusted(void)
{
    const struct {
        const char *current, *available;
        bool trusted;
    } cases[] = {
        {"tsc\n", "tsc hpet acpi_pm \n", true},
        {"hpet\n", "hpet acpi_pm \n", false},     /* found unstable, or "tsc=unstable" */
        {"hpet\n", "tsc hpet acpi_pm \n", false}, /* somebody wants it so */
        {"kvm-clock\n", "kvm-clock tsc acpi_pm \n", true},
        {"kvm-clock\n", "kvm-clock acpi_pm \n", false},
        {"xen\n", "xen tsc hpet\n", true},
        {"hyperv_clocksource_tsc_page\n", "hyperv_clocksource_tsc_page acpi_pm\n",
         false}, /* its name is no proof */
        {"tsc-early\n", "tsc-early hpet\n", false},
        {"jiffies", "jiffies", false},
        {"", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_EQUAL(bp__clock_trusts_tsc(cases[i].current, cases[i].available), cases[i].trusted);
}

static void test_deadline(void)
{
    static const int64_t ms[] = {0, 1, 999, 1000, 1001, 600000, INT64_C(1000000000000)};
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        uint64_t from = bp__clock_ns() / 1000000;
        struct timespec d = bp__deadline(ms[i]);
        uint64_t to = bp__clock_ns() / 1000000,
                 at = (uint64_t)d.tv_sec * 1000 + (uint64_t)d.tv_nsec / 1000000;
        CU_ASSERT(d.tv_nsec >= 0 && d.tv_nsec < 1000000000);
        CU_ASSERT(at >= from + (uint64_t)ms[i] && at <= to + (uint64_t)ms[i]);
        if (ms[i] == 0) CU_ASSERT_TRUE(bp__deadline_passed(&d));
        if (ms[i] >= 600000) CU_ASSERT_FALSE(bp__deadline_passed(&d));
    }
}

static void test_memory(void)
{
    bp__memory m;
    MUST(bp__memory_look(&m));
    CU_ASSERT(m.available > 0 && m.available < UINT64_C(1) << 60);
    CU_ASSERT(bp__memory_least(&m, NULL) <= m.available);

    bp__memory_source source;
    CU_ASSERT_EQUAL(bp__memory_least(&(bp__memory){1, 2, 3, 4, 0}, &source), 1);
    CU_ASSERT_EQUAL(source, BP__SHM);
    CU_ASSERT_EQUAL(bp__memory_least(&(bp__memory){2, 1, 3, UINT64_MAX, 0}, &source), 1);
    CU_ASSERT_EQUAL(source, BP__AVAILABLE);
    CU_ASSERT_EQUAL(bp__memory_least(&(bp__memory){UINT64_MAX, 2, 1, 2, 0}, &source), 1);
    CU_ASSERT_EQUAL(source, BP__CGROUP);
    CU_ASSERT_EQUAL(bp__memory_least(&(bp__memory){UINT64_MAX, 2, UINT64_MAX, 1, 0}, &source), 1);
    CU_ASSERT_EQUAL(source, BP__SLURM);
}

static uint64_t slurm(const char *node, const char *cpu, const char *cpus)
{
    bp__memory m;
    setenv("SLURM_MEM_PER_NODE", node, 1);
    setenv("SLURM_MEM_PER_CPU", cpu, 1);
    setenv("SLURM_CPUS_ON_NODE", cpus, 1);
    MUST(bp__memory_look(&m));
    return m.slurm;
}

static void test_slurm(void)
{
    CU_ASSERT_EQUAL(slurm("2000", "", ""), UINT64_C(2000) << 20);
    CU_ASSERT_EQUAL(slurm("2000", "500", "8"), UINT64_C(2000) << 20);
    CU_ASSERT_EQUAL(slurm("", "500", "8"), UINT64_C(4000) << 20);
    CU_ASSERT_EQUAL(slurm("0", "0", "8"), UINT64_MAX); /* --mem=0: all of the node */
    CU_ASSERT_EQUAL(slurm("much", "", "8"), UINT64_MAX);
    CU_ASSERT_EQUAL(slurm("99999999999999999999", "", ""), UINT64_MAX);
    unsetenv("SLURM_MEM_PER_NODE");
    unsetenv("SLURM_MEM_PER_CPU");
    unsetenv("SLURM_CPUS_ON_NODE");
}

/* "which": only tell which counter is used here. */
int main(int argc, char **argv)
{
    bp__clock_init();
    if (argc > 1 && strcmp(argv[1], "which") == 0) return puts(bp__clock_has_tsc ? "tsc" : "kernel") < 0;
    CU_TestInfo tests[] = {
        {"ticks", test_ticks},
        {"nanoseconds as ticks", test_fallback},
        {"whom the kernel trusts", test_trusted},
        {"deadlines", test_deadline},
        {"memory of the machine", test_memory},
        {"memory that Slurm gives", test_slurm},
        CU_TEST_INFO_NULL,
    };
    return suite_main("clock", tests);
}
