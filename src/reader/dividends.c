#include "core/day.h"
#include "core/status.h"
#include "reader/reader.h"

/* Ex-dates from … to of the i-th sid that is asked for, or of all. */
typedef struct question {
    int64_t from, to;
    const int64_t *sids; /* NULL: all, which are one range of the table */
    size_t num;
} question;

static bp_status check(const bp_reader *r, int64_t from, int64_t to)
{
    char first[32], last[32];
    if (from <= to) return BP_OK;
    BP_FAIL(BP_EINVAL, "%s: ex-dates from %s to %s: that is backwards", bp__reader_name(r),
            bp__time_text(from, first), bp__time_text(to, last));
}

typedef void put_row(const bp_reader *r, size_t row, void *out, size_t at);

/* Rows of one sid, which is in begin … end-1 of the table. */
static size_t put_sid(const bp_reader *r, const bp__dated *table, const question *q, size_t begin, size_t end,
                      put_row *put, void *out, size_t room, size_t n)
{
    for (size_t i = bp__dated_below(table, begin, end, q->from); i < end && table->date[i] <= q->to; i++, n++)
        if (n < room) put(r, i, out, n);
    return n;
}

static size_t put_all(const bp_reader *r, const bp__dated *table, const question *q, put_row *put, void *out,
                      size_t room)
{
    size_t n = 0, begin = 0;
    for (size_t i = 0; q->sids && i < q->num; i++) {
        const size_t end = bp__dated_rows(table, q->sids[i], &begin);
        n = put_sid(r, table, q, begin, end, put, out, room, n);
    }
    for (begin = 0; !q->sids && begin < table->sid.n;) {
        const size_t end = bp__sorted_upto(&table->sid, table->sid.at[begin]);
        n = put_sid(r, table, q, begin, end, put, out, room, n);
        begin = end;
    }
    return n;
}

static void put_dividend(const bp_reader *r, size_t row, void *out, size_t at)
{
    ((bp_dividend *)out)[at] = (bp_dividend){
        .sid = r->payout.sid.at[row],
        .ex_date = r->payout.date[row],
        .declared_date = r->payout_declared[row],
        .record_date = r->payout_record[row],
        .pay_date = r->payout_pay[row],
        .amount = r->payout.value[row],
    };
}

static void put_stock_dividend(const bp_reader *r, size_t row, void *out, size_t at)
{
    ((bp_stock_dividend *)out)[at] = (bp_stock_dividend){
        .sid = r->stock.sid.at[row],
        .ex_date = r->stock.date[row],
        .declared_date = r->stock_declared[row],
        .record_date = r->stock_record[row],
        .pay_date = r->stock_pay[row],
        .payment_sid = r->stock_payment[row],
        .ratio = r->stock.value[row],
    };
}

bp_status bp_reader_dividends(const bp_reader *reader, int64_t from, int64_t to, const int64_t *sids,
                              size_t num_sids, bp_dividend *out, size_t room, size_t *count)
{
    const question q = {from, to, sids, num_sids};
    BP_TRY(check(reader, from, to));
    *count = put_all(reader, &reader->payout, &q, put_dividend, out, room);
    return BP_OK;
}

bp_status bp_reader_stock_dividends(const bp_reader *reader, int64_t from, int64_t to, const int64_t *sids,
                                    size_t num_sids, bp_stock_dividend *out, size_t room, size_t *count)
{
    const question q = {from, to, sids, num_sids};
    BP_TRY(check(reader, from, to));
    *count = put_all(reader, &reader->stock, &q, put_stock_dividend, out, room);
    return BP_OK;
}
