/* The choice of domains, from folders as the kernel has them, and what the kernel makes of it. */
#include "core/numa.h"

#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "suite.h"

static char folder[] = "/tmp/bundlepool-numa-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void put_domain(unsigned number, const char *cpulist)
{
    char name[64], path[256];
    snprintf(path, sizeof path, "%s/node%u", folder, number);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    snprintf(name, sizeof name, "node%u/cpulist", number);
    put(name, cpulist);
}

static bp__domains find(unsigned first, unsigned last)
{
    cpu_set_t cpus;
    bp__domains domains;
    CPU_ZERO(&cpus);
    for (unsigned i = first; i <= last; i++) CPU_SET(i, &cpus);
    bp__domains_find(folder, &cpus, &domains);
    return domains;
}

/* Two sockets of two domains each, with threads numbered after cores; a domain of memory without
 * processors, and one that has lost its memory; and one whose number is large. */
static void test_choice(void)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    put("has_memory", "0-2,4,70\n");
    put_domain(0, "0-7,32-39\n");
    put_domain(1, "8-15,40-47\n");
    put_domain(2, "16-23,48-55\n");
    put_domain(3, "24-31,56-63\n");
    put_domain(4, "\n");
    put_domain(70, "64\n");

    bp__domains d = find(0, 64);
    CU_ASSERT_EQUAL(d.count, 4);
    CU_ASSERT_EQUAL(d.mask[0], 7);
    CU_ASSERT_EQUAL(d.mask[1], 1ul << 6);
    d = find(3, 6); /* ranks that are bound to one domain */
    CU_ASSERT_EQUAL(d.count, 1);
    CU_ASSERT_EQUAL(d.mask[0], 1);
    d = find(39, 40); /* by the second range of each */
    CU_ASSERT_EQUAL(d.count, 2);
    CU_ASSERT_EQUAL(d.mask[0], 3);
    CU_ASSERT_EQUAL(find(24, 31).count, 0); /* no memory */
    CU_ASSERT_EQUAL(find(65, 100).count, 0);

    put("has_memory", "nonsense\n");
    CU_ASSERT_EQUAL(find(0, 64).count, 0);
    put("has_memory", "0-4294967295\n");
    CU_ASSERT_EQUAL(find(0, 64).count, 5);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT_EQUAL(find(0, 64).count, 0); /* a kernel without NUMA */
}

/* The domains of this machine are those that the kernel accepts, and it says that it interleaves. */
static void test_kernel(void)
{
    enum { BYTES = 1 << 20 };
    cpu_set_t cpus;
    bp__domains domains;
    unsigned long mask[BP__MAX_DOMAINS / (8 * sizeof(unsigned long))] = {0};
    int mode = -1;
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    bp__domains_find(BP__NUMA_FOLDER, &cpus, &domains);
    if (domains.count == 0) return; /* there is no NUMA here */
    void *memory = mmap(NULL, BYTES, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(memory != MAP_FAILED);
    MUST(bp__domains_interleave(&domains, memory, BYTES));
    long rc = syscall(SYS_get_mempolicy, &mode, mask, (unsigned long)BP__MAX_DOMAINS, memory, MPOL_F_ADDR);
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_EQUAL(mode, MPOL_INTERLEAVE);
    CU_ASSERT(memcmp(mask, domains.mask, sizeof mask) == 0);
    CU_ASSERT_EQUAL(bp__domains_interleave(&(bp__domains){.count = 2}, memory, BYTES),
                    BP_ESYS); /* over none */
    CU_ASSERT_PTR_NOT_NULL(strstr(bp_error_text(), "2 NUMA domains"));
    munmap(memory, BYTES);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"choice of domains", test_choice},
        {"the kernel", test_kernel},
        CU_TEST_INFO_NULL,
    };
    return suite_main("numa", tests);
}
