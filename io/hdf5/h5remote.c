#include "io/hdf5/h5remote.h"

#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5inline.h"
#include "io/hdf5/h5payload.h"
#include "io/parser/message.h"
#include "io/parser/place.h"

static bp_status nonsense(const bp__subject *file)
{
    BP_FAIL(BP_EFORMAT, "%s: damaged, or made to harm: its parser's answer makes no sense", file->label);
}

/* Plans ----------------------------------------------------------------------------------------- */

/* Copy `n` elements out of a payload. @return false: no memory */
static bool take(const char **from, uint64_t n, size_t size, void **copy)
{
    *copy = malloc(n * size + 1);
    if (!*copy) return false;
    memcpy(*copy, *from, n * size);
    *from += n * size;
    return true;
}

static bp_status receive_plan(const bp__subject *file, const char *payload, uint64_t bytes, bp__plan *plan)
{
    bp__h5_plan_payload p;
    if (bytes < sizeof p) return nonsense(file);
    memcpy(&p, payload, sizeof p);
    bytes -= sizeof p;
    if (p.head_bytes > bytes || p.num_datasets > bytes / sizeof *plan->dataset ||
        p.num_tasks > bytes / sizeof *plan->task ||
        p.head_bytes + p.num_datasets * sizeof *plan->dataset + p.num_tasks * sizeof *plan->task != bytes)
        return nonsense(file);
    const char *from = payload + sizeof p;
    plan->image_bytes = p.image_bytes;
    plan->head_bytes = p.head_bytes;
    plan->num_datasets = (uint32_t)p.num_datasets;
    plan->num_tasks = p.num_tasks;
    void *dataset = NULL, *task = NULL;
    const bool ok = take(&from, p.head_bytes, 1, &plan->head) &&
                    take(&from, p.num_datasets, sizeof *plan->dataset, &dataset) &&
                    take(&from, p.num_tasks, sizeof *plan->task, &task);
    plan->dataset = dataset;
    plan->task = task;
    if (!ok) BP_FAIL(BP_ENOMEM, "%s: no memory for its plan", file->label);
    return BP_OK;
}

bp_status bp__h5_ask_plan(const bp__subject *file, const char *country, bp__plan *plan)
{
    if (bp__parser_is_inline()) {
        BP_TRY(bp__h5_inline_plan(file, country, plan));
        return bp__plan_check(plan, file->label, file->bytes);
    }
    bp__h5_plan_argument argument = {.any_country = country == NULL};
    void *payload;
    uint64_t bytes;
    if (country && strlen(country) >= sizeof argument.country)
        BP_FAIL(BP_EFORMAT, "%s: no country group /%.40s with 'index' and 'data'", file->label, country);
    if (country) strcpy(argument.country, country);
    BP_TRY(bp__parser_ask(file, BP__H5_ASK_PLAN, &argument, sizeof argument, &payload, &bytes));
    bp_status s = receive_plan(file, payload, bytes, plan);
    free(payload);
    return bp__failed(s) ? s : bp__plan_check(plan, file->label, file->bytes);
}

/* Blocks ---------------------------------------------------------------------------------------- */

bp_status bp__h5_ask_block(const bp__subject *file, const bp__plan_dataset *dataset, uint64_t first,
                           uint64_t rows, void *raw)
{
    const bp__h5_block_argument a = {.dataset = *dataset, .first = first, .rows = rows};
    void *payload;
    uint64_t bytes;
    _Static_assert(sizeof a <= BP__PARSER_ARGUMENT, "goes with a question");
    if (bp__parser_is_inline()) return bp__h5_inline_block(file, dataset, first, rows, raw);
    BP_TRY(bp__parser_ask(file, BP__H5_ASK_BLOCK, &a, sizeof a, &payload, &bytes));
    const bool whole = bytes == rows * dataset->shape[1] * dataset->elem_bytes;
    if (whole) memcpy(raw, payload, bytes);
    free(payload);
    return whole ? BP_OK : nonsense(file);
}

/* Countries ------------------------------------------------------------------------------------- */

static bool sound_countries(const bp__h5countries *countries)
{
    if (countries->n == 0 || countries->n > BP__H5_MAX_COUNTRIES) return false;
    for (size_t i = 0; i < countries->n; i++)
        if (!memchr(countries->name[i], '\0', sizeof countries->name[i])) return false;
    return true;
}

bp_status bp__h5_ask_countries(const bp__subject *file, bp__h5countries *countries)
{
    void *payload;
    uint64_t bytes;
    if (bp__parser_is_inline()) return bp__h5_inline_countries(file, countries);
    BP_TRY(bp__parser_ask(file, BP__H5_ASK_COUNTRIES, NULL, 0, &payload, &bytes));
    bool sound = bytes == sizeof *countries;
    if (sound) memcpy(countries, payload, sizeof *countries);
    free(payload);
    sound = sound && sound_countries(countries);
    return sound ? BP_OK : nonsense(file);
}

/* Origins --------------------------------------------------------------------------------------- */

/* A text of `bytes`, which is to end with its only NUL. */
static bool take_text(const char **from, uint64_t bytes, char **text)
{
    if (bytes == 0) return true;
    if (memchr(*from, '\0', bytes) != *from + bytes - 1) return false;
    void *copy = NULL;
    if (!take(from, bytes, 1, &copy)) return false;
    *text = copy;
    return true;
}

static bool receive_origin(const char *payload, uint64_t bytes, bp__origin *origin)
{
    bp__h5_origin_payload p;
    if (bytes < sizeof p) return false;
    memcpy(&p, payload, sizeof p);
    bytes -= sizeof p;
    if (p.path_bytes > bytes || p.options_bytes != bytes - p.path_bytes) return false;
    if (!memchr(p.maker, '\0', sizeof p.maker) || !memchr(p.source, '\0', sizeof p.source) ||
        !memchr(p.content, '\0', sizeof p.content))
        return false;
    memcpy(origin->maker, p.maker, sizeof p.maker);
    memcpy(origin->source, p.source, sizeof p.source);
    memcpy(origin->content, p.content, sizeof p.content);
    origin->time = p.time;
    origin->files = p.files;
    origin->stamp = p.stamp;
    const char *from = payload + sizeof p;
    return take_text(&from, p.path_bytes, &origin->path) &&
           take_text(&from, p.options_bytes, &origin->options);
}

bp_status bp__h5_ask_origin(const bp__subject *file, bp__origin *origin)
{
    void *payload;
    uint64_t bytes;
    if (bp__parser_is_inline()) return bp__h5_inline_origin(file, origin);
    BP_TRY(bp__parser_ask(file, BP__H5_ASK_ORIGIN, NULL, 0, &payload, &bytes));
    const bool sound = receive_origin(payload, bytes, origin);
    free(payload);
    return sound ? BP_OK : nonsense(file);
}
