#include "io/ingest/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/ingest/when.h"

#define MAX_HEAD 24 /* rows among which the header is looked for */

enum { EXACT, SECOND, THIRD, NO_RANK };

/* Names without case, blanks and marks. A rank is only taken where there is none before it. */
static const struct synonyms {
    int meaning, rank;
    const char *names;
} table[] = {
    {BP__COL_DATE, EXACT,
     "date datetime timestamp dt day t tradedate tradingdate tradingday dateutc datetimeutc "
     "timestamputc gmttime "
     "opentime windowstart starttime dtyyyymmdd yyyymmdd session"},
    {BP__COL_DATE, SECOND, "unix unixtime unixtimestamp epoch"},
    {BP__COL_TIME, EXACT, "time timeofday timeutc"},
    {BP__OPEN, EXACT, "open o openprice openingprice pxopen priceopen"},
    {BP__HIGH, EXACT, "high h highprice highestprice pxhigh pricehigh"},
    {BP__LOW, EXACT, "low l lowprice lowestprice pxlow pricelow"},
    {BP__CLOSE, EXACT, "close c closeprice closingprice closelast pxclose priceclose"},
    {BP__CLOSE, SECOND, "last price lastprice settle settlement settleprice pxlast"},
    {BP__VOLUME, EXACT, "volume vol v totalvolume tradevolume sharevolume pxvolume"},
    {BP__VOLUME, SECOND, "tickvol tickvolume"},
    {BP__COL_ADJUSTED, EXACT,
     "adjclose adjustedclose closeadj closeadjusted adjcloseprice adjustedcloseprice adjustedclosingprice"},
    {BP__COL_DIVIDEND, EXACT,
     "dividend dividends exdividend exdividends divcash dividendamount cashdividend cashdividends "
     "dividendcash "
     "dividendamounts dividendpershare"},
    {BP__COL_SPLIT, EXACT, "split splits stocksplit stocksplits splitratio splitfactor splitcoefficient"},
    {BP__COL_SYMBOL, EXACT, "symbol ticker"},
    {BP__COL_SYMBOL, SECOND,
     "sid code tic instrument permno isin ric tscode stockcode securityid assetid actsymbol"},
    {BP__COL_SYMBOL, THIRD, "name stock asset security"},
};

static const char *const meaning_name[BP__NUM_COLS] = {"open",     "high",  "low",   "close",
                                                       "volume",   "date",  "time",  "adjusted close",
                                                       "dividend", "split", "symbol"};

/* Names ----------------------------------------------------------------------------------------- */

/* Lower-case letters and digits of a name. "5. adjusted close" is "adjustedclose", and without what is in
 * brackets, if that is wanted, "open (USD)" is "open". */
static void normalise(const bp__csv_field *f, bool brackets, char name[BP__COL_NAME_MAX])
{
    const char *p = f->text, *end = p + f->size;
    const char *digits = p;
    while (digits < end && isdigit((unsigned char)*digits)) digits++;
    if (digits > p && digits < end && isalpha((unsigned char)*digits) && digits + 1 < end && digits[1] == '.')
        digits++;
    if (digits > p && digits < end && *digits == '.') p = digits + 1;
    size_t n = 0;
    for (bool inside = false; p < end && n + 1 < BP__COL_NAME_MAX; p++) {
        if (!brackets && *p == '(') inside = true;
        if (!inside && isalnum((unsigned char)*p)) name[n++] = (char)tolower((unsigned char)*p);
        if (*p == ')') inside = false;
    }
    name[n] = '\0';
}

static bool is_word(const char *words, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = words; (p = strstr(p, name)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

static const struct synonyms *find_meaning(const bp__csv_field *f)
{
    char name[BP__COL_NAME_MAX];
    for (int brackets = 1; brackets >= 0; brackets--) {
        normalise(f, brackets, name);
        if (!*name) return NULL;
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (is_word(table[i].names, name) && (brackets || table[i].meaning <= BP__CLOSE))
                return &table[i];
        if (!memchr(f->text, '(', f->size)) return NULL;
    }
    return NULL;
}

/* Whether a column that is not taken could be meant as a dividend or a split. */
static bool is_alike(const bp__csv_field *f)
{
    static const char *const parts[] = {"div",    "split", "payout", "distribution", "capitalgain", "factor",
                                        "cumfac", "facpr", "bonus",  "spinoff",      "rights"};
    char name[BP__COL_NAME_MAX];
    normalise(f, true, name);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i])) return true;
    return *name &&
           is_word("ratio adjratio adjustmentratio numerator denominator dps dvd dvds cashamount coupon",
                   name);
}

