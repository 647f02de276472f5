/* bundle doctor: what a pool would find on this machine. */
#include "doctor/doctor.h"

#include <string.h>

#include "bundle/command.h"
#include "cli/program.h"

/* The settings as a pool would get them; where they cannot be read a probe tells why. */
static bp_status read_settings(const bp__command_line *line, bp_config *cfg)
{
    *cfg = bp_config_init();
    BP_TRY(bp_config_default(cfg));
    (void)bp_config_from_env(cfg);
    return line->root ? bp_config_set(cfg, "root", line->root, "--root") : BP_OK;
}

bp_status bp__run_doctor(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__remark remark[BP__MOST_REMARKS];
    bp__subject subject;
    BP_TRY(read_settings(line, &subject.cfg));
    bp__backing_default(&subject.backing);
    const bp__diagnosis diagnosis = {
        .program = "bundle doctor", .remark = remark, .count = bp__examine(&subject, true, remark)};
    (line->json ? bp__diagnosis_json : bp__diagnosis_text)(stdout, &diagnosis);
    if (bp__diagnosis_count(&diagnosis, BP__BAD) > 0) *line->code = BP__EXIT_FAILED;
    return BP_OK;
}
