#include "bundle/remember.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/tables.h"

/* What the attribute of a file can be read back from. */
#define TEXT_MOST 4000
#define ARGS_MOST 64

#define AT(field) offsetof(bp__command_line, field)

enum { TEXT, PATH, FLAG, MARK };

static const struct {
    const char *name;
    size_t at;
    int kind;
} kept[] = {
    {"date-format", AT(ingest.date_format), TEXT},
    {"decimal", AT(ingest.decimal), MARK},
    {"timezone", AT(ingest.timezone), TEXT},
    {"calendar", AT(ingest.calendar), TEXT},
    {"currency", AT(ingest.currency), TEXT},
    {"sessions", AT(ingest.sessions), PATH},
    {"symbols", AT(ingest.symbols), TEXT},
    {"country", AT(ingest.country), TEXT},
    {"adjusted", AT(ingest.adjusted), FLAG},
    {"splits=ignore", AT(ingest.ignore_splits), FLAG},
    {"dividends=ignore", AT(ingest.ignore_dividends), FLAG},
    {"keep-going", AT(ingest.keep_going), FLAG},
};

static bp_status put_value(FILE *file, const char *name, const char *value, int kind)
{
    char *path = NULL;
    if (!value) return BP_OK;
    if (kind == PATH && !(path = realpath(value, NULL)))
        BP_FAIL(BP_EIO, "--%s: %s: cannot be found", name, value);
    if (path) value = path;
    const bool broken = strchr(value, '\n') != NULL;
    if (!broken) fprintf(file, "--%s=%s\n", name, value);
    free(path);
    if (broken) BP_FAIL(BP_EINVAL, "--%s: has a line break", name);
    return BP_OK;
}

static bp_status put_all(FILE *file, const bp__command_line *line)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *at = (const char *)line + kept[i].at;
        const char *value;
        bool flag;
        if (kept[i].kind == FLAG) {
            memcpy(&flag, at, sizeof flag);
            if (flag) fprintf(file, "--%s\n", kept[i].name);
            continue;
        }
        if (kept[i].kind == MARK) {
            if (*at) fprintf(file, "--%s=%c\n", kept[i].name, *at);
            continue;
        }
        memcpy(&value, at, sizeof value);
        BP_TRY(put_value(file, kept[i].name, value, kept[i].kind));
    }
    if (line->filter == BP__WRITE_NONE) fputs("--filter=none\n", file);
    return BP_OK;
}

bp_status bp__remember_options(const bp__command_line *line, char **text)
{
    size_t size = 0;
    *text = NULL;
    FILE *file = open_memstream(text, &size);
    if (!file) BP_FAIL(BP_ENOMEM, "no memory for the options");
    bp_status s = put_all(file, line);
    if (fclose(file) != 0 && s == BP_OK) s = bp__fail(BP_ENOMEM, "no memory for the options");
    if (s == BP_OK && size > TEXT_MOST)
        s = bp__fail(BP_EINVAL, "the options have %zu bytes together, %d at most are kept with a bundle",
                     size, TEXT_MOST);
    if (bp__failed(s)) {
        free(*text);
        *text = NULL;
    }
    return s;
}

bp_status bp__recall_options(char *text, unsigned use, bp__command_line *line)
{
    char program[] = "bundle", *argv[ARGS_MOST + 1] = {program};
    int argc = 1, rest;
    for (char *at = text, *next; (next = strsep(&at, "\n"));) {
        if (!*next) continue;
        if (argc == ARGS_MOST) BP_FAIL(BP_EINVAL, "the bundle keeps more options than there are");
        argv[argc++] = next;
    }
    BP_TRY(
        bp__options_read(bp__bundle_options, bp__num_bundle_options, "bundle", use, argc, argv, line, &rest));
    if (rest < argc) BP_FAIL(BP_EINVAL, "the bundle keeps '%.60s' among its options", argv[rest]);
    return BP_OK;
}
