/** @file src/optimizer/changes.h
 * Old results beside new ones: what `--from` tells.
 */
#ifndef BP_OPTIMIZER_CHANGES_H
#define BP_OPTIMIZER_CHANGES_H

#include <stdio.h>

#include "core/json.h"
#include "search/rerun.h"

/** As a table, best first as it is now. @retval BP_ENOMEM */
bp_status bp__changes_print(FILE *file, const bp__rerun *rerun, const bp__results *results);

/** As the member "from" of a JSON object, with all metrics that are known of both. @retval BP_ENOMEM */
bp_status bp__changes_json(bp__json *json, const bp__rerun *rerun, const bp__results *results);

#endif
