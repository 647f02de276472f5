#include "io/ingest/sidefile.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/day.h"
#include "io/ingest/sidetext.h"

#define NUM(array) (sizeof(array) / sizeof *(array))

/* Assets ---------------------------------------------------------------------------------------- */

enum { SID, SYMBOL, NAME, EXCHANGE, CURRENCY, START, END, FIRST, CLOSE, STEM, FACTORS };

static const char *const asset_columns[] = {"sid",
                                            "symbol",
                                            "name",
                                            "exchange",
                                            "currency",
                                            "start_date",
                                            "end_date",
                                            "first_traded",
                                            "auto_close_date",
                                            "file",
                                            "price_factor",
                                            "volume_factor",
                                            "minute_price_factor",
                                            "minute_volume_factor"};

static void free_asset(bp__side_asset *a)
{
    free(a->asset.symbol);
    free(a->asset.name);
    free(a->asset.exchange);
    free(a->file);
}

void bp__side_fini(bp__side *side)
{
    for (size_t i = 0; i < side->assets.n; i++) free_asset(&side->assets.row[i]);
    free(side->assets.row);
    free(side->lines.row);
    *side = (bp__side){0};
}

static bp_status read_strings(bp__side_text *t, bp__side_asset *a)
{
    BP_TRY(bp__side_string(t, SYMBOL, &a->asset.symbol));
    BP_TRY(bp__side_string(t, t->at[NAME] == SIZE_MAX ? SYMBOL : NAME, &a->asset.name));
    BP_TRY(bp__side_string(t, EXCHANGE, &a->asset.exchange));
    if (t->at[EXCHANGE] == SIZE_MAX) {
        free(a->asset.exchange);
        if (!(a->asset.exchange = strdup("CSVDIR"))) BP_FAIL(BP_ENOMEM, "%s: no memory", t->path);
    }
    return bp__side_string(t, bp__side_cell(t, STEM)->size > 0 ? STEM : SYMBOL, &a->file);
}

static void read_currency(bp__side_text *t, bp__side_asset *a)
{
    const bp__csv_field *f = bp__side_cell(t, CURRENCY);
    const char *given = t->work->in->options->currency;
    memcpy(a->asset.currency, given ? given : BP_NO_CURRENCY, 3);
    if (f->size == 3)
        memcpy(a->asset.currency, f->text, 3);
    else if (f->size > 0)
        bp__side_error(t, "column 'currency': '%.*s' is not 3 letters long",
                       (int)(f->size < 20 ? f->size : 20), f->text);
}

static bool is_backwards(int64_t start, int64_t end)
{
    return start != BP_TIME_MISSING && end != BP_TIME_MISSING && end < start;
}

static void check_life(bp__side_text *t, const bp__draft_asset *a)
{
    char start[32], end[32];
    if (is_backwards(a->start_date, a->end_date))
        bp__side_error(t, "the asset ends on %s, before it starts on %s", bp__day_text(a->end_date, end),
                       bp__day_text(a->start_date, start));
}

static bp_status read_asset(bp__side_text *t, bp__side_asset *a)
{
    int64_t *const dates[] = {&a->asset.start_date, &a->asset.end_date, &a->asset.first_traded,
                              &a->asset.auto_close_date};
    BP_TRY(read_strings(t, a));
    bp__side_whole(t, SID, &a->asset.sid);
    for (size_t i = 0; i < NUM(dates); i++) bp__side_time(t, START + i, dates[i]);
    for (size_t i = 0; i < BP__NUM_FRAMES * BP__NUM_SCALES; i++) {
        double *factor = &a->factor[i / BP__NUM_SCALES][i % BP__NUM_SCALES];
        if (bp__side_number(t, FACTORS + i, factor) && *factor < 0)
            bp__side_error(t, "column '%s': a factor of %g is negative", asset_columns[FACTORS + i], *factor);
    }
    read_currency(t, a);
    check_life(t, &a->asset);
    const char *problem = bp__symbol_problem(a->asset.symbol);
    if (problem) bp__side_error(t, "column 'symbol': a symbol that %s", problem);
    return BP_OK;
}