static bool is_named(const bp__csv_field *f, const char *words)
{
    char name[BP__COL_NAME_MAX];
    normalise(f, true, name);
    return *name && is_word(words, name);
}

static void append_name(char names[BP__COL_NAMES_MAX], const bp__csv_field *f, size_t column)
{
    const size_t used = strlen(names);
    char one[BP__COL_NAME_MAX + 16];
    if (f->size > 0)
        snprintf(one, sizeof one, "%s'%.*s'", used ? ", " : "", (int)(f->size < 40 ? f->size : 40), f->text);
    else
        snprintf(one, sizeof one, "%sno. %zu", used ? ", " : "", column + 1);
    if (used + strlen(one) + 8 < BP__COL_NAMES_MAX)
        strcpy(names + used, one);
    else if (used > 3 && strcmp(names + used - 3, "...") != 0)
        strcpy(names + used, ", ...");
}

/* One row as a header --------------------------------------------------------------------------- */

static int count_prices(const bp__columns *c)
{
    int n = 0;
    for (int f = BP__OPEN; f <= BP__CLOSE; f++) n += c->at[f] != BP__COL_NONE;
    return n;
}

typedef struct ranked {
    bp__columns c;
    int rank[BP__NUM_COLS];
    size_t twin[BP__NUM_COLS]; /* a second column of the same rank; BP__COL_NONE */
} ranked;

/* @param[in] first  fields before it have no meaning */
static void understand(const bp__csv_text *t, size_t first, ranked *r)
{
    memset(r, 0, sizeof *r);
    r->c.num_fields = t->n;
    r->c.line = t->line;
    for (int m = 0; m < BP__NUM_COLS; m++) r->c.at[m] = r->twin[m] = BP__COL_NONE, r->rank[m] = NO_RANK;
    for (size_t i = first; i < t->n; i++) {
        const struct synonyms *s = find_meaning(&t->field[i]);
        if (!s) continue;
        if (s->rank == r->rank[s->meaning]) r->twin[s->meaning] = i;
        if (s->rank >= r->rank[s->meaning]) continue;
        r->c.at[s->meaning] = i;
        r->rank[s->meaning] = s->rank;
        r->twin[s->meaning] = BP__COL_NONE;
    }
    if (r->c.at[BP__COL_DATE] == BP__COL_NONE) { /* "time" alone holds both */
        r->c.at[BP__COL_DATE] = r->c.at[BP__COL_TIME];
        r->twin[BP__COL_DATE] = r->twin[BP__COL_TIME];
        r->c.at[BP__COL_TIME] = r->twin[BP__COL_TIME] = BP__COL_NONE;
    }
}

static void name_columns(const bp__csv_text *t, size_t first, bp__columns *c)
{
    c->unused[0] = c->alike[0] = c->unadjusted[0] = '\0';
    for (size_t i = first; i < t->n; i++) {
        const bp__csv_field *f = &t->field[i];
        bool used = false;
        for (int m = 0; m < BP__NUM_COLS; m++) {
            if (c->at[m] != i) continue;
            used = true;
            snprintf(c->name[m], BP__COL_NAME_MAX, "%.*s", (int)f->size, f->text);
        }
        if (used || (i == 0 && f->size == 0)) continue; /* a nameless first column counts rows */
        append_name(c->unused, f, i);
        if (is_alike(f)) append_name(c->alike, f, i);
        if (is_named(f, "closeunadj closeunadjusted unadjclose unadjustedclose closeraw rawclose"))
            snprintf(c->unadjusted, sizeof c->unadjusted, "%.*s", (int)f->size, f->text);
    }
    const size_t dividend = c->at[BP__COL_DIVIDEND], split = c->at[BP__COL_SPLIT];
    c->as_yfinance = dividend != BP__COL_NONE && split != BP__COL_NONE &&
                     c->at[BP__COL_ADJUSTED] == BP__COL_NONE && is_named(&t->field[dividend], "dividends") &&
                     is_named(&t->field[split], "stocksplits");
}

/* Indices and currencies have no volume. A column that may be one, under a name that is not known, must not be
 * missed. */
