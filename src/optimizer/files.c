#include "optimizer/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/same.h"
#include "core/conf.h"
#include "core/name.h"
#include "search/journal.h"
#include "search/origin.h"

/* A file, and what it is called in a text. */
typedef struct place {
    char what[96]; /* of one that is written: its option; else how a sentence goes on: "is ..." */
    char *path;    /* owned */
    bp__file_id id;
} place;

typedef struct places {
    place *place;
    size_t count;
} places;

static void free_places(places *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->place[i].path);
    free(p->place);
}

static bp_status no_memory(void)
{
    BP_FAIL(BP_ENOMEM, "no memory for the names of files");
}

/* @param[in] length  of the path that counts; a suffix comes behind it */
static bp_status add(places *p, const char *path, size_t length, const char *suffix, const char *what)
{
    place *more = realloc(p->place, (p->count + 1) * sizeof *more);
    if (!more) return no_memory();
    p->place = more;
    place *new = &more[p->count];
    if (asprintf(&new->path, "%.*s%s", (int)length, path, suffix) < 0) return no_memory();
    snprintf(new->what, sizeof new->what, "%s", what);
    new->id = bp__file_id_of(new->path);
    p->count++;
    return BP_OK;
}

/* With a suffix of its own. @param[in] path  NULL: there is none */
static bp_status add_all(places *p, const char *path, const char *suffix, const char *what)
{
    return path ? add(p, path, strlen(path), suffix, what) : BP_OK;
}

static bp_status list_written(const bp__options *o, places *p)
{
    BP_TRY(add_all(p, o->out, "", "--out"));
    BP_TRY(add_all(p, o->out, BP__ORIGIN_SUFFIX, "what is written beside --out"));
    BP_TRY(add_all(p, o->journal_path, "", "--journal"));
    BP_TRY(add_all(p, o->journal_path, BP__JOURNAL_LOCK, "the lock of --journal"));
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) {
        char option[32];
        snprintf(option, sizeof option, "--%s", bp__sheet_name((bp__sheet_kind)k));
        BP_TRY(add_all(p, o->sheet[k], "", option));
    }
    return BP_OK;
}

static bp_status list_bundles(const bp__options *o, places *p)
{
    char path[BP_PATH_MAX + BP_NAME_MAX + 8], what[96];
    for (uint64_t b = 0; b < o->spec.num_bundles; b++) {
        BP_TRY(bp__bundle_path(o->conduct.cfg.root, o->spec.bundle[b], path, sizeof path));
        snprintf(what, sizeof what, "bundle %s, which is read", o->spec.bundle[b]);
        BP_TRY(add_all(p, path, "", what));
    }
    return BP_OK;
}

/* "FILE", or "FILE:NAME". */
static bp_status list_strategy(const bp__options *o, places *p)
{
    const char *colon = o->strategy ? strrchr(o->strategy, ':') : NULL;
    if (!o->provided_by || !o->strategy) return BP_OK;
    BP_TRY(add_all(p, o->strategy, "", "the file of --strategy"));
    return colon ? add(p, o->strategy, (size_t)(colon - o->strategy), "", "the file of --strategy") : BP_OK;
}

/* "NAME=@FILE". */
static bp_status list_params(const bp__options *o, places *p)
{
    for (int i = 0; i < o->num_params; i++) {
        const char *values = strchr(o->param[i], '=');
        if (values && values[1] == '@') BP_TRY(add_all(p, values + 2, "", "a file of --param"));
    }
    return BP_OK;
}

static bp_status list_read(const bp__options *o, places *p)
{
    const char *past = o->from ? o->from : o->results;
    const bp__conf *conf;
    if (o->command->use == BP__MERGE)
        for (int i = 0; i < o->num_inputs; i++) BP_TRY(add_all(p, o->input[i], "", "a journal to be merged"));
    BP_TRY(list_bundles(o, p));
    BP_TRY(add_all(p, past, "", "what is read"));
    BP_TRY(add_all(p, past, BP__ORIGIN_SUFFIX, "what is read"));
    BP_TRY(list_strategy(o, p));
    BP_TRY(list_params(o, p));
    if (bp__failed(bp__conf_get(&conf)) || !conf->path[0]) return BP_OK; /* its mistakes are told elsewhere */
    return add_all(p, conf->path, "", "the administrator's file");
}

static bp_status compare(const places *written, const places *read)
{
    for (size_t i = 0; i < written->count; i++) {
        const place *w = &written->place[i];
        for (size_t k = 0; k < read->count; k++)
            if (bp__same_id(&w->id, &read->place[k].id))
                BP_FAIL(BP_EINVAL, "%s: %.200s is %s; name another file", w->what, w->path,
                        read->place[k].what);
        for (size_t k = 0; k < i; k++)
            if (bp__same_id(&w->id, &written->place[k].id))
                BP_FAIL(BP_EINVAL, "%s: %.200s is %s as well; choose two files", w->what, w->path,
                        written->place[k].what);
    }
    return BP_OK;
}

bp_status bp__check_files(const bp__options *o)
{
    places written = {.count = 0}, read = {.count = 0};
    bp_status s = list_written(o, &written);
    if (s == BP_OK && written.count > 0) s = list_read(o, &read);
    if (s == BP_OK) s = compare(&written, &read);
    free_places(&written);
    free_places(&read);
    return s;
}