static int by_sid(const void *a, const void *b)
{
    const bp__side_asset *x = *(bp__side_asset *const *)a, *y = *(bp__side_asset *const *)b;
    if (x->asset.sid != y->asset.sid) return x->asset.sid < y->asset.sid ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* A sid that is there again is an error, and its further rows go: series and assets are told apart by sids. */
static bp_status drop_repeated(bp__side_text *t, bp__side *side)
{
    bp__side_asset *row = side->assets.row, **sorted = malloc((side->assets.n + 1) * sizeof *sorted);
    if (!sorted) BP_FAIL(BP_ENOMEM, "%s: no memory", t->path);
    for (size_t i = 0; i < side->assets.n; i++) sorted[i] = &row[i];
    if (side->assets.n > 1) qsort(sorted, side->assets.n, sizeof *sorted, by_sid);
    const bp__side_asset *first = side->assets.n > 0 ? sorted[0] : NULL;
    for (size_t i = 1; i < side->assets.n; i++) {
        if (sorted[i]->asset.sid != first->asset.sid) {
            first = sorted[i];
            continue;
        }
        bp__report_add(t->work->in->report, BP__ERROR, t->path, sorted[i]->line,
                       "column 'sid': %" PRId64 " is that of line %" PRIu64 " already", first->asset.sid,
                       first->line);
        sorted[i]->line = 0;
    }
    free(sorted);
    size_t kept = 0;
    for (size_t i = 0; i < side->assets.n; i++) {
        if (row[i].line == 0)
            free_asset(&row[i]);
        else
            row[kept++] = row[i];
    }
    side->assets.n = kept;
    return BP_OK;
}

static bp_status finish_assets(bp__side_text *t, bp__side *side)
{
    side->incomplete = t->bad;
    BP_TRY(drop_repeated(t, side));
    return bp__side_finish(t);
}

static bp_status read_assets(bp__side_text *t, bp__side *side)
{
    bool more;
    for (;;) {
        BP_TRY(bp__side_next(t, &more));
        if (!more) return finish_assets(t, side);
        bp__side_asset a = {.line = t->text.line};
        const bool before = t->bad;
        t->bad = false;
        const bp_status s = read_asset(t, &a);
        const bool bad = t->bad;
        t->bad |= before;
        if (s == BP_OK && !bad && side->assets.n == BP__ASSETS_MOST) {
            free_asset(&a);
            BP_FAIL(BP_EFORMAT, "%s:%" PRIu64 ": more than %zu assets", t->path, t->text.line,
                    BP__ASSETS_MOST);
        }
        if (s == BP_OK && !bad) {
            BP__APPEND(&side->assets, a);
        } else {
            free_asset(&a);
            BP_TRY(s);
        }
    }
}

bp_status bp__side_read(bp__csv_work *work, const char *dir, bp__side *side)
{
    bp__side_text t;
    char path[4096];
    *side = (bp__side){0};
    snprintf(path, sizeof path, "%s/adjustments.csv", dir);
    side->has_adjustments = access(path, F_OK) == 0;
    BP_TRY(bp__side_open(&t, work, dir, "assets.csv", asset_columns, NUM(asset_columns), SYMBOL + 1,
                         &side->has_assets));
    if (!side->has_assets) return BP_OK;
    const bp_status s = read_assets(&t, side);
    bp__side_close(&t);
    if (bp__failed(s)) bp__side_fini(side);
    return s;
}

/* Rows that go straight into the draft ----------------------------------------------------------- */

/* Ascending: of all assets of the folder, wanted or not, and of those of the draft. */
typedef struct sid_list {
    int64_t *row, *known;
    size_t n, num_known;
} sid_list;

/* What a reader of one file does with a row. */
typedef bp_status put_row(bp__side_text *t, bp__draft *draft);

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_known(const bp__side_text *t, int64_t sid)
{
    return t->num_known > 0 && bsearch(&sid, t->known, t->num_known, sizeof sid, ascending);
}

/* Whether an asset is there, though it may not be wanted, or its files or its row may have errors. */
static bool is_listed(const bp__side_text *t, int64_t sid)
{
    if (t->num_sids > 0 && bsearch(&sid, t->sids, t->num_sids, sizeof sid, ascending)) return true;
    return t->side->has_assets && t->side->incomplete;
}

/* @return whether the period makes sense */
static bool check_mapping(bp__side_text *t, const bp__draft_mapping *m)
{
    char start[32], end[32];
    const char *problem = bp__symbol_problem(m->symbol);
    if (problem) bp__side_error(t, "column 'symbol': a symbol that %s", problem);
    if (!is_backwards(m->start_date, m->end_date)) return !problem;
    bp__side_error(t, "sid %" PRId64 " has the symbol until %s, before it has it from %s", m->sid,
                   bp__day_text(m->end_date, end), bp__day_text(m->start_date, start));
    return false;
}

static bp_status add_mapping(bp__side_text *t, bp__draft *draft, const bp__draft_mapping *m)
{
    if (!check_mapping(t, m)) return BP_OK;
    BP__APPEND(&t->side->lines, t->text.line);
    return bp__draft_add_mapping(draft, m);
}

static bp_status put_symbol(bp__side_text *t, bp__draft *draft)
{
    bp__draft_mapping m;
    if (!bp__side_whole(t, 0, &m.sid) || !bp__side_time(t, 2, &m.start_date) ||
        !bp__side_time(t, 3, &m.end_date))
        return BP_OK;
    if (!is_known(t, m.sid)) {
        if (!is_listed(t, m.sid)) bp__side_error(t, "column 'sid': no asset has %" PRId64, m.sid);
        return BP_OK;
    }
    BP_TRY(bp__side_string(t, 1, &m.symbol));
    const bp_status s = add_mapping(t, draft, &m);
    free(m.symbol);
    return s;
}

enum { KIND, OF, EFFECTIVE, EX, DECLARED, RECORD, PAY, PAYMENT, RATIO, AMOUNT };

typedef struct adjustment {
    int64_t sid, effective, ex, declared, record, pay, payment_sid;
    double ratio, amount;
} adjustment;

/* Adjustments act on the session of their date: with a time of day they would on none, or on the next one. */
static bool read_day(bp__side_text *t, size_t column, int64_t *day)
{
    if (!bp__side_time(t, column, day)) return false;
    if (*day == BP_TIME_MISSING || *day % BP_NS_PER_DAY == 0) return true;
    const bp__csv_field *f = bp__side_cell(t, column);
    bp__side_error(t, "column '%s': '%.*s' is no day: write it without a time of day", t->names[column],
                   (int)(f->size < 40 ? f->size : 40), f->text);
    return false;
}

static bool check_sid(bp__side_text *t, int64_t sid)
{
    if (is_listed(t, sid)) return true;
    bp__side_error(t, "column '%s': there is no asset of sid %lld", t->names[OF], (long long)sid);
    return false;
}

static bool read_adjustment(bp__side_text *t, adjustment *a)
{
    bool good = bp__side_whole(t, OF, &a->sid) && check_sid(t, a->sid);
    good &= read_day(t, EFFECTIVE, &a->effective);
    good &= read_day(t, EX, &a->ex);
    good &= read_day(t, DECLARED, &a->declared);
    good &= read_day(t, RECORD, &a->record);
    good &= read_day(t, PAY, &a->pay);
    good &= bp__side_cell(t, PAYMENT)->size == 0 || bp__side_whole(t, PAYMENT, &a->payment_sid);
    good &= bp__side_number(t, RATIO, &a->ratio);
    return (bp__side_number(t, AMOUNT, &a->amount) && good);
}

static bp_status leave_out(bp__side_text *t, const char *what)
{
    bp__remark(t->work->rules.remarks, BP__NOTE, t->path, t->text.line, 1,
               "%s are left out, as --%s ignore says", what, what);
    return BP_OK;
}

static bp_status put_ratio(bp__side_text *t, bp__draft *draft, int kind, const adjustment *a, bool wanted)
{
    if (!(a->ratio > 0) || a->effective == BP_TIME_MISSING) {
        bp__side_error(t, "a ratio above 0 and an effective_date are wanted");
        return BP_OK;
    }
    if (!wanted) return BP_OK;
    if (kind == BP__SPLITS && t->work->in->options->ignore_splits) return leave_out(t, "splits");
    if (kind == BP__DIVIDENDS && t->work->in->options->ignore_dividends) return leave_out(t, "dividends");
    return bp__draft_add_ratio(draft, kind, &(bp__draft_ratio){a->sid, a->effective, a->ratio});
}

static bp_status put_adjustment(bp__side_text *t, bp__draft *draft)
{
    static const char *const ratios[BP__NUM_RATIOS] = {"split", "merger", "dividend_ratio"};
    adjustment a = {0};
    const bp__csv_field *kind = bp__side_cell(t, KIND);
    if (!read_adjustment(t, &a)) return BP_OK;
    const bool wanted = is_known(t, a.sid);
    for (int k = 0; k < BP__NUM_RATIOS; k++)
        if (bp__csv_is(kind, ratios[k])) return put_ratio(t, draft, k, &a, wanted);
    const bool cash = bp__csv_is(kind, "dividend");
    if (!cash && !bp__csv_is(kind, "stock_dividend")) {
        bp__side_error(
            t, "column 'kind': '%.*s' is none of split, merger, dividend_ratio, dividend, stock_dividend",
            (int)(kind->size < 40 ? kind->size : 40), kind->text);
        return BP_OK;
    }
    const bool whole = cash ? bp__side_cell(t, AMOUNT)->size > 0 && a.amount >= 0
                            : bp__side_cell(t, PAYMENT)->size > 0 && a.ratio > 0;
    if (a.ex == BP_TIME_MISSING || !whole) {
        bp__side_error(t, cash ? "an amount that is not negative and an ex_date are wanted"
                               : "a ratio above 0, a payment_sid and an ex_date are wanted");
        return BP_OK;
    }
    if (!wanted) return BP_OK;
    if (cash && t->work->in->options->ignore_dividends) return leave_out(t, "dividends");
    if (cash)
        return bp__draft_add_payout(draft,
                                    &(bp__draft_payout){a.sid, a.ex, a.declared, a.record, a.pay, a.amount});
    return bp__draft_add_stock(
        draft, &(bp__draft_stock){a.sid, a.ex, a.declared, a.record, a.pay, a.payment_sid, a.ratio});
}

static bp_status put_session(bp__side_text *t, bp__draft *draft)
{
    bp__draft_session s;
    char day[32];
    if (!bp__side_time(t, 0, &s.session) || !bp__side_time(t, 1, &s.market_open) ||
        !bp__side_time(t, 2, &s.market_close))
        return BP_OK;
    if (s.session == BP_TIME_MISSING || s.session % BP_NS_PER_DAY != 0) {
        bp__side_error(t, "column 'session': not a day");
        return BP_OK;
    }
    const bp__csv_field *daily = bp__side_cell(t, 3);
    if (daily->size > 0 && (daily->size > 1 || !strchr("0123", *daily->text))) {
        bp__side_error(t, "column 'daily': '%.*s' is none of 0, 1, 2, 3",
                       (int)(daily->size < 40 ? daily->size : 40), daily->text);
        return BP_OK;
    }
    if (bp__dayset_has(&t->work->listed, s.session)) {
        bp__side_error(t, "column 'session': %s is there already", bp__day_text(s.session, day));
        return BP_OK;
    }
    if (is_backwards(s.market_open, s.market_close)) {
        bp__side_error(t, "the session closes before it opens");
        return BP_OK;
    }
    BP_TRY(bp__dayset_add(&t->work->listed, s.session));
    if (bp__csv_is(daily, "1") || bp__csv_is(daily, "2")) BP_TRY(bp__draft_add_day(draft, s.session));
    if (bp__csv_is(daily, "2") || bp__csv_is(daily, "3")) return BP_OK; /* days that are no sessions */
    return bp__draft_add_session(draft, &s);
}

static bool check_key(bp__side_text *t, size_t key, const char *name)
{
    const size_t bit = (size_t)1 << key;
    const bool again = (t->keys & bit) != 0;
    if (again) bp__side_error(t, "key '%s' is there already", name);
    t->keys |= bit;
    return !again;
}

/* A calendar that is asked for must not be another one than the bars were written with. */
static bool check_calendar(bp__side_text *t, const bp__csv_field *value)
{
    char name[32] = "";
    bp__calendar *stated, *asked = t->work->calendar;
    if (value->size == 0 || value->size >= sizeof name) return true;
    memcpy(name, value->text, value->size);
    if (bp__failed(bp__calendar_open(name, &stated))) {
        bp__report_add(t->work->in->report, BP__NOTE, t->path, t->text.line,
                       "the hours of the calendar '%s' are not known", name);
        return true;
    }
    const bool same = !asked || strcmp(bp__calendar_name(asked), bp__calendar_name(stated)) == 0;
    if (!same)
        bp__side_error(t, "the calendar is %s, and --calendar says %s: leave the option out", name,
                       bp__calendar_name(asked));
    bp__calendar_close(&stated);
    return same;
}

/* What is in the folder may mean something else by another schema. */
static bool check_schema(bp__side_text *t, const bp__csv_field *value)
{
    if (bp__csv_is(value, BP__SCHEMA_VERSION)) return true;
    bp__side_error(t, "schema_version '%.*s' is not supported, only " BP__SCHEMA_VERSION,
                   (int)(value->size < 40 ? value->size : 40), value->text);
    return false;
}

static bp_status put_key(bp__side_text *t, bp__draft *draft)
{
    const bp__csv_field *key = bp__side_cell(t, 0), *value = bp__side_cell(t, 1);
    const struct {
        const char *name;
        char *to;
        size_t size;
    } keys[] = {{"calendar_name", draft->calendar_name, sizeof draft->calendar_name},
                {"schema_version", draft->schema_version, sizeof draft->schema_version},
                {"country", draft->country, sizeof draft->country}};
    for (size_t i = 0; i < NUM(keys); i++) {
        if (!bp__csv_is(key, keys[i].name)) continue;
        const bool is_group = keys[i].to == draft->country; /* the name of a group in the file */
        if (value->size >= keys[i].size ||
            (is_group && (value->size == 0 || memchr(value->text, '/', value->size)))) {
            bp__side_error(t, "the value of '%s' is too long%s", keys[i].name,
                           is_group ? ", empty, or has a '/' in it" : "");
            return BP_OK;
        }
        if (!check_key(t, i, keys[i].name)) return BP_OK;
        if (keys[i].to == draft->schema_version && !check_schema(t, value)) return BP_OK;
        if (keys[i].to == draft->calendar_name && !check_calendar(t, value)) return BP_OK;
        memcpy(keys[i].to, value->text, value->size);
        keys[i].to[value->size] = '\0';
        return BP_OK;
    }
    bp__report_add(t->work->in->report, BP__NOTE, t->path, t->text.line,
                   "key '%.*s' is not known, and not used", (int)(key->size < 40 ? key->size : 40),
                   key->text);
    return BP_OK;
}

static bp_status put_all(bp__csv_work *work, bp__side *side, const char *dir, const char *name,
                         const char *const *columns, size_t n, size_t required, put_row *put,
                         const sid_list *sids, bool *found)
{
    bp__side_text t;
    bool more = true;
    BP_TRY(bp__side_open(&t, work, dir, name, columns, n, required, found));
    if (!*found) return BP_OK;
    t.sids = sids->row;
    t.num_sids = sids->n;
    t.known = sids->known;
    t.num_known = sids->num_known;
    t.side = side;
    bp_status s = BP_OK;
    while (s == BP_OK && more) {
        s = bp__side_next(&t, &more);
        if (s == BP_OK && more) s = put(&t, work->in->draft);
    }
    if (s == BP_OK) s = bp__side_finish(&t);
    bp__side_close(&t);
    return s;
}

static bp_status list_sids(const bp__side *side, const bp__draft *draft, sid_list *sids)
{
    const size_t n = side->has_assets ? side->assets.n : side->num_files, m = draft->assets.n;
    sids->row = malloc((n + m + 1) * sizeof *sids->row);
    if (!sids->row) BP_FAIL(BP_ENOMEM, "no memory for %zu sids", n + m);
    sids->n = n;
    sids->known = sids->row + n;
    sids->num_known = m;
    for (size_t i = 0; i < m; i++) sids->known[i] = draft->assets.row[i].sid;
    if (m > 1) qsort(sids->known, m, sizeof *sids->known, ascending);
    for (size_t i = 0; i < n; i++)
        sids->row[i] = side->has_assets ? side->assets.row[i].asset.sid : (int64_t)i;
    if (n > 1) qsort(sids->row, n, sizeof *sids->row, ascending);
    return BP_OK;
}

static bp_status add_files(bp__csv_work *work, bp__side *side, const char *dir, const sid_list *sids,
                           bool *symbols, bool *sessions)
{
    static const char *const of_symbols[] = {"sid", "symbol", "start_date", "end_date"},
                             *const of_sessions[] = {"session", "market_open", "market_close", "daily"},
                             *const of_bundle[] = {"key", "value"},
                             *const of_adjustments[] = {
                                 "kind",        "sid",      "effective_date", "ex_date", "declared_date",
                                 "record_date", "pay_date", "payment_sid",    "ratio",   "amount"};
    bool found;
    side->own_mappings = work->in->draft->mappings.n;
    BP_TRY(
        put_all(work, side, dir, "symbols.csv", of_symbols, NUM(of_symbols), 2, put_symbol, sids, symbols));
    BP_TRY(put_all(work, side, dir, "adjustments.csv", of_adjustments, NUM(of_adjustments), 2, put_adjustment,
                   sids, &found));
    BP_TRY(put_all(work, side, dir, "sessions.csv", of_sessions, NUM(of_sessions), 1, put_session, sids,
                   sessions));
    return put_all(work, side, dir, "bundle.csv", of_bundle, NUM(of_bundle), 2, put_key, sids, &found);
}

bp_status bp__side_add(bp__csv_work *work, const char *dir, bp__side *side, bool *symbols, bool *sessions)
{
    sid_list sids;
    BP_TRY(list_sids(side, work->in->draft, &sids));
    const bp_status s = add_files(work, side, dir, &sids, symbols, sessions);
    free(sids.row);
    return s;
}
