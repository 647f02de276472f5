#include "optimizer/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/locate.h"

bp_status bp__find_bundles(bp__options *options, const char *text, bool several)
{
    bp__spec *o = &options->spec;
    bp_config *cfg = &options->conduct.cfg;
    const char *option = several ? "--bundles" : "--bundle";
    char root[BP_PATH_MAX], first_root[BP_PATH_MAX] = "", item[BP_PATH_MAX];
    size_t count = 1;
    for (const char *c = text; several && *c; c++) count += *c == ',';
    o->several = several;
    o->bundle = calloc(count, sizeof *o->bundle);
    if (!o->bundle) BP_FAIL(BP_ENOMEM, "%s: no memory for the names", option);
    for (; o->num_bundles < count; o->num_bundles++) {
        char *name = o->bundle[o->num_bundles];
        const size_t n = several ? strcspn(text, ",") : strlen(text);
        if (n >= sizeof item) BP_FAIL(BP_EINVAL, "%s: '%.60s...' is too long", option, text);
        memcpy(item, text, n);
        item[n] = '\0';
        text += n + 1;
        BP_TRY(bp__locate(item, cfg->root, root, sizeof root, name, sizeof *o->bundle));
        if (o->num_bundles == 0) memcpy(first_root, root, sizeof root);
        if (strcmp(root, first_root) != 0)
            BP_FAIL(BP_EINVAL, "%s: %s and %s are in different folders; put them into one", option,
                    o->bundle[0], name);
        for (uint64_t i = 0; i < o->num_bundles; i++)
            if (strcmp(o->bundle[i], name) == 0) BP_FAIL(BP_EINVAL, "%s: %s is named twice", option, name);
    }
    memcpy(cfg->root, first_root, sizeof first_root);
    return BP_OK;
}

bp_status bp__choose_journal(bp__options *o)
{
    if (o->journal && o->no_journal) BP_FAIL(BP_EINVAL, "--journal and --no-journal: choose one");
    if (o->journal && !*o->journal) BP_FAIL(BP_EINVAL, "--journal: '' is not the name of a file");
    if (!o->no_journal && (o->journal || o->out)) {
        int n = o->journal ? asprintf(&o->journal_path, "%s", o->journal)
                           : asprintf(&o->journal_path, "%s.journal", o->out);
        if (n < 0) {
            o->journal_path = NULL;
            BP_FAIL(BP_ENOMEM, "--journal: no memory for its name");
        }
    }
    o->conduct.journal = o->journal_path;
    o->conduct.replace = o->replace;
    if (o->conduct.resume && !o->journal_path)
        BP_FAIL(BP_EINVAL, "--resume: there is no journal; name it by --journal, or by --out");
    return BP_OK;
}
