#include "optimizer/sheets.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/day.h"
#include "core/json.h"
#include "core/number.h"
#include "core/text.h"

static const struct {
    const char *name, *header;
} known[BP__NUM_SHEETS] = {
    [BP__EQUITY] = {"equity", "session,equity,cash,positions,return,drawdown,dividends"},
    [BP__TRADES] = {"trades",
                    "session,kind,order,symbol,sid,shares,price,value,commission,slippage,gain,cash"},
    [BP__POSITIONS] = {"positions", "session,symbol,sid,shares,price,value,weight"},
    [BP__UNFILLED] = {"unfilled", "session,order,given,symbol,sid,shares,why"},
};

const char *bp__sheet_name(bp__sheet_kind kind)
{
    return known[kind].name;
}

const char *bp__sheet_header(bp__sheet_kind kind)
{
    return known[kind].header;
}

/* Rows -------------------------------------------------------------------------------------------- */

/* One row that is being written: cells in the order of the header. */
typedef struct row {
    bp__sheet *sheet;
    bp__json json;
    bool behind;
} row;

/* @return false: nobody wants this sheet */
static bool begin_row(bp__sheets *s, bp__sheet_kind kind, row *r)
{
    bp__sheet *sheet = &s->sheet[kind];
    if (sheet->form == BP__SHEET_NONE) return false;
    *r = (row){.sheet = sheet, .json = {.file = sheet->file, .one_line = true, .depth = 1}};
    if (sheet->form == BP__SHEET_JSON) {
        fputs(sheet->rows ? ",\n    " : "\n    ", sheet->file);
        bp__json_open(&r->json, NULL, '{');
    }
    return true;
}

static void end_row(row *r)
{
    if (r->sheet->form == BP__SHEET_JSON)
        bp__json_close(&r->json, '}');
    else
        fputc('\n', r->sheet->file);
    r->sheet->rows++;
}

/* @return whether the cell is to be written as CSV */
static bool next_is_csv(row *r)
{
    if (r->sheet->form != BP__SHEET_CSV) return false;
    if (r->behind) fputc(',', r->sheet->file);
    return r->behind = true;
}

static void put_text(row *r, const char *name, const char *text)
{
    if (next_is_csv(r))
        bp__text_csv(r->sheet->file, text);
    else
        bp__json_text(&r->json, name, text);
}

static void put_number(row *r, const char *name, double x)
{
    char text[32];
    if (next_is_csv(r))
        fputs(isnan(x) ? "nan" : bp__number_text(x, text), r->sheet->file);
    else
        bp__json_number(&r->json, name, x);
}

static void put_int(row *r, const char *name, int64_t x)
{
    if (next_is_csv(r))
        fprintf(r->sheet->file, "%" PRId64, x);
    else
        bp__json_int(&r->json, name, x);
}

/* An order's number; what none has ordered has none. */
static void put_order(row *r, uint64_t order)
{
    if (order)
        put_int(r, "order", (int64_t)order);
    else if (!next_is_csv(r))
        bp__json_number(&r->json, "order", NAN);
}

static void put_session(row *r, const char *name, const bp__sheets *s, int32_t t)
{
    char day[32];
    put_text(r, name, bp__day_text(bp__scope_session(s->scope, t), day));
}

static void put_asset(row *r, const bp__sheets *s, size_t asset)
{
    int64_t sid;
    put_text(r, "symbol", bp__scope_asset(s->scope, asset, &sid));
    put_int(r, "sid", sid);
}

/* Entries ----------------------------------------------------------------------------------------- */

static void trade(bp__sheets *s, const bp__entry *e)
{
    row r;
    if (!begin_row(s, BP__TRADES, &r)) return;
    put_session(&r, "session", s, e->t);
    put_text(&r, "kind", e->kind == BP__ENTRY_FILL ? "fill" : "delisting");
    put_order(&r, e->order);
    put_asset(&r, s, e->asset);
    put_number(&r, "shares", e->shares);
    put_number(&r, "price", e->price);
    put_number(&r, "value", fabs(e->shares) * e->price);
    put_number(&r, "commission", e->commission);
    put_number(&r, "slippage", e->slippage);
    put_number(&r, "gain", e->gain);
    put_number(&r, "cash", e->cash);
    end_row(&r);
}

static void unfilled(bp__sheets *s, const bp__entry *e)
{
    row r;
    s->unfilled++;
    if (!begin_row(s, BP__UNFILLED, &r)) return;
    put_session(&r, "session", s, e->t);
    put_order(&r, e->order);
    put_session(&r, "given", s, e->order < s->given_room ? s->given[e->order] : e->t);
    put_asset(&r, s, e->asset);
    put_number(&r, "shares", e->shares);
    put_text(&r, "why", e->why ? e->why : "");
    end_row(&r);
}

