/* bundle verify: reads all of a bundle and says what is not plausible in it. */
#include <inttypes.h>
#include <stdlib.h>

#include "bundle/command.h"
#include "bundle/progress.h"
#include "bundle/source_lines.h"
#include "cli/locate.h"
#include "cli/program.h"
#include "core/bundle.h"
#include "core/direct.h"
#include "core/json.h"
#include "core/text.h"
#include "io/hdf5/h5read.h"
#include "reader/audit_bundle.h"

/* Texts by themselves, for programs that ask only whether there is one. */
static bp_status json_warnings(bp__json *j, bp__findings *findings)
{
    const bp__finding **row;
    size_t n;
    char where[128], text[BP__FINDING_TEXT + 132];
    BP_TRY(bp__findings_sort(findings, &row, &n));
    bp__json_open(j, "warnings", '[');
    for (size_t i = 0; i < n; i++) {
        bp__finding_where(row[i], where, sizeof where);
        snprintf(text, sizeof text, "%s%s%s", where, *where ? ": " : "", row[i]->text);
        bp__json_text(j, NULL, text);
    }
    bp__json_close(j, ']');
    free(row);
    return BP_OK;
}

static bp_status report_json(bp__findings *findings, const bp__target *target, const bp_version *v)
{
    bp_status s = BP_OK;
    bp__json j = {.file = stdout};
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "name", target->name);
    bp__json_text(&j, "path", target->path);
    bp__json_bool(&j, "ok", findings != NULL);
    if (findings) {
        s = bp__findings_json(findings, &j);
        if (s == BP_OK) s = json_warnings(&j, findings);
        bp__json_text(&j, "computed_hash", v->computed_hash);
        bp__json_text(&j, "content_hash", v->content_hash);
    } else {
        bp__json_text(&j, "error", bp_error_text());
    }
    if (findings) bp__source_json(&j, target->path);
    bp__json_close(&j, '}');
    return s;
}

static bp_status report_text(bp__findings *findings, const bp__target *target, const bp_version *v)
{
    const size_t n = bp__findings_total(findings);
    BP_TRY(bp__findings_print(findings, stdout, ""));
    bp__source_text_note(target->path, target->name);
    if (n == 0)
        bp__text_line(stdout, "%s: good, content_hash %s", target->path, v->content_hash);
    else
        bp__text_line(stdout, "%s: can be read; %zu finding%s, %zu heavy; content_hash %s", target->path, n,
                      n == 1 ? "" : "s", findings->heavy, v->content_hash);
    return BP_OK;
}

static bp_status audit(const bp__command_line *line, const bp_bundle *bundle, bp__audit **found)
{
    const bp__progress progress = bp__progress_show();
    const bp__audit_options options = {.thresholds = line->audit,
                                       .most = line->most,
                                       .lightest = line->lightest,
                                       .threads = line->ingest.threads,
                                       .tell = progress.tell,
                                       .context = progress.context};
    bp_status s = bp__audit_bundle(bundle, &options, found);
    bp__progress_hide();
    return s;
}

/* @param[out] found  borrows from the bundle */
static bp_status verify(const bp__command_line *line, const bp__target *target, const bp_bundle **bundle,
                        bp__audit **found, bp_version *version)
{
    BP_TRY(bp__direct_load(bp__h5_loader(), target->root, target->name, bundle));
    BP_TRY(bp__image_selfcheck((*bundle)->image, (*bundle)->image->bytes));
    BP_TRY(audit(line, *bundle, found));
    BP_TRY(bp_bundle_version(*bundle, version));
    return bp__audit_checksum(*bundle, version->content_hash, bp__audit_findings(*found));
}

bp_status bp__run_verify(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    const bp_bundle *bundle = NULL;
    bp__audit *found = NULL;
    bp_version version = bp_version_init();
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    bp_status s = verify(line, &target, &bundle, &found, &version);
    bp__findings *findings = s == BP_OK ? bp__audit_findings(found) : NULL;
    if (findings && line->strict && bp__findings_total(findings) > 0) *line->code = BP__EXIT_FAILED;
    if (line->json) {
        const bp_status told = report_json(findings, &target, &version);
        if (s == BP_OK) s = told;
    } else if (findings) {
        s = report_text(findings, &target, &version);
    }
    bp__audit_destroy(&found);
    bp_version_fini(&version);
    if (bundle) bp_bundle_release(&bundle);
    return s;
}
