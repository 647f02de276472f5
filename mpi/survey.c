#include "mpi/survey.h"

#include <stdio.h>
#include <string.h>

#include <mpi.h>

void bp__survey_library(char *text, size_t size)
{
    char all[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length;
    if (MPI_Get_library_version(all, &length) != MPI_SUCCESS) strcpy(all, "unknown");
    all[strcspn(all, "\n,")] = '\0'; /* how it was built and who packed it stands behind */
    for (char *tab = all; (tab = strchr(tab, '\t')) != NULL;) *tab = ' ';
    snprintf(text, size, "%s", all);
}

const char *bp__survey_level(int level)
{
    switch (level) {
    case MPI_THREAD_SINGLE: return "MPI_THREAD_SINGLE";
    case MPI_THREAD_FUNNELED: return "MPI_THREAD_FUNNELED";
    case MPI_THREAD_SERIALIZED: return "MPI_THREAD_SERIALIZED";
    case MPI_THREAD_MULTIPLE: return "MPI_THREAD_MULTIPLE";
    default: return "an unknown level of threads";
    }
}

static bool has_variable(const char *name)
{
    int index;
    return MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS;
}

/* Append the names of the components that have a variable "FRAMEWORK_NAME_SUFFIX". @return how many have */
static int put_components(const char *framework, const char *suffix, const char *const *names, char *text,
                          size_t size)
{
    int count = 0;
    for (; *names; names++) {
        char variable[80];
        snprintf(variable, sizeof variable, "%s_%s_%s", framework, *names, suffix);
        if (!has_variable(variable)) continue;
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", count++ > 0 ? ", " : "", *names);
    }
    return count;
}

static bool ask_open_mpi(char *text, size_t size, bool *only_tcp)
{
    static const char *const pmls[] = {"ob1", "ucx", "cm", "yalla", NULL};
    static const char *const btls[] = {"vader", "sm",    "tcp",  "openib", "uct",
                                       "ofi",   "usnic", "ugni", "self",   NULL};
    static const char *const fast[] = {"openib", "uct", "ofi", "usnic", "ugni", NULL};
    static const char *const mtls[] = {"ofi", "psm2", "psm", "portals4", NULL};
    char scratch[80] = "";
    text[0] = '\0';
    if (put_components("pml", "priority", pmls, text, size) == 0) return false;
    const bool by_btl = strstr(text, "ob1") != NULL, by_mtl = strcmp(text, "cm") == 0;
    *only_tcp = by_btl && has_variable("btl_tcp_links") &&
                put_components("btl", "flags", fast, scratch, sizeof scratch) == 0;
    if (!by_btl && !by_mtl) return true;
    const size_t used = strlen(text);
    snprintf(text + used, size - used, " over ");
    if (by_btl)
        put_components("btl", "flags", btls, text, size);
    else
        put_components("mtl", "priority", mtls, text, size);
    return true;
}

bool bp__survey_transport(char *text, size_t size, bool *only_tcp)
{
    int provided;
    *only_tcp = false;
    if (MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS) return false;
    const bool told = ask_open_mpi(text, size, only_tcp);
    MPI_T_finalize();
    return told;
}
