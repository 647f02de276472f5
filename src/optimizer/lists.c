#include "optimizer/lists.h"

#include <stdio.h>

#include "backtest/backtest.h"
#include "core/json.h"

static void print_strategy(const bp__strategy *s)
{
    unsigned n;
    const bp__param *p = bp__strategy_params(s, &n);
    printf("%s\n    %s\n", bp__strategy_name(s), bp__strategy_help(s));
    for (unsigned i = 0; i < n; i++)
        printf("    --param %-10s  %s; a %snumber from %.10g to %.10g, default %.10g\n", p[i].name, p[i].help,
               p[i].integer ? "whole " : "", p[i].min, p[i].max, p[i].fallback);
}

static void print_strategy_json(bp__json *j, const bp__strategy *s)
{
    unsigned n;
    const bp__param *p = bp__strategy_params(s, &n);
    bp__json_open(j, NULL, '{');
    bp__json_text(j, "name", bp__strategy_name(s));
    bp__json_text(j, "help", bp__strategy_help(s));
    bp__json_open(j, "parameters", '[');
    for (unsigned i = 0; i < n; i++) {
        bp__json_open(j, NULL, '{');
        bp__json_text(j, "name", p[i].name);
        bp__json_text(j, "help", p[i].help);
        bp__json_bool(j, "integer", p[i].integer);
        bp__json_number(j, "min", p[i].min);
        bp__json_number(j, "max", p[i].max);
        bp__json_number(j, "default", p[i].fallback);
        bp__json_close(j, '}');
    }
    bp__json_close(j, ']');
    bp__json_close(j, '}');
}

void bp__print_strategies(bool json)
{
    const bp__strategy *s;
    bp__json j = {.file = stdout};
    if (json) bp__json_open(&j, NULL, '[');
    for (unsigned i = 0; (s = bp__strategy_at(i)) != NULL; i++) {
        if (json) {
            print_strategy_json(&j, s);
        } else {
            if (i > 0) putchar('\n');
            print_strategy(s);
        }
    }
    if (json) bp__json_close(&j, ']');
}

void bp__print_metrics(bool json)
{
    bp__json j = {.file = stdout};
    if (json) bp__json_open(&j, NULL, '[');
    for (unsigned i = 0; i < BP__NUM_METRICS; i++) {
        const bp__metric *m = bp__metric_at(i);
        if (!json) {
            printf("%-16s %s; the %s first%s\n", m->name, m->help,
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
