#include "search/trading.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

static bool read_day(const char *value, int64_t *ns)
{
    int64_t day;
    if (strcmp(value, "of the bundle") == 0) return true; /* what it is at first */
    if (sscanf(value, "day %" SCNd64, &day) != 1 || day > INT64_MAX / BP_NS_PER_DAY ||
        day < INT64_MIN / BP_NS_PER_DAY)
        return false;
    *ns = day * BP_NS_PER_DAY;
    return true;
}

static bool read_symbols(const char *list, bp__spec *spec)
{
    size_t n = 1;
    if (strcmp(list, "(all)") == 0) return true;
    if (spec->symbols) return false;
    for (const char *c = list; *c; c++) n += *c == ',';
    spec->symbols = calloc(n + 1, sizeof *spec->symbols);
    for (size_t i = 0; spec->symbols && i < n; i++) {
        const size_t length = strcspn(list, ",");
        spec->symbols[i] = strndup(list, length);
        if (!spec->symbols[i]) break;
        list += length + 1;
    }
    return spec->symbols && spec->symbols[n - 1];
}

/* One of several words. @param[out] word  which */
static bool find_word(const char *value, const char *const *words, unsigned *word)
{
    for (*word = 0; words[*word]; ++*word)
        if (strcmp(value, words[*word]) == 0) return true;
    return false;
}

static bool read_count(const char *value, uint32_t *n)
{
    if (strcmp(value, "never") == 0) return *n = 0, true;
    return sscanf(value, "%" SCNu32, n) == 1;
}

static bool read_number(const char *value, double *x)
{
    return bp__number_from(value, strlen(value), x);
}

/* A line of put_account(). @return false: it is none, or no value that such a line has */
static bool read_account(const char *key, const char *value, bp__spec *spec)
{
    static const char *const lots[] = {"whole", "fractional", NULL}, *const short_sales[] = {"no", "yes",
                                                                                             NULL};
    bp__account *a = &spec->account;
    unsigned word = 0;
    bool read = false;
    if (strcmp(key, "cash") == 0) read = read_number(value, &a->cash);
    if (strcmp(key, "commission") == 0) read = bp__commission_from(value, a, &(bool){false}) == BP_OK;
    if (strcmp(key, "slippage") == 0) read = bp__slippage_from(value, a, &(bool){false}) == BP_OK;
    if (strcmp(key, "fill") == 0 && (read = find_word(value, bp__fill_names, &word)))
        a->fill = (bp__fill)word;
    if (strcmp(key, "lots") == 0 && (read = find_word(value, lots, &word))) a->fractional = word == 1;
    if (strcmp(key, "short") == 0 && (read = find_word(value, short_sales, &word)))
        a->allow_short = word == 1;
    if (strcmp(key, "max-leverage") == 0) {
        const bool none = strcmp(value, "none") == 0;
        if (none) a->max_leverage = INFINITY;
        read = none || read_number(value, &a->max_leverage);
    }
    if (strcmp(key, "expire") == 0) read = read_count(value, &a->expire);
    if (strcmp(key, "dividends") == 0 && (read = find_word(value, bp__dividends_names, &word)))
        a->dividends = (bp__dividends)word;
    if (strcmp(key, "delisted-after") == 0) read = read_count(value, &spec->delisted_after);
    return read;
}

bool bp__trading_read(const char *line, bp__spec *spec, bool *known)
{
    static const char *const account[] = {"cash",  "commission",   "slippage", "fill",      "lots",
                                          "short", "max-leverage", "expire",   "dividends", "delisted-after",
                                          NULL};
    const size_t n = strcspn(line, " ");
    const char *value = line[n] ? line + n + 1 : line + n;
    char key[32];
    unsigned word;
    snprintf(key, sizeof key, "%.*s", n < sizeof key ? (int)n : 0, line);
    *known = true;
    if (strcmp(key, "start") == 0) return read_day(value, &spec->start);
    if (strcmp(key, "end") == 0) return read_day(value, &spec->end);
    if (strcmp(key, "symbols") == 0) return read_symbols(value, spec);
    *known = find_word(key, account, &word);
    return *known && read_account(key, value, spec);
}
