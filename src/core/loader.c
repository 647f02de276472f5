#include "core/loader.h"

#include <stdlib.h>

bp_status bp__load_task(const bp__loader *loader, bp__source *source, const char *label, bp__decoder *decoder,
                        uint64_t task, void *image)
{
    const bp__plan *plan = loader->plan(source);
    const bp__plan_task *t = &plan->task[task];
    void *stored = malloc(t->stored_bytes + 1); /* + 1: not NULL even if nothing is stored */
    if (!stored)
        BP_FAIL(BP_ENOMEM, "%s: no memory for %llu bytes", label, (unsigned long long)t->stored_bytes);
    bp_status s = t->stored_bytes > 0 ? loader->fetch(source, task, stored) : BP_OK;
    if (s == BP_OK) s = loader->decode(decoder, label, &plan->dataset[t->dataset], t, stored, image);
    free(stored);
    return s;
}
