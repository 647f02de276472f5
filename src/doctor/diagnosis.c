#include <string.h>

#include "core/json.h"
#include "core/text.h"
#include "core/version.h"
#include "doctor/doctor.h"

static const char *const healths[] = {[BP__GOOD] = "good", [BP__WARN] = "warn", [BP__BAD] = "bad"};

size_t bp__diagnosis_count(const bp__diagnosis *diagnosis, bp__health health)
{
    size_t count = 0;
    for (size_t i = 0; i < diagnosis->count; i++) count += diagnosis->remark[i].health == health;
    return count;
}

/* For people ------------------------------------------------------------------------------------ */

bool bp__remarks_alike(const bp__remark *a, const bp__remark *b)
{
    if (strcmp(a->what, b->what) != 0 || a->health != b->health) return false;
    return a->health == BP__GOOD || (strcmp(a->value, b->value) == 0 && strcmp(a->remedy, b->remedy) == 0);
}

static bool is_first_of_line(const bp__diagnosis *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (bp__remarks_alike(&r->remark[k], &r->remark[i])) return false;
    return true;
}

static bool is_first_of_host(const bp__diagnosis *r, size_t first, size_t i)
{
    for (size_t k = first; k < i; k++)
        if (bp__remarks_alike(&r->remark[k], &r->remark[i]) &&
            strcmp(r->remark[k].host, r->remark[i].host) == 0)
            return false;
    return true;
}

/* Hosts of the remarks that are like the i-th, each once. */
static size_t count_hosts(const bp__diagnosis *r, size_t i)
{
    size_t count = 0;
    for (size_t k = i; k < r->count; k++)
        count += bp__remarks_alike(&r->remark[i], &r->remark[k]) && is_first_of_host(r, i, k);
    return count;
}

static bool has_several_hosts(const bp__diagnosis *r)
{
    const char *first = "";
    for (size_t i = 0; i < r->count; i++) {
        const char *host = r->remark[i].host;
        if (!first[0]) first = host;
        if (host[0] && strcmp(host, first) != 0) return true;
    }
    return false;
}

static bool is_first_of_probe(const bp__diagnosis *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->remark[k].what, r->remark[i].what) == 0) return false;
    return true;
}

static void put_remark(FILE *file, const bp__diagnosis *r, size_t i, bool several)
{
    const bp__remark *f = &r->remark[i];
    char where[128] = "";
    const size_t others = count_hosts(r, i) - 1;
    if (several && f->host[0] && others == 0) snprintf(where, sizeof where, " (%s)", f->host);
    if (several && f->host[0] && others > 0)
        snprintf(where, sizeof where, " (%s and %zu more)", f->host, others);
    bp__text_line(file, "%-4s  %s%s: %s%s%s", healths[f->health], f->what, where, f->value,
                  f->remedy[0] ? "  — " : "", f->remedy);
}

void bp__diagnosis_text(FILE *file, const bp__diagnosis *diagnosis)
{
    const bool several = has_several_hosts(diagnosis);
    for (size_t i = 0; i < diagnosis->count; i++) { /* a probe's lines stand together */
        if (!is_first_of_probe(diagnosis, i)) continue;
        for (size_t k = i; k < diagnosis->count; k++)
            if (strcmp(diagnosis->remark[k].what, diagnosis->remark[i].what) == 0 &&
                is_first_of_line(diagnosis, k))
                put_remark(file, diagnosis, k, several);
    }
}

/* For programs ---------------------------------------------------------------------------------- */

void bp__diagnosis_json(FILE *file, const bp__diagnosis *diagnosis)
{
    bp__json j = {.file = file};
    bp__json_open(&j, NULL, '{');
    bp__json_text(&j, "program", diagnosis->program);
    bp__json_text(&j, "version", BP_VERSION_STRING);
    if (diagnosis->num_ranks > 0) bp__json_int(&j, "ranks", diagnosis->num_ranks);
    bp__json_int(&j, "bad", (int64_t)bp__diagnosis_count(diagnosis, BP__BAD));
    bp__json_int(&j, "warn", (int64_t)bp__diagnosis_count(diagnosis, BP__WARN));
    bp__json_open(&j, "findings", '[');
    for (size_t i = 0; i < diagnosis->count; i++) {
        const bp__remark *f = &diagnosis->remark[i];
        bp__json_open(&j, NULL, '{');
        bp__json_text(&j, "health", healths[f->health]);
        bp__json_text(&j, "what", f->what);
        bp__json_text(&j, "host", f->host);
        bp__json_text(&j, "value", f->value);
        bp__json_text(&j, "remedy", f->remedy);
        bp__json_close(&j, '}');
    }
    bp__json_close(&j, ']');
    bp__json_close(&j, '}');
    fputc('\n', file);
}
