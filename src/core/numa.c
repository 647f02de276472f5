#include "core/numa.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIST_MAX = 4096, BITS = 8 * sizeof(unsigned long) };

/* A list of the kernel's, such as "0-3,8\n". "" if it cannot be read. */
static void read_list(const char *folder, const char *name, char list[LIST_MAX])
{
    char path[1024];
    list[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (!f) return;
    if (!fgets(list, LIST_MAX, f)) list[0] = '\0';
    fclose(f);
}

/* The next range of a list. @return behind it; NULL: there is none, or it is not understood */
static const char *next_range(const char *list, unsigned *first, unsigned *last)
{
    int n = 0;
    if (sscanf(list, "%u%n", first, &n) != 1) return NULL;
    list += n;
    *last = *first;
    if (*list == '-') {
        if (sscanf(list + 1, "%u%n", last, &n) != 1) return NULL;
        list += 1 + n;
    }
    return *list == ',' ? list + 1 : list;
}

static bool has_any(const char *list, const cpu_set_t *cpus)
{
    unsigned first, last;
    while ((list = next_range(list, &first, &last)))
        for (unsigned i = first; i <= last && i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, cpus)) return true;
    return false;
}

void bp__domains_find(const char *folder, const cpu_set_t *cpus, bp__domains *domains)
{
    char with_memory[LIST_MAX], of_domain[LIST_MAX], name[64];
    unsigned first, last;
    *domains = (bp__domains){0};
    read_list(folder, "has_memory", with_memory);
    for (const char *list = with_memory; (list = next_range(list, &first, &last));) {
        for (unsigned d = first; d <= last && d < BP__MAX_DOMAINS; d++) {
            snprintf(name, sizeof name, "node%u/cpulist", d);
            read_list(folder, name, of_domain);
            if (!has_any(of_domain, cpus)) continue;
            domains->mask[d / BITS] |= 1ul << d % BITS;
            domains->count++;
        }
    }
}

bp_status bp__domains_interleave(const bp__domains *domains, void *memory, size_t bytes)
{
    /* the kernel looks at one bit less than it is told of */
    if (syscall(SYS_mbind, memory, bytes, MPOL_INTERLEAVE, domains->mask, (unsigned long)BP__MAX_DOMAINS + 1,
                0u) != 0)
        BP_FAIL_ERRNO(BP_ESYS, errno, "pages cannot be interleaved over %u NUMA domains", domains->count);
    return BP_OK;
}
