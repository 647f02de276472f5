/* Which assets of assets-N.sqlite there are, under which symbols, for how long. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "io/ingest/wanted.h"
#include "io/ingest/zipline_tables.h"

/* Symbols --------------------------------------------------------------------------------------- */

static int by_symbol(const void *a, const void *b)
{
    const bp__zipline_mapping *x = a, *y = b;
    const int order = strcmp(x->symbol, y->symbol);
    if (order) return order;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return (x->sid > y->sid) - (x->sid < y->sid);
}

/* Two assets with one symbol at one time: within a country no look-up could tell which is meant. */
static void check_owners(const bp__zipline_tables *r)
{
    const bp__zipline_mapping *owner = NULL; /* of the symbol, with the latest end so far */
    char day[32];
    for (size_t i = 0; i < r->mappings.n; i++) {
        const bp__zipline_mapping *m = &r->mappings.row[i];
        const bool same = owner && strcmp(owner->symbol, m->symbol) == 0;
        if (same && m->start <= owner->end && m->sid != owner->sid) {
            const bool abroad = strcmp(m->country, owner->country) != 0;
            bp__report_add(r->z->in->report, abroad ? BP__WARNING : BP__ERROR, r->db.path, 0,
                           "equity_symbol_mappings: symbol %s belongs to sid %" PRId64 " and to sid %" PRId64
                           " on %s%s",
                           m->symbol, owner->sid, m->sid, bp__day_text(m->start, day),
                           abroad ? ", in two countries: looking it up is ambiguous" : "");
        }
        if (!same || m->end > owner->end) owner = m;
    }
}

static bool is_anybodys(const void *source, const char *symbol)
{
    const bp__zipline_tables *r = source;
    for (size_t i = 0; i < r->mappings.n; i++)
        if (strcmp(r->mappings.row[i].symbol, symbol) == 0) return true;
    return false;
}

/* By sid, and that which was held last comes last. */
static int by_holder(const void *a, const void *b)
{
    const bp__zipline_mapping *x = a, *y = b;
    if (x->sid != y->sid) return x->sid < y->sid ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return strcmp(x->symbol, y->symbol);
}

/* The symbol that an asset had last is its own, as with zipline.
 * @param[in,out] at  the first mapping of this sid or a later one, by_holder() @param[out] asked  whether it
 * is asked for */
static bp_status name_asset(const bp__zipline_tables *r, bp__draft_asset *a, size_t *at, bool *asked)
{
    const bp__zipline_mapping *last = NULL;
    const char *list = r->z->in->options->symbols;
    *asked = list == NULL;
    for (; *at < r->mappings.n && r->mappings.row[*at].sid <= a->sid; ++*at) {
        last = &r->mappings.row[*at]; /* each of them is of an asset, and these ascend as well */
        if (list && bp__wanted_has(list, last->symbol)) *asked = true;
    }
    if (last) {
        a->symbol = strdup(last->symbol);
    } else {
        if (asprintf(&a->symbol, "%" PRId64, a->sid) < 0) a->symbol = NULL;
        bp__report_add(r->z->in->report, BP__WARNING, r->db.path, 0,
                       "sid %" PRId64 " has no symbol: it is called by its number", a->sid);
    }
    if (!a->symbol) BP_FAIL(BP_ENOMEM, "%s: no memory", r->db.path);
    return BP_OK;
}

/* Into the draft -------------------------------------------------------------------------------- */

/* One country is that of the file; if there are several, that of most assets. */
static void choose_country(const bp__zipline_tables *r)
{
    const char *best = "";
    size_t most = 0, countries = 0;
    for (size_t e = 0; e < r->exchanges.n; e++) {
        const char *country = r->exchanges.row[e].country;
        size_t n = 0;
        bool earlier = false;
        for (size_t i = 0; i < e; i++) earlier |= strcmp(r->exchanges.row[i].country, country) == 0;
        for (size_t i = 0; i < r->assets.n && !earlier; i++) {
            const bp__zipline_exchange *own = bp__zipline_exchange_of(r, r->assets.row[i].exchange);
            n += own && strcmp(own->country, country) == 0;
        }
        countries += n > 0;
        if (n > most) best = country;
        if (n > most) most = n;
    }
    bp__draft *draft = r->z->in->draft;
    if (strspn(best, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(best) && strlen(best) == 2)
        snprintf(draft->country, sizeof draft->country, "%s", best);
    if (countries > 1)
        bp__report_add(r->z->in->report, BP__NOTE, r->db.path, 0,
                       "assets of %zu countries go into one bundle, which calls itself %s", countries,
                       draft->country);
}

static bp_status hand_over_asset(const bp__zipline_tables *r, const bp__draft_asset *a)
{
    bp__draft_asset given = *a;
    const bp__zipline_exchange *e = bp__zipline_exchange_of(r, a->exchange);
    if (e && *e->name) given.exchange = e->name;
    if (e && strcmp(e->country, "US") == 0 && !r->z->in->options->currency) strcpy(given.currency, "USD");
    BP_TRY(bp__draft_add_asset(r->z->in->draft, &given));
    const bp__zipline_asset asset = {
        .sid = a->sid,
        .start = a->start_date == BP_TIME_MISSING ? BP_TIME_MISSING : bp__day_of(a->start_date),
        .end = a->end_date == BP_TIME_MISSING ? INT64_MAX : bp__day_of(a->end_date)};
    BP__APPEND(&r->z->assets, asset);
    return BP_OK;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bp_status hand_over(bp__zipline_tables *r)
{
    bp__zipline *z = r->z;
    if (r->mappings.n > 1) qsort(r->mappings.row, r->mappings.n, sizeof *r->mappings.row, by_holder);
    for (size_t i = 0, at = 0; i < r->assets.n; i++) {
        bool asked;
        BP_TRY(name_asset(r, &r->assets.row[i], &at, &asked));
        if (asked)
            BP_TRY(hand_over_asset(r, &r->assets.row[i]));
        else
            BP__APPEND(&z->known, r->assets.row[i].sid);
    }
    if (z->known.n > 1) qsort(z->known.row, z->known.n, sizeof *z->known.row, by_number);
    for (size_t i = 0; i < r->mappings.n; i++) {
        const bp__zipline_mapping *m = &r->mappings.row[i];
        if (!bp__zipline_asset_of(z, m->sid)) continue;
        const bp__draft_mapping to = {m->sid, m->symbol, m->start, m->end};
        BP_TRY(bp__draft_add_mapping(z->in->draft, &to));
    }
    return BP_OK;
}

static bp_status put_together(bp__zipline_tables *r)
{
    if (r->mappings.n > 1) qsort(r->mappings.row, r->mappings.n, sizeof *r->mappings.row, by_symbol);
    check_owners(r);
    BP_TRY(bp__wanted_check(r->z->in->options->symbols, r->db.path, is_anybodys, r));
    choose_country(r);
    return hand_over(r);
}

bp_status bp__zipline_read_assets(bp__zipline *z)
{
    bp__zipline_tables tables;
    bp_status s = bp__zipline_tables_read(z, &tables);
    if (s == BP_OK) s = put_together(&tables);
    bp__zipline_tables_fini(&tables);
    return s;
}
