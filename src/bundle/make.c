/* bundle demo, bundle ingest: what makes bundle files. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/command.h"
#include "cli/locate.h"
#include "core/text.h"

/* Like mkdir -p. */
static bp_status make_folder(const char *path)
{
    char part[BP_PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *p = part + 1;; p++) {
        if (*p != '/' && *p != '\0') continue;
        char end = *p;
        *p = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            BP_FAIL_ERRNO(BP_EIO, errno, "%s: the folder cannot be made", part);
        if (end == '\0') return BP_OK;
        *p = end;
    }
}

static bp_status write_draft(const bp__draft *draft, const bp__target *target, bp__write_filter filter)
{
    struct stat st;
    char bytes[32];
    BP_TRY(make_folder(target->root));
    BP_TRY(bp__h5_write(draft, target->path, filter));
    uint64_t size = stat(target->path, &st) == 0 ? (uint64_t)st.st_size : 0;
    bp__text_line(stdout, "%s: %zu assets, %zu sessions, %zu minute bars, %s", target->path, draft->assets.n,
                  draft->num_sessions, draft->bars.n, bp__bytes_text(size, bytes));
    return BP_OK;
}

bp_status bp__run_demo(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    bp__draft draft;
    BP_TRY(bp__target_find(line->arg[0], line->root, &target));
    BP_TRY(bp__draft_init(&draft, target.name));
    bp_status s = bp__demo_generate(&line->demo, &draft);
    if (s == BP_OK) s = write_draft(&draft, &target, line->filter);
    bp__draft_fini(&draft);
    return s;
}

static void show_progress(void *context, size_t done, size_t total)
{
    (void)context;
    fprintf(stderr, "\rreading %zu of %zu files%s", done, total, done == total ? "\n" : "");
}

static bp_status unknown_source(const char *name)
{
    char names[256] = "";
    for (const bp__ingest_source *s = bp__ingest_sources; s->name; s++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", s->name);
    }
    BP_FAIL(BP_EINVAL, "ingest: unknown source '%.80s', choose from %s", name, names);
}

bp_status bp__run_ingest(const void *command_line)
{
    const bp__command_line *line = command_line;
    bp__target target;
    bp__draft draft;
    const bp__ingest_source *source = bp__ingest_source_find(line->arg[0]);
    if (!source) return unknown_source(line->arg[0]);
    BP_TRY(bp__target_find(line->arg[2], line->root, &target));
    BP_TRY(bp__draft_init(&draft, target.name));
    bp__ingest_progress *progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    bp_status s = source->read(line->arg[1], progress, NULL, &draft);
    if (s == BP_OK) s = write_draft(&draft, &target, line->filter);
    bp__draft_fini(&draft);
    return s;
}
