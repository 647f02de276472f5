#include "io/ingest/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next name of a list, without blanks around it. @return its length; 0 at the end */
static size_t next_name(const char **list, const char **name)
{
    while (**list) {
        *list += strspn(*list, ", ");
        size_t n = strcspn(*list, ",");
        *name = *list;
        *list += n;
        while (n > 0 && (*name)[n - 1] == ' ') n--;
        if (n > 0) return n;
    }
    return 0;
}

bool bp__wanted_has(const char *list, const char *symbol)
{
    const char *name;
    if (!list) return true;
    for (size_t n; (n = next_name(&list, &name)) > 0;)
        if (strlen(symbol) == n && strncmp(symbol, name, n) == 0) return true;
    return false;
}

bp_status bp__wanted_check(const char *list, const char *path, bp__wanted_have *have, const void *source)
{
    char missing[400] = "";
    const char *name;
    size_t used = 0;
    for (size_t n; list && (n = next_name(&list, &name)) > 0;) {
        char *one = strndup(name, n);
        if (!one) BP_FAIL(BP_ENOMEM, "%s: no memory for its symbols", path);
        if (!have(source, one) && used < sizeof missing - 1)
            used +=
                (size_t)snprintf(missing + used, sizeof missing - used, "%s'%.60s'", used ? ", " : "", one);
        free(one);
    }
    if (used == 0) return BP_OK;
    BP_FAIL(BP_EINVAL, "--symbols: %s has no symbol %s", path, missing);
}
