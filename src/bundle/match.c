#include "bundle/match.h"

#include <stdlib.h>
#include <string.h>

#include "core/search.h"
#include "reader/audit_columns.h"

/* Assets of a bundle ------------------------------------------------------------------------------- */

static int by_sid(const void *a, const void *b)
{
    const bp__party *x = a, *y = b;
    return x->sid < y->sid ? -1 : x->sid > y->sid;
}

static bp_status collect(const bp_bundle *bundle, bp__party **party, size_t *n)
{
    static const bp_column table[] = {BP_COL_ASSET_SID, BP_COL_SID, BP_COL_MINUTE_SID};
    size_t all = 0, used = 0;
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t rows;
        bp__audit_column(bundle, table[k], &rows);
        all += rows;
    }
    *n = 0;
    *party = calloc(all + 1, sizeof **party);
    if (!*party) BP_FAIL(BP_ENOMEM, "no memory to compare %zu assets", all);
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        size_t rows;
        const int64_t *sid = bp__audit_column(bundle, table[k], &rows);
        for (size_t i = 0; i < rows; i++)
            (*party)[used++] = (bp__party){.sid = sid[i], .other = BP__NO_MATCH};
    }
    qsort(*party, used, sizeof **party, by_sid);
    for (size_t i = 0; i < used; i++)
        if (i == 0 || (*party)[i].sid != (*party)[*n - 1].sid) (*party)[(*n)++] = (*party)[i];
    for (size_t i = 0; i < *n; i++) (*party)[i].symbol = bp__audit_symbol(bundle, (*party)[i].sid);
    return BP_OK;
}

size_t bp__match_find(const bp__match *m, int side, int64_t sid)
{
    const bp__party key = {.sid = sid}, *p = m->party[side];
    const bp__party *found = m->n[side] ? bsearch(&key, p, m->n[side], sizeof *p, by_sid) : NULL;
    return found ? (size_t)(found - p) : BP__NO_MATCH;
}

/* Matching ----------------------------------------------------------------------------------------- */

static void join(bp__match *m, size_t a, size_t b)
{
    m->party[0][a].other = b;
    m->party[1][b].other = a;
}

static void match_both(bp__match *m)
{
    for (size_t a = 0; a < m->n[0]; a++) {
        const size_t b = bp__match_find(m, 1, m->party[0][a].sid);
        if (b != BP__NO_MATCH && strcmp(m->party[0][a].symbol, m->party[1][b].symbol) == 0) join(m, a, b);
    }
}

static int by_symbol(const void *a, const void *b)
{
    const bp__party *x = *(bp__party *const *)a, *y = *(bp__party *const *)b;
    const int c = strcmp(x->symbol, y->symbol);
    return c != 0 ? c : by_sid(x, y);
}

/* Those without a match, by symbol. */
static bp_status sort_rest(const bp__match *m, int side, bp__party ***rest, size_t *n)
{
    *n = 0;
    *rest = calloc(m->n[side] + 1, sizeof **rest);
    if (!*rest) BP_FAIL(BP_ENOMEM, "no memory to compare %zu assets", m->n[side]);
    for (size_t i = 0; i < m->n[side]; i++)
        if (m->party[side][i].other == BP__NO_MATCH) (*rest)[(*n)++] = &m->party[side][i];
    qsort(*rest, *n, sizeof **rest, by_symbol);
    return BP_OK;
}

static bp_status match_symbols(bp__match *m)
{
    bp__party **rest[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    bp_status s = sort_rest(m, 0, &rest[0], &n[0]);
    if (s == BP_OK) s = sort_rest(m, 1, &rest[1], &n[1]);
    for (size_t a = 0, b = 0; s == BP_OK && a < n[0] && b < n[1];) {
        const int c = strcmp(rest[0][a]->symbol, rest[1][b]->symbol);
        if (c == 0 && *rest[0][a]->symbol)
            join(m, (size_t)(rest[0][a] - m->party[0]), (size_t)(rest[1][b] - m->party[1]));
        if (c <= 0) a++;
        if (c >= 0) b++;
    }
    free(rest[0]);
    free(rest[1]);
    return s;
}

/* Whether more than half of the closes that both have are the same. */
static bool same_closes(const bp__match *m, int64_t sid)
{
    const bp_bundle *a = m->bundle[0], *b = m->bundle[1];
    const size_t d[2] = {bp_bundle_num_sessions(a), bp_bundle_num_sessions(b)};
    const int64_t *day[2] = {bp_bundle_sessions(a), bp_bundle_sessions(b)};
    size_t row[2], both = 0, same = 0;
    if (bp__failed(bp_bundle_row(a, sid, &row[0])) || bp__failed(bp_bundle_row(b, sid, &row[1])))
        return false;
    const double *x = bp_bundle_daily(a, BP_COL_CLOSE) + row[0] * d[0];
    const double *y = bp_bundle_daily(b, BP_COL_CLOSE) + row[1] * d[1];
    for (size_t i = 0, k = 0; i < d[0] && k < d[1];) {
        if (day[0][i] == day[1][k] && bp__audit_priced(x[i]) && bp__audit_priced(y[k])) {
            both++;
            same += x[i] == y[k];
        }
        const int64_t left = day[0][i], right = day[1][k];
        i += left <= right;
        k += right <= left;
    }
    return same * 2 > both;
}

static void match_renamed(bp__match *m)
{
    for (size_t a = 0; a < m->n[0]; a++) {
        if (m->party[0][a].other != BP__NO_MATCH) continue;
        const size_t b = bp__match_find(m, 1, m->party[0][a].sid);
        if (b != BP__NO_MATCH && m->party[1][b].other == BP__NO_MATCH && same_closes(m, m->party[0][a].sid))
            join(m, a, b);
    }
}

bp_status bp__match_init(const bp_bundle *a, const bp_bundle *b, bp__match *m)
{
    *m = (bp__match){.bundle = {a, b}};
    BP_TRY(collect(a, &m->party[0], &m->n[0]));
    BP_TRY(collect(b, &m->party[1], &m->n[1]));
    match_both(m);
    BP_TRY(match_symbols(m));
    match_renamed(m);
    return BP_OK;
}

void bp__match_fini(bp__match *m)
{
    free(m->party[0]);
    free(m->party[1]);
    *m = (bp__match){0};
}