/* Numbers of orders are given in order, from 1. */
static void keep_given(bp__sheets *s, const bp__entry *e)
{
    s->orders++;
    if (e->order >= s->given_room) {
        const uint64_t room = 2 * e->order + 64;
        int32_t *more = realloc(s->given, room * sizeof *more);
        if (!more) {
            s->failed = true;
            return;
        }
        memset(more + s->given_room, 0, (room - s->given_room) * sizeof *more);
        s->given = more;
        s->given_room = room;
    }
    s->given[e->order] = e->t;
}

static void take_entry(void *context, const bp__entry *e)
{
    bp__sheets *s = context;
    switch (e->kind) {
    case BP__ENTRY_ORDER: keep_given(s, e); break;
    case BP__ENTRY_FILL:
    case BP__ENTRY_DELISTING: trade(s, e); break;
    case BP__ENTRY_UNFILLED: unfilled(s, e); break;
    case BP__ENTRY_SPLIT:
    case BP__ENTRY_DIVIDEND: s->income += e->cash; break;
    case BP__ENTRY_REINVEST: break;
    }
}

/* Sessions ---------------------------------------------------------------------------------------- */

static double value_of_positions(const bp__balance *b)
{
    double value = 0;
    for (size_t i = 0; i < b->num_assets; i++)
        if (b->shares[i] != 0) value += b->shares[i] * b->mark[i];
    return value;
}

static void positions(bp__sheets *s, const bp__balance *b)
{
    row r;
    for (size_t i = 0; i < b->num_assets; i++) {
        if (b->shares[i] == 0 || !begin_row(s, BP__POSITIONS, &r)) continue;
        const double value = b->shares[i] * b->mark[i];
        put_session(&r, "session", s, b->t);
        put_asset(&r, s, i);
        put_number(&r, "shares", b->shares[i]);
        put_number(&r, "price", b->mark[i]);
        put_number(&r, "value", value);
        put_number(&r, "weight", value / b->equity);
        end_row(&r);
    }
}

static void take_balance(void *context, const bp__balance *b)
{
    bp__sheets *s = context;
    row r;
    if (b->equity > s->peak) s->peak = b->equity;
    if (begin_row(s, BP__EQUITY, &r)) {
        put_session(&r, "session", s, b->t);
        put_number(&r, "equity", b->equity);
        put_number(&r, "cash", b->cash);
        put_number(&r, "positions", value_of_positions(b));
        put_number(&r, "return", b->equity / s->last_equity - 1);
        put_number(&r, "drawdown", 1 - b->equity / s->peak);
        put_number(&r, "dividends", s->income);
        end_row(&r);
    }
    positions(s, b);
    s->last_equity = b->equity;
    s->income = 0;
}

/* Life -------------------------------------------------------------------------------------------- */

bp_status bp__sheets_init(const bp__sheet_form form[BP__NUM_SHEETS], const bp__scope *scope, double cash,
                          bp__sheets *s)
{
    *s = (bp__sheets){.scope = scope, .last_equity = cash};
    s->ledger = (bp__ledger){.context = s, .entry = take_entry, .balance = take_balance};
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) {
        bp__sheet *sheet = &s->sheet[k];
        sheet->form = form[k];
        if (form[k] == BP__SHEET_NONE) continue;
        sheet->file = open_memstream(&sheet->text, &sheet->size);
        if (!sheet->file) BP_FAIL(BP_ENOMEM, "no memory for what a backtest did");
        if (form[k] == BP__SHEET_CSV)
            fprintf(sheet->file, "%s\n", bp__sheet_header((bp__sheet_kind)k));
        else
            fputc('[', sheet->file);
    }
    return BP_OK;
}

bp_status bp__sheets_end(bp__sheets *s)
{
    bool complete = !s->failed;
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) {
        bp__sheet *sheet = &s->sheet[k];
        if (!sheet->file) continue;
        if (sheet->form == BP__SHEET_JSON) fputs(sheet->rows ? "\n  ]" : "]", sheet->file);
        complete &= !ferror(sheet->file);
        complete &= fclose(sheet->file) == 0;
        sheet->file = NULL;
    }
    if (!complete) BP_FAIL(BP_ENOMEM, "no memory for all that a backtest did");
    return BP_OK;
}

void bp__sheets_fini(bp__sheets *s)
{
    for (unsigned k = 0; k < BP__NUM_SHEETS; k++) {
        if (s->sheet[k].file) fclose(s->sheet[k].file);
        free(s->sheet[k].text);
    }
    free(s->given);
    *s = (bp__sheets){0};
}