static bp_status check_volume(const bp__csv_text *t, const bp__columns *c)
{
    static const char *const parts[] = {"vol", "qty", "quantity", "shares"};
    char name[BP__COL_NAME_MAX];
    for (size_t i = 0; c->at[BP__VOLUME] == BP__COL_NONE && i < t->n; i++) {
        normalise(&t->field[i], true, name);
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if (strstr(name, parts[k]))
                BP_FAIL(BP_EFORMAT,
                        "%s:%llu: the header has no column 'volume': rename '%.*s', if it is that, or to "
                        "something else",
                        t->path, (unsigned long long)c->line,
                        (int)(t->field[i].size < 40 ? t->field[i].size : 40), t->field[i].text);
    }
    return BP_OK;
}

static bp_status check(const bp__csv_text *t, const ranked *r, bool need_symbol)
{
    const bp__columns *c = &r->c;
    BP_TRY(check_volume(t, c));
    for (int m = 0; m < BP__NUM_COLS; m++) {
        const bool optional = m == BP__VOLUME || (m > BP__COL_DATE && !(m == BP__COL_SYMBOL && need_symbol));
        if (c->at[m] == BP__COL_NONE && !optional)
            BP_FAIL(BP_EFORMAT, "%s:%llu: the header has no column '%s'%s%s", t->path,
                    (unsigned long long)c->line, meaning_name[m],
                    *c->unused ? ": of the others no use is known: " : "", c->unused);
        if (m == BP__COL_SYMBOL && !need_symbol) continue;
        if (r->twin[m] != BP__COL_NONE) {
            const bp__csv_field *a = &t->field[c->at[m]], *b = &t->field[r->twin[m]];
            const bool same = a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
            BP_FAIL(BP_EFORMAT, "%s:%llu: column '%s' is there twice%s%.*s%s%.*s%s; remove or rename one",
                    t->path, (unsigned long long)c->line, meaning_name[m], same ? "" : ", as '",
                    same ? 0 : (int)a->size, a->text, same ? "" : "' and '", same ? 0 : (int)b->size, b->text,
                    same ? "" : "'");
        }
    }
    return BP_OK;
}

/* The head of a file ---------------------------------------------------------------------------- */

typedef struct found {
    char separator;
    int score;          /* meanings that the header has; 0: no header */
    size_t first;       /* fields before it are no names */
    int row;            /* of the header, counted from 0 */
    int behind;         /* rows of it that follow */
    bool date_is_first; /* the column of dates has no name */
} found;

static bool rest_is_empty(const bp__csv_text *t)
{
    for (size_t i = 1; i < t->n; i++)
        if (t->field[i].size > 0) return false;
    return true;
}

/* yfinance: names, tickers (unless they are above), then "Date" on its own. @return rows that follow the
 * names; 0 */
static int count_levels(bp__csv_text *t)
{
    bool more;
    for (int k = 1; k <= 2; k++) {
        if (bp__csv_next(t, &more) != BP_OK || !more) return 0;
        const struct synonyms *s = find_meaning(&t->field[0]);
        if (s && (s->meaning == BP__COL_DATE || s->meaning == BP__COL_TIME) && rest_is_empty(t)) return k;
    }
    return 0;
}

/* To the row of that number. */
static bool go_to(bp__csv_text *t, int row)
{
    bool more = bp__csv_rewind(t);
    for (int i = 0; i <= row && more; i++)
        if (bp__csv_next(t, &more) != BP_OK) return false;
    return more;
}

static int score_of(const bp__columns *c)
{
    int n = 0;
    for (int m = 0; m < BP__NUM_COLS; m++) n += c->at[m] != BP__COL_NONE;
    return n;
}

/* Whether the row at hand, no. `row`, is a header. */
static bool try_row(bp__csv_text *t, int row, found *f)
{
    ranked r;
    bool more;
    *f = (found){.separator = t->separator, .row = row};
    if (t->n < 2) return false;
    understand(t, 0, &r);
    f->score = score_of(&r.c);
    const int prices = count_prices(&r.c);
    if (prices == 0) return false;
    if (r.c.at[BP__COL_DATE] != BP__COL_NONE) return true;
    const bool nameless = t->field[0].size == 0;
    understand(t, 1, &r);
    f->score = score_of(&r.c) + 1;
    f->behind = count_levels(t);
    if (f->behind > 0) return f->first = 1, count_prices(&r.c) >= 2;
    if (nameless && go_to(t, row) && bp__csv_next(t, &more) == BP_OK && more)
        f->date_is_first = bp__when_is_date(&t->field[0]);
    f->first = f->date_is_first;
    /* without a date it is still the header, if not a good one: the error says what it lacks */
    return go_to(t, row) && prices >= 3;
}

