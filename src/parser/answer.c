#include "parser/answer.h"

#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5inline.h"
#include "io/hdf5/h5payload.h"

static bp_status send_plan(const bp__plan *plan, bp__outbox *outbox)
{
    const bp__h5_plan_payload payload = {plan->image_bytes, plan->head_bytes, plan->num_datasets,
                                         plan->num_tasks};
    const uint64_t datasets = plan->num_datasets * sizeof *plan->dataset,
                   tasks = plan->num_tasks * sizeof *plan->task;
    const uint64_t total = sizeof payload + plan->head_bytes + datasets + tasks;
    BP_TRY(bp__outbox_put(outbox, total, &payload, sizeof payload));
    BP_TRY(bp__outbox_put(outbox, total, plan->head, plan->head_bytes));
    BP_TRY(bp__outbox_put(outbox, total, plan->dataset, datasets));
    return tasks == 0 ? BP_OK : bp__outbox_put(outbox, total, plan->task, tasks);
}

static bp_status answer_plan(const bp__question *question, const bp__subject *file, bp__outbox *outbox)
{
    bp__plan plan = {.head = NULL};
    bp__h5_plan_argument argument;
    memcpy(&argument, question->argument, sizeof argument);
    bp_status s = bp__h5_inline_plan(file, argument.any_country ? NULL : argument.country, &plan);
    if (s == BP_OK) s = send_plan(&plan, outbox);
    bp__plan_fini(&plan);
    return s;
}

static bp_status answer_block(const bp__question *question, const bp__subject *file, bp__outbox *outbox)
{
    bp__h5_block_argument a;
    memcpy(&a, question->argument, sizeof a);
    const uint64_t bytes = a.rows * a.dataset.shape[1] * a.dataset.elem_bytes;
    void *raw = malloc(bytes);
    if (!raw)
        BP_FAIL(BP_ENOMEM, "%s: %s: no memory for %llu bytes", file->label, a.dataset.path,
                (unsigned long long)bytes);
    bp_status s = bp__h5_inline_block(file, &a.dataset, a.first, a.rows, raw);
    if (s == BP_OK) s = bp__outbox_put(outbox, bytes, raw, bytes);
    free(raw);
    return s;
}

static bp_status answer_countries(const bp__subject *file, bp__outbox *outbox)
{
    bp__h5countries countries = {.n = 0};
    BP_TRY(bp__h5_inline_countries(file, &countries));
    return bp__outbox_put(outbox, sizeof countries, &countries, sizeof countries);
}

static uint64_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static bp_status send_origin(const bp__origin *origin, bp__outbox *outbox)
{
    bp__h5_origin_payload p = {.time = origin->time,
                               .files = origin->files,
                               .stamp = origin->stamp,
                               .path_bytes = text_bytes(origin->path),
                               .options_bytes = text_bytes(origin->options)};
    const uint64_t total = sizeof p + p.path_bytes + p.options_bytes;
    memcpy(p.maker, origin->maker, sizeof p.maker);
    memcpy(p.source, origin->source, sizeof p.source);
    memcpy(p.content, origin->content, sizeof p.content);
    BP_TRY(bp__outbox_put(outbox, total, &p, sizeof p));
    if (p.path_bytes > 0) BP_TRY(bp__outbox_put(outbox, total, origin->path, p.path_bytes));
    return p.options_bytes == 0 ? BP_OK : bp__outbox_put(outbox, total, origin->options, p.options_bytes);
}

static bp_status answer_origin(const bp__subject *file, bp__outbox *outbox)
{
    bp__origin origin = {.path = NULL};
    bp_status s = bp__h5_inline_origin(file, &origin);
    if (s == BP_OK) s = send_origin(&origin, outbox);
    bp__origin_fini(&origin);
    return s;
}

bp_status bp__answer_about_h5(const bp__question *question, int fd, bp__outbox *outbox)
{
    const bp__subject file = {.label = question->label, .fd = fd, .bytes = question->file_bytes};
    switch ((bp__h5_question)question->what) {
    case BP__H5_ASK_PLAN: return answer_plan(question, &file, outbox);
    case BP__H5_ASK_BLOCK: return answer_block(question, &file, outbox);
    case BP__H5_ASK_COUNTRIES: return answer_countries(&file, outbox);
    case BP__H5_ASK_ORIGIN: return answer_origin(&file, outbox);
    }
    BP_FAIL(BP_EINVAL, "%s: an unknown question", file.label);
}
