#!/bin/bash
# bundle info: coverage of each asset, and what is not known.
. "$(dirname "$0")/common.sh"
need_python json
head='date,open,high,low,close,volume,dividend,split'
mkdir -p csv/daily csv/minute
printf '%s\n' "$head" 2020-01-02,1,1,1,1,1,0,1 2020-01-03,1,1,1,1,1,0.1,1 2020-01-06,1,1,1,1,1,0,2 2020-01-07,1,1,1,1,1,0,1 >csv/daily/ALL.csv
printf '%s\n' "$head" 2020-01-03,1,1,1,1,1,0,1 2020-01-07,1,1,1,1,1,0,1 >csv/daily/SOME.csv
printf 'date,open,high,low,close,volume\n2020-01-06 15:00:00,1,1,1,1,1\n2020-01-06 15:01:00,1,1,1,1,1\n' >csv/minute/TICK.csv
run 0 ingest csvdir csv mine
run 0 info mine --assets --json
coverage() { field '[tuple(c.values()) for c in j["coverage"]]'; }
same "$(field 'list(j["coverage"][0])')" \
    "['sid', 'symbol', 'first_bar', 'last_bar', 'sessions', 'missing', 'splits', 'dividends', 'minute_bars', 'factor']" "fields"
same "$(coverage)" "[(0, 'ALL', '2020-01-02', '2020-01-07', 4, 0, 1, 1, 0, None), (1, 'SOME', '2020-01-03', '2020-01-07', 2, 1, 0, 0, 0, None), (2, 'TICK', None, None, 0, 0, 0, 0, 2, None)]" "coverage"
same "$(field '"calendar" in j["not_known"]')" True "the calendar"
same "$(field '"country" in j["not_known"]')" True "the country, that of a file without any"
run 0 info mine --assets
grep -qE '^ +1  SOME +2020-01-03  2020-01-07 +2 +1 +0 +0 +0 +-$' out || fail "a row: $out"
run 0 info mine --json
same "$(field '"coverage" in j')" False "coverage that was not asked for"
run 0 info mine
grep -qE '^not known +calendar' out || fail "what is not known: $out"

# the time zone of the exchange: a calendar that has one says it, and --timezone
zone() { field '"time zone" in j["not_known"].split(", ")'; }
run 0 info mine --json
same "$(zone)" True "a time zone that nobody said"
for known in --calendar=XNYS --calendar=24/7 --timezone=Asia/Tokyo; do
    run 0 ingest csvdir csv zoned "$known"
    run 0 info zoned --json
    same "$(zone)" False "the time zone by $known"
done
run 0 export csvdir mine other
sed -i 's/^calendar_name,.*/calendar_name,XFOO/' other/bundle.csv # a calendar of which we know the name alone
run 0 ingest csvdir other other --date-format=YYYY-MM-DD
run 0 info other --json
same "$(zone)" True "the time zone of XFOO"

# of a bundle that says everything
run 0 demo demo --assets 3 --days 30
run 0 info demo --json
same "$(field 'j["not_known"]')" "" "what the demo does not know"

# a price of 1e-6 beside one of 400000: each has a factor of its own
printf '%s\n' "$head" 2020-01-02,0.000001,0.000001,0.000001,0.000001,1,0,1 >csv/daily/SOME.csv
printf '%s\n' "$head" 2020-01-02,400000,400000,400000,400000,1,0,1 >csv/daily/ALL.csv
run 0 ingest csvdir csv mine
run 0 info mine --assets --json
same "$(field 'j["coverage"][0]["factor"] < j["coverage"][1]["factor"]')" True "factors"

# one name, two options: each command has its own
refused 2 "--assets=3: this option takes no value" info mine --assets=3
refused 2 "--assets: 'x' is not a whole number" demo x --assets x
run 0 info --assets mine
finish