static found look_for_header(bp__csv_text *t)
{
    found best = {0};
    static const char separators[] = ",;\t|";
    for (const char *s = separators; *s; s++) {
        bool more = bp__csv_rewind(t);
        t->separator = *s;
        for (int row = 0; row < MAX_HEAD && more; row++) {
            found f;
            if (bp__csv_next(t, &more) != BP_OK || !more) break;
            if (try_row(t, row, &f)) {
                if (f.score > best.score) best = f;
                break;
            }
            if (!go_to(t, row)) break;
        }
    }
    return best;
}

/* "Ticker,AAPL,AAPL": a line of the header, above or below the names. */
static void note_ticker(const bp__csv_text *t, char ticker[BP__COL_NAME_MAX])
{
    if (t->n > 1 && is_named(&t->field[0], "ticker tickers symbol symbols"))
        snprintf(ticker, BP__COL_NAME_MAX, "%.*s", (int)t->field[1].size, t->field[1].text);
}

/* What is above the header must be titles. @return with the text at the header */
static bp_status pass_titles(bp__csv_text *t, const found *f, char ticker[BP__COL_NAME_MAX])
{
    bool more;
    bp__csv_rewind(t);
    for (int row = 0; row < f->row; row++) {
        BP_TRY(bp__csv_next(t, &more));
        if (bp__when_is_date(&t->field[0]) && t->n > 2)
            BP_FAIL(BP_EFORMAT, "%s:%llu: a row of data above the header", t->path,
                    (unsigned long long)t->line);
        note_ticker(t, ticker);
    }
    return bp__csv_next(t, &more);
}

/* "Adj. Open": all prices are adjusted, and there are no others. */
static bool is_adjusted_only(const bp__csv_text *t)
{
    char name[BP__COL_NAME_MAX];
    int prices = 0;
    for (size_t i = 0; i < t->n; i++) {
        normalise(&t->field[i], true, name);
        const bool adjusted = strncmp(name, "adj", 3) == 0;
        prices += adjusted && (strstr(name, "open") || strstr(name, "high") || strstr(name, "low"));
    }
    return prices == 3;
}

static bp_status no_header(bp__csv_text *t)
{
    bool more;
    t->separator = ',';
    bp__csv_rewind(t);
    BP_TRY(bp__csv_next(t, &more)); /* it says so, if the file cannot be read at all */
    if (!more) BP_FAIL(BP_EFORMAT, "%s:1: the file is empty", t->path);
    const bp__csv_field *f = &t->field[0];
    if (is_adjusted_only(t))
        BP_FAIL(BP_EFORMAT,
                "%s:%llu: all its prices are adjusted ones: if they are to be taken as they are, rename the "
                "columns to open, high, low, close, volume",
                t->path, (unsigned long long)t->line);
    BP_FAIL(BP_EFORMAT,
            "%s:%llu: no header: none of its first lines names a date and prices (date,open,high,low,close,"
            "volume); it begins with '%.*s'",
            t->path, (unsigned long long)t->line, (int)(f->size < 40 ? f->size : 40), f->text);
}

static bp_status find(bp__csv_text *text, bool need_symbol, bp__columns *columns)
{
    ranked r;
    bool more;
    const found f = look_for_header(text);
    if (f.score == 0) return no_header(text);
    text->separator = f.separator;
    char ticker[BP__COL_NAME_MAX] = "";
    BP_TRY(pass_titles(text, &f, ticker));
    understand(text, f.first, &r);
    if (f.behind > 0 || f.date_is_first) {
        r.c.at[BP__COL_DATE] = 0;
        r.twin[BP__COL_DATE] = BP__COL_NONE;
    }
    name_columns(text, f.first, &r.c);
    if (f.first > 0) strcpy(r.c.name[BP__COL_DATE], "Date");
    r.c.titles = (uint64_t)f.row;
    BP_TRY(check(text, &r, need_symbol));
    for (int k = 0; k < f.behind; k++) {
        BP_TRY(bp__csv_next(text, &more));
        note_ticker(text, ticker);
    }
    text->blank = 0;
    r.c.has_ticker = r.rank[BP__COL_SYMBOL] == EXACT;
    memcpy(r.c.ticker, ticker, sizeof ticker);
    *columns = r.c;
    return BP_OK;
}

bp_status bp__columns_find(bp__csv_text *text, bool need_symbol, bp__columns *columns)
{
    text->head_only = true; /* all of it can be read again, with another separator */
    const bp_status s = find(text, need_symbol, columns);
    text->head_only = false;
    return s;
}
