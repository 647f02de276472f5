#include "optimizer/lists.h"

#include <stdio.h>

#include "backtest/backtest.h"
#include "core/json.h"
#include "core/text.h"

#define LARGEST_WHOLE 9007199254740991.0 /* beyond it a range says nothing */

static const char *form_of(const bp_strategy *s)
{
    return s->signals ? "signals" : s->weights ? "weights" : "decide";
}

static bool is_required(const bp__options *o, const bp_strategy *s, size_t param)
{
    return o->provided_by && o->provided_by->is_required && o->provided_by->is_required(s, param);
}

static void print_param(const bp_param *p, bool required)
{
    char number[32];
    const bool word = p->kind == BP_PARAM_WORD;
    bp__text_print(stdout, "    --param %-10s  %s; ", p->name, p->help);
    if (!word) bp__text_print(stdout, "a %snumber", p->kind == BP_PARAM_INTEGER ? "whole " : "");
    for (size_t i = 0; word && p->words[i]; i++)
        bp__text_print(stdout, "%s%s", i == 0 ? "" : " or ", p->words[i]);
    if (!word && (p->min > -LARGEST_WHOLE || p->max < LARGEST_WHOLE))
        printf(" from %.10g to %.10g", p->min, p->max);
    snprintf(number, sizeof number, "%.10g", p->fallback);
    if (!required) bp__text_print(stdout, ", default %s", word ? p->words[(size_t)p->fallback] : number);
    putchar('\n');
}

static void print_strategy(const bp__options *o, const bp_strategy *s)
{
    bp__text_line(stdout, "%s", s->name);
    bp__text_line(stdout, "    %s", s->help);
    for (size_t i = 0; i < s->num_params; i++) print_param(&s->param[i], is_required(o, s, i));
}

static void print_param_json(bp__json *j, const bp_param *p, bool required)
{
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "name", p->name);
    bp__json_text(j, "help", p->help);
    bp__json_bool(j, "integer", p->kind == BP_PARAM_INTEGER);
    if (p->kind == BP_PARAM_WORD) {
        bp__json_open(j, "words", '[');
        for (size_t i = 0; p->words[i]; i++) bp__json_text(j, NULL, p->words[i]);
        bp__json_close(j, ']');
        if (!required) bp__json_text(j, "default", p->words[(size_t)p->fallback]);
    } else {
        bp__json_number(j, "min", p->min);
        bp__json_number(j, "max", p->max);
        if (!required) bp__json_number(j, "default", p->fallback);
    }
    if (required) bp__json_bool(j, "required", true);
    bp__json_close(j, '}');
}

static void print_strategy_json(const bp__options *o, bp__json *j, const bp_strategy *s)
{
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "name", s->name);
    bp__json_text(j, "help", s->help);
    bp__json_text(j, "form", form_of(s));
    bp__json_open(j, "parameters", '[');
    for (size_t i = 0; i < s->num_params; i++) print_param_json(j, &s->param[i], is_required(o, s, i));
    bp__json_close(j, ']');
    bp__json_close(j, '}');
}

/* The i-th of those that are asked for, NULL past the last. */
static const bp_strategy *strategy_at(const bp__options *o, unsigned i)
{
    if (o->listed) return i == 0 ? o->listed : NULL;
    if (o->provided_by) return i < o->provided.count ? o->provided.strategy[i] : NULL;
    return bp__builtin_at(i);
}

void bp__print_strategies(const bp__options *o)
{
    const bp_strategy *s;
    bp__json j = {.file = stdout};
    if (o->json) bp__json_open(&j, NULL, '[');
    for (unsigned i = 0; (s = strategy_at(o, i)) != NULL; i++) {
        if (o->json) {
            print_strategy_json(o, &j, s);
        } else {
            if (i > 0) putchar('\n');
            print_strategy(o, s);
        }
    }
    if (o->json) bp__json_close(&j, ']');
}

void bp__print_metrics(bool json)
{
    bp__json j = {.file = stdout};
    if (json) bp__json_open(&j, NULL, '[');
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        const bp__metric *m = bp__metric_at(i);
        if (!json) {
            bp__text_line(stdout, "%-16s %s; the %s first%s", m->name, m->help,
                          m->best == BP__HIGHEST ? "highest" : "lowest", m->is_default ? "; usual" : "");
            continue;
        }
        bp__json_open(&j, NULL, '{');
        bp__json_text(&j, "name", m->name);
        bp__json_text(&j, "help", m->help);
        bp__json_text(&j, "best", m->best == BP__HIGHEST ? "highest" : "lowest");
        bp__json_bool(&j, "default", m->is_default);
        bp__json_close(&j, '}');
    }
    if (json) bp__json_close(&j, ']');
}
