#include "optimizer/out.h"

#include <stdlib.h>

#include "search/origin.h"

bp_status bp__check_out(const bp__options *o, const bp__spec *spec, char (*content)[BP__HASH_DIGITS + 1])
{
    bp__result_origin ours = {.content = content, .num_bundles = content ? spec->num_bundles : 0};
    BP_TRY(bp__spec_text(spec, &ours.text));
    bp_status s = bp__result_origin_check(o->out, &ours, o->replace);
    free(ours.text);
    return s;
}
