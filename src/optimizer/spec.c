#include "optimizer/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bundlepool/version.h>

#include "core/loader.h"

#define SPELLED_OUT 1000
#define EXCERPT     80

/* Making ---------------------------------------------------------------------------------------- */

static void put_number(FILE *f, const char *key, double x)
{
    char text[32];
    fprintf(f, "%s %s\n", key, bp__number_text(x, text));
}

static void put_day(FILE *f, const char *key, int64_t ns)
{
    if (ns == BP_TIME_MISSING)
        fprintf(f, "%s of the bundle\n", key);
    else
        fprintf(f, "%s day %" PRId64 "\n", key, ns / BP_NS_PER_DAY);
}

static void put_axis(FILE *f, const char *name, const bp__axis *axis)
{
    char text[32];
    fprintf(f, "param %s=", name);
    if (axis->count > SPELLED_OUT && strchr(axis->text, ':')) {
        fputs(axis->text, f);
    } else {
        for (uint64_t i = 0; i < axis->count; i++)
            fprintf(f, "%s%s", i ? "," : "", bp__number_text(axis->value[i], text));
    }
    fputc('\n', f);
}

static void put_spec(FILE *f, const bp__options *o)
{
    const bp__param *param = bp__strategy_params(o->grid.strategy, &(unsigned){0});
    fprintf(f, "program optimizer " BP_VERSION_STRING "\nresults %d\n", BP__RESULTS_VERSION);
    fprintf(f, "strategy %s\n%s ", bp__strategy_name(o->grid.strategy), o->several ? "bundles" : "bundle");
    for (uint64_t b = 0; b < o->num_bundles; b++) fprintf(f, "%s%s", b ? "," : "", o->bundle[b]);
    fputc('\n', f);
    put_day(f, "start", o->start);
    put_day(f, "end", o->end);
    fputs("symbols ", f);
    if (!o->symbols) fputs("(all)", f);
    for (size_t i = 0; o->symbols && o->symbols[i]; i++) fprintf(f, "%s%s", i ? "," : "", o->symbols[i]);
    fputc('\n', f);
    put_number(f, "cash", o->account.cash);
    put_number(f, "commission", o->account.commission_bps);
    put_number(f, "slippage", o->account.slippage_bps);
    fprintf(f, "slice %" PRIu64 "/%" PRIu64 "\n", o->slice, o->num_slices);
    for (unsigned i = 0; i < o->grid.num_axes; i++) put_axis(f, param[i].name, &o->grid.axis[i]);
}

bp_status bp__spec_make(const bp__options *o, char **text)
{
    size_t size;
    *text = NULL;
    FILE *f = open_memstream(text, &size);
    if (f) put_spec(f, o);
    bool complete = f && !ferror(f);
    if (f && fclose(f) != 0) complete = false;
    if (complete) return BP_OK;
    free(*text);
    *text = NULL;
    BP_FAIL(BP_ENOMEM, "no memory for the text of the search");
}

/* Comparing ------------------------------------------------------------------------------------- */

/* Whether a line tells which part of a search it is. */
static bool is_part(const char *line)
{
    return strncmp(line, "slice ", 6) == 0 || strncmp(line, "bundle", 6) == 0;
}

/* As much of a line as a message has room for: what is about byte `at`. @return text */
static const char *excerpt(const char *line, size_t length, size_t at, char text[EXCERPT + 8])
{
    const size_t begin = length <= EXCERPT || at < EXCERPT / 2 ? 0 : at - EXCERPT / 2;
    const size_t shown = length - begin <= EXCERPT ? length - begin : EXCERPT;
    snprintf(text, EXCERPT + 8, "%s%.*s%s", begin ? "..." : "", (int)shown, line + begin,
             begin + shown < length ? "..." : "");
    return text;
}

bp_status bp__spec_compare(const char *path, const char *ours, const char *theirs, bool any_part)
{
    for (;;) {
        const size_t m = strcspn(ours, "\n"), n = strcspn(theirs, "\n");
        size_t same = 0;
        while (same < m && same < n && ours[same] == theirs[same]) same++;
        if ((same < m || same < n) && !(any_part && is_part(ours) && is_part(theirs))) {
            char here[EXCERPT + 8], there[EXCERPT + 8];
            BP_FAIL(BP_EINVAL,
                    "%.120s: it is of another search: there '%s', here '%s'; give the same options, or "
                    "name another --journal",
                    path, excerpt(theirs, n, same, there), excerpt(ours, m, same, here));
        }
        if (!ours[m] || !theirs[n]) return BP_OK; /* both: what differs in length has differed in a line */
        ours += m + 1;
        theirs += n + 1;
    }
}

/* Reading --------------------------------------------------------------------------------------- */

static bp_status unreadable(const char *path, const char *line)
{
    BP_FAIL(BP_EFORMAT, "%.200s: '%.80s' is not what a journal of this program has; it is damaged", path,
            line);
}

static bp_status read_bundles(const char *path, const char *list, bp__options *o)
{
    uint64_t n = 1;
    for (const char *c = list; *c; c++) n += *c == ',';
    o->bundle = calloc(n, sizeof *o->bundle);
    if (!o->bundle) BP_FAIL(BP_ENOMEM, "%.200s: no memory for the names of its bundles", path);
    for (o->num_bundles = 0; o->num_bundles < n; o->num_bundles++) {
        size_t length = strcspn(list, ",");
        if (length > BP_NAME_MAX) return unreadable(path, list);
        memcpy(o->bundle[o->num_bundles], list, length);
        if (bp__failed(bp__bundle_name_check(o->bundle[o->num_bundles]))) return unreadable(path, list);
        list += length + 1;
    }
    return BP_OK;
}

static bp_status read_line(const char *path, const char *line, bp__options *o)
{
    const size_t n = strcspn(line, " ");
    const char *value = line[n] ? line + n + 1 : line + n;
    const bp__strategy *strategy;
    if (strncmp(line, "strategy ", 9) == 0) {
        if (o->grid.strategy) return unreadable(path, line);
        BP_TRY(bp__strategy_find(value, &strategy));
        return bp__grid_init(strategy, &o->grid);
    }
    if (strncmp(line, "bundle ", 7) == 0 || strncmp(line, "bundles ", 8) == 0) {
        o->several = line[6] == 's';
        return o->bundle ? unreadable(path, line) : read_bundles(path, value, o);
    }
    if (strncmp(line, "slice ", 6) == 0 &&
        sscanf(value, "%" SCNu64 "/%" SCNu64, &o->slice, &o->num_slices) != 2)
        return unreadable(path, line);
    if (strncmp(line, "param ", 6) == 0)
        return o->grid.strategy ? bp__grid_set(&o->grid, value) : unreadable(path, line);
    return BP_OK;
}

bp_status bp__spec_read(const char *path, const char *text, bp__options *o)
{
    bp_status s = BP_OK;
    char *copy = strdup(text), *rest = copy, *line;
    if (!copy) BP_FAIL(BP_ENOMEM, "%.200s: no memory to read it", path);
    while (s == BP_OK && (line = strsep(&rest, "\n")) != NULL) s = read_line(path, line, o);
    free(copy);
    BP_TRY(s);
    if (!o->grid.strategy || !o->bundle || o->slice < 1 || o->slice > o->num_slices)
        return unreadable(path, "(strategy, bundles, slice)");
    return BP_OK;
}
