/* What the readers of a bundle tell of one asset: who it is, its last week as traded and adjusted, its
 * dividends.
 *
 *     readers FOLDER BUNDLE [SYMBOL]
 *
 *     cc -o readers readers.c $(pkg-config --cflags --libs bundlepool) */
#include <stdio.h>
#include <time.h>

#include <bundlepool/bundle.h>
#include <bundlepool/reader.h>

enum { DAYS = 5 };

static const char *date(int64_t time, char text[16])
{
    struct tm day;
    const time_t seconds = (time_t)(time / 1000000000);
    if (time == BP_TIME_MISSING || !gmtime_r(&seconds, &day) || strftime(text, 16, "%Y-%m-%d", &day) == 0)
        return "-";
    return text;
}

/* The one that is asked for, as of the bundle's last session, or the first of all. */
static bp_status choose(const bp_reader *reader, const char *symbol, int64_t *sid)
{
    if (symbol)
        return bp_reader_lookup_symbol(reader, symbol, bp_reader_last_session(reader), BP_LOOKUP_FUZZY, sid);
    *sid = bp_reader_num_assets(reader) > 0 ? bp_reader_sids(reader)[0] : 0;
    return BP_OK;
}

static bp_status tell_who(const bp_reader *reader, int64_t sid)
{
    bp_asset asset = bp_asset_init();
    char from[16], to[16];
    bp_status s = bp_reader_retrieve_asset(reader, sid, &asset);
    if (s != BP_OK) return s;
    printf("%s, %s, sid %lld, %s, %s, listed %s to %s\n", asset.symbol, asset.name, (long long)sid,
           asset.exchange, asset.currency, date(asset.start_date, from), date(asset.end_date, to));
    return BP_OK;
}

/* The last sessions on which it was there, and the same as they look from the last day of the bundle. */
static bp_status tell_prices(const bp_bundle *bundle, const bp_reader *reader, int64_t sid)
{
    const int64_t *session = bp_bundle_sessions(bundle);
    double traded[DAYS], adjusted[DAYS], volume[DAYS];
    size_t last = 0, num = 0;
    int64_t end;
    char day[16];
    bp_status s = bp_reader_daily_last_traded(reader, sid, bp_reader_last_session(reader), &end);
    if (s != BP_OK) return s;
    if (end == BP_TIME_MISSING) {
        puts("never traded");
        return BP_OK;
    }
    s = bp_reader_window(reader, sid, BP_FIELD_CLOSE, end, DAYS, end, BP_ADJUST_NONE, traded);
    if (s == BP_OK)
        s = bp_reader_window(reader, sid, BP_FIELD_CLOSE, end, DAYS, bp_reader_last_session(reader),
                             BP_ADJUST_ALL, adjusted);
    if (s == BP_OK)
        s = bp_reader_window(reader, sid, BP_FIELD_VOLUME, end, DAYS, end, BP_ADJUST_NONE, volume);
    if (s == BP_OK) s = bp_reader_daily_range(reader, end, end, &last, &num);
    for (size_t i = 0; s == BP_OK && i < DAYS; i++)
        if (last + 1 + i >= DAYS)
            printf("%s close %.3f adjusted %.3f volume %.0f\n", date(session[last + 1 + i - DAYS], day),
                   traded[i], adjusted[i], volume[i]);
    return s;
}

static bp_status tell_dividends(const bp_reader *reader, int64_t sid)
{
    bp_dividend paid[DAYS];
    size_t count;
    char ex[16], pay[16];
    bp_status s = bp_reader_dividends(reader, INT64_MIN, INT64_MAX, &sid, 1, paid, DAYS, &count);
    if (s != BP_OK) return s;
    printf("%zu dividends\n", count);
    for (size_t i = 0; i < count && i < DAYS; i++)
        printf("ex %s, paid %s: %.4f per share\n", date(paid[i].ex_date, ex), date(paid[i].pay_date, pay),
               paid[i].amount);
    return BP_OK;
}

int main(int argc, char **argv)
{
    const bp_bundle *bundle = NULL;
    bp_reader *reader = NULL;
    int64_t sid = 0;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: readers FOLDER BUNDLE [SYMBOL]\n");
        return 2;
    }
    bp_status s = bp_bundle_load(argv[1], argv[2], &bundle);
    if (s == BP_OK) s = bp_reader_create(bundle, &reader);
    if (s == BP_OK) s = choose(reader, argv[3], &sid);
    if (s == BP_OK) s = tell_who(reader, sid);
    if (s == BP_OK) s = tell_prices(bundle, reader, sid);
    if (s == BP_OK) s = tell_dividends(reader, sid);
    if (s != BP_OK) fprintf(stderr, "%s: %s\n", bp_status_name(s), bp_error_text());
    bp_reader_destroy(&reader);
    bp_bundle_release(&bundle);
    return s != BP_OK;
}
